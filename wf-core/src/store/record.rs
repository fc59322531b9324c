//! What a store gives back.

use std::time::Duration;

use wf_model::Budget;

use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::lifecycle::{Row, State};
use crate::step::{Attempt, Attempts, StepState};
use crate::store::Origin;
use crate::value::Json;

/// A row of `workflows`, without the definition, which [`Store::definition`](crate::store::Store::definition) reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkflowRecord {
    /// The workflow's identifier.
    pub id: WorkflowId,
    /// The definition's name.
    pub name: String,
    /// The definition's description.
    pub description: Option<String>,
    /// The definition's version.
    pub version: String,
    /// The hash of the canonical definition, in hexadecimal.
    pub hash: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When an execution of it was last created or restored. What it says never changes: another content is another
    /// workflow.
    pub updated_at: Timestamp,
}

impl WorkflowRecord {
    /// A workflow that is stored at that moment, and has no description.
    pub const fn new(
        id: WorkflowId,
        name: String,
        version: String,
        hash: String,
        at: Timestamp,
    ) -> Self {
        WorkflowRecord {
            id,
            name,
            description: None,
            version,
            hash,
            created_at: at,
            updated_at: at,
        }
    }
}

/// A row of `workflow_executions`, without the context, which [`Store::context`](crate::store::Store::context) reads.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExecutionRecord {
    /// The execution's identifier.
    pub id: ExecutionId,
    /// The workflow that it runs.
    pub workflow_id: WorkflowId,
    /// Its state.
    pub state: State,
    /// When it was created.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed, or why it paused by itself.
    pub error: Option<String>,
    /// When it can go on, where it paused by itself until a moment that is known.
    pub resume_at: Option<Timestamp>,
    /// Who drives it, or drove it last; none when it is paused or has ended.
    pub owner: Option<Owner>,
    /// The fencing token: how often the lease was taken.
    pub token: u64,
    /// Until when it is leased to its owner.
    pub lease_until: Option<Timestamp>,
    /// How often the row was written.
    pub revision: u64,
    /// Whether somebody has asked for a pause.
    pub pause_requested: bool,
    /// For how long it has been driven, in milliseconds; time paused or dead is not in it.
    pub driven_millis: u64,
    /// The greatest `seq` that its step rows have had or its checkpoints cover; 0 when there is none. The next step that
    /// ends gets a greater one, so that no checkpoint ever covers it.
    pub last_seq: u64,
    /// What it may use before it pauses, where that is not as its definition says.
    pub budget: Option<Budget>,
    /// Where it was started from.
    pub origin: Origin,
    /// The checkpoint that it was restored from.
    pub restored_from: Option<CheckpointId>,
}

impl ExecutionRecord {
    /// An execution of `workflow_id` in that state, created at that moment, which nobody drives: its token and revision
    /// are 0, and nothing else is known of it.
    pub const fn new(
        id: ExecutionId,
        workflow_id: WorkflowId,
        state: State,
        at: Timestamp,
    ) -> Self {
        ExecutionRecord {
            id,
            workflow_id,
            state,
            started_at: at,
            completed_at: None,
            error: None,
            resume_at: None,
            owner: None,
            token: 0,
            lease_until: None,
            revision: 0,
            pause_requested: false,
            driven_millis: 0,
            last_seq: 0,
            budget: None,
            origin: Origin {
                agents_file: None,
                directory: None,
            },
            restored_from: None,
        }
    }

    /// Which row it is, and at which revision.
    pub fn row(&self) -> Row {
        Row {
            id: self.id.clone(),
            token: self.token,
            revision: self.revision,
        }
    }
}

/// A lease that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed {
    /// The row as it then is.
    pub row: Row,
    /// Whether a pause is asked for in that row: never where the claim has cleared the request.
    pub pause_requested: bool,
}

impl Claimed {
    /// A lease on the row, with whether a pause is asked for in it.
    pub const fn new(row: Row, pause_requested: bool) -> Self {
        Claimed {
            row,
            pause_requested,
        }
    }
}

/// A row of `workflow_step_executions`, without the columns that only name it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepRecord {
    /// The step's state.
    pub state: StepState,
    /// Its place in the order in which the execution's steps were committed, from 1; none before it ended.
    pub seq: Option<u64>,
    /// Its result.
    pub result: Option<Json>,
    /// Why it failed, or why its last attempt did.
    pub error: Option<String>,
    /// When its first attempt started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The attempts made, oldest first.
    pub attempts: Attempts,
    /// How many of the attempts were made before its retry allowance was last renewed.
    pub retry_base: u32,
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
            attempts: Attempts::new(),
            retry_base: 0,
        }
    }

    /// The attempt made last.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// How long the attempts took whose end was seen, all together; none when there is no such attempt.
    ///
    /// This is the time that was spent on the step. The waits between its attempts are not in it, nor the time in which
    /// the execution was paused or driven by nobody, nor an attempt that was lost with the process that made it.
    pub fn taken(&self) -> Option<Duration> {
        let each = self.attempts.iter();
        each.filter_map(|attempt| Some(attempt.ended_at?.since(attempt.started_at)))
            .reduce(Duration::saturating_add)
    }

    /// `retry_count`: how many attempts were made beyond the first.
    pub fn retry_count(&self) -> u32 {
        u32::try_from(self.attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_sub(1)
    }
}

/// A row of `workflow_checkpoints`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointRecord {
    /// The checkpoint's identifier.
    pub id: CheckpointId,
    /// The execution that it is of.
    pub execution_id: ExecutionId,
    /// The state that the execution was in.
    pub state: State,
    /// What it adds to the execution's context; `{}` when nothing.
    pub context: Json,
    /// The last `seq` that it covers.
    pub through_seq: u64,
    /// The positions of the steps that it covers, in the order in which they were committed.
    pub completed_steps: Vec<u32>,
    /// When it was written.
    pub created_at: Timestamp,
    /// The revision of the execution with which it was written: it puts the checkpoints of an execution in order, also
    /// when the wall clock was set back in between.
    pub revision: u64,
}

impl CheckpointRecord {
    /// A checkpoint of the steps up to `through_seq`, which adds nothing to the execution's context and covers no step
    /// yet.
    pub fn new(
        id: CheckpointId,
        execution_id: ExecutionId,
        state: State,
        through_seq: u64,
        at: Timestamp,
        revision: u64,
    ) -> Self {
        CheckpointRecord {
            id,
            execution_id,
            state,
            context: Json::from_stored("{}"),
            through_seq,
            completed_steps: Vec::new(),
            created_at: at,
            revision,
        }
    }
}

/// An execution with its workflow and its step rows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LoadedExecution {
    /// The execution's row.
    pub execution: ExecutionRecord,
    /// Its workflow.
    pub workflow: WorkflowRecord,
    /// The step rows that exist, with each step's position in its workflow, in that order.
    pub steps: Vec<(u32, StepRecord)>,
}

impl LoadedExecution {
    /// An execution with what belongs to it.
    pub const fn new(
        execution: ExecutionRecord,
        workflow: WorkflowRecord,
        steps: Vec<(u32, StepRecord)>,
    ) -> Self {
        LoadedExecution {
            execution,
            workflow,
            steps,
        }
    }
}
