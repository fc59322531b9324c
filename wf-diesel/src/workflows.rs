//! The table `workflows`: one row per stored definition.

use diesel::prelude::*;
use wf_core::id::{Timestamp, WorkflowId};
use wf_core::store::{NewWorkflow, WorkflowRecord};
use wf_core::value::Json;

use crate::error::{integer, unsigned};
use crate::schema::{workflow_executions, workflows};

/// Which identifiers the steps of a workflow have: `count` of them from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StepIds {
    pub(crate) first: i64,
    pub(crate) count: i64,
}

impl StepIds {
    /// The identifier of the step at `position`, if the workflow has one.
    pub(crate) fn at(self, position: u32) -> Option<i64> {
        let position = i64::from(position);
        (position < self.count).then(|| self.first + position)
    }

    /// The position of the step with that identifier.
    pub(crate) fn position(self, id: i64) -> QueryResult<u32> {
        unsigned(id - self.first)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = workflows)]
struct WorkflowRow {
    id: String,
    name: String,
    description: Option<String>,
    definition: String,
    version: String,
    hash: String,
    created_at: i64,
    updated_at: i64,
}

impl From<WorkflowRow> for WorkflowRecord {
    fn from(row: WorkflowRow) -> Self {
        WorkflowRecord {
            id: row.id.into(),
            name: row.name,
            description: row.description,
            version: row.version,
            definition: Json::from_stored(row.definition),
            hash: row.hash,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        }
    }
}

pub(crate) fn insert_workflow(
    conn: &mut SqliteConnection,
    workflow: &NewWorkflow,
    first_step_id: i64,
    at: Timestamp,
) -> QueryResult<usize> {
    diesel::insert_into(workflows::table)
        .values((
            workflows::id.eq(workflow.id.as_str()),
            workflows::name.eq(&workflow.name),
            workflows::description.eq(workflow.description.as_deref()),
            workflows::definition.eq(workflow.definition.as_str()),
            workflows::version.eq(&workflow.version),
            workflows::hash.eq(&workflow.hash),
            workflows::first_step_id.eq(first_step_id),
            workflows::step_count.eq(integer(workflow.steps.len() as u64)?),
            workflows::created_at.eq(at.millis()),
            workflows::updated_at.eq(at.millis()),
        ))
        .execute(conn)
}

pub(crate) fn find_workflow(
    conn: &mut SqliteConnection,
    id: &WorkflowId,
) -> QueryResult<Option<WorkflowRecord>> {
    let row: Option<WorkflowRow> = workflows::table
        .find(id.as_str())
        .select(WorkflowRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(WorkflowRecord::from))
}

pub(crate) fn list_workflows(conn: &mut SqliteConnection) -> QueryResult<Vec<WorkflowRecord>> {
    let rows: Vec<WorkflowRow> = workflows::table
        .select(WorkflowRow::as_select())
        .order((workflows::created_at.desc(), workflows::id.desc()))
        .load(conn)?;
    Ok(rows.into_iter().map(WorkflowRecord::from).collect())
}

pub(crate) fn find_step_ids(
    conn: &mut SqliteConnection,
    id: &WorkflowId,
) -> QueryResult<Option<StepIds>> {
    let found: Option<(i64, i64)> = workflows::table
        .find(id.as_str())
        .select((workflows::first_step_id, workflows::step_count))
        .first(conn)
        .optional()?;
    Ok(found.map(|(first, count)| StepIds { first, count }))
}

/// The step identifiers of the workflow that the execution `execution_id` runs.
pub(crate) fn find_step_ids_of_execution(
    conn: &mut SqliteConnection,
    execution_id: &str,
) -> QueryResult<Option<StepIds>> {
    let found: Option<(i64, i64)> = workflow_executions::table
        .inner_join(workflows::table)
        .filter(workflow_executions::id.eq(execution_id))
        .select((workflows::first_step_id, workflows::step_count))
        .first(conn)
        .optional()?;
    Ok(found.map(|(first, count)| StepIds { first, count }))
}
