//! How many attempts may start in a while.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use wf_model::parse_duration;

/// So many starts in so long: `50/s`, `10/m`, `100/h`, `1000/d`, or with a duration `5/30s`.
///
/// ```
/// use wf_agents::RateLimit;
/// use std::time::Duration;
///
/// let limit = RateLimit::parse("10/m").unwrap();
/// assert_eq!((limit.starts(), limit.window()), (10, Duration::from_secs(60)));
/// assert_eq!(limit.to_string(), "10/1m");
/// assert!(RateLimit::parse("0/m").is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    starts: NonZeroU32,
    window: Duration,
}

impl RateLimit {
    /// At most `starts` in any time as long as `window`; none where that is no time at all.
    pub const fn new(starts: NonZeroU32, window: Duration) -> Option<Self> {
        if window.is_zero() {
            return None;
        }
        Some(RateLimit { starts, window })
    }

    /// Reads a number of at least 1, `/`, and `s`, `m`, `h`, `d` or a duration that is not zero.
    pub fn parse(text: &str) -> Option<Self> {
        let (starts, window) = text.split_once('/')?;
        let window = match window.trim() {
            unit @ ("s" | "m" | "h" | "d") => parse_duration(&format!("1{unit}")),
            other => parse_duration(other),
        };
        RateLimit::new(starts.trim().parse().ok()?, window.ok()?)
    }

    /// How many may start.
    pub const fn starts(self) -> u32 {
        self.starts.get()
    }

    /// In which time.
    pub const fn window(self) -> Duration {
        self.window
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = wf_model::format_duration(self.window);
        write!(f, "{}/{window}", self.starts)
    }
}

/// Keeps a limit: never more starts in any window, wherever it begins.
pub(super) struct Rate {
    most: usize,
    window: Duration,
    /// The latest starts, the oldest first, no more than may be in one window. The lock is fair: whoever
    /// holds it is the first of those who wait.
    starts: Mutex<VecDeque<Instant>>,
}

impl Rate {
    pub(super) fn new(limit: RateLimit) -> Self {
        // Kept a little longer than it says: a start takes a moment to arrive where it is counted, and a
        // later one may be quicker.
        let slack = (limit.window() / 20).min(Duration::from_millis(100));
        Rate {
            most: usize::try_from(limit.starts()).unwrap_or(usize::MAX),
            window: limit.window().saturating_add(slack),
            starts: Mutex::new(VecDeque::new()),
        }
    }

    /// Waits until one more may start, and counts it.
    ///
    /// # Cancellation
    ///
    /// Who is dropped while waiting is not counted, and holds up nobody.
    pub(super) async fn start(&self) {
        let mut starts = self.starts.lock().await;
        if starts.len() >= self.most
            && let Some(oldest) = starts.front()
        {
            match oldest.checked_add(self.window) {
                Some(free) => sleep_until(free).await,
                // A window too long to be reckoned with never ends.
                None => std::future::pending().await,
            }
            starts.pop_front();
        }
        starts.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex as Shared};

    use super::*;

    fn limit(text: &str) -> RateLimit {
        RateLimit::parse(text).unwrap()
    }

    #[test]
    fn limits_are_read_in_every_unit() {
        for (text, starts, window) in [
            ("50/s", 50, 1),
            ("10/m", 10, 60),
            (" 100 / h ", 100, 3600),
            ("1/d", 1, 86_400),
            ("5/30s", 5, 30),
        ] {
            let limit = limit(text);
            assert_eq!(
                (limit.starts(), limit.window().as_secs()),
                (starts, window),
                "{text}"
            );
        }
        for text in [
            "", "10", "/m", "10/", "0/s", "-1/s", "1.5/s", "10/x", "10/0s", "10/m/s",
        ] {
            assert_eq!(RateLimit::parse(text), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_wherever_it_begins_has_more_starts_than_the_limit() {
        let rate = Arc::new(Rate::new(limit("50/s")));
        let starts = Arc::new(Shared::new(Vec::new()));
        let begin = Instant::now();
        // Some come together, and some one by one.
        let all = (0..200_u64).map(|number| {
            let (rate, starts) = (Arc::clone(&rate), Arc::clone(&starts));
            let comes = Duration::from_millis(if number < 80 { 0 } else { number * 7 });
            async move {
                tokio::time::sleep(comes).await;
                rate.start().await;
                starts.lock().unwrap().push(begin.elapsed());
            }
        });
        futures::future::join_all(all).await;
        let starts = starts.lock().unwrap();
        assert_eq!(starts.len(), 200);
        assert!(starts.is_sorted());
        for window in starts.windows(51) {
            assert!(
                window[50] - window[0] > Duration::from_secs(1),
                "{window:?}"
            );
        }
        // It is a limit, and no more than that: four windows are enough.
        assert!(starts[199] < Duration::from_secs(4), "{:?}", starts[199]);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_come_in_order_and_those_who_gave_up_hold_up_nobody() {
        let rate = Arc::new(Rate::new(limit("1/m")));
        rate.start().await;
        let order = Arc::new(Shared::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..4 {
            let (rate, order) = (Arc::clone(&rate), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                rate.start().await;
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        // The first in line and one further back give up.
        waiting.remove(2).abort();
        waiting.remove(0).abort();
        let begin = Instant::now();
        futures::future::join_all(waiting).await;
        assert_eq!(*order.lock().unwrap(), [1, 3]);
        // Each had a minute to itself; nothing was counted for those who gave up.
        let took = begin.elapsed().as_secs();
        assert!((120..122).contains(&took), "{took}");
    }
}
