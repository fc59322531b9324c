//! The table `workflow_steps`: the steps of each stored definition, with consecutive identifiers.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use wf_core::id::WorkflowId;
use wf_core::plan::Step;

use crate::insert::insert;
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
    step: &Step,
) -> QueryResult<usize> {
    // A list of texts can always be written.
    let dependencies = serde_json::to_string(&step.dependencies).unwrap_or_default();
    let row = NewStep {
        id,
        workflow_id: workflow_id.as_str(),
        position,
        step_key: &step.key,
        agent: &step.agent,
        prompt_template: &step.prompt,
        dependencies: &dependencies,
        parallel: step.parallel,
    };
    row.execute(conn)
}

insert! {
    struct NewStep into "workflow_steps" {
        id: i64 as BigInt,
        workflow_id: &'a str as Text,
        position: i64 as BigInt,
        step_key: &'a str as Text,
        agent: &'a str as Text,
        prompt_template: &'a str as Text,
        dependencies: &'a str as Text,
        parallel: bool as Bool,
    }
}
