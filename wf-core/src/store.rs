//! The seam to a database: what the engine asks to be remembered, and what it asks back.
//!
//! A [`Store`] keeps five kinds of rows: workflows and their steps, executions and their steps, and
//! checkpoints. Every write is an insert or a compare-and-set; no identifier and no moment is made by the
//! store, so that a run on virtual time leaves the same rows every time.

mod commit;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod error;
mod layer;
mod memory;
mod query;
mod record;
mod request;
mod restore;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub use commit::commit;
pub use error::StoreError;
pub use layer::StoreLayer;
pub use memory::MemoryStore;
pub use query::{ExecutionQuery, WorkflowQuery};
pub use record::{
    CheckpointRecord, Claimed, ExecutionRecord, LoadedExecution, StepRecord, WorkflowRecord,
};
pub use request::{
    Claim, Commit, NewCheckpoint, NewExecution, NewWorkflow, Origin, StepWrite, Writes,
};
pub use restore::Restore;

use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::usage::Usage;
use crate::value::Json;

/// Remembers workflows, executions, steps and checkpoints.
///
/// Object-safe, and its futures are `Send`: an engine holds an `Arc<dyn Store>`. A future that is dropped
/// leaves it open whether its write happens; what was answered with `Ok` is durable as the store
/// documents it.
pub trait Store: Send + Sync + 'static {
    /// Returns what tells this store from every other, for as long as it lasts; empty for one that has nothing of the
    /// kind. Idempotency keys begin with it, so that two stores never give the same one.
    fn identity(&self) -> &str {
        ""
    }

    /// Returns how many bytes of JSON a step's result may have at most. A step with a larger one fails for good.
    fn largest_result(&self) -> usize {
        usize::MAX
    }

    /// Inserts an execution in state `idle`, and its workflow with its steps unless they are there; in a workflow that
    /// is there, `updated_at` becomes the moment of the creation.
    ///
    /// The new row has the token 1 and the revision 0.
    ///
    /// # Errors
    ///
    /// [`is_exists`](StoreError::is_exists) when the execution's identifier is taken; nothing is inserted.
    fn create(&self, new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Writes a path of transitions with all that belongs to it, in one transaction.
    ///
    /// The row must stand at the commit's state, token and revision; the revision rises by one.
    ///
    /// # Errors
    ///
    /// [`is_conflict`](StoreError::is_conflict) when the row is not as the commit expects it; nothing is
    /// written. [`is_unanswered`](StoreError::is_unanswered) when it is not known whether the commit landed.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Takes the lease on an execution that has not ended: sets the owner, raises the token and the
    /// revision by one, and clears a request to pause unless the claim keeps it.
    ///
    /// A request is none of what the caller's row is compared by: the answer tells of one that came after it was read.
    ///
    /// Compares with the token and revision the caller has read; whether the lease may be taken (it has
    /// run out, or its owner is gone) is the caller's to judge.
    ///
    /// # Errors
    ///
    /// [`is_conflict`](StoreError::is_conflict) when the row has changed since it was read.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>>;

    /// Prolongs the leases that `owner` holds on `executions`, and no other: what it held once and drives no longer
    /// must come to an end.
    ///
    /// Without effect on those that it does not hold, that are paused or that have ended.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn renew(
        &self,
        owner: &Owner,
        executions: &[ExecutionId],
        lease_until: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Asks the owner of an execution to pause it; without effect on one that is paused or has ended.
    ///
    /// Returns the row as it then is.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](StoreError::is_not_found).
    fn request_pause(&self, id: &ExecutionId)
    -> BoxFuture<'_, Result<ExecutionRecord, StoreError>>;

    /// Cancels an execution, whoever drives it: in one transaction its state becomes `cancelled`, its token
    /// and revision rise by one, and its running and pending step rows become `cancelled`. Unless its newest
    /// checkpoint covers all that is done, a checkpoint of that is written.
    ///
    /// Succeeds when the execution is cancelled already. Returns the row as it then is: in another terminal
    /// state when the execution had ended before, in which case nothing is written.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](StoreError::is_not_found).
    fn cancel(
        &self,
        id: &ExecutionId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>>;

    /// Reads one execution.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn execution(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>>;

    /// Reads one execution with its workflow and its step rows, all of the same moment.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>>;

    /// Reads the context of one execution, `{"inputs": …}`: it may be large, and never changes.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn context(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<Json>, StoreError>>;

    /// Reads one workflow.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn workflow(
        &self,
        id: &WorkflowId,
    ) -> BoxFuture<'_, Result<Option<WorkflowRecord>, StoreError>>;

    /// Reads the canonical definition of one workflow: it may be large, and never changes.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn definition(&self, id: &WorkflowId) -> BoxFuture<'_, Result<Option<Json>, StoreError>>;

    /// Reads how long the last attempt at each step took in one of the latest completed executions of a workflow, by the
    /// steps' positions: of the first `most` steps, and of those alone that were completed there.
    ///
    /// A hint in which order steps are best started; a store that does not keep it may know none, as here.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn durations(
        &self,
        workflow: &WorkflowId,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<(u32, Duration)>, StoreError>> {
        let (_, _) = (workflow, most);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Reads the most that an attempt of each of these agents is [known](Usage::known) to have used: of the last attempts at
    /// steps that ask them, in the latest 64 executions, and of no more steps than a few thousand.
    ///
    /// A hint in what a run under a budget sets aside; a store that does not keep it may know none, as here.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn usage_of(
        &self,
        agents: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<(String, Usage)>, StoreError>> {
        drop(agents);
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Lists the workflows, newest first.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn workflows(&self) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>>;

    /// Lists the executions, newest first.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn executions(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>>;

    /// Lists the workflows that a query asks for, newest first.
    ///
    /// The one here reads them all; a store that can do better does.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn workflows_by(
        &self,
        query: WorkflowQuery,
    ) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>> {
        let all = self.workflows();
        Box::pin(async move { Ok(query.pick(all.await?)) })
    }

    /// Lists the executions that a query asks for, newest first.
    ///
    /// The one here reads them all; a store that can do better does.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn executions_by(
        &self,
        query: ExecutionQuery,
    ) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        let (executions, workflows) = (self.executions(), self.workflows());
        Box::pin(async move {
            let workflows = match query.workflow {
                Some(_) => workflows.await?,
                None => Vec::new(),
            };
            Ok(query.pick(executions.await?, &workflows))
        })
    }

    /// Lists the executions that somebody drives or drove last, and that are neither paused nor over, oldest
    /// first.
    ///
    /// Whether their owners still live is the caller's to judge.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>>;

    /// Lists the checkpoints of an execution, newest first: by their revisions, then their moments, then their identifiers.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn checkpoints(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Vec<CheckpointRecord>, StoreError>>;

    /// Reads one checkpoint.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn checkpoint(
        &self,
        id: &CheckpointId,
    ) -> BoxFuture<'_, Result<Option<CheckpointRecord>, StoreError>>;

    /// Inserts a checkpoint of all that is recorded of an execution that has not ended, whoever drives it.
    ///
    /// It is a mark and no event: the execution's row, its revision too, stays as it is.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](StoreError::is_not_found) when there is no such execution;
    /// [`is_conflict`](StoreError::is_conflict) when it has ended; [`is_rejected`](StoreError::is_rejected) when the
    /// checkpoint's identifier is taken.
    fn create_checkpoint(
        &self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Inserts an execution that stands where a checkpoint was, in one transaction, and returns its row.
    ///
    /// The row is `paused`, names the checkpoint, has nobody for an owner, the token 0 and the revision 0, and the
    /// workflow and the context of the checkpoint's execution. It gets copies of the step rows that the checkpoint
    /// covers and that need not be run again: those `completed`, and those `failed` that the request calls optional.
    /// A checkpoint of its own, [`CheckpointId::of`] its revision, with the mark of the one restored from, covers them.
    /// Nothing of the execution that is restored from is changed, or needed any more. The `updated_at` of the workflow
    /// becomes the moment of the restoration.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](StoreError::is_not_found) when there is no such checkpoint, [`is_exists`](StoreError::is_exists)
    /// when the execution's identifier is taken; nothing is inserted.
    fn restore(&self, restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>>;

    /// Deletes a checkpoint, and nothing else; false when there is none of that identifier.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn delete_checkpoint(&self, id: &CheckpointId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Deletes the checkpoints written before a moment, but never the newest one of an execution that has not ended, nor
    /// one that an execution was restored from; returns how many. Which is the newest is told as in
    /// [`checkpoints`](Store::checkpoints), so that a clock that was set back endangers none.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn prune_checkpoints(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Yields an item whenever the execution's row may have been written by another than its owner.
    ///
    /// A hint to read the row again: items may be merged, and may come without a change. A store that other
    /// processes write to yields within a second of their write.
    fn watch(&self, id: &ExecutionId) -> BoxStream<'static, ()>;
}
