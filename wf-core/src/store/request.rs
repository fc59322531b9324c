//! What is asked of a store: what is to be created, committed and claimed.

use std::sync::Arc;

use wf_model::{Budget, Definition};

use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::lifecycle::{Event, Row, State, TransitionError, transition};
use crate::store::StepRecord;
use crate::value::Json;

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
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewWorkflow {
    /// The workflow's identifier: equal for the same name, version and content.
    pub id: WorkflowId,
    /// The definition: its name, its description, its version, and its steps in their order.
    pub definition: Arc<Definition>,
    /// The canonical text of the definition, and of the types of its outputs if it is compiled into the program.
    pub canonical: Json,
    /// The hash of the canonical text, in hexadecimal.
    pub hash: String,
}

impl NewWorkflow {
    /// A workflow under that identifier.
    pub const fn new(
        id: WorkflowId,
        definition: Arc<Definition>,
        canonical: Json,
        hash: String,
    ) -> Self {
        NewWorkflow {
            id,
            definition,
            canonical,
            hash,
        }
    }
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
    /// When an execution that has paused by itself can go on, where that is known. Cleared as `error` is.
    pub resume_at: Option<Timestamp>,
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
            resume_at: None,
        }
    }

    /// The greatest `seq` that is given to a step or covered by the checkpoint; 0 when there is none.
    pub fn last_seq(&self) -> u64 {
        let covered = self.checkpoint.as_ref().map(|mark| mark.through_seq);
        let given = self.steps.iter().filter_map(|write| write.record.seq);
        given.chain(covered).max().unwrap_or(0)
    }
}

/// One step row as it is to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepWrite {
    /// The step's position in its workflow.
    pub step: u32,
    /// Whether the row is there already: it is then updated, else inserted.
    pub exists: bool,
    /// The row's content, which whoever drives the execution shares.
    pub record: Arc<StepRecord>,
}

impl StepWrite {
    /// The first row of the step at that position.
    pub fn insert(step: u32, record: impl Into<Arc<StepRecord>>) -> Self {
        StepWrite {
            step,
            exists: false,
            record: record.into(),
        }
    }

    /// The row that the step at that position has, as it is to be.
    pub fn update(step: u32, record: impl Into<Arc<StepRecord>>) -> Self {
        StepWrite {
            step,
            exists: true,
            record: record.into(),
        }
    }
}

/// A checkpoint to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewCheckpoint {
    /// The checkpoint's identifier.
    pub id: CheckpointId,
    /// The last `seq` that it covers: every step row up to it, and none after.
    pub through_seq: u64,
}

impl NewCheckpoint {
    /// A checkpoint of the steps up to `through_seq`.
    pub const fn new(id: CheckpointId, through_seq: u64) -> Self {
        NewCheckpoint { id, through_seq }
    }
}

/// A lease to be taken.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Claim {
    /// The row as the caller has read it.
    pub row: Row,
    /// Who takes the lease.
    pub owner: Owner,
    /// Until when.
    pub lease_until: Timestamp,
    /// The budget from now on; none leaves what is there.
    pub budget: Option<Budget>,
    /// Whether a request to pause stays until the execution is paused; else it is cleared.
    pub keeps_pause: bool,
}

impl Claim {
    /// A claim of `owner` to the row as it was read, which clears a request to pause.
    pub const fn new(row: Row, owner: Owner, lease_until: Timestamp) -> Self {
        Claim {
            row,
            owner,
            lease_until,
            budget: None,
            keeps_pause: false,
        }
    }
}
