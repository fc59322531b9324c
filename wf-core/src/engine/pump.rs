//! Waiting for whatever happens next: an attempt that ends, a moment that comes, a word from outside.

use std::cmp::Reverse;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};

use super::attempt::{Attempted, Call, Started};
use super::begin::Begun;
use super::drive::Drive;
use super::spending::payer;
use super::{EngineError, Notice};
use crate::agent::InterimSlot;
use crate::lifecycle::Row;
use crate::step::{Attempt, StepState};

/// The writer takes at most this many unanswered results of one execution.
const UNANSWERED: usize = 1024;

/// One commit takes half of them, so that the other half gathers while the writer is at work.
const TOGETHER: usize = UNANSWERED / 2;

/// A step that is still going after this long is shown as running.
const MOMENT: Duration = Duration::from_millis(100);

/// What the pump stopped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Attempts have ended.
    Ended,
    /// Steps have been running for a moment, and their rows do not say so yet.
    Show,
    /// Somebody wants the execution to pause.
    Pause,
    /// The run has been driven for as long as it may.
    TimedOut,
    /// Nothing runs, and nothing will start by itself.
    Stalled,
    /// The execution was cancelled by another.
    Gone,
}

/// What one look around has found.
enum Found {
    Turn(Turn),
    /// The row may have changed.
    Changed,
}

impl Drive {
    /// Starts what may start, and waits until there is something to record or to react to.
    pub(super) async fn turn(&mut self, row: &Row) -> Result<Turn, EngineError> {
        loop {
            if self.pausing && !self.draining {
                return Ok(Turn::Pause);
            }
            match poll_fn(|cx| self.poll_turn(cx)).await {
                Found::Turn(Turn::TimedOut) => {
                    self.timed_out = true;
                    return Ok(Turn::TimedOut);
                }
                Found::Turn(turn) => return Ok(turn),
                Found::Changed => {
                    if self.reread(row).await? {
                        return Ok(Turn::Gone);
                    }
                }
            }
        }
    }

    /// Starts what may start and takes in what has ended, until nothing more happens by itself.
    pub(super) fn poll_steps(&mut self, cx: &mut Context<'_>) {
        while self.ended.len() < TOGETHER && self.ended.len() + self.unanswered < UNANSWERED {
            while !self.draining
                && !self.pausing
                && let Some(step) = self.start_next()
            {
                let attempt = self.start(step);
                self.started.push_back(attempt);
            }
            // Most of what is started first waits for something; what does not is done where it stands.
            let attempted = match self.started.pop_front() {
                Some(mut attempt) => match attempt.poll_unpin(cx) {
                    Poll::Ready(attempted) => attempted,
                    Poll::Pending => {
                        self.attempts.push(attempt);
                        continue;
                    }
                },
                None => match self.attempts.poll_next_unpin(cx) {
                    Poll::Ready(Some(attempted)) => attempted,
                    Poll::Ready(None) | Poll::Pending => return self.note_begun(cx),
                },
            };
            self.note_begun(cx);
            self.scheduler
                .vacate(attempted.step, attempted.answer.is_ok());
            self.interims.remove(&attempted.step);
            self.pay(&attempted);
            self.ended.push(attempted);
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        loop {
            // What is wanted from outside, and what time wants, is heard first: there are runs in which some
            // step has always just ended.
            if let Poll::Ready(Some(())) = self.watch.poll_next_unpin(cx) {
                return Poll::Ready(Found::Changed);
            }
            let now = self.engine.clock.elapsed();
            self.renew(now, cx);
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                return Poll::Ready(Found::Turn(Turn::TimedOut));
            }
            if self.is_out_of_time(now) {
                return Poll::Ready(Found::Turn(Turn::Pause));
            }
            self.poll_steps(cx);
            if !self.ended.is_empty() {
                return Poll::Ready(Found::Turn(Turn::Ended));
            }
            if self.is_idle() {
                return Poll::Ready(Found::Turn(Turn::Stalled));
            }
            if self.is_out_of_budget() {
                return Poll::Ready(Found::Turn(Turn::Pause));
            }
            if self.is_anything_to_show(now) {
                return Poll::Ready(Found::Turn(Turn::Show));
            }
            if self.wake_rested(now) {
                continue;
            }
            if self.poll_alarm(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn start(&mut self, step: u32) -> BoxFuture<'static, Attempted> {
        let at = step as usize;
        let (now, elapsed) = (self.engine.clock.now(), self.engine.clock.elapsed());
        let record = self.slots[at].record_mut();
        let number = u32::try_from(record.attempts.len() + 1).unwrap_or(u32::MAX);
        record.attempts.begin(Attempt::start(number, now));
        if number == 1 {
            record.started_at = Some(now);
        }
        let allowance = self.reserve(step);
        let interim = self.deadline.map(|_| InterimSlot::default());
        if let Some(interim) = &interim {
            self.interims.insert(step, interim.clone());
        }
        let call = self.work(step).map(|work| Call {
            execution: self.id().clone(),
            plan: Arc::clone(&self.plan),
            step,
            number,
            started: Started { at: now, elapsed },
            work,
            remark: self.remark(step),
            schema: self.schema(step).cloned(),
            allowance,
            interim,
            store: Arc::clone(&self.engine.store),
        });
        let (key, asked) = (self.plan.key(at), payer(&self.plan, step));
        let within = self.trace.attempt(key, asked, number);
        match call {
            Ok(call) => {
                let beginnings = self.beginnings.clone();
                call.make(&self.engine, within, self.recall.hear(), beginnings)
            }
            Err(error) => {
                self.engine.tell(&Notice::AttemptStarted {
                    execution: self.id(),
                    step: self.plan.key(at),
                    attempt: number,
                });
                Box::pin(futures::future::ready(Attempted {
                    step,
                    ended_at: now,
                    answer: Err(error),
                }))
            }
        }
    }

    /// Takes in which attempts have begun and not ended at once: when, and when they are to be shown as running.
    fn note_begun(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(begun)) = self.begun.poll_next_unpin(cx) {
            let Begun { step, number, at } = begun;
            let attempt = number as usize;
            if !self.is_running(step, attempt) {
                continue;
            }
            if let Some(at) = at {
                let record = self.slots[step as usize].record_mut();
                if let Some(last) = record.attempts.last_mut() {
                    last.started_at = at;
                }
                if number == 1 {
                    record.started_at = Some(at);
                }
            }
            self.forget_shown();
            let due = self.engine.clock.elapsed() + MOMENT;
            self.unshown.push_back((due, step, attempt));
        }
    }

    /// Puts steps whose next attempt is due back into the queue; false when there are none.
    fn wake_rested(&mut self, now: Duration) -> bool {
        let mut woken = false;
        while !self.draining
            && let Some(&Reverse((due, step))) = self.resting.peek()
            && due <= now
        {
            self.resting.pop();
            self.scheduler.requeue(step);
            woken = true;
        }
        woken
    }

    fn is_anything_to_show(&mut self, now: Duration) -> bool {
        self.forget_shown();
        self.unshown.front().is_some_and(|&(due, ..)| due <= now)
    }

    /// Drops the steps from the front of the queue that need not be shown as running any more.
    fn forget_shown(&mut self) {
        while let Some(&(_, step, attempt)) = self.unshown.front() {
            let hidden = self.slots[step as usize].record.state == StepState::Pending;
            if hidden && self.is_running(step, attempt) {
                break;
            }
            self.unshown.pop_front();
        }
    }

    /// Prolongs the leases of all that this engine drives, when it is this run's turn.
    pub(super) fn renew(&mut self, now: Duration, cx: &mut Context<'_>) {
        let every = self.engine.lease / 3;
        if self.renew_at <= now {
            self.renew_at = now + every;
            if self.engine.active.renews(now, every) {
                let store = Arc::clone(&self.engine.store);
                let owner = self.engine.owner.clone();
                let runs: Vec<_> = self.engine.active.runs().iter().cloned().collect();
                let until = self.engine.clock.now().after(self.engine.lease);
                self.renewal = Some(Box::pin(
                    async move { store.renew(&owner, &runs, until).await },
                ));
            }
        }
        // A renewal that fails is tried again in time; if the lease is lost, the next commit says so.
        if self
            .renewal
            .as_mut()
            .is_some_and(|renewal| renewal.poll_unpin(cx).is_ready())
        {
            self.renewal = None;
        }
    }

    /// Waits for the next moment at which something is due.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let rested = self
            .resting
            .peek()
            .filter(|_| !self.draining)
            .map(|Reverse((due, _))| *due);
        let shown = self.unshown.front().map(|(due, ..)| *due);
        let spent = self.spent_at().filter(|_| !self.draining);
        let due = [rested, shown, self.deadline, spent]
            .into_iter()
            .flatten()
            .fold(self.renew_at, Duration::min);
        if self.alarm.as_ref().is_none_or(|(armed, _)| due < *armed) {
            let wait = due.saturating_sub(self.engine.clock.elapsed());
            self.alarm = Some((due, self.engine.clock.sleep(wait)));
        }
        let Some((_, alarm)) = &mut self.alarm else {
            return Poll::Pending;
        };
        let rung = alarm.poll_unpin(cx);
        if rung.is_ready() {
            self.alarm = None;
        }
        rung
    }
}
