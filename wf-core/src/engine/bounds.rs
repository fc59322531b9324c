//! What ends an attempt from outside: its timeout, or a pause before its turn has come.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::begin::{Beginnings, Begun};
use super::withdraw::Withdrawn;
use crate::agent::{Queued, StepError};
use crate::clock::Clock;
use crate::id::Timestamp;

/// How much of what an agent has shown stands in the message when its time is over, in bytes.
const TOLD: usize = 4 << 10;

/// What can end an attempt from outside.
pub(super) struct Bounds {
    pub(super) limit: Option<Duration>,
    pub(super) clock: Arc<dyn Clock>,
    recalled: Withdrawn,
    /// How much of the limit is left, without what has passed since the timer was set.
    left: Duration,
    /// Since when the attempt is neither over nor waits for its turn, on the clock.
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    has_waited: bool,
    /// Whether it has ever waited for its turn.
    has_queued: bool,
    beginnings: Beginnings,
    was_polled: bool,
    is_reported: bool,
}

impl Bounds {
    /// The bounds of an attempt that may take so long.
    pub(super) fn new(
        limit: Option<Duration>,
        clock: Arc<dyn Clock>,
        recalled: Withdrawn,
        beginnings: Beginnings,
    ) -> Self {
        Bounds {
            limit,
            clock,
            recalled,
            left: limit.unwrap_or_default(),
            timer: None,
            has_waited: false,
            has_queued: false,
            beginnings,
            was_polled: false,
            is_reported: false,
        }
    }

    /// Whether the attempt did not end where it stands, when it was first looked at.
    pub(super) fn goes_on(&mut self, is_pending: bool) -> bool {
        std::mem::replace(&mut self.was_polled, true) || is_pending
    }

    /// Says to the drive, once, that the attempt has begun.
    pub(super) fn report(&mut self, step: u32, number: u32, at: Timestamp) {
        if std::mem::replace(&mut self.is_reported, true) {
            return;
        }
        // Nobody wants to know it of a run that was dropped.
        let _ = self.beginnings.unbounded_send(Begun {
            step,
            number,
            at: self.has_queued.then_some(at),
        });
    }

    /// Waits for what ends an attempt that gives no answer.
    pub(super) fn poll_over(
        &mut self,
        cx: &mut Context<'_>,
        queued: &Queued,
        tail: Option<&Tail>,
    ) -> Poll<StepError> {
        if queued.is_waiting() {
            if let Some((since, _)) = self.timer.take() {
                let gone = self.clock.elapsed().saturating_sub(since);
                self.left = self.left.saturating_sub(gone);
            }
            self.has_waited = true;
            self.has_queued = true;
            return self.recalled.poll_unpin(cx).map(|_| StepError::recalled());
        }
        if std::mem::take(&mut self.has_waited) {
            // A clone that has not been polled is woken by nothing.
            self.recalled = self.recalled.clone();
        }
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let (clock, left) = (&self.clock, self.left);
        let (_, over) = self
            .timer
            .get_or_insert_with(|| (clock.elapsed(), clock.sleep(left)));
        over.poll_unpin(cx).map(|()| {
            let limit = wf_model::format_duration(limit);
            let wrote = tail.map(Tail::told).unwrap_or_default();
            StepError::retryable(format_args!("no answer within {limit}{wrote}"))
        })
    }
}

/// The end of what an agent has shown, for the message when its time is over.
#[derive(Default)]
pub(super) struct Tail(Mutex<String>);

impl Tail {
    pub(super) fn add(&self, text: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_str(text);
        let over = kept.len().saturating_sub(TOLD);
        if let Some(from) = (over..=kept.len()).find(|at| kept.is_char_boundary(*at)) {
            kept.drain(..from);
        }
    }

    fn told(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.trim() {
            "" => String::new(),
            wrote => format!("; what it wrote ends: {wrote}"),
        }
    }
}
