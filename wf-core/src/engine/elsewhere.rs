//! Work that takes long on large values, on a thread of its own: the task that drives a run must not stand still.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use futures::channel::oneshot;

use crate::agent::{Interim, InterimSlot, StepError};

/// What has fewer bytes is dealt with where it stands: a thread costs about as much as looking through so many.
pub(super) const LARGE: usize = 64 << 10;

/// Runs `work` on a thread of its own, and waits for what it gives; where there is no thread to be had, it is run here.
///
/// Dropping the future ends the wait, not the work, which must be bounded.
///
/// # Errors
///
/// A terminal [`StepError`] when the work panicked.
pub(super) async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StepError> + Send + 'static,
) -> Result<T, StepError> {
    let (done, awaited) = oneshot::channel();
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&work);
    let thread = std::thread::Builder::new().name("wf-work".into());
    let spawned = thread.spawn(move || {
        if let Some(work) = take(&theirs) {
            let answer = catch_unwind(AssertUnwindSafe(work));
            // Nobody waits for an attempt that is over.
            let _ = done.send(answer);
        }
    });
    if spawned.is_err()
        && let Some(work) = take(&work)
    {
        return work();
    }
    match awaited.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(StepError::terminal("looking at a large value panicked")),
    }
}

/// What was left in a slot, taken without holding others up.
///
/// # Errors
///
/// A [`StepError`] when what was left panicked.
pub(super) async fn taken(slot: &InterimSlot) -> Result<Option<Interim>, StepError> {
    if !slot.is_slow() {
        return Ok(slot.take());
    }
    let slot = slot.clone();
    elsewhere(move || Ok(slot.take())).await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn work_is_done_on_another_thread() {
        let here = std::thread::current().id();
        let there = block_on(elsewhere(|| Ok(std::thread::current().id()))).unwrap();
        assert_ne!(here, there);
    }

    #[test]
    fn a_panic_is_an_error_of_the_step() {
        let error =
            block_on(elsewhere::<()>(|| std::panic::resume_unwind(Box::new(())))).unwrap_err();
        assert!(!error.is_retryable());
    }
}
