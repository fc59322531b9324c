//! What is known to be committed, kept beside the store, and the rules that every write must keep.

use std::sync::Arc;

use super::violation::{Invariant, Violation};
use crate::id::Timestamp;
use crate::lifecycle::{Event, EventKind, Row, State};
use crate::plan::Plan;
use crate::step::{Attempt, Outcome, StepState};
use crate::store::{Claim, Commit, ExecutionRecord, LoadedExecution, StepRecord, StepWrite};

/// What one execution's rows must say, by all that was acknowledged.
pub(super) struct Ledger {
    plan: Arc<Plan>,
    head: Option<Head>,
    steps: Vec<Option<StepRecord>>,
    /// The engine and the attempt of the call made last, by step.
    called: Vec<Option<(u32, u32)>>,
    /// How many calls were made, by step.
    calls: Vec<u32>,
    seq: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    state: State,
    token: u64,
    revision: u64,
}

type Checked = Result<(), Violation>;

impl Ledger {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        let steps = plan.steps().len();
        Ledger {
            plan: Arc::clone(plan),
            head: None,
            steps: vec![None; steps],
            called: vec![None; steps],
            calls: vec![0; steps],
            seq: 0,
        }
    }

    /// The store has created the execution.
    pub(super) fn created(&mut self) -> Checked {
        let new = Head {
            state: State::Idle,
            token: 1,
            revision: 0,
        };
        match self.head.replace(new) {
            None => Ok(()),
            Some(_) => broken(Invariant::OneOwner, "the execution was created twice"),
        }
    }

    /// An engine asks for a commit; whether the store takes it is not known yet.
    pub(super) fn asked(commit: &Commit) -> Checked {
        let end = commit
            .path
            .iter()
            .try_fold(commit.from, |state, event| state.next(event.kind()));
        if end == Some(commit.to) {
            return Ok(());
        }
        let (from, to) = (commit.from, commit.to);
        broken(
            Invariant::LegalPath,
            format!("`{from}` does not lead to `{to}` by the path of a commit"),
        )
    }

    /// The store has taken a commit.
    pub(super) fn committed(&mut self, commit: &Commit) -> Checked {
        let head = self.compared(&commit.row, "a commit")?;
        if head.state != commit.from {
            return broken(
                Invariant::LegalPath,
                format!(
                    "a path from `{}` was recorded in `{}`",
                    commit.from, head.state
                ),
            );
        }
        let resumes = commit
            .path
            .iter()
            .any(|event| event.kind() == EventKind::CheckpointRestored);
        let mut ended = self.ended_by(commit)?;
        for write in &commit.writes.steps {
            self.check_step(write, resumes)?;
        }
        for write in &commit.writes.steps {
            if let Some(seq) = newly_over(self.step(write.step), &write.record) {
                ended.retain(|&step| step != write.step);
                if seq <= self.seq {
                    let key = self.plan.key(write.step as usize);
                    return broken(
                        Invariant::NothingLost,
                        format!(
                            "step `{key}` was committed as number {seq} after number {}",
                            self.seq
                        ),
                    );
                }
            }
        }
        if let Some(&step) = ended.first() {
            let key = self.plan.key(step as usize);
            return broken(
                Invariant::NothingLost,
                format!("step `{key}` is over by the path of a commit, and its row is not written"),
            );
        }
        for write in &commit.writes.steps {
            self.seq = self.seq.max(write.record.seq.unwrap_or(0));
            if let Some(step) = self.steps.get_mut(write.step as usize) {
                *step = Some(write.record.clone());
            }
        }
        if let Some(mark) = &commit.writes.checkpoint
            && mark.through_seq != self.seq
        {
            return broken(
                Invariant::NothingLost,
                format!(
                    "a checkpoint covers the steps up to number {}, and the last is {}",
                    mark.through_seq, self.seq
                ),
            );
        }
        self.head = Some(Head {
            state: commit.to,
            revision: head.revision + 1,
            ..head
        });
        Ok(())
    }

    /// The store has given the lease to a new owner.
    pub(super) fn claimed(&mut self, claim: &Claim, row: &Row) -> Checked {
        let head = self.compared(&claim.row, "a claim")?;
        let next = (head.token + 1, head.revision + 1);
        if (row.token, row.revision) != next {
            return broken(
                Invariant::OneOwner,
                format!(
                    "a claim left the token at {} and the revision at {}",
                    row.token, row.revision
                ),
            );
        }
        self.head = Some(Head {
            token: next.0,
            revision: next.1,
            ..head
        });
        Ok(())
    }

    /// The store has answered a cancellation, made at that moment, with the row as it then is.
    pub(super) fn cancelled(&mut self, now: &ExecutionRecord, at: Timestamp) -> Checked {
        let Some(head) = self.head.filter(|head| !head.state.is_terminal()) else {
            return Ok(());
        };
        let next = Head {
            state: State::Cancelled,
            token: head.token + 1,
            revision: head.revision + 1,
        };
        let found = Head {
            state: now.state,
            token: now.token,
            revision: now.revision,
        };
        if found != next {
            return broken(
                Invariant::OneOwner,
                format!("a cancellation left the row at {found:?}, from {head:?}"),
            );
        }
        self.head = Some(next);
        for record in self.steps.iter_mut().flatten() {
            if !is_over(record.state) {
                record.state = StepState::Cancelled;
                record.completed_at = Some(at);
            }
        }
        Ok(())
    }

    /// What the store gave back, before an engine works with it.
    pub(super) fn loaded(&self, loaded: Option<&LoadedExecution>) -> Checked {
        let head = loaded.map(|loaded| Head {
            state: loaded.execution.state,
            token: loaded.execution.token,
            revision: loaded.execution.revision,
        });
        if head != self.head {
            return broken(
                Invariant::NothingLost,
                format!(
                    "the row should stand at {:?}, and stands at {head:?}",
                    self.head
                ),
            );
        }
        let rows = loaded.map_or(&[][..], |loaded| loaded.steps.as_slice());
        let row = |at: u32| {
            rows.iter()
                .find(|(step, _)| *step == at)
                .map(|(_, row)| row)
        };
        for (step, expected) in (0_u32..).zip(&self.steps) {
            if row(step) != expected.as_ref() {
                let key = self.plan.key(step as usize);
                return broken(
                    Invariant::NothingLost,
                    format!("step `{key}` is not stored as it was acknowledged"),
                );
            }
        }
        Ok(())
    }

    /// An engine that holds the lease starts an attempt; engines are numbered.
    pub(super) fn starts(&mut self, engine: u32, key: &str, attempt: u32) -> Checked {
        if self.is_cancelled() {
            // The owner has not heard of it yet.
            return Ok(());
        }
        let Some(at) = self.plan.steps().iter().position(|step| step.key == key) else {
            return broken(Invariant::Progress, format!("there is no step `{key}`"));
        };
        let record = self.steps.get(at).and_then(Option::as_ref);
        if let Some(state) = record
            .map(|record| record.state)
            .filter(|&state| is_over(state))
        {
            return broken(
                Invariant::DoneOnce,
                format!("step `{key}` is committed as `{state}`, and was run again"),
            );
        }
        for &needed in self.plan.graph().dependencies(at) {
            if !self.is_satisfied(needed) {
                let needed = self.plan.key(needed as usize);
                return broken(
                    Invariant::DependenciesFirst,
                    format!("step `{key}` was started before `{needed}` was committed"),
                );
            }
        }
        let made = record.map_or(&[][..], |record| record.attempts.as_slice());
        let open = made.last().is_some_and(|last| !is_closed(last));
        let twice = self.called.get(at).copied().flatten() == Some((engine, attempt));
        if open || twice || u32::try_from(made.len() + 1) != Ok(attempt) {
            return broken(
                Invariant::AttemptsCounted,
                format!(
                    "attempt {attempt} at step `{key}` was started when {} were recorded",
                    made.len()
                ),
            );
        }
        if let (Some(called), Some(calls)) = (self.called.get_mut(at), self.calls.get_mut(at)) {
            *called = Some((engine, attempt));
            *calls += 1;
        }
        Ok(())
    }

    /// The run is over; `interruptions` engines were lost on the way.
    pub(super) fn over(&self, interruptions: u32) -> Checked {
        // A cancellation, too, cuts off calls of which nothing is recorded.
        let interruptions = interruptions.saturating_add(u32::from(self.is_cancelled()));
        for (at, (&calls, record)) in self.calls.iter().zip(&self.steps).enumerate() {
            let recorded = record.as_ref().map_or(0, |record| record.attempts.len());
            let recorded = u32::try_from(recorded).unwrap_or(u32::MAX);
            if recorded > calls || calls > recorded.saturating_add(interruptions) {
                let key = self.plan.key(at);
                return broken(
                    Invariant::AttemptsCounted,
                    format!(
                        "step `{key}` was called {calls} times, {recorded} are recorded, and {interruptions} engines were lost"
                    ),
                );
            }
        }
        Ok(())
    }

    /// Where the row stands, if a write that was let through compared with just that.
    fn compared(&self, row: &Row, what: &str) -> Result<Head, Violation> {
        let Some(head) = self.head else {
            return broken(
                Invariant::OneOwner,
                format!("{what} was let through before the execution was created"),
            );
        };
        if head.state.is_terminal() {
            return broken(
                Invariant::FinalEnd,
                format!(
                    "{what} was let through when the execution was `{}`",
                    head.state
                ),
            );
        }
        if (head.token, head.revision) != (row.token, row.revision) {
            return broken(
                Invariant::OneOwner,
                format!(
                    "{what} at token {} and revision {} was let through when they were {} and {}",
                    row.token, row.revision, head.token, head.revision
                ),
            );
        }
        Ok(head)
    }

    /// The steps that end by a commit's path; each must have its row, and rest on what is committed.
    fn ended_by(&self, commit: &Commit) -> Result<Vec<u32>, Violation> {
        let mut ended = Vec::new();
        for event in &commit.path {
            let Event::StepCompleted { step: outcome } = event else {
                continue;
            };
            ended.push(outcome.step);
            let unmet = self
                .plan
                .graph()
                .dependencies(outcome.step as usize)
                .iter()
                .find(|&&needed| !self.is_satisfied(needed));
            if let Some(&needed) = unmet
                && outcome.outcome == Outcome::Succeeded
            {
                let (key, needed) = (
                    self.plan.key(outcome.step as usize),
                    self.plan.key(needed as usize),
                );
                return broken(
                    Invariant::DependenciesFirst,
                    format!("step `{key}` was done before `{needed}` was committed"),
                );
            }
        }
        Ok(ended)
    }

    fn check_step(&self, write: &StepWrite, resumes: bool) -> Checked {
        let StepWrite { step, record, .. } = write;
        let key = self.plan.key(*step as usize);
        let old = self.step(*step);
        if let Some(old) = old.filter(|old| is_over(old.state)) {
            let renewed =
                resumes && old.state == StepState::Failed && record.state == StepState::Pending;
            if old != record && !renewed {
                return broken(
                    Invariant::NothingLost,
                    format!(
                        "step `{key}` was `{}`, and its row was written again",
                        old.state
                    ),
                );
            }
        }
        if record.state == StepState::Completed && record.result.is_none() {
            return broken(
                Invariant::NothingLost,
                format!("step `{key}` was committed without its result"),
            );
        }
        let before = old.map_or(&[][..], |old| old.attempts.as_slice());
        let kept = before
            .iter()
            .zip(&record.attempts)
            .all(|(old, new)| old == new || (!is_closed(old) && old.started_at == new.started_at));
        let numbered = (1..)
            .zip(&record.attempts)
            .all(|(number, attempt)| attempt.number == number);
        let failures = record
            .attempts
            .iter()
            .skip(record.retry_base as usize)
            .filter(|attempt| attempt.error.is_some() && !attempt.interrupted)
            .count();
        let allowed = self
            .plan
            .steps()
            .get(*step as usize)
            .map_or(0, |step| step.retry.max_attempts.get());
        let too_many = u32::try_from(failures).unwrap_or(u32::MAX) > allowed;
        if !kept || !numbered || too_many || record.attempts.len() < before.len() {
            return broken(
                Invariant::AttemptsCounted,
                format!("the attempts at step `{key}` do not continue those that were recorded"),
            );
        }
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.head.is_some_and(|head| head.state == State::Cancelled)
    }

    fn step(&self, step: u32) -> Option<&StepRecord> {
        self.steps.get(step as usize).and_then(Option::as_ref)
    }

    /// Whether what depends on the step may start.
    fn is_satisfied(&self, step: u32) -> bool {
        match self.step(step).map(|record| record.state) {
            Some(StepState::Completed) => true,
            Some(StepState::Failed) => self.plan.is_optional(step),
            _ => false,
        }
    }
}

/// The place of a step that is over by this row, and was not before.
fn newly_over(old: Option<&StepRecord>, new: &StepRecord) -> Option<u64> {
    let was_over = old.is_some_and(|old| is_over(old.state));
    (is_over(new.state) && !was_over).then(|| new.seq.unwrap_or(0))
}

const fn is_over(state: StepState) -> bool {
    !matches!(state, StepState::Pending | StepState::Running)
}

const fn is_closed(attempt: &Attempt) -> bool {
    attempt.ended_at.is_some() || attempt.interrupted
}

fn broken<T>(invariant: Invariant, message: impl Into<String>) -> Result<T, Violation> {
    Err(Violation::new(invariant, message))
}
