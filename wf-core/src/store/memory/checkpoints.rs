//! Checkpoints in memory: marks, and what is done from them.

use std::cmp::Reverse;

use super::Tables;
use crate::id::{CheckpointId, ExecutionId, Timestamp};
use crate::lifecycle::State;
use crate::step::StepState;
use crate::store::{CheckpointRecord, ExecutionRecord, Restore, StoreError};
use crate::value::Json;

/// A row of `workflow_checkpoints`, without its identifier.
pub(super) struct Checkpoint {
    pub(super) execution: ExecutionId,
    pub(super) state: State,
    pub(super) through_seq: u64,
    pub(super) revision: u64,
    pub(super) created_at: Timestamp,
}

impl Checkpoint {
    /// What puts the checkpoints of one execution in order, newest last.
    fn age<'a>(&self, id: &'a CheckpointId) -> (Timestamp, u64, &'a CheckpointId) {
        (self.created_at, self.revision, id)
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

    /// The greatest `seq` of an execution's step rows and checkpoints.
    pub(super) fn last_seq(&self, id: &ExecutionId) -> u64 {
        let marked = self
            .checkpoints
            .values()
            .filter(|checkpoint| checkpoint.execution == *id)
            .map(|checkpoint| checkpoint.through_seq);
        marked
            .chain(self.ended_steps(id).last().map(|&(seq, _)| seq))
            .max()
            .unwrap_or(0)
    }

    pub(super) fn create_checkpoint(
        &mut self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = self.execution(execution)?;
        if row.state.is_terminal() {
            return Err(StoreError::conflict(format!(
                "execution `{execution}` has ended: it is `{}`",
                row.state
            )));
        }
        let (state, revision) = (row.state, row.revision);
        if self.checkpoints.contains_key(id) {
            return Err(StoreError::rejected(format!(
                "there is a checkpoint `{id}` already"
            )));
        }
        let checkpoint = Checkpoint {
            execution: execution.clone(),
            state,
            through_seq: self.last_seq(execution),
            revision,
            created_at: at,
        };
        self.checkpoints.insert(id.clone(), checkpoint);
        self.commits += 1;
        Ok(())
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
        let source_row = self.execution(&source)?.clone();
        let rows = self.steps.get(&source).into_iter().flatten();
        let covered = rows.filter(|(step, record)| {
            let stands = match record.state {
                StepState::Completed => true,
                StepState::Failed => restore.optional.contains(step),
                _ => false,
            };
            stands && record.seq.is_some_and(|seq| seq <= through_seq)
        });
        let steps = covered
            .map(|(&step, record)| (step, record.clone()))
            .collect();
        self.steps.insert(restore.id.clone(), steps);
        let execution = ExecutionRecord {
            id: restore.id.clone(),
            state: State::Paused,
            started_at: restore.at,
            completed_at: None,
            error: None,
            owner: None,
            token: 0,
            lease_until: None,
            revision: 0,
            pause_requested: false,
            driven_millis: 0,
            origin: restore.origin,
            restored_from: Some(restore.checkpoint),
            ..source_row
        };
        let checkpoint = Checkpoint {
            execution: restore.id.clone(),
            state: State::Paused,
            through_seq: self.last_seq(&restore.id),
            revision: 0,
            created_at: restore.at,
        };
        self.checkpoints
            .insert(CheckpointId::of(&restore.id, 0), checkpoint);
        self.executions.insert(restore.id, execution.clone());
        self.commits += 1;
        Ok(execution)
    }

    pub(super) fn prune_checkpoints(&mut self, before: Timestamp) -> u64 {
        let old: Vec<CheckpointId> = self
            .checkpoints
            .iter()
            .filter(|(id, checkpoint)| {
                checkpoint.created_at < before && !self.is_last(id, checkpoint)
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
        execution.is_some_and(|execution| !execution.state.is_terminal())
            && !self.checkpoints.iter().any(|(other_id, other)| {
                other.execution == checkpoint.execution && other.age(other_id) > checkpoint.age(id)
            })
    }

    /// The steps of an execution that have ended, in the order of their `seq`.
    fn ended_steps(&self, id: &ExecutionId) -> Vec<(u64, u32)> {
        let mut order: Vec<(u64, u32)> = self
            .steps
            .get(id)
            .into_iter()
            .flatten()
            .filter_map(|(&step, record)| Some((record.seq?, step)))
            .collect();
        order.sort_unstable();
        order
    }
}

/// The record, given the ended steps of its execution in the order of their `seq`.
fn record(id: &CheckpointId, checkpoint: &Checkpoint, order: &[(u64, u32)]) -> CheckpointRecord {
    CheckpointRecord {
        id: id.clone(),
        execution_id: checkpoint.execution.clone(),
        state: checkpoint.state,
        context: Json::from_stored("{}"),
        through_seq: checkpoint.through_seq,
        completed_steps: order
            .iter()
            .take_while(|(seq, _)| *seq <= checkpoint.through_seq)
            .map(|&(_, step)| step)
            .collect(),
        created_at: checkpoint.created_at,
    }
}
