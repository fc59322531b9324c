//! A run in which some step has always just ended still hears what is wanted of it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::harness::{Bench, options};
use crate::agent::Agents;
use crate::engine::{Engine, Status};
use crate::id::ExecutionId;
use crate::lifecycle::State;
use crate::plan::{Inputs, Plan};
use crate::step::StepState;
use crate::store::Store;

const STEPS: usize = 300;

fn chain(config: &str) -> Arc<Plan> {
    let mut text = format!("name: busy\nconfig: {{ {config} }}\nsteps:\n");
    for step in 0..STEPS {
        let needs = step.checked_sub(1).map(|before| format!("s{before}"));
        let needs = needs.unwrap_or_default();
        let _ = writeln!(
            text,
            "  - {{ key: s{step}, agent: a, prompt: '{step}', dependencies: [{needs}] }}"
        );
    }
    Plan::from_yaml("busy.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
}

/// Runs the chain with an agent that answers at once, after `work` on the step's number.
fn run<F>(
    bench: &Bench,
    plan: &Arc<Plan>,
    work: impl Fn(Arc<dyn Store>, usize) -> F + Send + Sync + 'static,
) -> Status
where
    F: Future<Output = ()> + Send + 'static,
{
    let store: Arc<dyn Store> = bench.store.clone();
    let shared = Arc::clone(&store);
    let agents = Agents::new().with("a", move |prompt: String| {
        let done = work(Arc::clone(&shared), prompt.parse().unwrap());
        async move {
            done.await;
            prompt
        }
    });
    let engine = Engine::new(store, agents).with_clock(bench.clock.clone());
    let run = async {
        let run = engine.start(plan, Inputs::new(), options()).await;
        run.unwrap().finish().await.unwrap()
    };
    bench.clock.run(run).unwrap()
}

fn completed(status: &Status) -> usize {
    let steps = status.steps.iter();
    steps
        .filter(|step| step.state == StepState::Completed)
        .count()
}

#[test]
fn a_pause() {
    let bench = Bench::new();
    let status = run(&bench, &chain(""), async |store: Arc<dyn Store>, step| {
        if step == 100 {
            store
                .request_pause(&ExecutionId::from("run"))
                .await
                .unwrap();
        }
    });
    assert_eq!((status.state(), completed(&status)), (State::Paused, 101));
}

#[test]
fn a_cancellation_after_which_nothing_counts() {
    let bench = Bench::new();
    let clock = bench.clock.clone();
    let status = run(&bench, &chain(""), move |store: Arc<dyn Store>, step| {
        let now = crate::clock::Clock::now(&clock);
        async move {
            if step == 100 {
                store.cancel(&ExecutionId::from("run"), now).await.unwrap();
            }
        }
    });
    assert_eq!(
        (status.state(), completed(&status)),
        (State::Cancelled, 100)
    );
    let stored = bench
        .clock
        .run(bench.engine().status(&status.execution.id))
        .unwrap();
    assert_eq!(stored.unwrap(), status);
}

#[test]
fn the_end_of_its_time() {
    let bench = Bench::new();
    let clock = bench.clock.clone();
    let status = run(&bench, &chain("timeout: 100s"), move |_, _| {
        clock.pass(Duration::from_secs(1));
        async {}
    });
    assert_eq!((status.state(), completed(&status)), (State::Failed, 100));
}

#[test]
fn its_lease() {
    let bench = Bench::new();
    let clock = bench.clock.clone();
    let status = run(&bench, &chain(""), move |store: Arc<dyn Store>, _| {
        clock.pass(Duration::from_secs(1));
        let now = crate::clock::Clock::now(&clock);
        async move {
            let row = store
                .execution(&ExecutionId::from("run"))
                .await
                .unwrap()
                .unwrap();
            assert!(row.lease_until.unwrap() > now, "the lease has run out");
        }
    });
    assert_eq!(
        (status.state(), completed(&status)),
        (State::Completed, STEPS)
    );
}
