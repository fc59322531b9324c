//! The seam to a database: what the engine asks to be remembered, and what it asks back.
//!
//! A [`Store`] keeps five kinds of rows: workflows and their steps, executions and their steps, and
//! checkpoints. Every write is an insert or a compare-and-set; no identifier and no moment is made by the
//! store, so that a run on virtual time leaves the same rows every time.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod error;
mod memory;
mod record;
mod restore;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub use error::StoreError;
pub use memory::MemoryStore;
pub use record::{
    CheckpointRecord, ExecutionRecord, LoadedExecution, StepRecord, WorkflowRecord,
    WorkflowStepRecord,
};
pub use restore::Restore;

use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::lifecycle::{Event, Row, State, TransitionError, transition};
use crate::step::{Attempt, StepState};
use crate::value::Json;

/// Remembers workflows, executions, steps and checkpoints.
///
/// Object-safe, and its futures are `Send`: an engine holds an `Arc<dyn Store>`. A future that is dropped
/// leaves it open whether its write happens; what was answered with `Ok` is durable as the store
/// documents it.
pub trait Store: Send + Sync + 'static {
    /// Inserts an execution in state `idle`, and its workflow with its steps unless they are there.
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
    /// revision by one, and clears a request to pause.
    ///
    /// Compares with the token and revision the caller has read; whether the lease may be taken (it has
    /// run out, or its owner is gone) is the caller's to judge.
    ///
    /// # Errors
    ///
    /// [`is_conflict`](StoreError::is_conflict) when the row has changed since it was read.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Row, StoreError>>;

    /// Prolongs every lease that `owner` holds.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn renew(&self, owner: &Owner, lease_until: Timestamp)
    -> BoxFuture<'_, Result<(), StoreError>>;

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
    /// and revision rise by one, and its running and pending step rows become `cancelled`.
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

    /// Reads one workflow.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn workflow(
        &self,
        id: &WorkflowId,
    ) -> BoxFuture<'_, Result<Option<WorkflowRecord>, StoreError>>;

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

    /// Lists the executions that somebody drives or drove last, and that are neither paused nor over, oldest
    /// first.
    ///
    /// Whether their owners still live is the caller's to judge.
    ///
    /// # Errors
    ///
    /// Those of the database.
    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>>;

    /// Lists the checkpoints of an execution, newest first.
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
    /// A checkpoint of its own, [`CheckpointId::of`] its revision, covers them. Nothing of the execution that is
    /// restored from is changed, or needed any more.
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

    /// Deletes the checkpoints written before a moment, but never the newest one of an execution that has not ended;
    /// returns how many.
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

/// An execution to be created, with the workflow it runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewExecution {
    /// The execution's identifier.
    pub id: ExecutionId,
    /// What it runs.
    pub workflow: NewWorkflow,
    /// The execution's context: `{"inputs": …}`.
    pub context: Json,
    /// Who drives it.
    pub owner: Owner,
    /// Until when it is leased to its owner.
    pub lease_until: Timestamp,
    /// Now.
    pub at: Timestamp,
    /// Where the run came from, for those who resume it.
    pub origin: Origin,
}

impl NewExecution {
    /// An execution of `workflow`, leased to `owner`.
    pub const fn new(
        id: ExecutionId,
        workflow: NewWorkflow,
        context: Json,
        owner: Owner,
        lease_until: Timestamp,
        at: Timestamp,
        origin: Origin,
    ) -> Self {
        NewExecution {
            id,
            workflow,
            context,
            owner,
            lease_until,
            at,
            origin,
        }
    }
}

/// Where a run was started from: what resuming it elsewhere needs to find its agents again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The path of its agents file; never its content.
    pub agents_file: Option<String>,
    /// The folder it was started in.
    pub directory: Option<String>,
}

/// A workflow as it is stored, once per content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkflow {
    /// The same for the same name, version and content.
    pub id: WorkflowId,
    /// The definition's name.
    pub name: String,
    /// The definition's description.
    pub description: Option<String>,
    /// The definition's version.
    pub version: String,
    /// The canonical definition.
    pub definition: Json,
    /// The hash of the canonical definition, in hexadecimal.
    pub hash: String,
    /// The steps, in the definition's order.
    pub steps: std::sync::Arc<[WorkflowStepRecord]>,
}

/// A path of transitions to be written, with all that belongs to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Commit {
    /// The row, as it must stand.
    pub row: Row,
    /// The state that the row must be in.
    pub from: State,
    /// The state that the path leads to.
    pub to: State,
    /// The events on the way; empty when only work is recorded.
    pub path: Vec<Event>,
    /// What else is written.
    pub writes: Writes,
}

impl Commit {
    /// A commit of `path`, which begins in `from`; where it leads is computed by the lifecycle's table.
    ///
    /// # Errors
    ///
    /// [`TransitionError`] when an event of the path is not legal where the path has come to.
    pub fn new(
        row: Row,
        from: State,
        path: Vec<Event>,
        writes: Writes,
    ) -> Result<Self, TransitionError> {
        let mut to = from;
        for event in &path {
            to = transition(to, event)?;
        }
        Ok(Commit {
            row,
            from,
            to,
            path,
            writes,
        })
    }
}

/// What a commit writes beside the state.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Writes {
    /// Now.
    pub at: Timestamp,
    /// For how long the execution has been driven, in all, in milliseconds.
    pub driven_millis: u64,
    /// The step rows to write.
    pub steps: Vec<StepWrite>,
    /// A checkpoint of all that is recorded up to and with this commit.
    pub checkpoint: Option<NewCheckpoint>,
    /// Why the execution failed, or paused by itself. An execution that goes on has none: what was there is cleared.
    pub error: Option<String>,
}

impl Writes {
    /// Nothing but the moment and the time driven.
    pub const fn new(at: Timestamp, driven_millis: u64) -> Self {
        Writes {
            at,
            driven_millis,
            steps: Vec::new(),
            checkpoint: None,
            error: None,
        }
    }
}

/// One step row as it is to be.
#[derive(Debug, Clone)]
pub struct StepWrite {
    /// The step's position in its workflow.
    pub step: u32,
    /// Whether the row is there already: it is then updated, else inserted.
    pub exists: bool,
    /// The row's content.
    pub record: StepRecord,
}

/// A checkpoint to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckpoint {
    /// The checkpoint's identifier.
    pub id: CheckpointId,
    /// The last `seq` that it covers: every step row up to it, and none after.
    pub through_seq: u64,
}

/// A lease to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The row as the caller has read it.
    pub row: Row,
    /// Who takes the lease.
    pub owner: Owner,
    /// Until when.
    pub lease_until: Timestamp,
    /// The budget from now on, as [`Budget::to_json`](wf_model::Budget::to_json) writes it; none leaves what is there.
    pub budget: Option<Json>,
}

impl Claim {
    /// A claim of `owner` to the row as it was read.
    pub const fn new(row: Row, owner: Owner, lease_until: Timestamp) -> Self {
        Claim {
            row,
            owner,
            lease_until,
            budget: None,
        }
    }
}

impl StepRecord {
    /// A step of which nothing is recorded yet.
    pub const fn pending() -> Self {
        StepRecord {
            state: StepState::Pending,
            seq: None,
            result: None,
            error: None,
            started_at: None,
            completed_at: None,
            attempts: Vec::new(),
            retry_base: 0,
        }
    }

    /// The attempt made last.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}
