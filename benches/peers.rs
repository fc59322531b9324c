//! What this engine takes for the workloads that `benches/peers` gives to others: `cargo bench --bench peers [-- WORKLOAD…]`
//! prints for each a line of system, workload, steps, seconds and durability, with tabs between.

use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use futures::executor::block_on;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::lifecycle::State;
use wf_core::plan::{Definition, Inputs, Plan, Step};
use wf_core::store::{MemoryStore, Store};
use wf_diesel::SqliteStore;
use wf_model::check_unplaced;

/// Which steps each step needs.
type Shape = Vec<Vec<usize>>;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for workload in ["chain", "fan-out", "many", "random"] {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == workload) {
            measure(workload);
        }
    }
}

fn measure(workload: &str) {
    let (shape, runs) = match workload {
        "chain" => (chain(1_000), 1),
        "fan-out" => (fan_out(1_000), 1),
        "many" => (chain(5), 1_000),
        _ => (random(10_000), 1),
    };
    let steps = shape.len() * runs;
    if workload != "random" {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("ours.db")).expect("a new database");
        let seconds = run(store, &shape, runs);
        println!("ours\t{workload}\t{steps}\t{seconds}\tSQLite, WAL, FULL");
    }
    if workload != "many" {
        let seconds = run(MemoryStore::new(), &shape, runs);
        println!("ours in memory\t{workload}\t{steps}\t{seconds}\tnone");
    }
}

/// The seconds from the making of the workflow to the end of the last of its runs, 64 at a time.
fn run(store: impl Store, shape: &Shape, runs: usize) -> f64 {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(store), agents);
    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark reads the real clock"
    )]
    let begin = Instant::now();
    let (checked, _) = check_unplaced(definition(shape)).expect("the workflow is right");
    let plan = Arc::new(Plan::new(checked));
    let one = async || {
        let run = engine.start(&plan, Inputs::new(), RunOptions::default());
        let status = run.await.expect("it starts").finish().await;
        assert_eq!(status.expect("the store works").state(), State::Completed);
    };
    let all = futures::stream::iter(0..runs)
        .map(|_| one())
        .buffer_unordered(64);
    block_on(all.collect::<()>());
    begin.elapsed().as_secs_f64()
}

fn chain(steps: usize) -> Shape {
    let needs = (0..steps).map(|step| step.checked_sub(1).into_iter().collect());
    needs.collect()
}

fn fan_out(width: usize) -> Shape {
    let mut needs = vec![Vec::new()];
    needs.extend((0..width).map(|_| vec![0]));
    needs.push((1..=width).collect());
    needs
}

/// Up to three of all before it, drawn by xorshift64*, as the peers draw them.
fn random(steps: usize) -> Shape {
    let mut state = 7_u64.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |bound: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound as u64) as usize
    };
    let needs = (0..steps).map(|step| {
        let mut needs: Vec<usize> = (0..3.min(step)).map(|_| below(step)).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    });
    needs.collect()
}

/// The workflow as a program puts it together, as the peers' graphs are.
fn definition(shape: &Shape) -> Definition {
    let mut definition = Definition::new("peers");
    definition.steps = (0..)
        .zip(shape)
        .map(|(step, needs)| {
            let mut step = Step::new(format!("s{step}"), "echo", "x".repeat(100));
            step.dependencies = needs.iter().map(|need| format!("s{need}")).collect();
            step
        })
        .collect();
    definition
}
