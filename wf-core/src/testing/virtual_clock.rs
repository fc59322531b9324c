//! Time that passes only when nothing else can happen.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::clock::Clock;
use crate::id::Timestamp;

/// A clock for tests: hours of backoff pass in no time, and every run takes the same course.
///
/// Time stands still while a future under [`run`](VirtualClock::run) can go on, and jumps to the next wait
/// when it cannot. Clones show the same time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use wf_core::clock::Clock;
/// use wf_core::testing::VirtualClock;
///
/// let clock = VirtualClock::new();
/// clock.run(clock.sleep(Duration::from_secs(86_400)))?;
/// assert_eq!(clock.elapsed(), Duration::from_secs(86_400));
/// # Ok::<(), wf_core::testing::Stuck>(())
/// ```
#[derive(Clone, Default)]
pub struct VirtualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    elapsed: Duration,
    /// How far the wall clock is ahead of where it began, beyond `elapsed`, in milliseconds.
    jumped: i64,
    waits: BTreeMap<(Duration, u64), Option<Waker>>,
    next: u64,
}

/// Where the wall clock of a [`VirtualClock`] begins: 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600_000;

impl VirtualClock {
    /// A clock that begins at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        VirtualClock::default()
    }

    /// Runs `future` to its end on this thread, moving time on whenever it waits.
    ///
    /// # Errors
    ///
    /// [`Stuck`] when the future waits for something that no passing of time will bring.
    pub fn run<F: Future>(&self, future: F) -> Result<F::Output, Stuck> {
        struct Flag(AtomicBool);

        impl Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::SeqCst);
            }
        }

        let mut future = pin!(future);
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Ok(output);
            }
            if !flag.0.swap(false, Ordering::SeqCst) && !self.advance() {
                return Err(Stuck(()));
            }
        }
    }

    /// Lets time pass, as work that takes time would.
    pub fn pass(&self, duration: Duration) {
        let end = self.elapsed().saturating_add(duration);
        loop {
            let next = self
                .state()
                .waits
                .first_key_value()
                .map(|(&(due, _), _)| due);
            if next.is_none_or(|due| due > end) || !self.advance() {
                break;
            }
        }
        self.state().elapsed = end;
    }

    /// Moves the wall clock by that many milliseconds, forwards or backwards, and nothing else.
    pub fn jump(&self, millis: i64) {
        self.state().jumped += millis;
    }

    /// Moves on to the next moment at which something waits to be woken; false when there is none.
    fn advance(&self) -> bool {
        let mut state = self.state();
        let Some((&(due, _), _)) = state.waits.first_key_value() else {
            return false;
        };
        state.elapsed = state.elapsed.max(due);
        let later = state.waits.split_off(&(due, u64::MAX));
        let over = std::mem::replace(&mut state.waits, later);
        drop(state);
        for waker in over.into_values().flatten() {
            waker.wake();
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let state = self.state();
        Timestamp::from_millis(BEGIN + state.jumped).after(state.elapsed)
    }

    fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.state();
        let wait = Wait {
            clock: self.clone(),
            key: (state.elapsed.saturating_add(duration), state.next),
        };
        state.next += 1;
        state.waits.insert(wait.key, None);
        drop(state);
        Box::pin(async move {
            poll_fn(|cx| wait.poll(cx)).await;
        })
    }
}

/// One wait; gives its place up when it is dropped.
struct Wait {
    clock: VirtualClock,
    key: (Duration, u64),
}

impl Wait {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.clock.state().waits.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.clock.state().waits.remove(&self.key);
    }
}

/// A future waits for something that no passing of time will bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck(());

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the future waits for something that no passing of time will bring")
    }
}

impl std::error::Error for Stuck {}

#[cfg(test)]
mod tests {
    use futures::future;

    use super::*;

    #[test]
    fn waits_end_in_the_order_in_which_they_are_due() {
        let clock = VirtualClock::new();
        let waits = [3, 1, 2].map(|seconds| {
            let (wait, clock) = (clock.sleep(Duration::from_secs(seconds)), clock.clone());
            async move {
                wait.await;
                clock.elapsed().as_secs()
            }
        });
        assert_eq!(clock.run(future::join_all(waits)).unwrap(), [3, 1, 2]);
    }

    #[test]
    fn a_wait_that_is_given_up_moves_nothing() {
        let clock = VirtualClock::new();
        drop(clock.sleep(Duration::from_secs(60)));
        clock.run(clock.sleep(Duration::from_secs(1))).unwrap();
        assert_eq!(clock.elapsed(), Duration::from_secs(1));
    }

    #[test]
    fn waiting_for_nothing_is_told() {
        assert_eq!(
            VirtualClock::new().run(future::pending::<()>()),
            Err(Stuck(()))
        );
    }

    #[test]
    fn time_that_passes_by_hand_ends_the_waits_on_its_way() {
        let clock = VirtualClock::new();
        let short = clock.sleep(Duration::from_secs(1));
        let mut long = clock.sleep(Duration::from_secs(3));
        clock.pass(Duration::from_secs(2));
        assert_eq!(clock.elapsed(), Duration::from_secs(2));
        clock.run(short).unwrap();
        assert!(futures::FutureExt::now_or_never(&mut long).is_none());
    }

    #[test]
    fn the_wall_clock_jumps_alone() {
        let clock = VirtualClock::new();
        let before = clock.now();
        clock.jump(-5000);
        assert_eq!(clock.now().millis(), before.millis() - 5000);
        assert_eq!(clock.elapsed(), Duration::ZERO);
    }
}
