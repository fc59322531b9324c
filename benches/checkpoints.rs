//! What checkpoints and commits cost: `cargo bench --bench checkpoints`.
//!
//! Each on a database in a file. Of a run whose steps are all done: making a checkpoint, and going on from one up to
//! where the first step would start. Of a run with inputs of some size: a hundred steps, one after the other, each of
//! which is a commit. How many bytes a checkpoint and a commit write is counted by the tests of
//! `wf-diesel/tests/sqlite/cost.rs`.

use std::fmt::Write as _;
use std::sync::Arc;

use divan::Bencher;
use futures::executor::block_on;
use tempfile::TempDir;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::id::{CheckpointId, ExecutionId};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

fn main() {
    divan::main();
}

/// A run that is parked because its last step has failed, and all others are done.
struct Parked {
    engine: Engine,
    id: ExecutionId,
    _folder: TempDir,
}

impl Parked {
    fn new(steps: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store =
            SqliteStore::open(folder.path().join("bench.db")).expect("a new database opens");
        let agents = Agents::new()
            .with("echo", |prompt: String| async move { prompt })
            .with("no", |_: String| async {
                Err::<String, _>(wf_core::agent::StepError::terminal("no"))
            });
        let engine = Engine::new(Arc::new(store), agents);
        let plan = Plan::from_yaml("wide.yaml", &wide(steps)).expect("the workflow is right");
        let status = block_on(async {
            engine
                .start(&plan, Inputs::new(), RunOptions::default())
                .await?
                .finish()
                .await
        })
        .expect("the store works");
        assert_eq!(status.state(), State::Paused);
        Parked {
            id: status.execution.id,
            engine,
            _folder: folder,
        }
    }

    fn last_checkpoint(&self) -> CheckpointId {
        let checkpoints = block_on(self.engine.store().checkpoints(&self.id));
        let newest = checkpoints.expect("the store works").into_iter().next();
        newest.expect("a pause writes a checkpoint").id
    }
}

/// Steps with a result of a hundred bytes that need nothing, and one that fails after all of them.
fn wide(steps: usize) -> String {
    let mut text =
        String::from("name: wide\nconfig: { onFailure: pause, maxParallel: 64 }\nsteps:\n");
    let result = "x".repeat(100);
    let mut all = Vec::new();
    for step in 1..steps {
        let _ = writeln!(
            text,
            "  - {{ key: s{step}, agent: echo, prompt: {result} }}"
        );
        all.push(format!("s{step}"));
    }
    let all = all.join(", ");
    let _ = writeln!(
        text,
        "  - {{ key: last, agent: \"no\", prompt: p, dependencies: [{all}] }}"
    );
    text
}

#[divan::bench(args = [100, 1_000, 10_000, 100_000], sample_count = 50, sample_size = 1)]
fn make_a_checkpoint_by_hand(bencher: Bencher<'_, '_>, steps: usize) {
    let parked = Parked::new(steps);
    bencher
        .bench_local(|| block_on(parked.engine.checkpoint(&parked.id)).expect("the store works"));
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 20, sample_size = 1)]
fn restore(bencher: Bencher<'_, '_>, steps: usize) {
    let parked = Parked::new(steps);
    let checkpoint = parked.last_checkpoint();
    bencher.bench_local(|| {
        block_on(parked.engine.restore(&checkpoint, RunOptions::default()))
            .expect("the store works")
    });
}

#[divan::bench(args = [0, 1, 8], sample_count = 10, sample_size = 1)]
fn a_hundred_commits_with_inputs_of_so_many_mebibytes(bencher: Bencher<'_, '_>, mebibytes: usize) {
    let mut text = String::from("name: chain\ninputs: { text: {} }\nsteps:\n");
    let mut dependencies = String::new();
    for step in 0..100 {
        let _ = writeln!(
            text,
            "  - {{ key: s{step}, agent: echo, prompt: p, dependencies: [{dependencies}] }}"
        );
        dependencies = format!("s{step}");
    }
    let plan = Plan::from_yaml("chain.yaml", &text).expect("the workflow is right");
    // A few bytes are for what is around it.
    let input = "x".repeat((mebibytes << 20).saturating_sub(100));
    let inputs = Inputs::from([("text".to_owned(), Json::string(&input))]);
    bencher
        .with_inputs(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let store =
                SqliteStore::open(folder.path().join("bench.db")).expect("a new database opens");
            let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
            let engine = Engine::new(Arc::new(store), agents);
            let run = block_on(engine.start(&plan, inputs.clone(), RunOptions::default()));
            (run.expect("the store works"), folder)
        })
        .bench_local_values(|(run, folder)| {
            let status = block_on(run.finish()).expect("the store works");
            assert_eq!(status.state(), State::Completed);
            folder
        });
}
