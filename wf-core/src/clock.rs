//! The seam to time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::channel::oneshot;
use futures::future::BoxFuture;

use crate::id::Timestamp;

/// Tells the time and waits.
pub trait Clock: Send + Sync + 'static {
    /// The moment on the wall clock, which may jump.
    fn now(&self) -> Timestamp;

    /// The time since a moment that is fixed for this clock; never runs backwards.
    fn elapsed(&self) -> Duration;

    /// Completes `duration` from now, by [`elapsed`](Clock::elapsed). Dropping the future ends the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clock.
///
/// Needs no executor's timer: waits are kept by one thread, which starts with the first wait and ends with
/// the clock. An executor that has a timer of its own can be given to the engine as another [`Clock`].
pub struct SystemClock {
    origin: Instant,
    waits: Arc<Waits>,
}

impl SystemClock {
    /// A clock whose thread has not started yet.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        SystemClock {
            origin: Instant::now(),
            waits: Arc::default(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_millis()).map_or(i64::MIN, i64::wrapping_neg)
            }
        };
        Timestamp::from_millis(millis)
    }

    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (wake, woken) = oneshot::channel();
        // A wait that is too long to be expressed never ends.
        if let Some(due) = self
            .elapsed()
            .checked_add(duration)
            .and_then(|due| self.origin.checked_add(due))
        {
            self.waits.add(due, wake);
            Box::pin(async move {
                // The sender is dropped only when the clock is: a wait without a clock is over.
                let _ = woken.await;
            })
        } else {
            Box::pin(futures::future::pending())
        }
    }
}

impl Drop for SystemClock {
    fn drop(&mut self) {
        let mut schedule = self.waits.lock();
        schedule.closed = true;
        schedule.due.clear();
        self.waits.changed.notify_one();
    }
}

/// The waits that are under way, shared with the thread that ends them.
#[derive(Default)]
struct Waits {
    schedule: Mutex<Schedule>,
    changed: Condvar,
}

#[derive(Default)]
struct Schedule {
    due: BinaryHeap<Reverse<Wait>>,
    /// How many waits there are when those that were given up are next swept out.
    sweep_at: usize,
    running: bool,
    closed: bool,
}

struct Wait {
    due: Instant,
    wake: oneshot::Sender<()>,
}

impl Waits {
    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(self: &Arc<Self>, due: Instant, wake: oneshot::Sender<()>) {
        let mut schedule = self.lock();
        let first = schedule
            .due
            .peek()
            .is_none_or(|Reverse(first)| due < first.due);
        schedule.sweep();
        schedule.due.push(Reverse(Wait { due, wake }));
        if !schedule.running {
            let waits = Arc::clone(self);
            // Without a thread the wait would never end; dropping its sender ends it at once instead.
            match std::thread::Builder::new()
                .name("wf-clock".into())
                .spawn(move || keep(&waits))
            {
                Ok(_) => schedule.running = true,
                Err(_) => schedule.due.clear(),
            }
        } else if first {
            self.changed.notify_one();
        }
    }
}

impl Schedule {
    /// Drops the waits that were given up, whenever their number may have doubled.
    fn sweep(&mut self) {
        if self.due.len() >= self.sweep_at {
            self.due.retain(|Reverse(wait)| !wait.wake.is_canceled());
            self.sweep_at = (2 * self.due.len()).max(64);
        }
    }
}

/// Ends waits as they fall due, until the clock is gone.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn keep(waits: &Waits) {
    let mut schedule = waits.lock();
    while !schedule.closed {
        let now = Instant::now();
        match schedule.due.peek() {
            Some(Reverse(first)) if first.due <= now => {
                if let Some(Reverse(wait)) = schedule.due.pop() {
                    // Nobody may be waiting any more.
                    let _ = wait.wake.send(());
                }
            }
            Some(Reverse(first)) => {
                let rest = first.due - now;
                schedule = match waits.changed.wait_timeout(schedule, rest) {
                    Ok((schedule, _)) => schedule,
                    Err(poisoned) => poisoned.into_inner().0,
                };
            }
            None => {
                schedule = waits
                    .changed
                    .wait(schedule)
                    .unwrap_or_else(PoisonError::into_inner)
            }
        }
    }
}

impl PartialEq for Wait {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Wait {}

impl PartialOrd for Wait {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wait {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn a_wait_ends_no_earlier_than_asked() {
        let clock = SystemClock::new();
        let before = clock.elapsed();
        block_on(clock.sleep(Duration::from_millis(20)));
        assert!(clock.elapsed() - before >= Duration::from_millis(20));
    }

    #[test]
    fn a_shorter_wait_that_is_asked_for_later_ends_first() {
        let clock = SystemClock::new();
        let long = clock.sleep(Duration::from_secs(3600));
        let short = clock.sleep(Duration::from_millis(5));
        let first = block_on(futures::future::select(long, short));
        assert!(matches!(first, futures::future::Either::Right(_)));
    }

    #[test]
    fn dropping_the_clock_ends_its_waits() {
        let clock = SystemClock::new();
        let wait = clock.sleep(Duration::from_secs(3600));
        drop(clock);
        block_on(wait);
    }

    #[test]
    fn waits_that_are_given_up_do_not_pile_up() {
        let clock = SystemClock::new();
        let kept = clock.sleep(Duration::from_secs(3600));
        for _ in 0..10_000 {
            drop(clock.sleep(Duration::from_secs(3600)));
        }
        assert!(clock.waits.lock().due.len() <= 65);
        drop(kept);
    }

    #[test]
    fn a_wait_longer_than_time_itself_can_be_asked_for() {
        let clock = SystemClock::new();
        let endless = clock.sleep(Duration::MAX);
        let short = clock.sleep(Duration::from_millis(1));
        assert!(matches!(
            block_on(futures::future::select(endless, short)),
            futures::future::Either::Right(_)
        ));
    }
}
