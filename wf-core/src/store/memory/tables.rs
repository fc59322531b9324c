//! The tables of a store in memory, and what is done with a whole row of them at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::channel::mpsc;

use super::checkpoints::Checkpoint;
use crate::id::{CheckpointId, ExecutionId, Timestamp, WorkflowId};
use crate::lifecycle::{EventKind, Row, State};
use crate::step::StepState;
use crate::store::{
    Claim, Claimed, Commit, ExecutionRecord, NewExecution, StepRecord, StoreError, WorkflowRecord,
    Writes,
};
use crate::value::Json;

#[derive(Default)]
pub(super) struct Tables {
    pub(super) workflows: BTreeMap<WorkflowId, WorkflowRecord>,
    pub(super) definitions: BTreeMap<WorkflowId, Json>,
    pub(super) contexts: BTreeMap<ExecutionId, Json>,
    pub(super) executions: BTreeMap<ExecutionId, ExecutionRecord>,
    pub(super) steps: BTreeMap<ExecutionId, Rows>,
    pub(super) checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    pub(super) step_counts: BTreeMap<WorkflowId, usize>,
    /// The execution of each workflow that was completed last.
    pub(super) completed: BTreeMap<WorkflowId, ExecutionId>,
    pub(super) watchers: Vec<(ExecutionId, mpsc::Sender<()>)>,
    pub(super) commits: u64,
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

impl Tables {
    pub(super) fn execution(
        &mut self,
        id: &ExecutionId,
    ) -> Result<&mut ExecutionRecord, StoreError> {
        self.executions
            .get_mut(id)
            .ok_or_else(|| StoreError::not_found(format!("there is no execution `{id}`")))
    }

    /// The row, if it stands as the caller has read it.
    pub(super) fn row(&mut self, row: &Row) -> Result<&mut ExecutionRecord, StoreError> {
        let execution = self.execution(&row.id)?;
        if (execution.token, execution.revision) == (row.token, row.revision) {
            return Ok(execution);
        }
        Err(StoreError::conflict(format!(
            "execution `{}` was written by another since it was read",
            row.id
        )))
    }

    pub(super) fn create(&mut self, new: NewExecution) -> Result<(), StoreError> {
        if self.executions.contains_key(&new.id) {
            return Err(StoreError::exists(format!(
                "there is an execution `{}` already",
                new.id
            )));
        }
        self.commits += 1;
        let workflow = new.workflow;
        self.step_counts
            .insert(workflow.id.clone(), workflow.definition.steps.len());
        self.definitions
            .entry(workflow.id.clone())
            .or_insert(workflow.canonical);
        let stored = self
            .workflows
            .entry(workflow.id.clone())
            .or_insert_with(|| WorkflowRecord {
                id: workflow.id.clone(),
                name: workflow.definition.name.clone(),
                description: workflow.definition.description.clone(),
                version: workflow.definition.version.clone(),
                hash: workflow.hash,
                created_at: new.at,
                updated_at: new.at,
            });
        stored.updated_at = new.at;
        let execution = ExecutionRecord {
            owner: Some(new.owner),
            token: 1,
            lease_until: Some(new.lease_until),
            origin: new.origin,
            ..ExecutionRecord::new(new.id.clone(), workflow.id, State::Idle, new.at)
        };
        self.contexts.insert(new.id.clone(), new.context);
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
        let current = self.row(&row)?;
        if current.state != from {
            return Err(StoreError::conflict(format!(
                "execution `{}` is not in state `{from}` any more",
                row.id
            )));
        }
        self.check(&row.id, &writes)?;
        let execution = self.execution(&row.id)?;
        execution.state = to;
        execution.revision += 1;
        execution.driven_millis = writes.driven_millis;
        execution.last_seq = execution.last_seq.max(writes.last_seq());
        execution.error = writes.error;
        if to.is_terminal() {
            execution.completed_at = Some(writes.at);
        }
        if to.is_terminal() || to == State::Paused {
            execution.owner = None;
            execution.lease_until = None;
            execution.pause_requested = false;
        }
        let revision = execution.revision;
        let workflow = (to == State::Completed).then(|| execution.workflow_id.clone());
        if let Some(workflow) = workflow {
            self.completed.insert(workflow, row.id.clone());
        }
        let steps = self.steps.entry(row.id.clone()).or_default();
        for write in writes.steps {
            steps.insert(write.step, write.record);
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

    /// What a database would refuse: before anything is written.
    fn check(&self, id: &ExecutionId, writes: &Writes) -> Result<(), StoreError> {
        let workflow = self
            .executions
            .get(id)
            .and_then(|execution| self.step_counts.get(&execution.workflow_id));
        let count = workflow.copied().unwrap_or(0);
        let rows = self.steps.get(id);
        let mut named: Vec<u32> = writes.steps.iter().map(|write| write.step).collect();
        named.sort_unstable();
        let once = named.windows(2).all(|pair| pair.first() != pair.last());
        let mut earlier = BTreeSet::new();
        for write in &writes.steps {
            if write.step as usize >= count {
                return Err(StoreError::rejected(
                    "a step row names a step that its workflow does not have",
                ));
            }
            let is_there = rows.is_some_and(|rows| rows.contains(write.step))
                || (!once && !earlier.insert(write.step));
            if is_there != write.exists {
                return Err(StoreError::rejected(
                    "a step row is inserted twice, or updated before it is there",
                ));
            }
        }
        match &writes.checkpoint {
            Some(new) if self.checkpoints.contains_key(&new.id) => Err(StoreError::rejected(
                format!("there is a checkpoint `{}` already", new.id),
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn claim(&mut self, claim: Claim) -> Result<Claimed, StoreError> {
        let execution = self.row(&claim.row)?;
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
        let Some(next) = execution.state.next(EventKind::Cancel) else {
            return Ok(execution.clone());
        };
        execution.state = next;
        execution.token += 1;
        execution.revision += 1;
        execution.completed_at = Some(at);
        execution.error = None;
        execution.owner = None;
        execution.lease_until = None;
        execution.pause_requested = false;
        let execution = execution.clone();
        for row in self.steps.entry(id.clone()).or_default().iter_mut() {
            if matches!(row.state, StepState::Pending | StepState::Running) {
                let step = Arc::make_mut(row);
                step.state = StepState::Cancelled;
                step.completed_at = Some(at);
            }
        }
        self.mark(&execution, at);
        self.commits += 1;
        self.wake(id);
        Ok(execution)
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
