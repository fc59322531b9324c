//! Executions to write, and a second look at the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use futures::executor::block_on;
use tempfile::TempDir;
use wf_core::id::{ExecutionId, Timestamp};
use wf_core::lifecycle::{Event, Row, State};
use wf_core::plan::{Definition, Step};
use wf_core::step::StepState;
use wf_core::store::{
    Commit, NewExecution, NewWorkflow, Origin, StepRecord, StepWrite, Store, Writes,
};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

/// A folder that goes away with the test, and the database in it.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Scratch {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ax.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }

    /// A connection of our own to the same file.
    pub(crate) fn connection(&self) -> SqliteConnection {
        connection(&self.path())
    }
}

pub(crate) fn connection(path: &Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    conn
}

pub(crate) fn number(conn: &mut SqliteConnection, query: &str) -> i64 {
    sql::<BigInt>(query).get_result(conn).unwrap()
}

pub(crate) fn text(conn: &mut SqliteConnection, query: &str) -> String {
    sql::<Text>(query).get_result(conn).unwrap()
}

pub(crate) fn texts(conn: &mut SqliteConnection, query: &str) -> Vec<String> {
    sql::<Text>(query).load(conn).unwrap()
}

/// Asserts that SQLite finds nothing wrong with the file.
pub(crate) fn assert_sound(path: &Path) {
    let mut conn = connection(path);
    assert_eq!(text(&mut conn, "PRAGMA integrity_check"), "ok");
    assert_eq!(
        number(&mut conn, "SELECT count(*) FROM pragma_foreign_key_check"),
        0
    );
}

pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn new_execution(id: &str, steps: usize) -> NewExecution {
    let step = |position| Step::new(format!("step-{position}"), "backend", "say {{input}}");
    let mut definition = Definition::new("Workflow");
    definition.steps = (0..steps).map(step).collect();
    let workflow = NewWorkflow::new(
        format!("workflow-of-{steps}").into(),
        Arc::new(definition),
        Json::from_stored("{}"),
        "hash".to_owned(),
    );
    NewExecution::new(
        id.into(),
        workflow,
        Json::from_stored(r#"{"inputs":{}}"#),
        "owner".into(),
        moment(60_000),
        moment(0),
        Origin::default(),
    )
}

/// Creates an execution, and brings it to `executing_steps`.
pub(crate) fn started(store: &SqliteStore, id: &str, steps: usize) -> Row {
    block_on(store.create(new_execution(id, steps))).unwrap();
    let row = Row {
        id: id.into(),
        token: 1,
        revision: 0,
    };
    let path = vec![
        Event::StartWorkflow,
        Event::WorkflowParsed,
        Event::ValidationComplete,
        Event::DependencyGraphBuilt,
        Event::StepsScheduled { steps: 1 },
    ];
    block_on(
        store.commit(
            Commit::new(row.clone(), State::Idle, path, Writes::new(moment(1), 1)).unwrap(),
        ),
    )
    .unwrap();
    Row { revision: 1, ..row }
}

/// A commit, in `executing_steps`, of the result of one step.
pub(crate) fn result_of(row: &Row, step: u32, seq: u64) -> Commit {
    let mut writes = Writes::new(moment(5), 5);
    let mut record = StepRecord::pending();
    record.state = StepState::Completed;
    record.seq = Some(seq);
    record.result = Some(Json::from_stored(r#"{"ok":true}"#));
    record.completed_at = Some(moment(5));
    writes.steps.push(StepWrite::insert(step, record));
    Commit::new(row.clone(), State::ExecutingSteps, Vec::new(), writes).unwrap()
}

pub(crate) fn revision(store: &SqliteStore, id: &str) -> u64 {
    block_on(store.execution(&ExecutionId::from(id)))
        .unwrap()
        .unwrap()
        .revision
}
