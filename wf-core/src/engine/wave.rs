//! From attempts that have ended to rows and outcomes: what one commit carries.

use std::sync::Arc;
use std::time::Duration;

use wf_model::OnFailure;

use super::attempt::{Answer, Attempted};
use super::drive::Drive;
use crate::agent::{StepError, idempotency_key};
use crate::id::{CheckpointId, Timestamp};
use crate::lifecycle::Row;
use crate::retry;
use crate::step::{Attempt, Outcome, StepOutcome, StepState, shorten};
use crate::store::{NewCheckpoint, StepWrite};

/// An execution writes about this many automatic checkpoints, evenly spread over its steps.
const CHECKPOINTS: u64 = 64;

/// An agent whose answer is refused is asked again this many times, at once, beyond what the retry policy grants.
const REASKED: usize = 2;

/// A run waits for an agent that asks to be left alone for at most this long; then it pauses.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// The error of an attempt keeps about this many bytes: it is stored with the step, and told.
const LONGEST_ERROR: usize = 1 << 20;

/// No run pauses for a limit that is lifted within this time.
const A_MOMENT: Duration = Duration::from_secs(60);

/// What happened since the last commit.
#[derive(Default)]
pub(super) struct Wave {
    /// Steps that are over, in the order in which they ended.
    pub(super) completed: Vec<StepOutcome>,
    pub(super) checkpoint: Option<NewCheckpoint>,
    pub(super) error: Option<String>,
    pub(super) resume_at: Option<Timestamp>,
    /// Steps that wait for their next attempt once the failed one is committed, and for how long.
    pub(super) resting: Vec<(Duration, u32)>,
    /// Attempts that failed.
    pub(super) failures: Vec<Failure>,
}

/// An attempt that failed.
pub(super) struct Failure {
    pub(super) step: u32,
    pub(super) attempt: u32,
    pub(super) error: String,
    pub(super) retry_in: Option<Duration>,
}

impl Drive {
    /// Puts what others have left in order: what was running is pending again, what failed is tried again
    /// when a pause for failure is left, and what is over is told to the scheduler.
    pub(super) fn reconcile(&mut self) {
        let renews = self.resuming && self.plan.on_failure() == OnFailure::Pause;
        for (step, slot) in (0_u32..).zip(&mut self.slots) {
            let failed = slot.record.state == StepState::Failed && !self.plan.is_optional(step);
            let is_left = slot.record.state == StepState::Running || (failed && renews);
            if is_left {
                let record = slot.record_mut();
                if record.state == StepState::Running {
                    if let Some(attempt) = record.attempts.last_mut()
                        && attempt.ended_at.is_none()
                    {
                        let gone = "the process that ran it is gone".to_owned();
                        *attempt = attempt.clone().interrupt(None, gone);
                    }
                    record.state = StepState::Pending;
                } else {
                    record.state = StepState::Pending;
                    record.completed_at = None;
                    record.seq = None;
                    record.retry_base = u32::try_from(record.attempts.len()).unwrap_or(u32::MAX);
                }
                slot.is_changed = true;
                self.changed.push(step);
            }
            let outcome = match slot.record.state {
                StepState::Completed => Outcome::Succeeded,
                StepState::Failed => Outcome::Failed,
                StepState::Skipped => Outcome::Skipped,
                StepState::Pending | StepState::Running | StepState::Cancelled => continue,
            };
            self.scheduler.settle(step, outcome);
        }
        self.checkpoint_seq = self.seq;
    }

    /// Takes what has ended into the wave.
    pub(super) fn collect(&mut self, wave: &mut Wave) {
        let mut ended = std::mem::take(&mut self.ended);
        wave.completed.reserve(ended.len());
        for attempted in ended.drain(..) {
            self.settle(attempted, wave);
        }
        // Its room is used again.
        self.ended = ended;
        if self.scheduler.is_stopped() {
            self.recall.call();
        }
    }

    /// Records that steps are running whose rows do not say so yet, those started first.
    pub(super) fn show(&mut self) {
        if self.unshown.is_empty() {
            return;
        }
        let now = self.engine.clock.elapsed();
        while let Some((_, step, attempt)) = self.unshown.pop_front_if(|(due, ..)| *due <= now) {
            if self.is_running(step, attempt) {
                self.slots[step as usize].record_mut().state = StepState::Running;
                self.note_change(step);
            }
        }
    }

    /// A step that can never start.
    pub(super) fn skip(&mut self, step: u32) -> StepOutcome {
        let seq = self.next_seq();
        let now = self.engine.clock.now();
        let record = self.slots[step as usize].record_mut();
        record.state = StepState::Skipped;
        record.seq = Some(seq);
        record.completed_at = Some(now);
        self.scheduler.settle(step, Outcome::Skipped);
        self.note_change(step);
        StepOutcome {
            step,
            outcome: Outcome::Skipped,
        }
    }

    /// Takes into the wave that every step that was started and is not over has failed, because of `reason`
    /// or of its last attempt; the calls that are under way are dropped.
    pub(super) fn give_up(&mut self, wave: &mut Wave, reason: &str) {
        self.drop_attempts();
        wave.resting.clear();
        for failure in &mut wave.failures {
            failure.retry_in = None;
        }
        let now = self.engine.clock.now();
        let mut given_up = Vec::new();
        for (step, slot) in (0_u32..).zip(&mut self.slots) {
            let open = matches!(slot.record.state, StepState::Pending | StepState::Running);
            if !open || slot.record.attempts.is_empty() {
                continue;
            }
            let record = slot.record_mut();
            let Some(attempt) = record.attempts.pop() else {
                continue;
            };
            given_up.push(step);
            if attempt.ended_at.is_some() || attempt.interrupted {
                record.attempts.push(attempt);
                continue;
            }
            let error = format!("stopped, because {reason}");
            let failure = Failure {
                step,
                attempt: attempt.number,
                error: error.clone(),
                retry_in: None,
            };
            wave.failures.push(failure);
            let ended_at = now.max(attempt.started_at);
            let mut attempt = attempt.interrupt(Some(ended_at), error.clone());
            let interim = self.interims.remove(&step);
            attempt.usage = interim.and_then(|left| left.take()?.into_usage());
            record.attempts.push(attempt);
            record.error = Some(error);
            self.scheduler.vacate(step, false);
        }
        for step in given_up {
            let outcome = self.over(step, Outcome::Failed, now);
            self.note_change(step);
            wave.completed.push(outcome);
        }
    }

    /// A checkpoint of everything up to and with the commit that follows `row`.
    pub(super) fn checkpoint(&mut self, row: &Row, wave: &mut Wave) -> CheckpointId {
        let id = CheckpointId::of(&row.id, row.revision + 1);
        self.checkpoint_seq = self.seq;
        wave.checkpoint = Some(NewCheckpoint {
            id: id.clone(),
            through_seq: self.seq,
        });
        id
    }

    /// Whether enough steps are over since the last checkpoint.
    pub(super) fn is_checkpoint_due(&self) -> bool {
        let steps = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        self.seq - self.checkpoint_seq >= steps.div_ceil(CHECKPOINTS)
    }

    /// Why the run fails.
    pub(super) fn reason(&self) -> String {
        if self.timed_out {
            let limit = self.plan.definition().config.timeout.unwrap_or_default();
            return format!(
                "the run was not done within its timeout of {}",
                wf_model::format_duration(limit)
            );
        }
        match self.scheduler.failed() {
            Some(step) => self.failure(step),
            None => "no step is left that could start".to_owned(),
        }
    }

    /// What the run says of the step that fails it.
    pub(super) fn failure(&self, step: u32) -> String {
        let error = self.slots[step as usize]
            .record
            .error
            .as_deref()
            .unwrap_or("for an unknown reason");
        format!("step `{}` failed: {error}", self.plan.key(step as usize))
    }

    /// Whether that attempt at the step is under way.
    pub(super) fn is_running(&self, step: u32, attempt: usize) -> bool {
        let attempts = &self.slots[step as usize].record.attempts;
        attempts.len() == attempt
            && attempts
                .last()
                .is_some_and(|last| last.ended_at.is_none() && !last.interrupted)
    }

    /// Notes that the record of a step has changed: the next commit writes its row.
    fn note_change(&mut self, step: u32) {
        let slot = &mut self.slots[step as usize];
        if !std::mem::replace(&mut slot.is_changed, true) {
            self.changed.push(step);
        }
    }

    /// Takes the rows of all steps that have changed since the last commit, for a commit that is begun with them.
    pub(super) fn take_changed(&mut self) -> Vec<StepWrite> {
        let Drive { changed, slots, .. } = self;
        let rows = changed.drain(..).map(|step| {
            let slot = &mut slots[step as usize];
            slot.is_changed = false;
            StepWrite {
                step,
                exists: std::mem::replace(&mut slot.is_recorded, true),
                record: Arc::clone(&slot.record),
            }
        });
        rows.collect()
    }

    fn settle(&mut self, attempted: Attempted, wave: &mut Wave) {
        let Attempted {
            step,
            ended_at,
            answer,
        } = attempted;
        let record = self.slots[step as usize].record_mut();
        let Some(attempt) = record.attempts.pop() else {
            return;
        };
        let outcome = match answer {
            Ok(Answer { reply, typed }) => {
                let mut attempt = attempt.end(ended_at, None);
                attempt.usage = reply.usage;
                record.attempts.push(attempt);
                record.result = Some(reply.result);
                record.error = None;
                self.slots[step as usize].typed = typed;
                Some(Outcome::Succeeded)
            }
            Err(failure) if failure.failure().is_recalled() => {
                // It was not made. A row that has shown it as running stays, without it.
                let is_shown =
                    std::mem::replace(&mut record.state, StepState::Pending) == StepState::Running;
                self.scheduler.rest(step);
                if is_shown {
                    self.note_change(step);
                }
                return;
            }
            Err(failure) => self.settle_failure(step, attempt, ended_at, failure, wave),
        };
        if let Some(outcome) = outcome {
            let outcome = self.over(step, outcome, ended_at);
            wave.completed.push(outcome);
        }
        self.note_change(step);
    }

    /// What a failed attempt leads to: another one later, a pause, or the end of its step.
    fn settle_failure(
        &mut self,
        step: u32,
        attempt: Attempt,
        ended_at: Timestamp,
        failure: StepError,
        wave: &mut Wave,
    ) -> Option<Outcome> {
        let (is_retryable, is_down) = (failure.is_retryable(), failure.is_unavailable());
        let mut failure = failure.into_failure();
        shorten(&mut failure.message, LONGEST_ERROR);
        let resets_at = failure.resets_at.filter(|_| is_retryable);
        let number = attempt.number;
        let mut attempt = attempt.end(ended_at, Some(failure.message.clone()));
        attempt.rejected = failure.is_rejected();
        attempt.usage = failure.usage;
        let mut error = failure.message;
        let record = self.slots[step as usize].record_mut();
        record.attempts.push(attempt);
        let until_reset = resets_at.map(|at| at.since(ended_at)).unwrap_or_default();
        let asked = failure.retry_after.unwrap_or_default().max(until_reset);
        // Nobody needs to mend what the run can do without.
        let is_optional = self.plan.is_optional(step);
        let may_retry = is_retryable || (is_down && is_optional);
        let granted = may_retry.then(|| self.retry_in(step, number)).flatten();
        let is_away = granted.is_some() && asked > LONGEST_WAIT;
        // One that is lifted in a moment, or should be by now, is waited for while a retry is granted.
        let is_limited = resets_at.is_some() && (until_reset > A_MOMENT || granted.is_none());
        let waits = failure.waits_for_reset && (is_away || resets_at.is_some());
        let until = resets_at.or_else(|| is_away.then(|| ended_at.after(asked)));
        match resets_at {
            Some(at) => error += &format!("; its limit is lifted at {at}"),
            None if is_away && !waits => {
                let wait = asked.as_secs();
                error +=
                    &format!("; it asks to be left alone for {wait} s, which is more than an hour");
            }
            None => {}
        }
        let parks = !is_optional && !waits && (is_down || is_away || is_limited);
        let retry_in = match waits {
            true if asked.is_zero() => Some(granted.unwrap_or(A_MOMENT)),
            true => Some(asked),
            false => granted
                .filter(|_| !parks && !is_away)
                .map(|delay| delay.max(asked)),
        };
        let record = self.slots[step as usize].record_mut();
        record.error = Some(error.clone());
        if (parks || waits)
            && let Some(attempt) = record.attempts.last_mut()
        {
            attempt.error = Some(error.clone());
            attempt.interrupted = true;
        }
        if parks {
            self.pausing = true;
            let key = self.plan.key(step as usize);
            if self.pause_reason.is_none() {
                self.pause_reason = Some(format!("step `{key}`: {error}"));
                self.resume_at = until;
            }
        }
        if let Some(delay) = retry_in {
            wave.resting.push((delay, step));
        }
        let goes_on = parks || retry_in.is_some();
        if goes_on {
            self.slots[step as usize].record_mut().state = StepState::Pending;
            self.scheduler.rest(step);
        }
        wave.failures.push(Failure {
            step,
            attempt: number,
            error,
            retry_in,
        });
        (!goes_on).then_some(Outcome::Failed)
    }

    /// How long a step waits for its next attempt, if its policy grants one.
    fn retry_in(&self, step: u32, attempt: u32) -> Option<Duration> {
        let definition = &self.plan.steps()[step as usize];
        let record = &self.slots[step as usize].record;
        let made = record.attempts.iter().skip(record.retry_base as usize);
        let failed: Vec<&Attempt> = made.filter(|made| is_failure(made)).collect();
        let rejected = failed.iter().filter(|made| made.rejected).count();
        if rejected <= REASKED && failed.last().is_some_and(|last| last.rejected) {
            return Some(Duration::ZERO);
        }
        let failures = failed.len() - rejected.min(REASKED);
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        let seed = retry::seed(&idempotency_key(self.id(), &definition.key), attempt);
        (failures < definition.retry.max_attempts.get())
            .then(|| retry::delay(&definition.retry, failures, seed))
    }

    fn over(&mut self, step: u32, outcome: Outcome, at: Timestamp) -> StepOutcome {
        let seq = self.next_seq();
        let record = self.slots[step as usize].record_mut();
        record.state = outcome.state();
        record.seq = Some(seq);
        record.completed_at = Some(at);
        self.scheduler.settle(step, outcome);
        StepOutcome { step, outcome }
    }

    fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}

fn is_failure(attempt: &Attempt) -> bool {
    attempt.error.is_some() && !attempt.interrupted
}
