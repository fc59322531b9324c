//! The crash simulator over SQLite: the same runs, the same invariants, on a file.

use std::sync::Arc;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{BoxFuture, ready};
use futures::stream::{BoxStream, pending};
use tempfile::TempDir;
use wf_core::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use wf_core::store::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, NewExecution,
    Restore, Store, StoreError, WorkflowRecord,
};
use wf_core::testing::{Fault, Simulation, explore};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

use crate::bench::plan;

/// Answers before it returns, so that no virtual time passes while SQLite's threads work.
struct Blocking {
    store: SqliteStore,
    _folder: TempDir,
}

impl Blocking {
    fn open() -> Arc<dyn Store> {
        let folder = tempfile::tempdir().unwrap();
        Arc::new(Blocking {
            store: SqliteStore::open(folder.path().join("ax.db")).unwrap(),
            _folder: folder,
        })
    }
}

fn now<'a, T: Send + 'a>(answer: BoxFuture<'_, T>) -> BoxFuture<'a, T> {
    ready(block_on(answer)).boxed()
}

impl Store for Blocking {
    fn create(&self, new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>> {
        now(self.store.create(new))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        now(self.store.commit(commit))
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        now(self.store.claim(claim))
    }

    fn renew(
        &self,
        owner: &Owner,
        executions: &[ExecutionId],
        until: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        now(self.store.renew(owner, executions, until))
    }

    fn request_pause(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        now(self.store.request_pause(id))
    }

    fn cancel(
        &self,
        id: &ExecutionId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        now(self.store.cancel(id, at))
    }

    fn execution(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>> {
        now(self.store.execution(id))
    }

    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>> {
        now(self.store.load(id))
    }

    fn workflow(
        &self,
        id: &WorkflowId,
    ) -> BoxFuture<'_, Result<Option<WorkflowRecord>, StoreError>> {
        now(self.store.workflow(id))
    }

    fn context(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        now(self.store.context(id))
    }

    fn definition(&self, id: &WorkflowId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        now(self.store.definition(id))
    }

    fn workflows(&self) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>> {
        now(self.store.workflows())
    }

    fn executions(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        now(self.store.executions())
    }

    fn checkpoints(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Vec<CheckpointRecord>, StoreError>> {
        now(self.store.checkpoints(id))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        now(self.store.unfinished())
    }

    fn checkpoint(
        &self,
        id: &CheckpointId,
    ) -> BoxFuture<'_, Result<Option<CheckpointRecord>, StoreError>> {
        now(self.store.checkpoint(id))
    }

    fn create_checkpoint(
        &self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        now(self.store.create_checkpoint(execution, id, at))
    }

    fn restore(&self, restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        now(self.store.restore(restore))
    }

    fn delete_checkpoint(&self, id: &CheckpointId) -> BoxFuture<'_, Result<bool, StoreError>> {
        now(self.store.delete_checkpoint(id))
    }

    fn prune_checkpoints(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        now(self.store.prune_checkpoints(before))
    }

    fn watch(&self, _: &ExecutionId) -> BoxStream<'static, ()> {
        Box::pin(pending())
    }
}

#[test]
fn a_run_on_sqlite_survives_every_fault_at_every_commit() {
    let plan = plan(
        "name: diamond
steps:
  - { key: top, agent: worker, prompt: begin }
  - { key: left, agent: worker, prompt: '{{top}}', dependencies: [top], retryPolicy: { maxAttempts: 3, initialDelay: 50ms } }
  - { key: right, agent: worker, prompt: '{{top}}', dependencies: [top], optional: true }
  - { key: bottom, agent: worker, prompt: '{{left}} {{right}}', dependencies: [left, right] }
",
    );
    for seed in 0..2 {
        let simulation = Simulation::new(&plan, seed).with_store(Blocking::open);
        let coverage = simulation.disturb_everywhere(Fault::ALL);
        assert!(coverage.unwrap().runs > 50);
    }
}

#[test]
fn drawn_workflows_on_sqlite_end_as_the_oracle_says() {
    let played = explore(0..12, Fault::ALL, |simulation| {
        simulation.with_store(Blocking::open)
    });
    match played {
        Ok(coverage) => assert!(coverage.runs > 100, "{coverage:?}"),
        Err(example) => panic!("{example}"),
    }
}
