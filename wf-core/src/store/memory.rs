//! A store in memory: for tests, dry runs, and hosts that need no durability.

mod checkpoints;
mod tables;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc;
use futures::future::{self, BoxFuture};
use futures::stream::BoxStream;

use super::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, NewExecution,
    Restore, Store, StoreError, WorkflowRecord,
};
use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::lifecycle::State;
use crate::step::StepState;
use crate::usage::Usage;
use crate::value::Json;
use tables::{Execution, Rows, Tables};

/// Keeps everything in memory, and nothing after it is dropped.
///
/// Keeps the same promises as a database but durability, so that what runs on it runs on any store.
pub struct MemoryStore {
    identity: String,
    tables: Mutex<Tables>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore {
            identity: uuid::Uuid::new_v4().simple().to_string(),
            tables: Mutex::default(),
        }
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

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new()
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> &str {
        &self.identity
    }

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
                    && execution.record.owner.as_ref() == Some(owner)
                {
                    execution.record.lease_until = Some(lease_until);
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
            let execution = &mut tables.execution(id)?.record;
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
        self.answer(|tables| {
            let execution = tables.executions.get(id);
            Ok(execution.map(|execution| execution.record.clone()))
        })
    }

    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>> {
        self.answer(|tables| {
            let Some(execution) = tables.executions.get(id) else {
                return Ok(None);
            };
            let Some(workflow) = tables.workflows.get(&execution.record.workflow_id) else {
                return Err(StoreError::damaged(format!(
                    "the workflow of execution `{id}` is missing"
                )));
            };
            let rows = execution.rows.iter();
            let steps = rows.map(|(step, record)| (step, record.clone()));
            Ok(Some(LoadedExecution {
                execution: execution.record.clone(),
                workflow: workflow.record.clone(),
                steps: steps.collect(),
            }))
        })
    }

    fn context(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        self.answer(|tables| {
            let execution = tables.executions.get(id);
            Ok(execution.map(|execution| execution.context.clone()))
        })
    }

    fn workflow(
        &self,
        id: &WorkflowId,
    ) -> BoxFuture<'_, Result<Option<WorkflowRecord>, StoreError>> {
        self.answer(|tables| {
            let workflow = tables.workflows.get(id);
            Ok(workflow.map(|workflow| workflow.record.clone()))
        })
    }

    fn definition(&self, id: &WorkflowId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        self.answer(|tables| {
            let workflow = tables.workflows.get(id);
            Ok(workflow.map(|workflow| workflow.definition.clone()))
        })
    }

    fn durations(
        &self,
        workflow: &WorkflowId,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<(u32, Duration)>, StoreError>> {
        self.answer(|tables| {
            let workflow = tables.workflows.get(workflow);
            let completed = workflow.and_then(|workflow| workflow.completed.as_ref());
            let completed = completed.and_then(|id| tables.executions.get(id));
            let rows = completed.into_iter().flat_map(|run| run.rows.iter());
            let completed =
                rows.filter(|(step, record)| *step < most && record.state == StepState::Completed);
            let taken = completed.filter_map(|(step, record)| {
                let last = record.attempts.last()?;
                Some((step, last.ended_at?.since(last.started_at)))
            });
            Ok(taken.collect())
        })
    }

    fn usage_of(
        &self,
        agents: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<(String, Usage)>, StoreError>> {
        self.answer(move |tables| Ok(tables.usage_of(&agents)))
    }

    fn workflows(&self) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>> {
        self.answer(|tables| {
            let mut all: Vec<_> = tables
                .workflows
                .values()
                .map(|workflow| workflow.record.clone())
                .collect();
            all.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
            Ok(all)
        })
    }

    fn executions(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        self.answer(|tables| {
            let mut all: Vec<_> = tables
                .executions
                .values()
                .map(|execution| execution.record.clone())
                .collect();
            all.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
            Ok(all)
        })
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        self.answer(|tables| {
            let all = tables.executions.values();
            let all = all.map(|execution| &execution.record);
            let unfinished = all.filter(|execution| {
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

#[cfg(test)]
mod tests {
    crate::store_conformance!(|| Box::new(crate::store::MemoryStore::new()));
}
