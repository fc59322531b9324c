//! Somebody asks for a pause in the very moment in which an execution gets its driver.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::BoxStream;

use super::bench::{Act, Bench, die_after, id, options, plan};
use crate::agent::Agents;
use crate::engine::Engine;
use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::store::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, MemoryStore,
    NewExecution, Restore, Store, StoreError, WorkflowRecord,
};
use crate::value::Json;

/// A store in which every execution is asked to pause as soon as it is created or claimed.
struct Impatient(Arc<MemoryStore>);

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl Store for Impatient {
    fn create(&self, new: NewExecution) -> Answer<'_, ()> {
        async move {
            let id = new.id.clone();
            self.0.create(new).await?;
            self.0.request_pause(&id).await.map(drop)
        }
        .boxed()
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Claimed> {
        async move {
            let claimed = self.0.claim(claim).await?;
            self.0.request_pause(&claimed.row.id).await?;
            Ok(claimed)
        }
        .boxed()
    }

    fn commit(&self, commit: Commit) -> Answer<'_, ()> {
        self.0.commit(commit)
    }

    fn renew(&self, owner: &Owner, runs: &[ExecutionId], until: Timestamp) -> Answer<'_, ()> {
        self.0.renew(owner, runs, until)
    }

    fn request_pause(&self, id: &ExecutionId) -> Answer<'_, ExecutionRecord> {
        self.0.request_pause(id)
    }

    fn cancel(&self, id: &ExecutionId, at: Timestamp) -> Answer<'_, ExecutionRecord> {
        self.0.cancel(id, at)
    }

    fn execution(&self, id: &ExecutionId) -> Answer<'_, Option<ExecutionRecord>> {
        self.0.execution(id)
    }

    fn load(&self, id: &ExecutionId) -> Answer<'_, Option<LoadedExecution>> {
        self.0.load(id)
    }

    fn workflow(&self, id: &WorkflowId) -> Answer<'_, Option<WorkflowRecord>> {
        self.0.workflow(id)
    }

    fn context(&self, id: &ExecutionId) -> Answer<'_, Option<Json>> {
        self.0.context(id)
    }

    fn definition(&self, id: &WorkflowId) -> Answer<'_, Option<Json>> {
        self.0.definition(id)
    }

    fn workflows(&self) -> Answer<'_, Vec<WorkflowRecord>> {
        self.0.workflows()
    }

    fn executions(&self) -> Answer<'_, Vec<ExecutionRecord>> {
        self.0.executions()
    }

    fn unfinished(&self) -> Answer<'_, Vec<ExecutionRecord>> {
        self.0.unfinished()
    }

    fn checkpoints(&self, id: &ExecutionId) -> Answer<'_, Vec<CheckpointRecord>> {
        self.0.checkpoints(id)
    }

    fn checkpoint(&self, id: &CheckpointId) -> Answer<'_, Option<CheckpointRecord>> {
        self.0.checkpoint(id)
    }

    fn create_checkpoint(
        &self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> Answer<'_, ()> {
        self.0.create_checkpoint(execution, id, at)
    }

    fn restore(&self, restore: Restore) -> Answer<'_, ExecutionRecord> {
        self.0.restore(restore)
    }

    fn delete_checkpoint(&self, id: &CheckpointId) -> Answer<'_, bool> {
        self.0.delete_checkpoint(id)
    }

    fn prune_checkpoints(&self, before: Timestamp) -> Answer<'_, u64> {
        self.0.prune_checkpoints(before)
    }

    fn watch(&self, id: &ExecutionId) -> BoxStream<'static, ()> {
        self.0.watch(id)
    }
}

fn impatient(bench: &Bench) -> Engine {
    let agents = Agents::new().with("a", bench.agent.clone());
    Engine::new(Arc::new(Impatient(Arc::clone(&bench.store))), agents)
        .with_clock(bench.clock.clone())
        .with_owner("impatient".into(), |_| true)
}

#[test]
fn a_pause_asked_for_while_an_execution_is_created_is_not_missed() {
    let bench = Bench::new();
    let engine = impatient(&bench);
    let plan = plan("", "a\nb, dependencies: [a]");
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options());
        run.await.unwrap().finish().await.unwrap()
    };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(status.state(), State::Paused);
}

#[test]
fn a_pause_asked_for_while_an_execution_is_taken_over_is_not_missed() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a\nb, dependencies: [a]"), 5);
    let engine = impatient(&bench);
    let run = async { engine.resume(&id()).await.unwrap().finish().await.unwrap() };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(status.state(), State::Paused);
}
