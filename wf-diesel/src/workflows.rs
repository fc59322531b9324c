//! The table `workflows`: one row per stored definition.

use diesel::dsl::{max, min};
use diesel::prelude::*;
use wf_core::id::{Timestamp, WorkflowId};
use wf_core::store::{NewWorkflow, WorkflowQuery, WorkflowRecord};
use wf_core::value::Json;

use crate::error::unsigned;
use crate::schema::{workflow_executions, workflow_steps, workflows};

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
    version: String,
    hash: String,
    created_at: i64,
    updated_at: i64,
}

impl From<WorkflowRow> for WorkflowRecord {
    fn from(row: WorkflowRow) -> Self {
        let at = Timestamp::from_millis(row.created_at);
        let mut record = WorkflowRecord::new(row.id.into(), row.name, row.version, row.hash, at);
        record.description = row.description;
        record.updated_at = Timestamp::from_millis(row.updated_at);
        record
    }
}

pub(crate) fn insert_workflow(
    conn: &mut SqliteConnection,
    workflow: &NewWorkflow,
    at: Timestamp,
) -> QueryResult<usize> {
    diesel::insert_into(workflows::table)
        .values((
            workflows::id.eq(workflow.id.as_str()),
            workflows::name.eq(&workflow.definition.name),
            workflows::description.eq(workflow.definition.description.as_deref()),
            workflows::definition.eq(workflow.canonical.as_str()),
            workflows::version.eq(&workflow.definition.version),
            workflows::hash.eq(&workflow.hash),
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
        .get_result(conn)
        .optional()?;
    Ok(row.map(WorkflowRecord::from))
}

/// The workflows that a query asks for, newest first.
pub(crate) fn list_workflows(
    conn: &mut SqliteConnection,
    query: &WorkflowQuery,
) -> QueryResult<Vec<WorkflowRecord>> {
    let mut found = workflows::table
        .select(WorkflowRow::as_select())
        .order((workflows::created_at.desc(), workflows::id.desc()))
        .into_boxed();
    if let Some(name) = &query.name {
        found = found.filter(workflows::name.eq(name));
    }
    if let Some(since) = query.since {
        found = found.filter(workflows::created_at.ge(since.millis()));
    }
    if let Some((at, id)) = &query.before {
        let before = workflows::created_at.lt(at.millis());
        let same = workflows::created_at.eq(at.millis());
        found = found.filter(before.or(same.and(workflows::id.lt(id.as_str()))));
    }
    if let Some(limit) = query.limit {
        found = found.limit(limit.into());
    }
    let rows: Vec<WorkflowRow> = found.load(conn)?;
    Ok(rows.into_iter().map(WorkflowRecord::from).collect())
}

/// Notes that an execution of the workflow was created.
pub(crate) fn touch_workflow(
    conn: &mut SqliteConnection,
    id: &WorkflowId,
    at: Timestamp,
) -> QueryResult<usize> {
    diesel::update(workflows::table.find(id.as_str()))
        .set(workflows::updated_at.eq(at.millis()))
        .execute(conn)
}

pub(crate) fn find_definition(
    conn: &mut SqliteConnection,
    id: &WorkflowId,
) -> QueryResult<Option<Json>> {
    let definition: Option<String> = workflows::table
        .find(id.as_str())
        .select(workflows::definition)
        .get_result(conn)
        .optional()?;
    Ok(definition.map(Json::from_stored))
}

pub(crate) fn find_step_ids(
    conn: &mut SqliteConnection,
    id: &WorkflowId,
) -> QueryResult<Option<StepIds>> {
    let found: Option<String> = workflows::table
        .find(id.as_str())
        .select(workflows::id)
        .get_result(conn)
        .optional()?;
    found.map(|id| list_step_ids(conn, &id)).transpose()
}

/// The step identifiers of the workflow that the execution `execution_id` runs.
pub(crate) fn find_step_ids_of_execution(
    conn: &mut SqliteConnection,
    execution_id: &str,
) -> QueryResult<Option<StepIds>> {
    let found: Option<String> = workflow_executions::table
        .find(execution_id)
        .select(workflow_executions::workflow_id)
        .get_result(conn)
        .optional()?;
    found.map(|id| list_step_ids(conn, &id)).transpose()
}

/// The step identifiers of a workflow: consecutive, so that the first and the last tell all.
fn list_step_ids(conn: &mut SqliteConnection, id: &str) -> QueryResult<StepIds> {
    // Each alone is the end of an index; together they would be a scan.
    let steps = workflow_steps::table.filter(workflow_steps::workflow_id.eq(id));
    let first: Option<i64> = steps.select(min(workflow_steps::id)).get_result(conn)?;
    let last: Option<i64> = steps.select(max(workflow_steps::id)).get_result(conn)?;
    Ok(match first.zip(last) {
        Some((first, last)) => StepIds {
            first,
            count: last - first + 1,
        },
        None => StepIds { first: 0, count: 0 },
    })
}
