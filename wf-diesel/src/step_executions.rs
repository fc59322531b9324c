//! The table `workflow_step_executions`: what is known of each step of each run.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use wf_core::id::{ExecutionId, Timestamp, WorkflowId};
use wf_core::lifecycle::State;
use wf_core::step::{Attempt, StepState};
use wf_core::store::StepRecord;
use wf_core::usage::Usage;
use wf_core::value::Json;

use crate::error::{integer, refuse, unreadable, unsigned};
use crate::insert::insert;
use crate::schema::workflow_step_executions::{self, dsl};
use crate::workflows::StepIds;

/// The text of the `attempts` column, in a buffer that is used again for the next row.
#[derive(Default)]
pub(crate) struct AttemptsText(Vec<u8>);

impl AttemptsText {
    /// Writes the attempts as a JSON array.
    pub(crate) fn of(&mut self, attempts: &[Attempt]) -> QueryResult<&str> {
        self.0.clear();
        serde_json::to_writer(&mut self.0, attempts)
            .map_err(|_| refuse("an attempt cannot be written as JSON"))?;
        std::str::from_utf8(&self.0).map_err(|_| refuse("an attempt cannot be written as JSON"))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = workflow_step_executions)]
struct StepRow {
    step_id: i64,
    state: String,
    seq: Option<i64>,
    result: Option<String>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    error: Option<String>,
    attempts: String,
    retry_base: i64,
}

impl StepRow {
    fn record(self, ids: StepIds) -> QueryResult<(u32, StepRecord)> {
        let mut record = StepRecord::pending();
        record.state = StepState::parse(&self.state)
            .ok_or_else(|| unreadable("the database holds a state that no step has"))?;
        record.seq = self.seq.map(unsigned).transpose()?;
        record.result = self.result.map(Json::from_stored);
        record.error = self.error;
        record.started_at = self.started_at.map(Timestamp::from_millis);
        record.completed_at = self.completed_at.map(Timestamp::from_millis);
        record.attempts = serde_json::from_str(&self.attempts)
            .map_err(|_| unreadable("the attempts of a step cannot be read"))?;
        record.retry_base = unsigned(self.retry_base)?;
        Ok((ids.position(self.step_id)?, record))
    }
}

pub(crate) fn insert_step_execution(
    conn: &mut SqliteConnection,
    execution_id: &ExecutionId,
    step_id: i64,
    record: &StepRecord,
    attempts: &str,
) -> QueryResult<usize> {
    let row = NewStep {
        execution_id: execution_id.as_str(),
        step_id,
        state: record.state.name(),
        seq: record.seq.map(integer).transpose()?,
        result: record.result.as_ref().map(Json::as_str),
        started_at: record.started_at.map(Timestamp::millis),
        completed_at: record.completed_at.map(Timestamp::millis),
        error: record.error.as_deref(),
        retry_count: i64::from(record.retry_count()),
        attempts,
        retry_base: i64::from(record.retry_base),
    };
    row.execute(conn)
}

pub(crate) fn update_step_execution(
    conn: &mut SqliteConnection,
    execution_id: &ExecutionId,
    step_id: i64,
    record: &StepRecord,
    attempts: &str,
) -> QueryResult<usize> {
    diesel::update(dsl::workflow_step_executions)
        .filter(dsl::execution_id.eq(execution_id.as_str()))
        .filter(dsl::step_id.eq(step_id))
        .set((
            dsl::state.eq(record.state.name()),
            dsl::seq.eq(record.seq.map(integer).transpose()?),
            dsl::result.eq(record.result.as_ref().map(Json::as_str)),
            dsl::started_at.eq(record.started_at.map(Timestamp::millis)),
            dsl::completed_at.eq(record.completed_at.map(Timestamp::millis)),
            dsl::error.eq(record.error.as_deref()),
            dsl::retry_count.eq(i64::from(record.retry_count())),
            dsl::attempts.eq(attempts),
            dsl::retry_base.eq(i64::from(record.retry_base)),
        ))
        .execute(conn)
}

/// Copies the rows that a checkpoint of `source` covers and that stand: those completed, and those failed whose
/// steps are among `optional`.
pub(crate) fn copy_step_executions(
    conn: &mut SqliteConnection,
    source: &ExecutionId,
    through_seq: u64,
    optional: &[i64],
    target: &ExecutionId,
) -> QueryResult<usize> {
    let optional = serde_json::to_string(optional)
        .map_err(|_| refuse("the identifiers of steps cannot be written as JSON"))?;
    // A list of any length is one bound value here; in diesel's own statements it is one for each step.
    diesel::sql_query(format!(
        "INSERT INTO workflow_step_executions (execution_id, step_id, state, seq, result, started_at, completed_at, \
             error, retry_count, attempts, retry_base) \
         SELECT ?, step_id, state, seq, result, started_at, completed_at, error, retry_count, attempts, retry_base \
         FROM workflow_step_executions \
         WHERE execution_id = ? AND seq <= ? AND (state = '{}' \
             OR (state = '{}' AND step_id IN (SELECT value FROM json_each(?)))) \
         ORDER BY step_id",
        StepState::Completed.name(),
        StepState::Failed.name(),
    ))
    .bind::<Text, _>(target.as_str())
    .bind::<Text, _>(source.as_str())
    .bind::<BigInt, _>(integer(through_seq)?)
    .bind::<Text, _>(optional)
    .execute(conn)
}

/// Cancels the steps of an execution that have not ended.
pub(crate) fn cancel_step_executions(
    conn: &mut SqliteConnection,
    execution_id: &ExecutionId,
    at: Timestamp,
) -> QueryResult<usize> {
    let running = dsl::state.eq(StepState::Running.name());
    let pending = dsl::state.eq(StepState::Pending.name());
    diesel::update(dsl::workflow_step_executions)
        .filter(dsl::execution_id.eq(execution_id.as_str()))
        // What the index says of itself, word for word, or it is not used.
        .filter(sql::<Bool>("state <> 'completed'"))
        .filter(running.or(pending))
        .set((
            dsl::state.eq(StepState::Cancelled.name()),
            dsl::completed_at.eq(Some(at.millis())),
        ))
        .execute(conn)
}

/// The step rows of an execution with their positions, in that order.
pub(crate) fn list_step_executions(
    conn: &mut SqliteConnection,
    execution_id: &ExecutionId,
    ids: StepIds,
) -> QueryResult<Vec<(u32, StepRecord)>> {
    let rows: Vec<StepRow> = dsl::workflow_step_executions
        .filter(dsl::execution_id.eq(execution_id.as_str()))
        .select(StepRow::as_select())
        .order(dsl::step_id.asc())
        .load(conn)?;
    rows.into_iter().map(|row| row.record(ids)).collect()
}

/// How long the last attempts at the first `most` steps of a workflow took in the latest of its executions that is
/// completed.
pub(crate) fn list_durations(
    conn: &mut SqliteConnection,
    workflow_id: &WorkflowId,
    most: u32,
) -> QueryResult<Vec<(u32, Duration)>> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = BigInt)]
        position: i64,
        #[diesel(sql_type = BigInt)]
        millis: i64,
    }
    // Executions are numbered by SQLite as they are created, and its index of a workflow's executions in a state has them
    // in that order: the latest is found at once, however many there are.
    let rows: Vec<Taken> = diesel::sql_query(format!(
        "WITH first AS (SELECT min(id) AS id FROM workflow_steps WHERE workflow_id = ?1) \
         SELECT row.step_id - first.id AS position, max(0, \
             json_extract(row.attempts, '$[#-1].ended_at') - json_extract(row.attempts, '$[#-1].started_at')) AS millis \
         FROM first CROSS JOIN workflow_step_executions AS row \
         WHERE row.execution_id = (SELECT id FROM workflow_executions WHERE workflow_id = ?1 AND state = '{}' \
             ORDER BY rowid DESC LIMIT 1) \
         AND row.step_id < first.id + ?2 AND row.state = '{}' \
         AND json_extract(row.attempts, '$[#-1].ended_at') IS NOT NULL \
         ORDER BY row.step_id",
        State::Completed.name(),
        StepState::Completed.name(),
    ))
    .bind::<Text, _>(workflow_id.as_str())
    .bind::<BigInt, _>(i64::from(most))
    .load(conn)?;
    rows.into_iter()
        .map(|row| {
            Ok((
                unsigned(row.position)?,
                Duration::from_millis(unsigned(row.millis)?),
            ))
        })
        .collect()
}

/// The most that an attempt of each of these agents has used, by the last attempts at the steps of the latest executions.
pub(crate) fn list_usage(
    conn: &mut SqliteConnection,
    agents: &[String],
) -> QueryResult<Vec<(String, Usage)>> {
    #[derive(QueryableByName)]
    struct Used {
        #[diesel(sql_type = Text)]
        agent: String,
        #[diesel(sql_type = Nullable<Text>)]
        usage: Option<String>,
        #[diesel(sql_type = Bool)]
        succeeded: bool,
    }
    let agents = serde_json::to_string(agents)
        .map_err(|_| refuse("the names of agents cannot be written as JSON"))?;
    // The rows of one execution lie together. Which step a row is of stands at its front: what other agents have made is
    // not read, and of no execution more rows than this are looked at.
    let rows: Vec<Used> = diesel::sql_query(
        "WITH latest AS (SELECT id FROM workflow_executions ORDER BY rowid DESC LIMIT 64), \
         looked_at AS (SELECT row.execution_id, row.step_id \
             FROM latest CROSS JOIN workflow_step_executions AS row ON row.execution_id = latest.id LIMIT 4096) \
         SELECT step.agent, json_extract(row.attempts, '$[#-1].usage') AS usage, \
             json_extract(row.attempts, '$[#-1].error') IS NULL AS succeeded \
         FROM looked_at CROSS JOIN workflow_steps AS step ON step.id = looked_at.step_id \
         CROSS JOIN workflow_step_executions AS row \
             ON row.execution_id = looked_at.execution_id AND row.step_id = looked_at.step_id \
         WHERE step.agent IN (SELECT value FROM json_each(?1)) \
         AND json_extract(row.attempts, '$[#-1].ended_at') IS NOT NULL",
    )
    .bind::<Text, _>(agents)
    .load(conn)?;
    let mut most = BTreeMap::<String, Usage>::new();
    for row in rows {
        let usage = row
            .usage
            .map(|usage| serde_json::from_str(&usage))
            .transpose();
        let usage = usage.map_err(|_| unreadable("the usage of an attempt cannot be read"))?;
        if let Some(used) = Usage::known(usage.as_ref(), row.succeeded) {
            let most = most.entry(row.agent).or_default();
            *most = most.at_least(used);
        }
    }
    Ok(most.into_iter().collect())
}

/// The steps of an execution that have ended, with their positions, in the order of their `seq`.
pub(crate) fn list_ended_steps(
    conn: &mut SqliteConnection,
    execution_id: &ExecutionId,
    ids: StepIds,
) -> QueryResult<Vec<(u64, u32)>> {
    let rows: Vec<(Option<i64>, i64)> = dsl::workflow_step_executions
        .filter(dsl::execution_id.eq(execution_id.as_str()))
        .filter(dsl::seq.is_not_null())
        .select((dsl::seq, dsl::step_id))
        .order((dsl::seq.asc(), dsl::step_id.asc()))
        .load(conn)?;
    rows.into_iter()
        .filter_map(|(seq, step_id)| seq.map(|seq| Ok((unsigned(seq)?, ids.position(step_id)?))))
        .collect()
}

insert! {
    struct NewStep into "workflow_step_executions" {
        execution_id: &'a str as Text,
        step_id: i64 as BigInt,
        state: &'a str as Text,
        seq: Option<i64> as Nullable<BigInt>,
        result: Option<&'a str> as Nullable<Text>,
        started_at: Option<i64> as Nullable<BigInt>,
        completed_at: Option<i64> as Nullable<BigInt>,
        error: Option<&'a str> as Nullable<Text>,
        retry_count: i64 as BigInt,
        attempts: &'a str as Text,
        retry_base: i64 as BigInt,
    }
}
