//! Work that takes long on large values, on a thread of its own: the one that drives runs must not stand still.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// What has fewer bytes is dealt with where it stands: a thread costs about as much as looking through so many.
pub(super) const LARGE: usize = 64 * 1024;

/// Does the work on a value of so many bytes, and gives what it gives: beside the calling thread where the value is large,
/// unless there is no thread to be had.
///
/// Dropping the future ends the wait, not the work, which must be bounded.
///
/// # Panics
///
/// When the work does.
pub(super) async fn aside<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if size < LARGE {
        return work();
    }
    let (done, awaited) = oneshot::channel();
    // Taken by whoever does it: the thread, or this function when no thread can be started.
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&work);
    let thread = std::thread::Builder::new().name("ax-work".into());
    let spawned = thread.spawn(move || {
        if let Some(work) = take(&theirs) {
            // Nobody waits for an attempt that is over.
            let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        }
    });
    if spawned.is_err()
        && let Some(work) = take(&work)
    {
        return work();
    }
    match awaited.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => resume_unwind(Box::new("a thread ended without an answer")),
    }
}

/// Notes that the calling thread looks at so many bytes of an answer.
#[cfg(not(test))]
pub(super) const fn looked_at(_: usize) {}

#[cfg(test)]
pub(super) fn looked_at(bytes: usize) {
    LOOKED_AT.with(|looked| looked.set(looked.get() + bytes));
}

#[cfg(test)]
thread_local! {
    /// How many bytes of answers a thread has looked at.
    pub(super) static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use std::thread::current;

    use futures::executor::block_on;

    use super::*;

    #[test]
    fn work_on_a_large_value_is_done_on_another_thread() {
        let here = current().id();
        assert_eq!(block_on(aside(LARGE - 1, || current().id())), here);
        assert_ne!(block_on(aside(LARGE, || current().id())), here);
    }

    #[test]
    fn a_panic_is_one_of_who_waits() {
        let work = || -> () { resume_unwind(Box::new("no")) };
        let panic = catch_unwind(|| block_on(aside(LARGE, work))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"no"));
    }
}
