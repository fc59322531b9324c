//! The store that keeps the ledger: it lets everything through, and notes what should not have been.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;

use super::ledger::Ledger;
use super::violation::Violation;
use crate::engine::Notice;
use crate::id::{ExecutionId, Owner, Timestamp};
use crate::plan::Plan;
use crate::store::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, NewExecution,
    Restore, Store, StoreError,
};
use crate::testing::forward::{forward_checkpoints, forward_reads};

/// Stands between what may fail and the store behind it: it sees what lands, and when.
pub(super) struct Audit {
    inner: Arc<dyn Store>,
    plan: Arc<Plan>,
    state: Mutex<State>,
}

struct State {
    ledger: Ledger,
    /// The engine that holds the lease, as far as engines are numbered.
    engine: u32,
    violation: Option<Violation>,
}

impl Audit {
    pub(super) fn new(plan: &Arc<Plan>, inner: Arc<dyn Store>) -> Arc<Self> {
        Audit::with(plan, inner, Ledger::new(plan))
    }

    /// The audit, over the same store, of an execution that is to be restored from a checkpoint of the one audited here.
    pub(super) fn of_restored(&self, checkpoint: &CheckpointRecord) -> Arc<Self> {
        let ledger = self.state().ledger.of_restored(checkpoint);
        Audit::with(&self.plan, Arc::clone(&self.inner), ledger)
    }

    fn with(plan: &Arc<Plan>, inner: Arc<dyn Store>, ledger: Ledger) -> Arc<Self> {
        Arc::new(Audit {
            inner,
            plan: Arc::clone(plan),
            state: Mutex::new(State {
                ledger,
                engine: 0,
                violation: None,
            }),
        })
    }

    /// From now on that engine is the one that should drive the run.
    pub(super) fn hand_over(&self, engine: u32) {
        self.state().engine = engine;
    }

    /// An engine starts an attempt. One that has lost the run, and does not know it yet, may.
    pub(super) fn starts(&self, engine: u32, step: &str, attempt: u32) {
        let mut state = self.state();
        if state.engine == engine {
            let checked = state.ledger.starts(engine, step, attempt);
            state.note(checked);
        }
    }

    /// An engine tells its host that something has happened.
    pub(super) fn told(&self, notice: &Notice<'_>) {
        let mut state = self.state();
        let checked = state.ledger.told(notice);
        state.note(checked);
    }

    /// The end of a run with that many engines lost on the way.
    pub(super) fn over(&self, interruptions: u32) {
        let mut state = self.state();
        let checked = state.ledger.over(interruptions);
        state.note(checked);
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

impl Store for Audit {
    fn create(&self, new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let answer = self.inner.create(new).await;
            if answer.is_ok() {
                let mut state = self.state();
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
                let checked = state.ledger.claimed(&claim, claimed);
                state.note(checked);
            }
            answer
        })
    }

    fn renew(
        &self,
        owner: &Owner,
        executions: &[ExecutionId],
        lease_until: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.renew(owner, executions, lease_until)
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

    fn execution(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>> {
        self.inner.execution(id)
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

    forward_reads!(inner);
    forward_checkpoints!(inner);
}
