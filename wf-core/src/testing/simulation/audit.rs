//! The store that keeps the ledger: it lets everything through, and notes what should not have been.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use super::ledger::Ledger;
use super::oracle::{End, Oracle};
use super::script::{self, Script};
use super::violation::Violation;
use crate::agent::Request;
use crate::clock::Clock;
use crate::engine::{Notice, Status};
use crate::id::{ExecutionId, Owner, Timestamp};
use crate::plan::Plan;
use crate::store::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, NewExecution,
    Restore, Store, StoreError, StoreLayer,
};

/// Stands between what may fail and the store behind it: it sees what lands, and when.
pub(super) struct Audit {
    inner: Arc<dyn Store>,
    plan: Arc<Plan>,
    /// The keys of the steps that are code and run as such.
    run: HashSet<String>,
    state: Mutex<State>,
}

struct State {
    ledger: Ledger,
    /// What judges the calls and the end, where it is known what they are to be.
    oracle: Option<Oracle>,
    /// The engine that holds the lease.
    engine: Option<u32>,
    violation: Option<Violation>,
}

impl Audit {
    pub(super) fn new(plan: &Arc<Plan>, script: &Script, inner: Arc<dyn Store>) -> Arc<Self> {
        let run = plan
            .steps()
            .iter()
            .filter(|step| script::is_run(step, script));
        let run = run.map(|step| step.key.clone()).collect();
        Audit::with(plan, run, inner, Ledger::new(plan))
    }

    /// Has the calls and the end judged by what the script says.
    pub(super) fn judge(&self, script: &Arc<Script>, restored: bool) {
        self.state().oracle = Some(Oracle::new(&self.plan, script, restored));
    }

    /// The audit, over the same store, of an execution that is to be restored from a checkpoint of the one audited here.
    pub(super) fn of_restored(&self, checkpoint: &CheckpointRecord) -> Arc<Self> {
        let ledger = self.state().ledger.of_restored(checkpoint);
        Audit::with(
            &self.plan,
            self.run.clone(),
            Arc::clone(&self.inner),
            ledger,
        )
    }

    fn with(
        plan: &Arc<Plan>,
        run: HashSet<String>,
        inner: Arc<dyn Store>,
        ledger: Ledger,
    ) -> Arc<Self> {
        Arc::new(Audit {
            inner,
            run,
            plan: Arc::clone(plan),
            state: Mutex::new(State {
                ledger,
                oracle: None,
                engine: None,
                violation: None,
            }),
        })
    }

    /// An engine starts an attempt. One that has lost the run, and does not know it yet, may. Gives the number of a call
    /// that is followed.
    pub(super) fn starts(
        &self,
        engine: u32,
        request: &Request<'_>,
        now: Duration,
    ) -> Option<usize> {
        let mut state = self.state();
        let state = &mut *state;
        if state.engine != Some(engine) {
            return None;
        }
        let checked = state.ledger.starts(engine, request.step, request.attempt);
        let judged = match &mut state.oracle {
            Some(oracle) if !state.ledger.is_cancelled() => {
                let asked = (request.step, request.attempt, request.prompt);
                let (call, judged) = oracle.starts(engine, asked, now, state.ledger.rows());
                state.note(checked.and(judged));
                return call;
            }
            _ => Ok(()),
        };
        state.note(checked.and(judged));
        None
    }

    /// The agent of a call has answered.
    pub(super) fn ends(&self, call: Option<usize>, clock: &impl Clock) {
        if let (Some(call), Some(oracle)) = (call, &mut self.state().oracle) {
            oracle.ends(call, clock.elapsed());
        }
    }

    /// A call was dropped.
    pub(super) fn drops(&self, call: Option<usize>, clock: &impl Clock) {
        if let (Some(call), Some(oracle)) = (call, &mut self.state().oracle) {
            oracle.drops(call, clock.elapsed());
        }
    }

    /// An engine tells its host that something has happened.
    pub(super) fn told(&self, engine: u32, notice: &Notice<'_>) {
        let mut state = self.state();
        let state = &mut *state;
        let checked = match notice {
            // No agent says so of a step that is code.
            Notice::AttemptStarted { step, attempt, .. }
                if self.is_run(step) && state.engine == Some(engine) =>
            {
                state.ledger.starts(engine, step, *attempt)
            }
            _ => state.ledger.told(notice),
        };
        if let (Notice::Moved { .. }, Some(oracle)) = (notice, &mut state.oracle)
            && state.engine == Some(engine)
        {
            oracle.hears(engine, state.ledger.rows());
        }
        state.note(checked);
    }

    /// The end of a run with that many engines lost on the way.
    pub(super) fn over(
        &self,
        interruptions: u32,
        status: &Status,
        cancels: bool,
        was_stopped: bool,
    ) {
        let mut state = self.state();
        let state = &mut *state;
        let checked = state.ledger.over(interruptions);
        let judged = state.oracle.as_ref().map_or(Ok(()), |oracle| {
            oracle.over(&End {
                execution: &status.execution,
                rows: state.ledger.rows(),
                result: status.result.as_ref(),
                was_lost: interruptions > 0,
                was_stopped,
                cancels,
            })
        });
        state.note(checked.and(judged));
    }

    /// What may keep a run from ending where steps are code.
    pub(super) fn hint(&self) -> String {
        if self.run.is_empty() {
            return String::new();
        }
        let mut steps: Vec<String> = self.run.iter().map(|key| format!("`{key}`")).collect();
        steps.sort_unstable();
        format!(
            "; a simulated run has no runtime, and code that needs one never ends in it: where that is so of {}, say what the step does with `Simulation::with_step`",
            steps.join(", ")
        )
    }

    fn is_run(&self, key: &str) -> bool {
        self.run.contains(key)
    }

    /// The first thing that should not have been.
    pub(super) fn verdict(&self) -> Result<(), Violation> {
        self.state().violation.clone().map_or(Ok(()), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, checked: Result<(), Violation>) {
        if let Err(violation) = checked {
            self.violation.get_or_insert(violation);
        }
    }
}

impl StoreLayer for Audit {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn create(&self, new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let owner = new.owner.clone();
            let answer = self.inner.create(new).await;
            if answer.is_ok() {
                let mut state = self.state();
                state.engine = number(&owner);
                let checked = state.ledger.created();
                state.note(checked);
            }
            answer
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.state().note(Ledger::asked(&commit));
            let answer = self.inner.commit(commit.clone()).await;
            if answer.is_ok() {
                let mut state = self.state();
                let checked = state.ledger.committed(&commit);
                state.note(checked);
            }
            answer
        })
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let answer = self.inner.claim(claim.clone()).await;
            if let Ok(claimed) = &answer {
                let mut state = self.state();
                state.engine = number(&claim.owner);
                let checked = state.ledger.claimed(&claim, claimed);
                state.note(checked);
            }
            answer
        })
    }

    fn request_pause(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        let id = id.clone();
        Box::pin(async move {
            let answer = self.inner.request_pause(&id).await;
            if let Ok(now) = &answer {
                self.state().ledger.asked_to_pause(now);
            }
            answer
        })
    }

    fn cancel(
        &self,
        id: &ExecutionId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        let id = id.clone();
        Box::pin(async move {
            let answer = self.inner.cancel(&id, at).await;
            if let Ok(now) = &answer {
                let mut state = self.state();
                let checked = state.ledger.cancelled(now, at);
                state.note(checked);
            }
            answer
        })
    }

    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>> {
        let id = id.clone();
        Box::pin(async move {
            let loaded = self.inner.load(&id).await?;
            let mut state = self.state();
            let checked = state.ledger.loaded(loaded.as_ref());
            state.note(checked);
            drop(state);
            Ok(loaded)
        })
    }

    fn restore(&self, restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        Box::pin(async move {
            let answer = self.inner.restore(restore).await;
            if answer.is_ok() {
                let mut state = self.state();
                let checked = state.ledger.restored();
                state.note(checked);
            }
            answer
        })
    }
}

/// The number of an engine, by the name under which it owns what it drives.
pub(super) fn number(owner: &Owner) -> Option<u32> {
    owner.as_str().strip_prefix("engine ")?.parse().ok()
}
