//! What is known to be committed, kept beside the store, and the rules that every write must keep.

mod commits;

use std::sync::Arc;

use super::violation::{Invariant, Violation};
use crate::engine::Notice;
use crate::id::Timestamp;
use crate::lifecycle::{Row, State};
use crate::plan::Plan;
use crate::step::{Attempt, StepState};
use crate::store::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, StepRecord,
};

/// What one execution's rows must say, by all that was acknowledged.
pub(super) struct Ledger {
    plan: Arc<Plan>,
    head: Option<Head>,
    steps: Vec<Option<StepRecord>>,
    /// The engine and the attempt of the call made last, by step.
    called: Vec<Option<(u32, u32)>>,
    /// How many calls were made, by step.
    calls: Vec<u32>,
    /// How many attempts were made before this execution was restored, by step.
    inherited: Vec<u32>,
    seq: u64,
    /// How steps have ended, by all commits: one that is renewed later has ended all the same.
    ended: Vec<(u32, StepState)>,
    /// Whether a request to pause was acknowledged, and neither followed nor overruled yet.
    pausing: bool,
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
            inherited: vec![0; steps],
            seq: 0,
            ended: Vec::new(),
            pausing: false,
        }
    }

    /// The ledger of an execution that is to be restored from a checkpoint of this one: what the checkpoint covers, and
    /// need not be run again, is there.
    pub(super) fn of_restored(&self, checkpoint: &CheckpointRecord) -> Self {
        let mut ledger = Ledger::new(&self.plan);
        ledger.seq = checkpoint.through_seq;
        for (at, record) in (0_u32..).zip(&self.steps) {
            let stands = record.as_ref().filter(|record| {
                let covered = record.seq.is_some_and(|seq| seq <= checkpoint.through_seq);
                covered && self.is_satisfied(at)
            });
            if let (Some(record), Some(step), Some(inherited)) = (
                stands,
                ledger.steps.get_mut(at as usize),
                ledger.inherited.get_mut(at as usize),
            ) {
                *inherited = u32::try_from(record.attempts.len()).unwrap_or(u32::MAX);
                *step = Some(record.clone());
            }
        }
        ledger
    }

    /// The store has restored the execution.
    pub(super) fn restored(&mut self) -> Checked {
        let new = Head {
            state: State::Paused,
            token: 0,
            revision: 0,
        };
        match self.head.replace(new) {
            None => Ok(()),
            Some(_) => broken(Invariant::OneOwner, "the execution was restored twice"),
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

    /// The store has given the lease to a new owner.
    pub(super) fn claimed(&mut self, claim: &Claim, claimed: &Claimed) -> Checked {
        let row = &claimed.row;
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
        if claim.keeps_pause && self.pausing && !claimed.pause_requested {
            return broken(
                Invariant::PauseKept,
                "whoever took the run over was not told of the request to pause",
            );
        }
        self.pausing &= claim.keeps_pause;
        Ok(())
    }

    /// The store has answered a request to pause with the row as it then is.
    pub(super) fn asked_to_pause(&mut self, now: &ExecutionRecord) {
        self.pausing |= now.pause_requested;
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

    /// An engine tells its host that something has happened.
    pub(super) fn told(&self, notice: &Notice<'_>) -> Checked {
        let (is_so, what) = match notice {
            Notice::StepEnded { step, outcome, .. } => {
                // By the time that its engine hears of it another may have renewed it.
                let there = self.ended.iter().any(|&(at, state)| {
                    self.plan.key(at as usize) == *step && state == outcome.state()
                });
                (there, format!("the end of step `{step}`"))
            }
            Notice::Moved { to, .. } if to.is_terminal() => {
                let there = self.head.is_some_and(|head| head.state == *to);
                (there, format!("the end of the run as `{to}`"))
            }
            // That a failed attempt is committed is checked when the next one starts.
            _ => return Ok(()),
        };
        if is_so {
            return Ok(());
        }
        broken(
            Invariant::ToldAfterwards,
            format!("{what} was told, and is not committed"),
        )
    }

    /// The run is over; `interruptions` engines were lost on the way.
    pub(super) fn over(&self, interruptions: u32) -> Checked {
        // A cancellation, too, cuts off calls of which nothing is recorded.
        let interruptions = interruptions.saturating_add(u32::from(self.is_cancelled()));
        let rows = self.calls.iter().zip(&self.steps).zip(&self.inherited);
        for (at, ((&calls, record), &inherited)) in rows.enumerate() {
            let recorded = record.as_ref().map_or(0, |record| record.attempts.len());
            let recorded = u32::try_from(recorded).unwrap_or(u32::MAX);
            let recorded = recorded.saturating_sub(inherited);
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

    /// The rows of the steps.
    pub(super) fn rows(&self) -> &[Option<StepRecord>] {
        &self.steps
    }

    pub(super) fn is_cancelled(&self) -> bool {
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

const fn is_over(state: StepState) -> bool {
    !matches!(state, StepState::Pending | StepState::Running)
}

const fn is_closed(attempt: &Attempt) -> bool {
    attempt.ended_at.is_some() || attempt.interrupted
}

fn broken<T>(invariant: Invariant, message: impl Into<String>) -> Result<T, Violation> {
    Err(Violation::new(invariant, message))
}
