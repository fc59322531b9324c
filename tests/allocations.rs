//! How much memory a run takes: allocations and bytes of each step, counted.
//!
//! The numbers are what the code does today: whoever changes them on purpose changes them here.

use std::alloc::System;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use futures::future::BoxFuture;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tempfile::TempDir;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, EngineError, RunOptions, Status};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::store::{MemoryStore, Store};
use wf_diesel::SqliteStore;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test at a time counts.
static COUNTING: Mutex<()> = Mutex::new(());

/// What one step takes.
#[derive(Debug, Clone, Copy)]
struct PerStep {
    allocations: f64,
    bytes: f64,
}

impl PerStep {
    /// What a step takes beyond what a run takes, from two runs of which one has twice the steps.
    fn of(run: impl Fn(usize) -> Stats) -> Self {
        let steps = 5_000;
        // What is made once is made by the first of all.
        run(steps);
        let (once, twice) = (run(steps), run(2 * steps));
        let per_step = |once: usize, twice: usize| (twice as f64 - once as f64) / steps as f64;
        let allocations = |stats: Stats| stats.allocations + stats.reallocations;
        PerStep {
            allocations: per_step(allocations(once), allocations(twice)),
            bytes: per_step(once.bytes_allocated, twice.bytes_allocated),
        }
    }

    fn assert_about(self, allocations: f64, bytes: f64) {
        let near = |is: f64, expected: f64| (is / expected - 1.0).abs() <= 0.02;
        assert!(
            near(self.allocations, allocations) && near(self.bytes, bytes),
            "expected {allocations} allocations and {bytes} bytes per step, but there are {self:?}"
        );
    }
}

fn chain(steps: usize) -> Arc<Plan> {
    plan((0..steps).map(|at| at.checked_sub(1).into_iter().collect()))
}

fn fan_out(steps: usize) -> Arc<Plan> {
    plan((0..steps).map(|at| if at == 0 { Vec::new() } else { vec![0] }))
}

fn plan(needs: impl Iterator<Item = Vec<usize>>) -> Arc<Plan> {
    let prompt = "x".repeat(100);
    let steps: Vec<String> = needs
        .enumerate()
        .map(|(at, needs)| {
            let needs: Vec<String> = needs.iter().map(|need| format!("\"s{need}\"")).collect();
            let needs = needs.join(",");
            format!(
                r#"{{"key":"s{at}","agent":"echo","prompt":"{prompt}","dependencies":[{needs}]}}"#
            )
        })
        .collect();
    let text = format!(r#"{{"name":"t","steps":[{}]}}"#, steps.join(","));
    Plan::from_json("t.json", &text).unwrap_or_else(|report| panic!("{report}"))
}

fn engine(store: impl Store) -> Engine {
    Engine::new(
        Arc::new(store),
        Agents::new().with("echo", |prompt: String| async move { prompt }),
    )
}

fn counted_run(engine: &Engine, plan: &Arc<Plan>) -> Stats {
    let region = Region::new(ALLOCATOR);
    let status = block_on(async {
        let run = engine.start(plan, Inputs::new(), RunOptions::default());
        run.await?.finish().await
    });
    let stats = region.change();
    assert_eq!(status.expect("the store works").state(), State::Completed);
    stats
}

fn in_memory(shape: impl Fn(usize) -> Arc<Plan>) -> PerStep {
    PerStep::of(|steps| counted_run(&engine(MemoryStore::new()), &shape(steps)))
}

fn durable(shape: impl Fn(usize) -> Arc<Plan>) -> PerStep {
    PerStep::of(|steps| {
        let folder = folder();
        let store = SqliteStore::open(folder.path().join("workflows.db")).expect("a new database");
        let (engine, plan) = (engine(store), shape(steps));
        // Stores the workflow.
        drop(
            block_on(engine.start(&plan, Inputs::new(), RunOptions::default())).expect("it starts"),
        );
        counted_run(&engine, &plan)
    })
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

#[test]
fn a_step_in_memory_takes_a_known_number_of_allocations() {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    in_memory(chain).assert_about(13.0, 2_315.0);
    in_memory(fan_out).assert_about(6.0, 2_177.0);
}

#[test]
fn a_durable_step_takes_a_known_number_of_allocations() {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    durable(chain).assert_about(25.0, 4_010.0);
    durable(fan_out).assert_about(11.1, 2_779.0);
}

#[test]
fn a_step_that_waits_takes_bytes_and_not_kilobytes() {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let steps = 100_000;
    let region = Region::new(ALLOCATOR);
    let plan = chain(steps);
    let planned = held(&region);
    let engine = silent();
    // The first step never answers: all others wait.
    let run = waiting(&engine, &plan);
    let taken = held(&region) - planned;
    assert_each(taken, steps, 40, "a step that waits");
    assert_each(planned, steps, 581, "a step of a plan");
    drop(run);
}

#[test]
fn ten_thousand_runs_that_wait_take_a_few_kilobytes_each() {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let (plan, engine) = (chain(5), silent());
    let region = Region::new(ALLOCATOR);
    let runs: Vec<Finish> = (0..10_000).map(|_| waiting(&engine, &plan)).collect();
    assert_each(held(&region), runs.len(), 7_776, "a run that waits");
}

type Finish = BoxFuture<'static, Result<Status, EngineError>>;

/// An engine whose agent never answers.
fn silent() -> Engine {
    let agents = Agents::new().with("echo", |_: String| std::future::pending::<String>());
    Engine::new(Arc::new(MemoryStore::new()), agents)
}

/// A run that has begun, and waits for its agent.
fn waiting(engine: &Engine, plan: &Arc<Plan>) -> Finish {
    let run = block_on(engine.start(plan, Inputs::new(), RunOptions::default()));
    let mut run = run.expect("it starts").finish();
    let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    run
}

fn assert_each(bytes: usize, count: usize, expected: usize, what: &str) {
    let each = bytes / count;
    assert!(
        each.abs_diff(expected) * 50 <= expected,
        "{each} bytes for {what}, and not {expected}"
    );
}

/// How many bytes are allocated and not freed.
fn held(region: &Region<'_, System>) -> usize {
    let stats = region.change();
    stats.bytes_allocated - stats.bytes_deallocated
}
