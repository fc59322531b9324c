//! From attempts that have ended to outcomes: what a failure leads to, and what one commit carries.

use std::time::Duration;

use super::intent::PauseReason;
use super::{Ended, Now, Progress, retry};
use crate::agent::StepError;
use crate::id::{CheckpointId, Timestamp};
use crate::lifecycle::Row;
use crate::step::{Attempt, Outcome, StepOutcome, shorten};
use crate::store::NewCheckpoint;

/// An execution writes about this many automatic checkpoints, evenly spread over its steps.
const CHECKPOINTS: u64 = 64;

/// An agent whose answer is refused is asked again this many times, at once, beyond what the retry policy grants.
const REASKED: usize = 2;

/// A run waits for an agent that asks to be left alone for at most this long; then it pauses.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// The error of an attempt keeps about this many bytes: it is stored with the step, and reported.
const LONGEST_ERROR: usize = 1 << 20;

/// No run pauses for a limit that is lifted within this time.
const A_MOMENT: Duration = Duration::from_secs(60);

/// What has happened since the last commit, beside the records that have changed.
#[derive(Default)]
pub(super) struct Batch {
    /// Steps that are over, in the order in which they ended.
    pub(super) completed: Vec<StepOutcome>,
    pub(super) checkpoint: Option<NewCheckpoint>,
    pub(super) error: Option<String>,
    pub(super) resume_at: Option<Timestamp>,
    /// Steps that wait for their next attempt once the failed one is committed, and for how long.
    pub(super) resting: Vec<(Duration, u32)>,
    /// Attempts that failed.
    pub(super) failures: Vec<FailedAttempt>,
}

/// An attempt that failed, to be reported once that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedAttempt {
    pub(crate) step: u32,
    pub(crate) attempt: u32,
    pub(crate) error: String,
    pub(crate) retry_in: Option<Duration>,
}

/// What a failed attempt leads to.
enum FollowUp {
    /// Another attempt, after a while.
    Retry(Duration),
    /// A pause; the step runs again when the execution is resumed, which may be known to be possible from a moment on.
    Pause(Option<Timestamp>),
    /// The end of the step.
    Fail,
}

impl Progress {
    /// Takes what has ended into the batch.
    pub(super) fn collect(&mut self, batch: &mut Batch) {
        let mut ended = std::mem::take(&mut self.ended);
        batch.completed.reserve(ended.len());
        for ended in ended.drain(..) {
            self.settle(ended, batch);
        }
        // Its room is used again.
        self.ended = ended;
        if self.steps.is_stopped() {
            self.withdraw_queued();
        }
    }

    fn settle(&mut self, ended: Ended, batch: &mut Batch) {
        let Ended {
            step,
            ended_at,
            answer,
        } = ended;
        match answer {
            Ok(reply) => {
                let outcome = self.steps.succeed(step, ended_at, reply);
                batch.completed.push(outcome);
            }
            Err(error) if error.failure().is_recalled() => self.steps.withdraw(step),
            Err(error) => self.settle_failure(step, ended_at, error, batch),
        }
    }

    fn settle_failure(
        &mut self,
        step: u32,
        ended_at: Timestamp,
        error: StepError,
        batch: &mut Batch,
    ) {
        let (is_retryable, is_down) = (error.is_retryable(), error.is_unavailable());
        let mut failure = error.into_failure();
        shorten(&mut failure.message, LONGEST_ERROR);
        let is_rejected = failure.is_rejected();
        let (usage, said) = (failure.usage.take(), failure.message.clone());
        self.steps.end_attempt(step, |attempt| {
            let mut attempt = attempt.end(ended_at, Some(said));
            attempt.rejected = is_rejected;
            attempt.usage = usage;
            attempt
        });
        let number = self.steps.last_attempt(step);
        let resets_at = failure.resets_at.filter(|_| is_retryable);
        let until_reset = resets_at.map(|at| at.since(ended_at)).unwrap_or_default();
        let asked = failure.retry_after.unwrap_or_default().max(until_reset);
        // Nobody needs to fix what the run can do without.
        let is_optional = self.plan.is_optional(step);
        let may_retry = is_retryable || (is_down && is_optional);
        let granted = may_retry.then(|| self.retry_in(step, number)).flatten();
        let is_away = granted.is_some() && asked > LONGEST_WAIT;
        // One that is lifted in a moment, or should be by now, is waited for while a retry is granted.
        let is_limited = resets_at.is_some() && (until_reset > A_MOMENT || granted.is_none());
        let waits = failure.waits_for_reset && (is_away || resets_at.is_some());
        let pauses = !is_optional && !waits && (is_down || is_away || is_limited);
        let follow_up = match granted {
            _ if waits && asked.is_zero() => FollowUp::Retry(granted.unwrap_or(A_MOMENT)),
            _ if waits => FollowUp::Retry(asked),
            _ if pauses => {
                FollowUp::Pause(resets_at.or_else(|| is_away.then(|| ended_at.after(asked))))
            }
            Some(delay) if !is_away => FollowUp::Retry(delay.max(asked)),
            _ => FollowUp::Fail,
        };
        let mut error = failure.message;
        match resets_at {
            Some(at) => error += &format!("; its limit is lifted at {at}"),
            None if is_away && !waits => {
                let wait = asked.as_secs();
                error +=
                    &format!("; it asks to be left alone for {wait} s, which is more than an hour");
            }
            None => {}
        }
        self.steps.note_error(step, &error, pauses || waits);
        batch.failures.push(FailedAttempt {
            step,
            attempt: number,
            error: error.clone(),
            retry_in: match follow_up {
                FollowUp::Retry(delay) => Some(delay),
                FollowUp::Pause(_) | FollowUp::Fail => None,
            },
        });
        match follow_up {
            FollowUp::Retry(delay) => {
                batch.resting.push((delay, step));
                self.steps.rest(step);
            }
            FollowUp::Pause(resume_at) => {
                let key = self.plan.key(step as usize);
                self.intent.pause_because(|| PauseReason {
                    text: format!("step `{key}`: {error}"),
                    resume_at,
                });
                self.steps.rest(step);
            }
            FollowUp::Fail => {
                let outcome = self.steps.over(step, Outcome::Failed, ended_at);
                batch.completed.push(outcome);
            }
        }
    }

    /// How long a step waits for its next attempt, if its policy grants one.
    fn retry_in(&self, step: u32, attempt: u32) -> Option<Duration> {
        let definition = &self.plan.steps()[step as usize];
        let record = self.steps.record(step);
        let made = record.attempts.iter().skip(record.retry_base as usize);
        let failed: Vec<&Attempt> = made.filter(|made| is_failure(made)).collect();
        let rejected = failed.iter().filter(|made| made.rejected).count();
        if rejected <= REASKED && failed.last().is_some_and(|last| last.rejected) {
            return Some(Duration::ZERO);
        }
        let failures = failed.len() - rejected.min(REASKED);
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        let step = [self.id().as_str(), "/", &definition.key].concat();
        let seed = retry::seed(&step, attempt);
        (failures < definition.retry.max_attempts.get())
            .then(|| retry::delay(&definition.retry, failures, seed))
    }

    /// Takes back an attempt that the driver has dropped: nobody saw its end.
    pub(super) fn stop(&mut self, step: u32, usage: Option<serde_json::Value>, now: Now) {
        let error = "stopped, because the run is out of time";
        self.steps.end_attempt(step, |attempt| {
            let ended_at = now.wall.max(attempt.started_at);
            let mut attempt = attempt.interrupt(Some(ended_at), error.to_owned());
            attempt.usage = usage;
            attempt
        });
        self.steps.note_error(step, error, false);
        self.steps.vacate(step, false);
        self.stopped.push(FailedAttempt {
            step,
            attempt: self.steps.last_attempt(step),
            error: error.to_owned(),
            retry_in: None,
        });
    }

    /// Takes into the batch that every step that was started and is not over has failed with its last attempt. Nothing is
    /// under way any more.
    pub(super) fn give_up(&mut self, batch: &mut Batch, now: Now) {
        batch.resting.clear();
        for failure in &mut batch.failures {
            failure.retry_in = None;
        }
        batch.failures.append(&mut self.stopped);
        for step in self.steps.open() {
            let outcome = self.steps.over(step, Outcome::Failed, now.wall);
            batch.completed.push(outcome);
        }
    }

    /// Writes a checkpoint of everything up to and with the commit that follows `row`.
    pub(super) fn checkpoint(&mut self, row: &Row, batch: &mut Batch) -> CheckpointId {
        let id = CheckpointId::of(&row.id, row.revision + 1);
        let through_seq = self.steps.seq();
        self.checkpoint_seq = through_seq;
        batch.checkpoint = Some(NewCheckpoint {
            id: id.clone(),
            through_seq,
        });
        id
    }

    /// Whether enough steps are over since the last checkpoint.
    pub(super) fn is_checkpoint_due(&self) -> bool {
        let steps = u64::try_from(self.steps.len()).unwrap_or(u64::MAX);
        self.steps.seq() - self.checkpoint_seq >= steps.div_ceil(CHECKPOINTS)
    }
}

fn is_failure(attempt: &Attempt) -> bool {
    attempt.error.is_some() && !attempt.interrupted
}
