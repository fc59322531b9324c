//! Runs of real engines on real files, and a witness inside the database.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use futures::executor::block_on;
use futures::future::BoxFuture;
use tempfile::TempDir;
use wf_core::agent::{Agent, Agents, Reply, Request, StepError};
use wf_core::engine::{Engine, EngineError, RunOptions, Status};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::store::Store;

/// A folder that goes away with the test, and the database in it.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Scratch(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("ax.db")
    }
}

/// The execution of every test.
pub(crate) fn id() -> ExecutionId {
    ExecutionId::from("run")
}

/// A chain of that many steps, each of which is told what the last one said.
pub(crate) fn chain(steps: usize) -> Arc<Plan> {
    let mut text =
        "name: chain\nsteps:\n  - { key: s0, agent: worker, prompt: begin }\n".to_owned();
    for step in 1..steps {
        let before = step - 1;
        text.push_str(&format!(
            "  - {{ key: s{step}, agent: worker, prompt: 'after {{{{s{before}}}}}', dependencies: [s{before}] }}\n"
        ));
    }
    plan(&text)
}

pub(crate) fn plan(text: &str) -> Arc<Plan> {
    Plan::from_yaml("test.yaml", text).unwrap_or_else(|report| panic!("{report}"))
}

/// An agent that does what a closure says, from the step and its prompt; it notes who called.
#[derive(Clone)]
pub(crate) struct Worker {
    act: Arc<Act>,
    calls: Arc<Mutex<Vec<String>>>,
}

type Act = dyn Fn(&str) -> BoxFuture<'static, Result<Reply, StepError>> + Send + Sync;

impl Worker {
    /// Says which step it is, at once.
    pub(crate) fn honest() -> Self {
        Worker::new(|step| {
            let reply = Reply::text(&format!("result of {step}"));
            Box::pin(async move { Ok(reply) })
        })
    }

    pub(crate) fn new(
        act: impl Fn(&str) -> BoxFuture<'static, Result<Reply, StepError>> + Send + Sync + 'static,
    ) -> Self {
        Worker {
            act: Arc::new(act),
            calls: Arc::default(),
        }
    }

    /// The steps in the order in which their attempts were started.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// An engine of its own, for whom every other is gone.
    pub(crate) fn engine(&self, store: impl Store, name: &str) -> Engine {
        Engine::new(Arc::new(store), Agents::new().with("worker", self.clone()))
            .with_owner(name.into(), |_| true)
    }
}

impl Agent for Worker {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        self.calls.lock().unwrap().push(request.step.to_owned());
        (self.act)(request.step)
    }
}

pub(crate) fn start(engine: &Engine, plan: &Arc<Plan>) -> Result<Status, EngineError> {
    let mut options = RunOptions::default();
    options.id = Some(id());
    block_on(async {
        engine
            .start(plan, Inputs::new(), options)
            .await?
            .finish()
            .await
    })
}

pub(crate) fn resume(engine: &Engine) -> Result<Status, EngineError> {
    block_on(async { engine.resume(&id()).await?.finish().await })
}

/// Asserts that a run is completed, and that no step was called that was committed before.
pub(crate) fn assert_completed(status: &Status, calls: &[String], committed: &[String]) {
    assert_eq!(status.state(), State::Completed);
    let again: Vec<_> = calls
        .iter()
        .filter(|step| committed.contains(step))
        .collect();
    assert_eq!(again, Vec::<&String>::new());
    let steps = status.steps.len();
    assert_eq!(calls.len() + committed.len(), steps);
}

/// The keys of the steps that are committed as completed.
pub(crate) fn committed(path: &Path) -> Vec<String> {
    sql::<Text>(
        "SELECT step_key FROM workflow_step_executions e JOIN workflow_steps s ON s.id = e.step_id \
         WHERE e.state = 'completed' ORDER BY e.seq",
    )
    .load(&mut connection(path))
    .unwrap()
}

pub(crate) fn connection(path: &Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    conn
}

/// Makes the database itself note every write that must not be, whoever makes it.
pub(crate) fn install_witness(path: &Path) {
    connection(path)
        .batch_execute(
            "CREATE TABLE witness (what TEXT NOT NULL);
             CREATE TRIGGER an_end_is_left AFTER UPDATE ON workflow_executions
               WHEN OLD.state IN ('completed', 'failed', 'cancelled')
               BEGIN INSERT INTO witness VALUES ('an end was written again'); END;
             CREATE TRIGGER a_token_falls AFTER UPDATE ON workflow_executions
               WHEN NEW.fencing_token < OLD.fencing_token OR NEW.revision < OLD.revision
                 OR NEW.revision > OLD.revision + 1
               BEGIN INSERT INTO witness VALUES ('a token or revision is out of order'); END;
             CREATE TRIGGER a_step_runs_again AFTER UPDATE ON workflow_step_executions
               WHEN OLD.state IN ('completed', 'skipped')
               BEGIN INSERT INTO witness VALUES ('a step that is over was written again'); END;
             CREATE TRIGGER a_number_is_taken BEFORE INSERT ON workflow_step_executions
               WHEN NEW.seq IS NOT NULL AND EXISTS (SELECT 1 FROM workflow_step_executions
                 WHERE execution_id = NEW.execution_id AND seq >= NEW.seq)
               BEGIN INSERT INTO witness VALUES ('a step is numbered before an earlier one'); END;",
        )
        .unwrap();
}

/// Asserts that the witness has seen nothing, and SQLite finds nothing wrong with the file.
pub(crate) fn assert_sound(path: &Path) {
    let mut conn = connection(path);
    let texts = |conn: &mut SqliteConnection, query: &str| -> Vec<String> {
        sql::<Text>(query).load(conn).unwrap()
    };
    let witness = "SELECT name FROM sqlite_schema WHERE name = 'witness'";
    if !texts(&mut conn, witness).is_empty() {
        let seen = texts(&mut conn, "SELECT what FROM witness");
        assert_eq!(seen, Vec::<String>::new());
    }
    assert_eq!(texts(&mut conn, "PRAGMA integrity_check"), ["ok"]);
    let dangling: i64 = sql::<BigInt>("SELECT count(*) FROM pragma_foreign_key_check")
        .get_result(&mut conn)
        .unwrap();
    assert_eq!(dangling, 0);
}
