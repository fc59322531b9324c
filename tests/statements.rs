//! How many statements a run takes, and how many pages of the write-ahead log: counts, which no noise of the machine
//! can move.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};
use diesel::prelude::*;
use futures::executor::block_on;
use tempfile::TempDir;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_diesel::SqliteStore;

/// Every statement that any connection has sent since it was emptied; one test at a time counts.
static SENT: Mutex<Vec<String>> = Mutex::new(Vec::new());
static COUNTING: Mutex<()> = Mutex::new(());

/// Notes what is sent, and what is prepared to be kept.
struct Note;

impl Instrumentation for Note {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => sent().push(query.to_string()),
            InstrumentationEvent::CacheQuery { sql, .. } => sent().push(format!("prepare {sql}")),
            _ => {}
        }
    }
}

fn sent() -> MutexGuard<'static, Vec<String>> {
    SENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a run has sent, by the first word of each statement.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    transactions: usize,
    inserts: usize,
    updates: usize,
    selects: usize,
    prepared: usize,
}

impl Sent {
    /// Takes what was noted. That the probe looks for others' writes now and then is no part of a run.
    fn take() -> Self {
        let sent = std::mem::take(&mut *sent());
        let count = |word: &str| sent.iter().filter(|sent| sent.starts_with(word)).count();
        let counted = Sent {
            transactions: count("BEGIN IMMEDIATE"),
            inserts: count("INSERT"),
            updates: count("UPDATE"),
            selects: count("SELECT") + count("WITH"),
            prepared: count("prepare"),
        };
        let Sent {
            transactions,
            inserts,
            updates,
            selects,
            prepared,
        } = counted;
        let others =
            count("PRAGMA") + count("BEGIN") - transactions + count("COMMIT") + count("ROLLBACK");
        let known = transactions + inserts + updates + selects + prepared + others;
        assert_eq!(known, sent.len(), "{sent:#?}");
        assert_eq!(count("ROLLBACK"), 0);
        counted
    }
}

struct Bench {
    engine: Engine,
    path: PathBuf,
    _folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = folder();
        let path = folder.path().join("workflows.db");
        let store = SqliteStore::open(&path).expect("a new database");
        let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
        Bench {
            engine: Engine::new(Arc::new(store), agents),
            path,
            _folder: folder,
        }
    }

    fn run(&self, plan: &Arc<Plan>) {
        let status = block_on(async {
            let run = self
                .engine
                .start(plan, Inputs::new(), RunOptions::default());
            run.await?.finish().await
        });
        assert_eq!(status.expect("the store works").state(), State::Completed);
    }

    /// How many pages the log has.
    fn pages(&self) -> u64 {
        let log = fs::metadata(self.path.with_extension("db-wal")).expect("there is a log");
        // A header of 32 bytes, then pages of 4096 bytes with 24 bytes before each.
        (log.len() - 32) / (4096 + 24)
    }
}

/// A folder in memory where there is one: what is counted does not depend on where the file is, how long it takes does.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).expect("a folder")
    } else {
        tempfile::tempdir().expect("a folder")
    }
}

fn plan(steps: impl IntoIterator<Item = (String, Vec<String>)>) -> Arc<Plan> {
    let mut text = String::from("name: t\nsteps:\n");
    for (key, needs) in steps {
        let needs = needs.join(", ");
        let _ = writeln!(
            text,
            "  - {{ key: {key}, agent: echo, prompt: {}, dependencies: [{needs}] }}",
            "x".repeat(100)
        );
    }
    Plan::from_yaml("t.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
}

fn chain(steps: usize) -> Arc<Plan> {
    plan((0..steps).map(|at| {
        let before = at.checked_sub(1).map(|before| format!("s{before}"));
        (format!("s{at}"), before.into_iter().collect())
    }))
}

fn fan_out(width: usize) -> Arc<Plan> {
    let fan: Vec<String> = (0..width).map(|at| format!("s{at}")).collect();
    let mut steps = vec![("top".to_owned(), Vec::new())];
    steps.extend(fan.iter().map(|key| (key.clone(), vec!["top".to_owned()])));
    steps.push(("end".to_owned(), fan));
    plan(steps)
}

/// What a run of `plan` sends when its workflow is stored already, and every statement was sent before.
fn later_run(plan: &Arc<Plan>) -> Sent {
    set_default_instrumentation(|| Some(Box::new(Note))).expect("no connection is being made");
    let bench = Bench::new();
    bench.run(plan);
    bench.run(plan);
    sent().clear();
    bench.run(plan);
    Sent::take()
}

#[test]
fn a_chain_sends_one_insert_and_one_update_per_step_and_prepares_nothing_twice() {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    for steps in [1_000, 2_000] {
        let checkpoints = 63;
        let expected = Sent {
            // One for the execution, one for its opening, one for each step.
            transactions: steps + 2,
            inserts: 1 + steps + checkpoints,
            // One for each commit but the first, and one of the workflow: that it was used again.
            updates: steps + 2,
            // How long the steps took before.
            selects: 1,
            prepared: 0,
        };
        assert_eq!(later_run(&chain(steps)), expected);
    }
}

#[test]
fn a_fan_out_sends_one_insert_per_step_and_an_update_per_wave() {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let sent = later_run(&fan_out(1_000));
    assert!(sent.transactions <= 20, "{sent:?}");
    assert!(sent.updates <= 20, "{sent:?}");
    assert!((1_003..=1_012).contains(&sent.inserts), "{sent:?}");
    // What is read is how long the steps took before.
    assert_eq!((sent.selects, sent.prepared), (1, 0));
}

#[test]
fn a_step_of_a_chain_writes_as_many_pages_however_long_the_chain_is() {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let per_step = |steps: usize| {
        let bench = Bench::new();
        let plan = chain(steps);
        // Whoever reads keeps the log from being written again from its beginning: its length then says it all.
        let mut reader =
            SqliteConnection::establish(bench.path.to_str().expect("a path of letters"))
                .expect("the database opens");
        reader
            .batch_execute("BEGIN; SELECT count(*) FROM workflows")
            .expect("it can be read");
        // Stores the workflow.
        bench.run(&plan);
        let before = bench.pages();
        bench.run(&plan);
        (bench.pages() - before) as f64 / steps as f64
    };
    let (short, long) = (per_step(1_000), per_step(10_000));
    // The execution's row and the step's; the rest is what splits, and the marks.
    assert!(short <= 3.0 && long <= 3.0, "{short} pages, then {long}");
    assert!(
        (long / short - 1.0).abs() <= 0.1,
        "{short} pages, then {long}"
    );
}
