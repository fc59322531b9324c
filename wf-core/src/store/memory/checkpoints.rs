//! Checkpoints in memory: marks, and what is done from them.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Execution, Rows, Tables};
use crate::id::{CheckpointId, ExecutionId, Timestamp};
use crate::lifecycle::State;
use crate::step::StepState;
use crate::store::{CheckpointRecord, ExecutionRecord, Restore, StoreError};

/// A row of `workflow_checkpoints`, without its identifier.
pub(super) struct Checkpoint {
    pub(super) execution: ExecutionId,
    pub(super) state: State,
    pub(super) through_seq: u64,
    pub(super) revision: u64,
    pub(super) created_at: Timestamp,
}

impl Checkpoint {
    /// One of all that is recorded of an execution.
    fn of(execution: &ExecutionRecord, at: Timestamp) -> Self {
        Checkpoint {
            execution: execution.id.clone(),
            state: execution.state,
            through_seq: execution.last_seq,
            revision: execution.revision,
            created_at: at,
        }
    }

    /// What puts the checkpoints of one execution in order, newest last: the wall clock may have been set back.
    fn age<'a>(&self, id: &'a CheckpointId) -> (u64, Timestamp, &'a CheckpointId) {
        (self.revision, self.created_at, id)
    }
}

impl Tables {
    pub(super) fn checkpoints_of(&self, id: &ExecutionId) -> Vec<CheckpointRecord> {
        let order = self.ended_steps(id);
        let mut own: Vec<_> = self
            .checkpoints
            .iter()
            .filter(|(_, checkpoint)| checkpoint.execution == *id)
            .collect();
        own.sort_by_key(|(id, checkpoint)| Reverse(checkpoint.age(id)));
        own.into_iter()
            .map(|(id, checkpoint)| record(id, checkpoint, &order))
            .collect()
    }

    pub(super) fn checkpoint(&self, id: &CheckpointId) -> Option<CheckpointRecord> {
        let checkpoint = self.checkpoints.get(id)?;
        let order = self.ended_steps(&checkpoint.execution);
        Some(record(id, checkpoint, &order))
    }

    pub(super) fn create_checkpoint(
        &mut self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = &self.execution(execution)?.record;
        if row.state.is_terminal() {
            return Err(StoreError::conflict(format!(
                "execution `{execution}` has ended: it is `{}`",
                row.state
            )));
        }
        let checkpoint = Checkpoint::of(row, at);
        if self.checkpoints.contains_key(id) {
            return Err(StoreError::rejected(format!(
                "there is a checkpoint `{id}` already"
            )));
        }
        self.checkpoints.insert(id.clone(), checkpoint);
        self.commits += 1;
        Ok(())
    }

    /// A checkpoint of all that is recorded of an execution, unless its newest one covers that.
    pub(super) fn mark(&mut self, execution: &ExecutionRecord, at: Timestamp) {
        let own = self.checkpoints.values();
        let own = own.filter(|checkpoint| checkpoint.execution == execution.id);
        let covered = own.map(|checkpoint| checkpoint.through_seq).max();
        if covered.unwrap_or(0) < execution.last_seq {
            let id = CheckpointId::of(&execution.id, execution.revision);
            self.checkpoints.insert(id, Checkpoint::of(execution, at));
        }
    }

    pub(super) fn restore(&mut self, restore: Restore) -> Result<ExecutionRecord, StoreError> {
        let Some(checkpoint) = self.checkpoints.get(&restore.checkpoint) else {
            return Err(StoreError::not_found(format!(
                "there is no checkpoint `{}`",
                restore.checkpoint
            )));
        };
        if self.executions.contains_key(&restore.id) {
            return Err(StoreError::exists(format!(
                "there is an execution `{}` already",
                restore.id
            )));
        }
        let (source, through_seq) = (checkpoint.execution.clone(), checkpoint.through_seq);
        let source = self.execution(&source)?;
        let rows = source.rows.iter();
        let covered = rows.filter(|(step, record)| {
            let stands = match record.state {
                StepState::Completed => true,
                StepState::Failed => restore.optional.contains(step),
                _ => false,
            };
            stands && record.seq.is_some_and(|seq| seq <= through_seq)
        });
        let mut covering = Rows::default();
        for (step, record) in covered {
            covering.insert(step, Arc::new(record.clone()));
        }
        let workflow_id = source.record.workflow_id.clone();
        let execution = Execution {
            record: ExecutionRecord {
                last_seq: through_seq,
                budget: source.record.budget,
                origin: restore.origin,
                restored_from: Some(restore.checkpoint),
                ..ExecutionRecord::new(
                    restore.id.clone(),
                    workflow_id.clone(),
                    State::Paused,
                    restore.at,
                )
            },
            context: source.context.clone(),
            rows: covering,
            steps: source.steps,
        };
        if let Some(workflow) = self.workflows.get_mut(&workflow_id) {
            workflow.record.updated_at = restore.at;
        }
        let checkpoint = Checkpoint {
            execution: restore.id.clone(),
            state: State::Paused,
            through_seq,
            revision: 0,
            created_at: restore.at,
        };
        self.checkpoints
            .insert(CheckpointId::of(&restore.id, 0), checkpoint);
        let record = execution.record.clone();
        self.executions.insert(restore.id, execution);
        self.commits += 1;
        Ok(record)
    }

    pub(super) fn prune_checkpoints(&mut self, before: Timestamp) -> u64 {
        let old: Vec<CheckpointId> = self
            .checkpoints
            .iter()
            .filter(|(id, checkpoint)| {
                checkpoint.created_at < before
                    && !self.is_last(id, checkpoint)
                    && !self.is_referred_to(id)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in &old {
            self.checkpoints.remove(id);
        }
        u64::try_from(old.len()).unwrap_or(u64::MAX)
    }

    /// Whether it is the newest checkpoint of an execution that has not ended.
    fn is_last(&self, id: &CheckpointId, checkpoint: &Checkpoint) -> bool {
        let execution = self.executions.get(&checkpoint.execution);
        execution.is_some_and(|execution| !execution.record.state.is_terminal())
            && !self.checkpoints.iter().any(|(other_id, other)| {
                other.execution == checkpoint.execution && other.age(other_id) > checkpoint.age(id)
            })
    }

    /// Whether an execution was restored from it.
    fn is_referred_to(&self, id: &CheckpointId) -> bool {
        let mut executions = self.executions.values();
        executions.any(|execution| execution.record.restored_from.as_ref() == Some(id))
    }

    /// The steps of an execution that have ended, in the order of their `seq`.
    fn ended_steps(&self, id: &ExecutionId) -> Vec<(u64, u32)> {
        let execution = self.executions.get(id);
        let rows = execution
            .into_iter()
            .flat_map(|execution| execution.rows.iter());
        let mut order: Vec<(u64, u32)> = rows
            .filter_map(|(step, record)| Some((record.seq?, step)))
            .collect();
        order.sort_unstable();
        order
    }
}

/// The record, given the ended steps of its execution in the order of their `seq`.
fn record(id: &CheckpointId, checkpoint: &Checkpoint, order: &[(u64, u32)]) -> CheckpointRecord {
    let covered = order
        .iter()
        .take_while(|(seq, _)| *seq <= checkpoint.through_seq);
    CheckpointRecord {
        completed_steps: covered.map(|&(_, step)| step).collect(),
        ..CheckpointRecord::new(
            id.clone(),
            checkpoint.execution.clone(),
            checkpoint.state,
            checkpoint.through_seq,
            checkpoint.created_at,
            checkpoint.revision,
        )
    }
}
