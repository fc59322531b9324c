//! From a commit that has landed to what follows it.

use std::cmp::Reverse;
use std::time::Duration;

use super::transitions::Next;
use super::{Now, Progress};
use crate::id::Timestamp;
use crate::lifecycle::{AnyExecution, Committed, Unconfirmed};

/// Where an execution stands.
pub(super) enum At {
    /// In a state.
    State(AnyExecution),
    /// On a path whose commit is under way.
    Committing(Committing),
    /// Nothing is left to do.
    Over,
}

/// A commit that is under way, and what follows when it has landed.
pub(super) struct Committing {
    pub(super) unconfirmed: Unconfirmed,
    pub(super) rows: usize,
    /// The end of the drive, if the commit leads there.
    pub(super) end: Option<Box<End>>,
    pub(super) resting: Vec<(Duration, u32)>,
}

/// What the commit that ends or pauses an execution leaves in its row.
pub(super) struct End {
    pub(super) completed_at: Option<Timestamp>,
    pub(super) resume_at: Option<Timestamp>,
    pub(super) driven_millis: u64,
    pub(super) last_seq: u64,
    pub(super) error: Option<String>,
}

impl Progress {
    /// Goes on from where a commit has led.
    pub(super) fn land(&mut self, committed: Committed, now: Now) {
        let committing = match std::mem::replace(&mut self.at, At::Over) {
            At::Committing(committing) => committing,
            other => {
                self.at = other;
                return;
            }
        };
        self.steps.release();
        let resting = committing.resting.into_iter();
        self.resting.extend(
            resting.map(|(delay, step)| Reverse((now.elapsed.saturating_add(delay), step))),
        );
        let at = committing.unconfirmed.confirm(committed);
        if let Some(end) = committing.end {
            self.note_end(&at, *end);
        }
        let next = self.proceed(at, now);
        self.go(next);
    }

    pub(super) fn go(&mut self, next: Next) {
        match next {
            Next::Commit(committing) => self.at = At::Committing(committing),
            Next::Wait(at) => self.at = At::State(at),
            Next::Over => self.finish(),
        }
    }

    pub(super) fn finish(&mut self) {
        self.at = At::Over;
        self.due.is_over = true;
    }

    /// Notes what the row says now that the execution has ended or is paused, so that nobody has to read it: others may
    /// have gone on with what is paused.
    fn note_end(&mut self, at: &AnyExecution, end: End) {
        self.has_ended = true;
        let row = &mut self.execution;
        row.state = at.state();
        row.completed_at = end.completed_at;
        row.error = end.error;
        row.resume_at = end.resume_at;
        row.owner = None;
        row.lease_until = None;
        row.token = at.row().token;
        row.revision = at.row().revision;
        row.pause_requested = false;
        row.driven_millis = end.driven_millis;
        row.last_seq = row.last_seq.max(end.last_seq);
    }
}
