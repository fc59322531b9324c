//! The table `workflow_checkpoints`: marks in the order in which steps were committed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use wf_core::id::{CheckpointId, ExecutionId, Timestamp};
use wf_core::lifecycle::State;
use wf_core::store::{CheckpointRecord, ExecutionRecord};
use wf_core::value::Json;

use crate::error::{integer, unreadable, unsigned};
use crate::executions::state;
use crate::insert::insert;
use crate::schema::workflow_checkpoints::{self, dsl};

/// The context of a checkpoint that adds nothing to its execution's.
const EMPTY_CONTEXT: &str = "{}";

#[derive(Queryable, Selectable)]
#[diesel(table_name = workflow_checkpoints)]
struct CheckpointRow {
    id: String,
    execution_id: String,
    state: String,
    context: String,
    completed_steps: String,
    created_at: i64,
    revision: i64,
}

impl CheckpointRow {
    /// The record, given the ended steps of its execution in the order of their `seq`.
    fn record(self, ended: &[(u64, u32)]) -> QueryResult<CheckpointRecord> {
        let through_seq = through_seq(&self.completed_steps)?;
        let covered = ended.partition_point(|&(seq, _)| seq <= through_seq);
        let mut record = CheckpointRecord::new(
            self.id.into(),
            self.execution_id.into(),
            state(&self.state)?,
            through_seq,
            Timestamp::from_millis(self.created_at),
            unsigned(self.revision)?,
        );
        record.context = Json::from_stored(self.context);
        let covered = ended.iter().take(covered);
        record.completed_steps = covered.map(|&(_, position)| position).collect();
        Ok(record)
    }
}

/// A checkpoint to be inserted.
pub(crate) struct Mark<'a> {
    pub(crate) id: &'a CheckpointId,
    pub(crate) execution_id: &'a ExecutionId,
    pub(crate) state: State,
    pub(crate) through_seq: u64,
    pub(crate) at: Timestamp,
    /// The revision at which the execution then is.
    pub(crate) revision: u64,
}

impl<'a> Mark<'a> {
    /// A mark of all that is recorded of an execution.
    pub(crate) fn of(execution: &'a ExecutionRecord, id: &'a CheckpointId, at: Timestamp) -> Self {
        Mark {
            id,
            execution_id: &execution.id,
            state: execution.state,
            through_seq: execution.last_seq,
            at,
            revision: execution.revision,
        }
    }
}

pub(crate) fn insert_checkpoint(
    conn: &mut SqliteConnection,
    mark: &Mark<'_>,
) -> QueryResult<usize> {
    let through_seq = integer(mark.through_seq)?;
    let row = NewCheckpoint {
        id: mark.id.as_str(),
        execution_id: mark.execution_id.as_str(),
        state: mark.state.name(),
        context: EMPTY_CONTEXT,
        completed_steps: &format!("{{\"through_seq\":{through_seq}}}"),
        created_at: mark.at.millis(),
        revision: integer(mark.revision)?,
    };
    row.execute(conn)
}

pub(crate) fn delete_checkpoint(
    conn: &mut SqliteConnection,
    id: &CheckpointId,
) -> QueryResult<usize> {
    diesel::delete(dsl::workflow_checkpoints.find(id.as_str())).execute(conn)
}

/// Deletes what was written before a moment, but the newest checkpoint of an execution that has not ended, and those
/// that executions were restored from.
pub(crate) fn delete_checkpoints_before(
    conn: &mut SqliteConnection,
    before: Timestamp,
) -> QueryResult<usize> {
    // diesel has neither aliases in a `DELETE` nor comparisons of rows. Which is the newest is told by the revision, as
    // the wall clock may have been set back; the index by moments finds a newer one at once nearly every time.
    diesel::sql_query(format!(
        "DELETE FROM workflow_checkpoints WHERE created_at < ? \
         AND NOT EXISTS (SELECT 1 FROM workflow_executions AS restored \
             WHERE restored.restored_from = workflow_checkpoints.id) \
         AND (\
             EXISTS (SELECT 1 FROM workflow_executions AS execution \
                 WHERE execution.id = workflow_checkpoints.execution_id \
                 AND execution.state IN ('{}', '{}', '{}')) \
             OR EXISTS (SELECT 1 FROM workflow_checkpoints AS newer \
                 WHERE newer.execution_id = workflow_checkpoints.execution_id \
                 AND (newer.revision, newer.created_at, newer.id) > \
                     (workflow_checkpoints.revision, workflow_checkpoints.created_at, workflow_checkpoints.id)))",
        State::Completed.name(),
        State::Failed.name(),
        State::Cancelled.name(),
    ))
    .bind::<BigInt, _>(before.millis())
    .execute(conn)
}

/// Which execution a checkpoint is of, and the last `seq` that it covers.
pub(crate) fn find_mark(
    conn: &mut SqliteConnection,
    id: &CheckpointId,
) -> QueryResult<Option<(ExecutionId, u64)>> {
    let found: Option<(String, String)> = dsl::workflow_checkpoints
        .find(id.as_str())
        .select((dsl::execution_id, dsl::completed_steps))
        .get_result(conn)
        .optional()?;
    found
        .map(|(execution_id, mark)| Ok((execution_id.into(), through_seq(&mark)?)))
        .transpose()
}

/// The last `seq` that the newest checkpoint of an execution covers; 0 when there is none.
pub(crate) fn find_newest_mark(
    conn: &mut SqliteConnection,
    execution_id: &ExecutionId,
) -> QueryResult<u64> {
    let newest: Option<String> = dsl::workflow_checkpoints
        .filter(dsl::execution_id.eq(execution_id.as_str()))
        .select(dsl::completed_steps)
        .order((dsl::revision.desc(), dsl::created_at.desc(), dsl::id.desc()))
        .first(conn)
        .optional()?;
    newest.map_or(Ok(0), |mark| through_seq(&mark))
}

/// One checkpoint, given the ended steps of its execution in the order of their `seq`.
pub(crate) fn find_checkpoint(
    conn: &mut SqliteConnection,
    id: &CheckpointId,
    ended: &[(u64, u32)],
) -> QueryResult<Option<CheckpointRecord>> {
    let row: Option<CheckpointRow> = dsl::workflow_checkpoints
        .find(id.as_str())
        .select(CheckpointRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(|row| row.record(ended)).transpose()
}

/// The checkpoints of an execution, newest first, given its ended steps in the order of their `seq`.
pub(crate) fn list_checkpoints(
    conn: &mut SqliteConnection,
    execution_id: &ExecutionId,
    ended: &[(u64, u32)],
) -> QueryResult<Vec<CheckpointRecord>> {
    let rows: Vec<CheckpointRow> = dsl::workflow_checkpoints
        .filter(dsl::execution_id.eq(execution_id.as_str()))
        .select(CheckpointRow::as_select())
        .order((dsl::revision.desc(), dsl::created_at.desc(), dsl::id.desc()))
        .load(conn)?;
    rows.into_iter().map(|row| row.record(ended)).collect()
}

insert! {
    struct NewCheckpoint into "workflow_checkpoints" {
        id: &'a str as Text,
        execution_id: &'a str as Text,
        state: &'a str as Text,
        context: &'a str as Text,
        completed_steps: &'a str as Text,
        created_at: i64 as BigInt,
        revision: i64 as BigInt,
    }
}

fn through_seq(mark: &str) -> QueryResult<u64> {
    let mark: Option<serde_json::Value> = serde_json::from_str(mark).ok();
    mark.and_then(|mark| mark.get("through_seq")?.as_u64())
        .ok_or_else(|| unreadable("the mark of a checkpoint cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        assert_eq!(through_seq(r#"{"through_seq":12}"#), Ok(12));
        for mark in ["", "[]", "[1,2]", "{}", r#"{"through_seq":-1}"#] {
            assert!(through_seq(mark).is_err(), "{mark}");
        }
    }
}
