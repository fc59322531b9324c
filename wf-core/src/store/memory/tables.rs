//! The tables of a store in memory, and what is done with a whole row of them at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::channel::mpsc;

use super::checkpoints::Checkpoint;
use crate::id::{CheckpointId, ExecutionId, Timestamp, WorkflowId};
use crate::lifecycle::{EventKind, Row, State};
use crate::step::StepState;
use crate::store::{
    Claim, Claimed, Commit, ExecutionRecord, NewExecution, NewWorkflow, StepRecord, StoreError,
    WorkflowRecord, Writes,
};
use crate::value::Json;

#[derive(Default)]
pub(super) struct Tables {
    pub(super) workflows: BTreeMap<WorkflowId, Workflow>,
    pub(super) executions: BTreeMap<ExecutionId, Execution>,
    pub(super) checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    pub(super) watchers: Vec<(ExecutionId, mpsc::Sender<()>)>,
    pub(super) commits: u64,
}

/// What is kept of a workflow.
pub(super) struct Workflow {
    pub(super) record: WorkflowRecord,
    pub(super) definition: Json,
    /// The execution that was completed last.
    pub(super) completed: Option<ExecutionId>,
}

/// What is kept of an execution.
pub(super) struct Execution {
    pub(super) record: ExecutionRecord,
    pub(super) context: Json,
    pub(super) rows: Rows,
    /// How many steps its workflow has.
    pub(super) steps: usize,
}

/// The step rows of one execution, by the steps' positions.
#[derive(Default)]
pub(super) struct Rows(Vec<Option<Arc<StepRecord>>>);

impl Rows {
    pub(super) fn contains(&self, step: u32) -> bool {
        self.0.get(step as usize).is_some_and(Option::is_some)
    }

    pub(super) fn insert(&mut self, step: u32, record: Arc<StepRecord>) {
        let at = step as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, None);
        }
        if let Some(row) = self.0.get_mut(at) {
            *row = Some(record);
        }
    }

    /// In the order of the steps.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &StepRecord)> {
        let rows = (0_u32..).zip(&self.0);
        rows.filter_map(|(step, row)| Some((step, row.as_deref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Arc<StepRecord>> {
        self.0.iter_mut().flatten()
    }
}

impl Execution {
    /// That the row stands as the caller has read it.
    fn expect_unchanged(&self, row: &Row) -> Result<(), StoreError> {
        if (self.record.token, self.record.revision) == (row.token, row.revision) {
            return Ok(());
        }
        Err(StoreError::conflict(format!(
            "execution `{}` was written by another since it was read",
            row.id
        )))
    }

    /// What a database would refuse: before anything is written.
    fn check(&self, writes: &Writes) -> Result<(), StoreError> {
        let mut named: Vec<u32> = writes.steps.iter().map(|write| write.step).collect();
        named.sort_unstable();
        let once = named.windows(2).all(|pair| pair.first() != pair.last());
        let mut earlier = BTreeSet::new();
        for write in &writes.steps {
            if write.step as usize >= self.steps {
                return Err(StoreError::rejected(
                    "a step row names a step that its workflow does not have",
                ));
            }
            let is_there = self.rows.contains(write.step) || (!once && !earlier.insert(write.step));
            if is_there != write.exists {
                return Err(StoreError::rejected(
                    "a step row is inserted twice, or updated before it is there",
                ));
            }
        }
        Ok(())
    }
}

impl Tables {
    pub(super) fn execution(&mut self, id: &ExecutionId) -> Result<&mut Execution, StoreError> {
        find(&mut self.executions, id)
    }

    pub(super) fn create(&mut self, new: NewExecution) -> Result<(), StoreError> {
        if self.executions.contains_key(&new.id) {
            return Err(StoreError::exists(format!(
                "there is an execution `{}` already",
                new.id
            )));
        }
        self.commits += 1;
        let NewWorkflow {
            id,
            definition,
            canonical,
            hash,
            ..
        } = new.workflow;
        let workflow = self
            .workflows
            .entry(id.clone())
            .or_insert_with(|| Workflow {
                record: WorkflowRecord {
                    id: id.clone(),
                    name: definition.name.clone(),
                    description: definition.description.clone(),
                    version: definition.version.clone(),
                    hash,
                    created_at: new.at,
                    updated_at: new.at,
                },
                definition: canonical,
                completed: None,
            });
        workflow.record.updated_at = new.at;
        let record = ExecutionRecord {
            owner: Some(new.owner),
            token: 1,
            lease_until: Some(new.lease_until),
            origin: new.origin,
            ..ExecutionRecord::new(new.id.clone(), id, State::Idle, new.at)
        };
        let execution = Execution {
            record,
            context: new.context,
            rows: Rows::default(),
            steps: definition.steps.len(),
        };
        self.executions.insert(new.id, execution);
        Ok(())
    }

    pub(super) fn commit(&mut self, commit: Commit) -> Result<(), StoreError> {
        let Commit {
            row,
            from,
            to,
            path,
            writes,
        } = commit;
        let end = path
            .iter()
            .try_fold(from, |state, event| state.next(event.kind()));
        if end != Some(to) || from.is_terminal() {
            return Err(StoreError::rejected(format!(
                "`{from}` does not lead to `{to}` by that path"
            )));
        }
        let execution = find(&mut self.executions, &row.id)?;
        execution.expect_unchanged(&row)?;
        if execution.record.state != from {
            return Err(StoreError::conflict(format!(
                "execution `{}` is not in state `{from}` any more",
                row.id
            )));
        }
        execution.check(&writes)?;
        if let Some(new) = &writes.checkpoint
            && self.checkpoints.contains_key(&new.id)
        {
            return Err(StoreError::rejected(format!(
                "there is a checkpoint `{}` already",
                new.id
            )));
        }
        let record = &mut execution.record;
        record.state = to;
        record.revision += 1;
        record.driven_millis = writes.driven_millis;
        record.last_seq = record.last_seq.max(writes.last_seq());
        record.error = writes.error;
        record.resume_at = writes.resume_at;
        if to.is_terminal() {
            record.completed_at = Some(writes.at);
        }
        if to.is_terminal() || to == State::Paused {
            record.owner = None;
            record.lease_until = None;
            record.pause_requested = false;
        }
        let revision = record.revision;
        for write in writes.steps {
            execution.rows.insert(write.step, write.record);
        }
        if to == State::Completed
            && let Some(workflow) = self.workflows.get_mut(&execution.record.workflow_id)
        {
            workflow.completed = Some(row.id.clone());
        }
        if let Some(new) = writes.checkpoint {
            let checkpoint = Checkpoint {
                execution: row.id,
                state: to,
                through_seq: new.through_seq,
                revision,
                created_at: writes.at,
            };
            self.checkpoints.insert(new.id, checkpoint);
        }
        self.commits += 1;
        Ok(())
    }

    pub(super) fn claim(&mut self, claim: Claim) -> Result<Claimed, StoreError> {
        let execution = self.execution(&claim.row.id)?;
        execution.expect_unchanged(&claim.row)?;
        let execution = &mut execution.record;
        if execution.state.is_terminal() {
            return Err(StoreError::conflict(format!(
                "execution `{}` has ended",
                claim.row.id
            )));
        }
        execution.budget = claim.budget.or(execution.budget.take());
        execution.owner = Some(claim.owner);
        execution.lease_until = Some(claim.lease_until);
        execution.token += 1;
        execution.revision += 1;
        execution.pause_requested &= claim.keeps_pause;
        let claimed = Claimed::new(execution.row(), execution.pause_requested);
        self.commits += 1;
        self.wake(&claimed.row.id);
        Ok(claimed)
    }

    pub(super) fn cancel(
        &mut self,
        id: &ExecutionId,
        at: Timestamp,
    ) -> Result<ExecutionRecord, StoreError> {
        let execution = self.execution(id)?;
        let record = &mut execution.record;
        let Some(next) = record.state.next(EventKind::Cancel) else {
            return Ok(record.clone());
        };
        record.state = next;
        record.token += 1;
        record.revision += 1;
        record.completed_at = Some(at);
        record.error = None;
        record.resume_at = None;
        record.owner = None;
        record.lease_until = None;
        record.pause_requested = false;
        let record = record.clone();
        for row in execution.rows.iter_mut() {
            if matches!(row.state, StepState::Pending | StepState::Running) {
                let step = Arc::make_mut(row);
                step.state = StepState::Cancelled;
                step.completed_at = Some(at);
            }
        }
        self.mark(&record, at);
        self.commits += 1;
        self.wake(id);
        Ok(record)
    }

    pub(super) fn wake(&mut self, id: &ExecutionId) {
        self.watchers.retain_mut(|(watched, sender)| {
            watched != id
                || sender
                    .try_send(())
                    .map_or_else(|error| !error.is_disconnected(), |()| true)
        });
    }
}

fn find<'a>(
    executions: &'a mut BTreeMap<ExecutionId, Execution>,
    id: &ExecutionId,
) -> Result<&'a mut Execution, StoreError> {
    executions
        .get_mut(id)
        .ok_or_else(|| StoreError::not_found(format!("there is no execution `{id}`")))
}
