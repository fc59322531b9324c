//! The moment at which an attempt begins to ask, which may be long after it was started: it may wait for its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::channel::mpsc;

use super::attempt::Call;
use super::{Notice, Observer, trace};
use crate::agent::Queued;
use crate::id::Timestamp;

/// Where attempts say that they have begun.
pub(super) type Beginnings = mpsc::UnboundedSender<Begun>;

/// An attempt that has begun, and goes on.
pub(super) struct Begun {
    pub(super) step: u32,
    pub(super) number: u32,
    /// When, if it has waited for its turn.
    pub(super) at: Option<Timestamp>,
}

/// Tells once that an attempt has begun: when it does not wait for its turn, or does not any more.
pub(super) struct Beginning<'a> {
    call: &'a Call,
    queued: &'a Queued,
    listener: Option<&'a Arc<Observer>>,
    has_waited: AtomicBool,
    has_begun: AtomicBool,
}

impl<'a> Beginning<'a> {
    pub(super) fn new(
        call: &'a Call,
        queued: &'a Queued,
        listener: Option<&'a Arc<Observer>>,
    ) -> Self {
        Beginning {
            call,
            queued,
            listener,
            has_waited: AtomicBool::new(false),
            has_begun: AtomicBool::new(false),
        }
    }

    /// Tells that the attempt has begun, unless it waits or that is told.
    pub(super) fn note(&self) {
        if self.queued.is_waiting() {
            self.has_waited.store(true, Ordering::Relaxed);
            return;
        }
        if self.has_begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let Call {
            execution,
            plan,
            step,
            number,
            ..
        } = self.call;
        let step = plan.key(*step as usize);
        // Of one that did not wait, its span tells as much.
        if self.has_waited.load(Ordering::Relaxed) {
            trace::begun(step, *number);
        }
        if let Some(listener) = self.listener {
            listener(&Notice::AttemptStarted {
                execution,
                step,
                attempt: *number,
            });
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }
}
