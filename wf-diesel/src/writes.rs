//! What each write of the store's trait does, in statements, inside a transaction of the [`writer`](crate::writer).

mod marks;

use std::collections::HashMap;

use diesel::prelude::*;
use wf_core::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use wf_core::lifecycle::{Row, State};
use wf_core::store::{
    Claim, Claimed, Commit, ExecutionRecord, NewExecution, StepWrite, StoreError,
};

pub(crate) use marks::{CheckpointDeletion, NewMark, Pruning};

use crate::checkpoints::Mark;
use crate::error::{integer, refuse};
use crate::step_executions::AttemptsText;
use crate::workflows::StepIds;
use crate::{checkpoints, executions, step_executions, workflow_steps, workflows};

/// Of how many executions, and of how many workflows, the step identifiers are kept at hand.
const REMEMBERED: usize = 16_384;

/// One write: applied, perhaps twice, in a transaction that others share.
pub(crate) trait Write: Send + 'static {
    /// What the caller is told when it is durable.
    type Answer: Send + 'static;

    /// About how many rows it writes.
    fn rows(&self) -> usize {
        1
    }

    /// Writes its rows.
    ///
    /// An outer error means that the transaction has to be rolled back; an inner one, that the write is refused and
    /// has changed nothing.
    fn apply(&self, session: &mut Session) -> QueryResult<Result<Self::Answer, StoreError>>;

    /// Whether it is to be known before the answer that the file is where it was: of all but what is written for each
    /// step.
    fn wants_place(&self) -> bool {
        true
    }

    /// The execution whose owner should read its row again.
    fn wakes(&self) -> Option<&ExecutionId> {
        None
    }
}

/// The writing connection, and what is kept between transactions.
pub(crate) struct Session {
    pub(crate) conn: SqliteConnection,
    /// Which step identifiers an execution's workflow has: known without a query for those that are being driven.
    step_ids: HashMap<ExecutionId, StepIds>,
    /// The step identifiers of the workflows of which executions were created: they never change.
    workflows: HashMap<WorkflowId, StepIds>,
    /// Of which workflows this transaction has created executions, and when.
    used: HashMap<WorkflowId, Timestamp>,
    attempts: AttemptsText,
}

impl Session {
    pub(crate) fn new(conn: SqliteConnection) -> Self {
        Session {
            conn,
            step_ids: HashMap::new(),
            workflows: HashMap::new(),
            used: HashMap::new(),
            attempts: AttemptsText::default(),
        }
    }

    /// Forgets what a transaction that was rolled back may have taught.
    pub(crate) fn forget(&mut self) {
        self.step_ids.clear();
        self.workflows.clear();
        self.used.clear();
    }

    /// Writes what is written once in a transaction, however many writes it is for.
    pub(crate) fn finish(&mut self) -> QueryResult<()> {
        for (id, at) in self.used.drain() {
            workflows::touch_workflow(&mut self.conn, &id, at)?;
        }
        Ok(())
    }

    fn remember(&mut self, id: &ExecutionId, ids: StepIds) {
        if self.step_ids.len() >= REMEMBERED {
            self.step_ids.clear();
        }
        self.step_ids.insert(id.clone(), ids);
    }

    fn remember_workflow(&mut self, id: &WorkflowId, ids: StepIds) {
        if self.workflows.len() >= REMEMBERED {
            self.workflows.clear();
        }
        self.workflows.insert(id.clone(), ids);
    }

    /// The step identifiers of a workflow that is stored.
    fn workflow_step_ids(&mut self, id: &WorkflowId) -> QueryResult<Option<StepIds>> {
        if let Some(&ids) = self.workflows.get(id) {
            return Ok(Some(ids));
        }
        let found = workflows::find_step_ids(&mut self.conn, id)?;
        if let Some(ids) = found {
            self.remember_workflow(id, ids);
        }
        Ok(found)
    }

    /// Notes that an execution of a stored workflow was created.
    fn note_use(&mut self, id: &WorkflowId, at: Timestamp) {
        match self.used.get_mut(id) {
            Some(latest) => *latest = at.max(*latest),
            None => _ = self.used.insert(id.clone(), at),
        }
    }

    fn step_ids(&mut self, id: &ExecutionId) -> QueryResult<Option<StepIds>> {
        if let Some(&ids) = self.step_ids.get(id) {
            return Ok(Some(ids));
        }
        let found = workflows::find_step_ids_of_execution(&mut self.conn, id.as_str())?;
        if let Some(ids) = found {
            self.remember(id, ids);
        }
        Ok(found)
    }

    fn write_step(
        &mut self,
        execution_id: &ExecutionId,
        ids: StepIds,
        step: &StepWrite,
    ) -> QueryResult<()> {
        let id = ids
            .at(step.step)
            .ok_or_else(|| refuse("a step row names a step that its workflow does not have"))?;
        let attempts = self.attempts.of(&step.record.attempts)?;
        if !step.exists {
            step_executions::insert_step_execution(
                &mut self.conn,
                execution_id,
                id,
                &step.record,
                attempts,
            )?;
        } else if step_executions::update_step_execution(
            &mut self.conn,
            execution_id,
            id,
            &step.record,
            attempts,
        )? == 0
        {
            return Err(refuse("a step row that is to be updated is not there"));
        }
        Ok(())
    }
}

impl Write for NewExecution {
    type Answer = ();

    fn rows(&self) -> usize {
        2 + self.workflow.definition.steps.len()
    }

    fn apply(&self, session: &mut Session) -> QueryResult<Result<(), StoreError>> {
        let exists = || StoreError::exists(format!("there is an execution `{}` already", self.id));
        let workflow = &self.workflow.id;
        let ids = if let Some(ids) = session.workflow_step_ids(workflow)? {
            match executions::insert_execution(&mut session.conn, self) {
                Err(error) if is_taken(&error) => return Ok(Err(exists())),
                inserted => inserted?,
            };
            session.note_use(workflow, self.at);
            ids
        } else {
            // A write that is refused must leave nothing behind, the workflow neither.
            if executions::find_state(&mut session.conn, &self.id)?.is_some() {
                return Ok(Err(exists()));
            }
            let ids = insert_workflow_with_steps(&mut session.conn, self)?;
            executions::insert_execution(&mut session.conn, self)?;
            session.remember_workflow(workflow, ids);
            ids
        };
        session.remember(&self.id, ids);
        Ok(Ok(()))
    }
}

impl Write for Commit {
    type Answer = ();

    fn rows(&self) -> usize {
        1 + self.writes.steps.len() + usize::from(self.writes.checkpoint.is_some())
    }

    fn wants_place(&self) -> bool {
        settles(self)
    }

    fn apply(&self, session: &mut Session) -> QueryResult<Result<(), StoreError>> {
        let settles = settles(self);
        let written = if settles {
            executions::settle_execution(&mut session.conn, self)?
        } else {
            executions::advance_execution(&mut session.conn, self)?
        };
        if written == 0 {
            return Ok(Err(why_unchanged(&mut session.conn, &self.row)?));
        }
        if !self.writes.steps.is_empty() {
            let ids = session
                .step_ids(&self.row.id)?
                .ok_or_else(|| refuse("the workflow of an execution is not there"))?;
            for step in &self.writes.steps {
                session.write_step(&self.row.id, ids, step)?;
            }
        }
        if let Some(checkpoint) = &self.writes.checkpoint {
            let mark = Mark {
                id: &checkpoint.id,
                execution_id: &self.row.id,
                state: self.to,
                through_seq: checkpoint.through_seq,
                at: self.writes.at,
                revision: self.row.revision.saturating_add(1),
            };
            checkpoints::insert_checkpoint(&mut session.conn, &mark)?;
        }
        if settles {
            session.step_ids.remove(&self.row.id);
        }
        Ok(Ok(()))
    }
}

impl Write for Claim {
    type Answer = Claimed;

    fn apply(&self, session: &mut Session) -> QueryResult<Result<Claimed, StoreError>> {
        if executions::claim_execution(&mut session.conn, self)? == 0 {
            return Ok(Err(why_unchanged(&mut session.conn, &self.row)?));
        }
        let mut row = self.row.clone();
        row.token += 1;
        row.revision += 1;
        let asked = self.keeps_pause && executions::is_pause_requested(&mut session.conn, &row.id)?;
        Ok(Ok(Claimed::new(row, asked)))
    }

    fn wakes(&self) -> Option<&ExecutionId> {
        Some(&self.row.id)
    }
}

/// Prolongs the leases that one owner holds on some executions.
pub(crate) struct Renewal {
    pub(crate) owner: Owner,
    pub(crate) executions: Vec<ExecutionId>,
    pub(crate) lease_until: Timestamp,
}

impl Write for Renewal {
    type Answer = ();

    fn apply(&self, session: &mut Session) -> QueryResult<Result<(), StoreError>> {
        executions::renew_leases(
            &mut session.conn,
            &self.owner,
            &self.executions,
            self.lease_until,
        )?;
        Ok(Ok(()))
    }
}

/// Asks for a pause.
pub(crate) struct PauseRequest {
    pub(crate) id: ExecutionId,
}

impl Write for PauseRequest {
    type Answer = ExecutionRecord;

    fn apply(&self, session: &mut Session) -> QueryResult<Result<ExecutionRecord, StoreError>> {
        executions::request_pause(&mut session.conn, &self.id)?;
        Ok(executions::find_execution(&mut session.conn, &self.id)?
            .ok_or_else(|| not_found(&self.id)))
    }

    fn wakes(&self) -> Option<&ExecutionId> {
        Some(&self.id)
    }
}

/// Cancels an execution.
pub(crate) struct Cancellation {
    pub(crate) id: ExecutionId,
    pub(crate) at: Timestamp,
}

impl Write for Cancellation {
    type Answer = ExecutionRecord;

    fn apply(&self, session: &mut Session) -> QueryResult<Result<ExecutionRecord, StoreError>> {
        let conn = &mut session.conn;
        let is_cancelled = executions::cancel_execution(conn, &self.id, self.at)? > 0;
        let Some(execution) = executions::find_execution(conn, &self.id)? else {
            return Ok(Err(not_found(&self.id)));
        };
        if is_cancelled {
            step_executions::cancel_step_executions(conn, &self.id, self.at)?;
            if checkpoints::find_newest_mark(conn, &self.id)? < execution.last_seq {
                let id = CheckpointId::of(&self.id, execution.revision);
                checkpoints::insert_checkpoint(conn, &Mark::of(&execution, &id, self.at))?;
            }
        }
        Ok(Ok(execution))
    }

    fn wakes(&self) -> Option<&ExecutionId> {
        Some(&self.id)
    }
}

/// Inserts the workflow of a new execution, and its steps with consecutive identifiers.
fn insert_workflow_with_steps(
    conn: &mut SqliteConnection,
    new: &NewExecution,
) -> QueryResult<StepIds> {
    let workflow = &new.workflow;
    let first = workflow_steps::next_step_id(conn)?;
    workflows::insert_workflow(conn, workflow, new.at)?;
    let steps = &workflow.definition.steps;
    let count = integer(steps.len() as u64)?;
    for (position, step) in (0..count).zip(steps) {
        workflow_steps::insert_step(conn, &workflow.id, first + position, position, step)?;
    }
    Ok(StepIds { first, count })
}

/// Whether nobody drives the execution after the commit: it has ended, or is paused.
fn settles(commit: &Commit) -> bool {
    commit.to == State::Paused || commit.to.is_terminal()
}

/// Whether a row is not inserted because there is one with its key.
const fn is_taken(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind, Error};
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
    )
}

/// Why a compare-and-set has changed no row.
fn why_unchanged(conn: &mut SqliteConnection, row: &Row) -> QueryResult<StoreError> {
    Ok(match executions::find_state(conn, &row.id)? {
        None => not_found(&row.id),
        Some(state) if state.is_terminal() => {
            StoreError::conflict(format!("execution `{}` has ended: it is `{state}`", row.id))
        }
        Some(_) => StoreError::conflict(format!(
            "execution `{}` has been written by another since its revision {}",
            row.id, row.revision,
        )),
    })
}

fn not_found(id: &ExecutionId) -> StoreError {
    StoreError::not_found(format!("there is no execution `{id}`"))
}
