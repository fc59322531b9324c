//! The table `workflow_steps`: the steps of each stored definition, with consecutive identifiers.

use diesel::dsl::max;
use diesel::prelude::*;
use wf_core::id::WorkflowId;
use wf_core::store::WorkflowStepRecord;

use crate::schema::workflow_steps;

/// The first identifier that no step has, nor any step after it.
pub(crate) fn next_step_id(conn: &mut SqliteConnection) -> QueryResult<i64> {
    let last: Option<i64> = workflow_steps::table
        .select(max(workflow_steps::id))
        .get_result(conn)?;
    Ok(last.map_or(1, |last| last.saturating_add(1)))
}

pub(crate) fn insert_step(
    conn: &mut SqliteConnection,
    workflow_id: &WorkflowId,
    id: i64,
    position: i64,
    step: &WorkflowStepRecord,
) -> QueryResult<usize> {
    diesel::insert_into(workflow_steps::table)
        .values((
            workflow_steps::id.eq(id),
            workflow_steps::workflow_id.eq(workflow_id.as_str()),
            workflow_steps::position.eq(position),
            workflow_steps::step_key.eq(&step.key),
            workflow_steps::agent.eq(&step.agent),
            workflow_steps::prompt_template.eq(&step.prompt_template),
            workflow_steps::dependencies.eq(step.dependencies.as_str()),
            workflow_steps::parallel.eq(step.parallel),
        ))
        .execute(conn)
}
