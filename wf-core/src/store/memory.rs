//! A store in memory: for tests, dry runs, and hosts that need no durability.

mod checkpoints;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc;
use futures::future::{self, BoxFuture};
use futures::stream::BoxStream;

use super::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, NewExecution,
    Restore, StepRecord, Store, StoreError, WorkflowRecord, Writes,
};
use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::lifecycle::{EventKind, Row, State};
use crate::step::StepState;
use crate::value::Json;
use checkpoints::Checkpoint;

/// Keeps everything in memory, and nothing after it is dropped.
///
/// Keeps the same promises as a database but durability, so that what runs on it runs on any store.
#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    workflows: BTreeMap<WorkflowId, WorkflowRecord>,
    definitions: BTreeMap<WorkflowId, Json>,
    contexts: BTreeMap<ExecutionId, Json>,
    executions: BTreeMap<ExecutionId, ExecutionRecord>,
    steps: BTreeMap<ExecutionId, Rows>,
    checkpoints: BTreeMap<CheckpointId, Checkpoint>,
    step_counts: BTreeMap<WorkflowId, usize>,
    /// The execution of each workflow that was completed last.
    completed: BTreeMap<WorkflowId, ExecutionId>,
    watchers: Vec<(ExecutionId, mpsc::Sender<()>)>,
    commits: u64,
}

/// The step rows of one execution, by the steps' positions.
#[derive(Default)]
struct Rows(Vec<Option<Arc<StepRecord>>>);

impl Rows {
    fn contains(&self, step: u32) -> bool {
        self.0.get(step as usize).is_some_and(Option::is_some)
    }

    fn insert(&mut self, step: u32, record: Arc<StepRecord>) {
        let at = step as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, None);
        }
        if let Some(row) = self.0.get_mut(at) {
            *row = Some(record);
        }
    }

    /// In the order of the steps.
    fn iter(&self) -> impl Iterator<Item = (u32, &StepRecord)> {
        let rows = (0_u32..).zip(&self.0);
        rows.filter_map(|(step, row)| Some((step, row.as_deref()?)))
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Arc<StepRecord>> {
        self.0.iter_mut().flatten()
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    /// How many commits have been written.
    pub fn commits(&self) -> u64 {
        self.tables().commits
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Tables) -> T,
    ) -> BoxFuture<'static, T> {
        Box::pin(future::ready(ask(&mut self.tables())))
    }
}

impl Store for MemoryStore {
    fn create(&self, new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>> {
        self.answer(move |tables| tables.create(new))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        self.answer(move |tables| tables.commit(commit))
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        self.answer(move |tables| tables.claim(claim))
    }

    fn renew(
        &self,
        owner: &Owner,
        executions: &[ExecutionId],
        lease_until: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.answer(|tables| {
            for id in executions {
                if let Some(execution) = tables.executions.get_mut(id)
                    && execution.owner.as_ref() == Some(owner)
                {
                    execution.lease_until = Some(lease_until);
                }
            }
            Ok(())
        })
    }

    fn request_pause(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        self.answer(|tables| {
            let execution = tables.execution(id)?;
            if !execution.state.is_terminal() && execution.state != State::Paused {
                execution.pause_requested = true;
            }
            let execution = execution.clone();
            tables.wake(id);
            Ok(execution)
        })
    }

    fn cancel(
        &self,
        id: &ExecutionId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        self.answer(|tables| tables.cancel(id, at))
    }

    fn execution(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>> {
        self.answer(|tables| Ok(tables.executions.get(id).cloned()))
    }

    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>> {
        self.answer(|tables| {
            let Some(execution) = tables.executions.get(id).cloned() else {
                return Ok(None);
            };
            let Some(workflow) = tables.workflows.get(&execution.workflow_id).cloned() else {
                return Err(StoreError::damaged(format!(
                    "the workflow of execution `{id}` is missing"
                )));
            };
            let rows = tables.steps.get(id).into_iter().flat_map(Rows::iter);
            let steps = rows.map(|(step, record)| (step, record.clone()));
            Ok(Some(LoadedExecution {
                execution,
                workflow,
                steps: steps.collect(),
            }))
        })
    }

    fn context(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        self.answer(|tables| Ok(tables.contexts.get(id).cloned()))
    }

    fn workflow(
        &self,
        id: &WorkflowId,
    ) -> BoxFuture<'_, Result<Option<WorkflowRecord>, StoreError>> {
        self.answer(|tables| Ok(tables.workflows.get(id).cloned()))
    }

    fn definition(&self, id: &WorkflowId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        self.answer(|tables| Ok(tables.definitions.get(id).cloned()))
    }

    fn durations(
        &self,
        workflow: &WorkflowId,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<(u32, Duration)>, StoreError>> {
        self.answer(|tables| {
            let completed = tables.completed.get(workflow);
            let rows = completed.and_then(|id| tables.steps.get(id));
            let rows = rows.into_iter().flat_map(Rows::iter);
            let completed =
                rows.filter(|(step, record)| *step < most && record.state == StepState::Completed);
            let taken = completed.filter_map(|(step, record)| {
                let last = record.attempts.last()?;
                Some((step, last.ended_at?.since(last.started_at)))
            });
            Ok(taken.collect())
        })
    }

    fn workflows(&self) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>> {
        self.answer(|tables| {
            let mut all: Vec<_> = tables.workflows.values().cloned().collect();
            all.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
            Ok(all)
        })
    }

    fn executions(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        self.answer(|tables| {
            let mut all: Vec<_> = tables.executions.values().cloned().collect();
            all.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
            Ok(all)
        })
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        self.answer(|tables| {
            let unfinished = tables.executions.values().filter(|execution| {
                execution.state != State::Paused && !execution.state.is_terminal()
            });
            let mut unfinished: Vec<_> = unfinished.cloned().collect();
            unfinished.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
            Ok(unfinished)
        })
    }

    fn checkpoints(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Vec<CheckpointRecord>, StoreError>> {
        self.answer(|tables| Ok(tables.checkpoints_of(id)))
    }

    fn checkpoint(
        &self,
        id: &CheckpointId,
    ) -> BoxFuture<'_, Result<Option<CheckpointRecord>, StoreError>> {
        self.answer(|tables| Ok(tables.checkpoint(id)))
    }

    fn create_checkpoint(
        &self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.answer(|tables| tables.create_checkpoint(execution, id, at))
    }

    fn restore(&self, restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        self.answer(move |tables| tables.restore(restore))
    }

    fn delete_checkpoint(&self, id: &CheckpointId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.answer(|tables| Ok(tables.checkpoints.remove(id).is_some()))
    }

    fn prune_checkpoints(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.answer(|tables| Ok(tables.prune_checkpoints(before)))
    }

    fn watch(&self, id: &ExecutionId) -> BoxStream<'static, ()> {
        // One waiting item is enough: it says that there is something to read.
        let (sender, receiver) = mpsc::channel(0);
        self.tables().watchers.push((id.clone(), sender));
        Box::pin(receiver)
    }
}

impl Tables {
    fn execution(&mut self, id: &ExecutionId) -> Result<&mut ExecutionRecord, StoreError> {
        self.executions
            .get_mut(id)
            .ok_or_else(|| StoreError::not_found(format!("there is no execution `{id}`")))
    }

    /// The row, if it stands as the caller has read it.
    fn row(&mut self, row: &Row) -> Result<&mut ExecutionRecord, StoreError> {
        let execution = self.execution(&row.id)?;
        if (execution.token, execution.revision) == (row.token, row.revision) {
            return Ok(execution);
        }
        Err(StoreError::conflict(format!(
            "execution `{}` was written by another since it was read",
            row.id
        )))
    }

    fn create(&mut self, new: NewExecution) -> Result<(), StoreError> {
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

    fn commit(&mut self, commit: Commit) -> Result<(), StoreError> {
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

    fn claim(&mut self, claim: Claim) -> Result<Claimed, StoreError> {
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

    fn cancel(&mut self, id: &ExecutionId, at: Timestamp) -> Result<ExecutionRecord, StoreError> {
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

    fn wake(&mut self, id: &ExecutionId) {
        self.watchers.retain_mut(|(watched, sender)| {
            watched != id
                || sender
                    .try_send(())
                    .map_or_else(|error| !error.is_disconnected(), |()| true)
        });
    }
}

#[cfg(test)]
mod tests {
    crate::store_conformance!(|| Box::new(crate::store::MemoryStore::new()));
}
