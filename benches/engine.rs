//! What the parts of a run cost: reading a file, a transition, a short durable run.
//!
//! `cargo bench` prints the times. The targets: reading and planning ten steps under 1 ms, a transition under
//! 1 µs, a durable run of five steps under 50 ms.

use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use futures::executor::block_on;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::lifecycle::{Event, EventKind, State, transition, validate_transition};
use wf_core::plan::{Inputs, Plan};
use wf_core::store::{MemoryStore, Store};
use wf_diesel::SqliteStore;

fn main() {
    divan::main();
}

/// A workflow in which each step depends on the one before.
fn chain(steps: usize) -> String {
    let mut text =
        String::from("name: chain\nsteps:\n  - { key: s0, agent: echo, prompt: begin }\n");
    for step in 1..steps {
        let before = step - 1;
        text += &format!(
            "  - {{ key: s{step}, agent: echo, prompt: 'after {{{{s{before}}}}}', dependencies: [s{before}] }}\n"
        );
    }
    text
}

#[divan::bench(args = [10, 1_000, 10_000])]
fn read_and_plan_yaml(bencher: Bencher<'_, '_>, steps: usize) {
    let text = chain(steps);
    bencher
        .bench(|| Plan::from_yaml("chain.yaml", black_box(&text)).expect("the workflow is right"));
}

#[divan::bench]
fn read_and_plan_the_example_of_ten_steps(bencher: Bencher<'_, '_>) {
    let text =
        std::fs::read_to_string("examples/workflows/fan-out.yaml").expect("the example is there");
    bencher.bench(|| {
        Plan::from_yaml("fan-out.yaml", black_box(&text)).expect("the workflow is right")
    });
}

#[divan::bench]
fn transitions() -> Result<State, wf_core::lifecycle::TransitionError> {
    transition(black_box(State::Paused), black_box(&Event::Resume))
}

#[divan::bench]
fn all_196_pairs() -> usize {
    let pairs = State::ALL
        .iter()
        .flat_map(|&state| EventKind::ALL.iter().map(move |&event| (state, event)));
    pairs
        .filter(|&(state, event)| validate_transition(black_box(state), black_box(event)))
        .count()
}

#[divan::bench(args = [5, 100, 1_000])]
fn run_a_chain_in_memory(bencher: Bencher<'_, '_>, steps: usize) {
    let plan = Plan::from_yaml("chain.yaml", &chain(steps)).expect("the workflow is right");
    let engine = engine(Arc::new(MemoryStore::new()));
    bencher.bench(|| run(&engine, &plan));
}

#[divan::bench(args = [5, 100, 1_000])]
fn run_a_chain_durably(bencher: Bencher<'_, '_>, steps: usize) {
    let plan = Plan::from_yaml("chain.yaml", &chain(steps)).expect("the workflow is right");
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path().join("bench.db")).expect("a new database opens");
    let engine = engine(Arc::new(store));
    bencher.bench(|| run(&engine, &plan));
}

fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::new(
        store,
        Agents::new().with("echo", |prompt: String| async move { prompt }),
    )
}

fn run(engine: &Engine, plan: &Arc<Plan>) {
    let status = block_on(async {
        engine
            .start(plan, Inputs::new(), RunOptions::default())
            .await?
            .finish()
            .await
    });
    assert_eq!(status.expect("the store works").state(), State::Completed);
}
