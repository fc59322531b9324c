//! The table `workflow_checkpoints`: marks in the order in which steps were committed.

use diesel::prelude::*;
use wf_core::id::{ExecutionId, Timestamp};
use wf_core::lifecycle::{Row, State};
use wf_core::store::{CheckpointRecord, NewCheckpoint};
use wf_core::value::Json;

use crate::error::{integer, unreadable};
use crate::executions::state;
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
}

impl CheckpointRow {
    /// The record, given the ended steps of its execution in the order of their `seq`.
    fn record(self, ended: &[(u64, u32)]) -> QueryResult<CheckpointRecord> {
        let through_seq = through_seq(&self.completed_steps)?;
        let covered = ended.partition_point(|&(seq, _)| seq <= through_seq);
        Ok(CheckpointRecord {
            id: self.id.into(),
            execution_id: self.execution_id.into(),
            state: state(&self.state)?,
            context: Json::from_stored(self.context),
            through_seq,
            completed_steps: ended
                .iter()
                .take(covered)
                .map(|&(_, position)| position)
                .collect(),
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

/// Inserts a checkpoint that is written together with the commit to `row`, which leads to `to`.
pub(crate) fn insert_checkpoint(
    conn: &mut SqliteConnection,
    row: &Row,
    to: State,
    checkpoint: &NewCheckpoint,
    at: Timestamp,
) -> QueryResult<usize> {
    diesel::insert_into(dsl::workflow_checkpoints)
        .values((
            dsl::id.eq(checkpoint.id.as_str()),
            dsl::execution_id.eq(row.id.as_str()),
            dsl::state.eq(to.name()),
            dsl::context.eq(EMPTY_CONTEXT),
            dsl::completed_steps.eq(format!("{{\"through_seq\":{}}}", checkpoint.through_seq)),
            dsl::created_at.eq(at.millis()),
            dsl::revision.eq(integer(row.revision.saturating_add(1))?),
        ))
        .execute(conn)
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
        .order((dsl::created_at.desc(), dsl::revision.desc(), dsl::id.desc()))
        .load(conn)?;
    rows.into_iter().map(|row| row.record(ended)).collect()
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
