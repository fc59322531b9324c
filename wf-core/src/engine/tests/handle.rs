//! A run is controlled from elsewhere than where it is driven.

use std::time::Duration;

use futures::future;

use super::harness::{Act, Bench, id, options, plan};
use crate::clock::Clock;
use crate::engine::RunHandle;
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::step::StepState;

/// What a host might keep.
#[derive(Clone)]
struct Kept {
    run: RunHandle,
}

fn assert_can_be_kept<T: Clone + Send + Sync + 'static>(_: &T) {}

/// Drives a run of three steps of ten seconds each, with its handle given to `control` after fifteen.
fn controlled<F: Future<Output = ()>>(control: impl FnOnce(Kept) -> F) -> (Bench, State) {
    let bench = Bench::new();
    for step in ["a", "b", "c"] {
        bench.agent.on(step, &[Act::Answer(10, "done")]);
    }
    let plan = plan("", "a\nb, dependencies: [a]\nc, dependencies: [b]");
    let engine = bench.engine();
    let run = bench
        .clock
        .run(engine.start(&plan, Inputs::new(), options()))
        .unwrap()
        .unwrap();
    let kept = Kept { run: run.handle() };
    assert_can_be_kept(&kept);
    assert_eq!(kept.run.id(), &id());
    let controlling = async {
        bench.clock.sleep(Duration::from_secs(15)).await;
        control(kept.clone()).await;
    };
    let (status, ()) = bench
        .clock
        .run(future::join(run.finish(), controlling))
        .unwrap();
    let status = status.unwrap();
    // The handle stays good.
    let after = bench.clock.run(kept.run.status()).unwrap().unwrap();
    assert_eq!(after.state(), status.state());
    (bench, status.state())
}

#[test]
fn a_handle_pauses_a_run_that_is_driven_elsewhere() {
    let (bench, state) = controlled(|kept| async move {
        let asked = kept.run.pause().await.unwrap();
        assert!(asked.pause_requested);
    });
    assert_eq!(state, State::Paused);
    assert_eq!(bench.calls(), ["a", "b"]);
}

#[test]
fn a_handle_cancels_a_run_that_is_driven_elsewhere() {
    let (bench, state) = controlled(|kept| async move {
        assert_eq!(kept.run.cancel().await.unwrap().state, State::Cancelled);
        assert!(kept.run.pause().await.unwrap_err().is_illegal());
    });
    assert_eq!(state, State::Cancelled);
    assert_eq!(bench.calls(), ["a", "b"]);
}

#[test]
fn a_handle_tells_how_a_run_stands_and_writes_a_checkpoint_of_it() {
    let (bench, state) = controlled(|kept| async move {
        let status = kept.run.status().await.unwrap();
        let states: Vec<_> = status.steps.iter().map(|step| step.state).collect();
        let expected = [StepState::Completed, StepState::Running, StepState::Pending];
        assert_eq!(states, expected);
        kept.run.checkpoint().await.unwrap();
    });
    assert_eq!(state, State::Completed);
    let engine = bench.engine();
    let listed = bench.clock.run(engine.checkpoints(&id())).unwrap().unwrap();
    let covered: Vec<_> = listed
        .iter()
        .map(|checkpoint| checkpoint.completed_steps().len())
        .collect();
    // The one by hand is the second of those that cover one step.
    assert_eq!(covered, [3, 2, 1, 1]);
}
