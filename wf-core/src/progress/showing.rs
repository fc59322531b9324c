//! Steps that run long enough to be shown as running.

use std::time::Duration;

use super::{Now, Progress};
use crate::id::Timestamp;

/// A step that is still going after this long is shown as running.
const MOMENT: Duration = Duration::from_millis(100);

impl Progress {
    /// Notes that an attempt has begun and not ended at once, and when it is to be shown as running.
    pub(super) fn note_begun(&mut self, step: u32, number: u32, at: Option<Timestamp>, now: Now) {
        if !self.steps.is_running(step, number) {
            return;
        }
        if let Some(at) = at {
            self.steps.begin(step, number, at);
        }
        self.forget_shown();
        self.unshown.push_back((now.elapsed + MOMENT, step, number));
    }

    pub(super) fn is_anything_to_show(&mut self, now: Now) -> bool {
        self.forget_shown();
        self.unshown
            .front()
            .is_some_and(|&(due, ..)| due <= now.elapsed)
    }

    /// Drops the steps from the front of the queue that need not be shown as running any more.
    fn forget_shown(&mut self) {
        while let Some(&(_, step, number)) = self.unshown.front()
            && !self.steps.is_hidden(step, number)
        {
            self.unshown.pop_front();
        }
    }

    /// Records that steps are running whose rows do not say so yet, those started first.
    pub(super) fn show(&mut self, now: Now) {
        while let Some((_, step, number)) =
            self.unshown.pop_front_if(|(due, ..)| *due <= now.elapsed)
        {
            if self.steps.is_running(step, number) {
                self.steps.show(step);
            }
        }
    }
}
