//! The writes that are about checkpoints and go on from them.

use diesel::prelude::QueryResult;
use wf_core::id::{CheckpointId, ExecutionId, Timestamp};
use wf_core::lifecycle::State;
use wf_core::store::{ExecutionRecord, Restore, StoreError};

use super::{Session, Write, not_found};
use crate::checkpoints::Mark;
use crate::error::refuse;
use crate::{checkpoints, executions, step_executions, workflows};

/// Writes a checkpoint of all that is recorded of an execution.
pub(crate) struct NewMark {
    pub(crate) execution_id: ExecutionId,
    pub(crate) id: CheckpointId,
    pub(crate) at: Timestamp,
}

impl Write for NewMark {
    type Answer = ();

    fn apply(&self, session: &mut Session) -> QueryResult<Result<(), StoreError>> {
        let conn = &mut session.conn;
        let Some(execution) = executions::find_execution(conn, &self.execution_id)? else {
            return Ok(Err(not_found(&self.execution_id)));
        };
        if execution.state.is_terminal() {
            return Ok(Err(StoreError::conflict(format!(
                "execution `{}` has ended: it is `{}`",
                execution.id, execution.state
            ))));
        }
        checkpoints::insert_checkpoint(conn, &Mark::of(&execution, &self.id, self.at))?;
        Ok(Ok(()))
    }
}

impl Write for Restore {
    type Answer = ExecutionRecord;

    fn apply(&self, session: &mut Session) -> QueryResult<Result<ExecutionRecord, StoreError>> {
        let found = checkpoints::find_mark(&mut session.conn, &self.checkpoint)?;
        let Some((source, through_seq)) = found else {
            return Ok(Err(StoreError::not_found(format!(
                "there is no checkpoint `{}`",
                self.checkpoint
            ))));
        };
        if executions::find_state(&mut session.conn, &self.id)?.is_some() {
            return Ok(Err(StoreError::exists(format!(
                "there is an execution `{}` already",
                self.id
            ))));
        }
        let ids = session
            .step_ids(&source)?
            .ok_or_else(|| refuse("the workflow of an execution is not there"))?;
        let optional: Option<Vec<i64>> = self.optional.iter().map(|&step| ids.at(step)).collect();
        let optional = optional
            .ok_or_else(|| refuse("a step is named that the execution's workflow does not have"))?;
        let conn = &mut session.conn;
        executions::insert_restored_execution(conn, self, &source, through_seq)?;
        step_executions::copy_step_executions(conn, &source, through_seq, &optional, &self.id)?;
        let mark = Mark {
            id: &CheckpointId::of(&self.id, 0),
            execution_id: &self.id,
            state: State::Paused,
            through_seq,
            at: self.at,
            revision: 0,
        };
        checkpoints::insert_checkpoint(conn, &mark)?;
        let Some(execution) = executions::find_execution(conn, &self.id)? else {
            return Err(refuse("the execution of a checkpoint is not there"));
        };
        workflows::touch_workflow(conn, &execution.workflow_id, self.at)?;
        Ok(Ok(execution))
    }
}

/// Deletes one checkpoint.
pub(crate) struct CheckpointDeletion {
    pub(crate) id: CheckpointId,
}

impl Write for CheckpointDeletion {
    type Answer = bool;

    fn apply(&self, session: &mut Session) -> QueryResult<Result<bool, StoreError>> {
        Ok(Ok(checkpoints::delete_checkpoint(
            &mut session.conn,
            &self.id,
        )? > 0))
    }
}

/// Deletes old checkpoints.
pub(crate) struct Pruning {
    pub(crate) before: Timestamp,
}

impl Write for Pruning {
    type Answer = u64;

    fn apply(&self, session: &mut Session) -> QueryResult<Result<u64, StoreError>> {
        let deleted = checkpoints::delete_checkpoints_before(&mut session.conn, self.before)?;
        Ok(Ok(u64::try_from(deleted).unwrap_or(u64::MAX)))
    }
}
