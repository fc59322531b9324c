//! The moment at which an attempt begins to ask, which may be long after it was started: it may wait for its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::channel::mpsc;

use super::{Notice, Observer, trace};
use crate::agent::Queued;
use crate::id::{ExecutionId, Timestamp};

/// Where attempts report that they have begun.
pub(super) type Beginnings = mpsc::UnboundedSender<Begun>;

/// When an attempt started, on both clocks.
#[derive(Clone, Copy)]
pub(super) struct Started {
    pub(super) at: Timestamp,
    pub(super) elapsed: Duration,
}

impl Started {
    /// The moment `elapsed` as far after the start as it really is, however the wall clock has jumped since.
    pub(super) fn moment(self, elapsed: Duration) -> Timestamp {
        self.at.after(elapsed.saturating_sub(self.elapsed))
    }
}

/// An attempt that has begun, and goes on.
pub(super) struct Begun {
    pub(super) step: u32,
    pub(super) number: u32,
    /// When, if it has waited for its turn.
    pub(super) at: Option<Timestamp>,
}

/// Reports once that an attempt has begun: when it does not wait for its turn, or does not any more.
pub(super) struct Beginning<'a> {
    execution: &'a ExecutionId,
    /// The step's key.
    step: &'a str,
    /// Which attempt.
    number: u32,
    queued: &'a Queued,
    listener: Option<&'a Arc<Observer>>,
    has_waited: AtomicBool,
    has_begun: AtomicBool,
}

impl<'a> Beginning<'a> {
    pub(super) fn new(
        execution: &'a ExecutionId,
        (step, number): (&'a str, u32),
        queued: &'a Queued,
        listener: Option<&'a Arc<Observer>>,
    ) -> Self {
        Beginning {
            execution,
            step,
            number,
            queued,
            listener,
            has_waited: AtomicBool::new(false),
            has_begun: AtomicBool::new(false),
        }
    }

    /// Reports that the attempt has begun, unless it waits or that was reported.
    pub(super) fn note(&self) {
        if self.queued.is_waiting() {
            self.has_waited.store(true, Ordering::Relaxed);
            return;
        }
        if self.has_begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let Beginning {
            execution,
            step,
            number,
            ..
        } = *self;
        // Of one that did not wait, its span tells as much.
        if self.has_waited.load(Ordering::Relaxed) {
            trace::begun(step, number);
        }
        if let Some(listener) = self.listener {
            listener(&Notice::AttemptStarted {
                execution,
                step,
                attempt: number,
            });
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }
}
