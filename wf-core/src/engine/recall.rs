//! Calling back the attempts that still wait for their turn, when nothing is to start any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

/// Says to the attempts of a run that those which have not had their turn shall not take it.
#[derive(Debug, Default)]
pub(super) struct Recall {
    called: AtomicBool,
    /// Those who wait for their turn; one that has had it is woken for nothing.
    waiting: Mutex<Vec<Waker>>,
}

impl Recall {
    /// Calls back what waits, now and from now on.
    pub(super) fn call(&self) {
        if self.called.swap(true, Ordering::SeqCst) {
            return;
        }
        let waiting =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether the attempt of this waker, which waits, is called back; it is woken when it is.
    pub(super) fn is_called(&self, waker: &Waker) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: whoever calls back sets this first, and then wakes all that are here.
        if self.called.load(Ordering::SeqCst) {
            return true;
        }
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        false
    }
}
