//! Reading a half-finished run back from SQLite, beside a bare read of its rows.

use std::path::PathBuf;
use std::sync::Arc;

use futures::executor::block_on;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;
use wf_core::agent::{Agents, StepError};
use wf_core::engine::{Engine, RunOptions};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_diesel::SqliteStore;

use crate::bare::{connect, read_rows};
use crate::measure::{Goal, Report, side_by_side};
use crate::workloads::Shape;

pub(crate) fn measure(report: &mut Report) {
    for (steps, goal) in [
        (100, Goal::Open),
        (1_000, Goal::Times(3.0)),
        (10_000, Goal::Open),
    ] {
        let what = format!("status of a run of {steps} steps, half done");
        if report.wants(&what) {
            let half = HalfDone::new(steps);
            let status = || block_on(half.engine.status(&half.id)).expect("the store works");
            let pairs = side_by_side(status, half.bare_read(&connect(&half.path)));
            report.pairs(&what, steps, "step", &pairs, goal);
        }
        let what = format!("loading the rows of {steps} steps, half done");
        if report.wants(&what) {
            let half = HalfDone::new(steps);
            let load = || block_on(half.engine.store().load(&half.id)).expect("the store works");
            let pairs = side_by_side(load, half.bare_read(&connect(&half.path)));
            report.pairs(&what, steps, "step", &pairs, Goal::Open);
        }
    }
}

/// A run that is paused because a step has failed on which half of all others wait.
pub(crate) struct HalfDone {
    pub(crate) engine: Engine,
    pub(crate) id: ExecutionId,
    path: PathBuf,
    _folder: TempDir,
}

impl HalfDone {
    pub(crate) fn new(steps: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bench.db");
        let store = SqliteStore::open(&path).expect("a new database opens");
        let agents = Agents::new()
            .with("echo", |prompt: String| async move { prompt })
            .with("no", |_: String| async {
                Err::<String, _>(StepError::terminal("no"))
            });
        let engine = Engine::new(Arc::new(store), agents);
        let mut shape = Shape::chain(steps);
        shape.needs = (0..steps)
            .map(|step| {
                if step > steps / 2 {
                    vec![steps / 2]
                } else {
                    Vec::new()
                }
            })
            .collect();
        // The step in the middle starts last of those that may, and fails.
        shape.needs[steps / 2] = (0..steps / 2).collect();
        let text = shape.json().replacen(
            r#""steps":["#,
            r#""config":{"onFailure":"pause"},"steps":["#,
            1,
        );
        let middle = format!(r#"{{"key":"s{}","agent":"echo""#, steps / 2);
        let text = text.replace(&middle, &middle.replace("echo", "no"));
        let plan = Plan::from_json("half.json", &text).unwrap_or_else(|report| panic!("{report}"));
        let status = block_on(async {
            let run = engine.start(&plan, Inputs::new(), RunOptions::default());
            run.await?.finish().await
        })
        .expect("the store works");
        assert_eq!(status.state(), State::Paused);
        HalfDone {
            engine,
            id: status.execution.id,
            path,
            _folder: folder,
        }
    }

    /// A way to read its rows, as SQLite gives them, with everything prepared.
    fn bare_read<'c>(&'c self, conn: &'c Connection) -> impl FnMut() -> Vec<Vec<Value>> + 'c {
        let mut statements = [
            "SELECT * FROM workflow_executions WHERE id = ?1",
            "SELECT w.* FROM workflows w JOIN workflow_executions e ON e.workflow_id = w.id WHERE e.id = ?1",
            "SELECT * FROM workflow_step_executions WHERE execution_id = ?1 ORDER BY step_id",
        ]
        .map(|query| conn.prepare(query).expect("the query is right"));
        move || {
            let rows = statements.iter_mut();
            rows.flat_map(|statement| read_rows(statement, [self.id.as_str()]))
                .collect()
        }
    }
}
