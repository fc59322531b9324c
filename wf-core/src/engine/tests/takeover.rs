//! An execution is driven on from whatever state it was left in, by the ordinary loop.

use std::sync::Arc;

use super::harness::{Act, Bench, plan};
use crate::engine::{Engine, Status};
use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp};
use crate::lifecycle::{Event, Row, State};
use crate::plan::Plan;
use crate::step::{Outcome, StepOutcome, StepState};
use crate::store::{Commit, NewExecution, Origin, StepRecord, StepWrite, Store, Writes};
use crate::value::Json;

fn id() -> ExecutionId {
    ExecutionId::from("left")
}

/// Leaves an execution of `plan` behind, as `path` and `steps` have brought it about.
fn leave(bench: &Bench, plan: &Plan, path: Vec<Event>, steps: Vec<(u32, StepRecord)>) {
    let now = Timestamp::from_millis(0);
    let new = NewExecution::new(
        id(),
        plan.workflow().clone(),
        Json::from_stored(r#"{"inputs":{}}"#),
        Owner::from("gone"),
        now,
        now,
        Origin::default(),
    );
    let mut writes = Writes::new(now, 0);
    writes.steps = steps
        .into_iter()
        .map(|(step, record)| StepWrite::insert(step, record))
        .collect();
    let row = Row {
        id: id(),
        token: 1,
        revision: 0,
    };
    let commit = Commit::new(row, State::Idle, path, writes).unwrap();
    let left = async {
        bench.store.create(new).await.unwrap();
        if !commit.path.is_empty() {
            bench.store.commit(commit).await.unwrap();
        }
    };
    bench.clock.run(left).unwrap();
}

fn take_over(bench: &Bench) -> Status {
    let engine: Engine = bench.engine().with_owner("next".into(), |_| true);
    let run = async { engine.resume(&id()).await.unwrap().finish().await.unwrap() };
    bench.clock.run(run).unwrap()
}

fn opening() -> Vec<Event> {
    vec![
        Event::StartWorkflow,
        Event::WorkflowParsed,
        Event::ValidationComplete,
        Event::DependencyGraphBuilt,
    ]
}

fn scheduled(more: Vec<Event>) -> Vec<Event> {
    let mut path = opening();
    path.push(Event::StepsScheduled { steps: 1 });
    path.extend(more);
    path
}

fn over(step: u32, outcome: Outcome) -> Event {
    Event::StepCompleted {
        step: StepOutcome { step, outcome },
    }
}

fn record(state: StepState, seq: u64) -> StepRecord {
    StepRecord {
        state,
        seq: Some(seq),
        result: (state == StepState::Completed).then(|| Json::string("before")),
        error: (state == StepState::Failed).then(|| "no".to_owned()),
        ..StepRecord::pending()
    }
}

#[test]
fn a_run_that_was_left_before_its_first_step_begins() {
    let plan = plan("", "a\nb, dependencies: [a]");
    let checkpoint = CheckpointId::from("c");
    let mut paused = opening();
    paused.push(Event::Pause);
    let mut restoring = paused.clone();
    restoring.extend([Event::CheckpointCreated { checkpoint }, Event::Resume]);
    let opening = opening();
    let left = [
        (State::Idle, Vec::new()),
        (State::Parsing, opening[..1].to_vec()),
        (State::ValidatingWorkflow, opening[..2].to_vec()),
        (State::BuildingDependencyGraph, opening[..3].to_vec()),
        (State::SchedulingSteps, opening),
        (State::ExecutingSteps, scheduled(Vec::new())),
        (State::CreatingCheckpoint, paused),
        (State::RestoringFromCheckpoint, restoring),
    ];
    for (state, path) in left {
        let bench = Bench::new();
        leave(&bench, &plan, path, Vec::new());
        let found = bench
            .clock
            .run(bench.store.execution(&id()))
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(found.state, state);
        let status = take_over(&bench);
        assert_eq!(status.state(), State::Completed, "left in {state}");
        assert_eq!(bench.calls(), ["a", "b"], "left in {state}");
    }
}

#[test]
fn what_was_done_before_is_not_done_again() {
    let plan = plan("", "a\nb, dependencies: [a]");
    let bench = Bench::new();
    let done = vec![(0, record(StepState::Completed, 1))];
    let path = scheduled(vec![over(0, Outcome::Succeeded)]);
    leave(&bench, &plan, path, done);
    assert_eq!(take_over(&bench).state(), State::Completed);
    assert_eq!(bench.calls(), ["b"]);
}

#[test]
fn a_run_whose_steps_are_all_done_only_ends() {
    let plan = plan("", "a");
    let done = || vec![(0, record(StepState::Completed, 1))];
    let awaiting = scheduled(vec![over(0, Outcome::Succeeded)]);
    let mut aggregating = awaiting.clone();
    aggregating.push(Event::AllStepsCompleted);
    let mut paused = awaiting.clone();
    paused.push(Event::Pause);
    for path in [awaiting, aggregating, paused] {
        let bench = Bench::new();
        leave(&bench, &plan, path, done());
        let status = take_over(&bench);
        assert_eq!(status.state(), State::Completed);
        assert_eq!(status.result.unwrap().as_str(), r#"{"a":"before"}"#);
        assert!(bench.calls().is_empty());
    }
}

#[test]
fn a_run_that_was_left_after_a_failure_fails() {
    let steps = "a\nb, dependencies: [a]";
    for on_failure in ["fail", "continue"] {
        let plan = plan(&format!("config: {{ onFailure: {on_failure} }}"), steps);
        let failed = scheduled(vec![over(0, Outcome::Failed)]);
        let mut paused = failed.clone();
        paused.push(Event::Pause);
        for path in [failed, paused] {
            let bench = Bench::new();
            leave(&bench, &plan, path, vec![(0, record(StepState::Failed, 1))]);
            let status = take_over(&bench);
            assert_eq!(status.state(), State::Failed, "{on_failure}");
            assert_eq!(
                status.execution.error.as_deref(),
                Some("step `a` failed: no")
            );
            assert_eq!(status.steps[1].state, StepState::Skipped);
            assert!(bench.calls().is_empty());
        }
    }
}

#[test]
fn a_pausing_run_that_is_out_of_time_fails() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang]);
    let plan: Arc<Plan> = plan("config: { timeout: 10s }", "a");
    let engine = bench.engine();
    let run = async {
        let run = engine.start(&plan, Default::default(), super::harness::options());
        run.await.unwrap().finish().await.unwrap()
    };
    let pause = async {
        let wait = std::time::Duration::from_secs(1);
        crate::clock::Clock::sleep(&bench.clock, wait).await;
        engine.pause(&ExecutionId::from("run")).await.unwrap()
    };
    let (status, _) = bench.clock.run(futures::future::join(run, pause)).unwrap();
    assert_eq!(status.state(), State::Failed);
    let reason = status.execution.error.unwrap();
    assert_eq!(reason, "the run was not done within its timeout of 10s");
}
