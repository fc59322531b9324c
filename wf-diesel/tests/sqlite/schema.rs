//! The tables, as SQLite itself describes them.

use diesel::connection::SimpleConnection;
use wf_core::lifecycle::STATE_CHECK_SQL;
use wf_core::step::StepState;

use crate::fixtures::{Scratch, number, started, text, texts};

const TABLES: &[&str] = &[
    "workflow_checkpoints",
    "workflow_executions",
    "workflow_step_executions",
    "workflow_steps",
    "workflows",
];

/// Columns as `name type`, in alphabetical order; `!` marks those that must have a value.
fn columns(table: &str) -> Vec<String> {
    let scratch = Scratch::new();
    drop(scratch.open());
    let query = format!(
        "SELECT name || ' ' || type || iif(\"notnull\", '!', '') FROM pragma_table_info('{table}') ORDER BY name"
    );
    texts(&mut scratch.connection(), &query)
}

#[test]
fn there_are_five_strict_tables() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let query = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict ORDER BY name";
    assert_eq!(texts(&mut scratch.connection(), query), TABLES);
}

#[test]
fn every_table_has_its_columns() {
    assert_eq!(
        columns("workflows"),
        [
            "created_at INTEGER!",
            "definition TEXT!",
            "description TEXT",
            "hash TEXT!",
            "id TEXT!",
            "name TEXT!",
            "updated_at INTEGER!",
            "version TEXT!",
        ]
    );
    assert_eq!(
        columns("workflow_steps"),
        [
            "agent TEXT!",
            "dependencies TEXT!",
            "id INTEGER!",
            "parallel INTEGER!",
            "position INTEGER!",
            "prompt_template TEXT!",
            "step_key TEXT!",
            "workflow_id TEXT!",
        ]
    );
    assert_eq!(
        columns("workflow_executions"),
        [
            "agents_file TEXT",
            "budget TEXT",
            "completed_at INTEGER",
            "context TEXT!",
            "directory TEXT",
            "driven_millis INTEGER!",
            "error TEXT",
            "fencing_token INTEGER!",
            "id TEXT!",
            "last_seq INTEGER!",
            "lease_until INTEGER",
            "owner TEXT",
            "pause_requested INTEGER!",
            "restored_from TEXT",
            "resume_at INTEGER",
            "revision INTEGER!",
            "started_at INTEGER!",
            "state TEXT!",
            "workflow_id TEXT!",
        ]
    );
    assert_eq!(
        columns("workflow_step_executions"),
        [
            "attempts TEXT!",
            "completed_at INTEGER",
            "error TEXT",
            "execution_id TEXT!",
            "id INTEGER!",
            "result TEXT",
            "retry_base INTEGER!",
            "retry_count INTEGER!",
            "seq INTEGER",
            "started_at INTEGER",
            "state TEXT!",
            "step_id INTEGER!",
        ]
    );
    assert_eq!(
        columns("workflow_checkpoints"),
        [
            "completed_steps TEXT!",
            "context TEXT!",
            "created_at INTEGER!",
            "execution_id TEXT!",
            "id TEXT!",
            "revision INTEGER!",
            "state TEXT!",
        ]
    );
}

#[test]
fn the_indexes_are_those_of_the_queries() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let query =
        "SELECT t.name || '(' || group_concat(c.name || iif(c.desc, ' DESC', ''), ', ') || ')'
                 || iif(l.\"unique\", ' unique', '') || iif(l.partial, ' partial', '')
        FROM sqlite_schema t, pragma_index_list(t.name) l, pragma_index_xinfo(l.name) c
        WHERE t.type = 'table' AND t.name LIKE 'workflow%' AND c.key
        GROUP BY l.name ORDER BY 1";
    assert_eq!(
        texts(&mut scratch.connection(), query),
        [
            "workflow_checkpoints(execution_id, created_at DESC)",
            "workflow_checkpoints(id) unique",
            "workflow_executions(id) unique",
            "workflow_executions(owner) partial",
            "workflow_executions(restored_from) partial",
            "workflow_executions(workflow_id, state)",
            "workflow_step_executions(execution_id, state) partial",
            "workflow_step_executions(execution_id, step_id) unique",
            "workflow_steps(workflow_id)",
            "workflows(id) unique",
            "workflows(name)",
        ]
    );
}

#[test]
fn every_reference_is_a_foreign_key() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let query = "SELECT t.name || '.' || f.\"from\" || ' -> ' || f.\"table\" || '.' || f.\"to\"
        FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' ORDER BY 1";
    assert_eq!(
        texts(&mut scratch.connection(), query),
        [
            "workflow_checkpoints.execution_id -> workflow_executions.id",
            "workflow_executions.workflow_id -> workflows.id",
            "workflow_step_executions.execution_id -> workflow_executions.id",
            "workflow_step_executions.step_id -> workflow_steps.id",
            "workflow_steps.workflow_id -> workflows.id",
        ]
    );
}

#[test]
fn the_checks_on_states_are_those_of_the_lifecycle() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut conn = scratch.connection();
    let mut declaration = |table: &str| {
        text(
            &mut conn,
            &format!("SELECT sql FROM sqlite_schema WHERE name = '{table}'"),
        )
    };
    let execution = format!("CHECK ({STATE_CHECK_SQL})");
    assert!(declaration("workflow_executions").contains(&execution));
    assert!(declaration("workflow_checkpoints").contains(&execution));
    let steps: Vec<_> = StepState::ALL
        .iter()
        .map(|state| format!("state = '{state}'"))
        .collect();
    let step = format!("CHECK ({})", steps.join(" OR "));
    assert!(declaration("workflow_step_executions").contains(&step));
}

#[test]
fn a_state_that_is_none_is_refused_by_the_database() {
    let scratch = Scratch::new();
    let store = scratch.open();
    started(&store, "e", 1);
    let mut conn = scratch.connection();
    let refused = conn
        .batch_execute("UPDATE workflow_executions SET state = 'Completed'")
        .unwrap_err();
    assert!(
        refused.to_string().starts_with("CHECK constraint failed"),
        "{refused}"
    );
    conn.batch_execute("UPDATE workflow_executions SET state = 'completed'")
        .unwrap();
}

#[test]
fn values_are_stored_as_the_plan_has_them() {
    use std::sync::Arc;

    use futures::executor::block_on;
    use wf_core::step::Attempt;
    use wf_core::store::{NewCheckpoint, Store};

    use crate::fixtures::{moment, result_of};

    let scratch = Scratch::new();
    let store = scratch.open();
    let row = started(&store, "e", 2);
    let mut commit = result_of(&row, 1, 1);
    Arc::make_mut(&mut commit.writes.steps[0].record).attempts = vec![
        Attempt::start(1, moment(1)).end(moment(2), Some("no".to_owned())),
        Attempt::start(2, moment(3)).end(moment(5), None),
    ]
    .into();
    commit.writes.checkpoint = Some(NewCheckpoint::new("c".into(), 1));
    block_on(store.commit(commit)).unwrap();

    let mut conn = scratch.connection();
    assert_eq!(
        text(
            &mut conn,
            "SELECT id || ' ' || state || ' ' || context FROM workflow_executions"
        ),
        "e executing_steps {\"inputs\":{}}"
    );
    assert_eq!(
        text(
            &mut conn,
            "SELECT x.attempts FROM workflow_step_executions x JOIN workflow_steps s ON s.id = x.step_id WHERE s.step_key = 'step-1'"
        ),
        r#"[{"number":1,"started_at":1,"ended_at":2,"error":"no"},{"number":2,"started_at":3,"ended_at":5}]"#
    );
    assert_eq!(
        number(
            &mut conn,
            "SELECT retry_count FROM workflow_step_executions"
        ),
        1
    );
    assert_eq!(
        text(
            &mut conn,
            "SELECT completed_steps || context FROM workflow_checkpoints"
        ),
        r#"{"through_seq":1}{}"#
    );
}
