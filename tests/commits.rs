//! How many transactions a run takes: counts, which no noise of the machine can move.

use std::fmt::Write as _;
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_diesel::SqliteStore;

struct Bench {
    store: SqliteStore,
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("workflows.db")).expect("a new database");
        let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
        Bench {
            engine: Engine::new(Arc::new(store.clone()), agents),
            store,
            _folder: folder,
        }
    }

    async fn run(&self, plan: &Arc<Plan>) {
        let run = self
            .engine
            .start(plan, Inputs::new(), RunOptions::default());
        let status = run.await.expect("it starts").finish().await;
        assert_eq!(status.expect("the store works").state(), State::Completed);
    }
}

fn plan(config: &str, steps: impl IntoIterator<Item = (String, Vec<String>)>) -> Arc<Plan> {
    let mut text = format!("name: t\nconfig: {{ {config} }}\nsteps:\n");
    for (key, needs) in steps {
        let needs = needs.join(", ");
        let _ = writeln!(
            text,
            "  - {{ key: {key}, agent: echo, prompt: p, dependencies: [{needs}] }}"
        );
    }
    Plan::from_yaml("t.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
}

fn chain(steps: usize) -> Arc<Plan> {
    let step = |at: usize| {
        let before = at.checked_sub(1).map(|before| format!("s{before}"));
        (format!("s{at}"), before.into_iter().collect())
    };
    plan("", (0..steps).map(step))
}

#[test]
fn a_chain_commits_once_per_step() {
    let bench = Bench::new();
    block_on(bench.run(&chain(1000)));
    // One for the execution, one for its opening, one for each step.
    assert_eq!(bench.store.commits(), 1002);
}

#[test]
fn a_fan_out_of_a_thousand_shares_a_few_commits() {
    let bench = Bench::new();
    let fan: Vec<String> = (0..1000).map(|at| format!("s{at}")).collect();
    let mut steps = vec![("top".to_owned(), Vec::new())];
    steps.extend(fan.iter().map(|key| (key.clone(), vec!["top".to_owned()])));
    steps.push(("end".to_owned(), fan));
    block_on(bench.run(&plan("", steps)));
    assert!(bench.store.commits() <= 20, "{}", bench.store.commits());
}

#[test]
fn workflows_that_run_at_once_share_commits() {
    let bench = Bench::new();
    let plan = chain(5);
    let runs = futures::stream::iter(0..1000).map(|_| bench.run(&plan));
    block_on(runs.buffer_unordered(64).collect::<Vec<()>>());
    assert!(bench.store.commits() <= 300, "{}", bench.store.commits());
}
