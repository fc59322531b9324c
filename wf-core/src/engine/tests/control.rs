//! Pause, resume, cancel, and runs whose driver is gone.

use std::sync::Arc;
use std::time::Duration;

use futures::future;

use super::harness::{Act, Bench, die_after, id, options, plan, resume};
use crate::clock::Clock;
use crate::engine::{Engine, Status};
use crate::lifecycle::State;
use crate::plan::{Inputs, Plan};
use crate::step::StepState;

/// Runs `plan`, and `meanwhile` beside it after that many seconds.
fn run_with<T>(
    bench: &Bench,
    plan: &Arc<Plan>,
    after: u64,
    meanwhile: impl AsyncFnOnce(Engine) -> T,
) -> (Status, T) {
    let engine = bench.engine();
    let run = async {
        engine
            .start(plan, Inputs::new(), options())
            .await
            .unwrap()
            .finish()
            .await
            .unwrap()
    };
    let beside = async {
        bench.clock.sleep(Duration::from_secs(after)).await;
        meanwhile(bench.engine()).await
    };
    bench.clock.run(future::join(run, beside)).unwrap()
}

#[test]
fn a_pause_lets_running_steps_end_and_resume_goes_on() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(10, "a")]);
    let plan = plan("", "a\nb, dependencies: [a]");
    let (status, row) = run_with(&bench, &plan, 3, async |engine| {
        engine.pause(&id()).await.unwrap()
    });
    assert_eq!(
        (row.state, row.pause_requested),
        (State::ExecutingSteps, true)
    );
    assert_eq!(status.state(), State::Paused);
    assert_eq!(
        status
            .steps
            .iter()
            .map(|step| step.state)
            .collect::<Vec<_>>(),
        [StepState::Completed, StepState::Pending]
    );
    assert!(bench.log().ends_with(
        "Pause -> creating_checkpoint\nStepCompleted(0 completed) CheckpointCreated -> paused\n"
    ));
    let status = resume(&bench, &bench.engine());
    assert_eq!(status.state(), State::Completed);
    assert_eq!(bench.calls(), ["a", "b"]);
}

#[test]
fn a_failed_attempt_under_a_pause_goes_back_to_pending() {
    let bench = Bench::new();
    bench
        .agent
        .on("a", &[Act::Fail(10, "no"), Act::Answer(1, "yes")]);
    let plan = plan("", "a, retryPolicy: { maxAttempts: 2 }");
    let (status, _) = run_with(&bench, &plan, 3, async |engine| {
        engine.pause(&id()).await.unwrap()
    });
    assert_eq!(
        (status.state(), status.steps[0].state),
        (State::Paused, StepState::Pending)
    );
    let status = resume(&bench, &bench.engine());
    assert_eq!(
        (status.state(), status.steps[0].record.attempts.len()),
        (State::Completed, 2)
    );
}

#[test]
fn pausing_what_is_paused_succeeds_and_what_has_ended_does_not() {
    let bench = Bench::new();
    let plan = plan("config: { onFailure: pause }", "a");
    bench
        .agent
        .on("a", &[Act::Refuse(1, "no"), Act::Answer(1, "yes")]);
    bench.run(&plan);
    let engine = bench.engine();
    assert_eq!(
        bench.clock.run(engine.pause(&id())).unwrap().unwrap().state,
        State::Paused
    );
    resume(&bench, &engine);
    let error = bench.clock.run(engine.pause(&id())).unwrap().unwrap_err();
    assert!(error.is_illegal());
    assert_eq!(
        error.to_string(),
        "execution `run` is `completed`, which is final: it cannot be paused"
    );
    let error = bench.clock.run(engine.resume(&id())).unwrap().unwrap_err();
    assert!(error.is_illegal());
    assert!(
        bench
            .clock
            .run(engine.cancel(&id()))
            .unwrap()
            .unwrap_err()
            .is_illegal()
    );
    assert!(
        bench
            .clock
            .run(engine.pause(&"other".into()))
            .unwrap()
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        bench
            .clock
            .run(engine.cancel(&"other".into()))
            .unwrap()
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn a_cancelled_run_ends_at_once_and_writes_nothing_more() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang]);
    let plan = plan("", "a\nb, dependencies: [a]");
    let (status, row) = run_with(&bench, &plan, 3, async |engine| {
        engine.cancel(&id()).await.unwrap()
    });
    assert_eq!(
        (row.state, status.state()),
        (State::Cancelled, State::Cancelled)
    );
    assert_eq!(
        status
            .steps
            .iter()
            .map(|step| step.state)
            .collect::<Vec<_>>(),
        [StepState::Cancelled; 2]
    );
    assert_eq!(
        status
            .execution
            .completed_at
            .unwrap()
            .since(status.execution.started_at)
            .as_secs(),
        3
    );
    let engine = bench.engine();
    let stored = bench.clock.run(engine.status(&id())).unwrap().unwrap();
    assert_eq!(stored.steps[0].state, StepState::Cancelled);
    assert_eq!(
        bench
            .clock
            .run(engine.cancel(&id()))
            .unwrap()
            .unwrap()
            .state,
        State::Cancelled
    );
}

#[test]
fn a_run_whose_driver_is_gone_is_taken_over_by_the_same_engine_at_once() {
    let bench = Bench::new();
    bench.agent.on("b", &[Act::Hang, Act::Answer(1, "b")]);
    let plan = plan("", "a\nb, dependencies: [a]\nc, dependencies: [b]");
    let engine = die_after(&bench, &plan, 5);
    let status = resume(&bench, &engine);
    assert_eq!(status.state(), State::Completed);
    assert_eq!(bench.calls(), ["a", "b", "b", "c"]);
    let record = &status.step("b").unwrap().record;
    assert_eq!(record.attempts.len(), 2);
    assert!(record.attempts[0].interrupted);
    assert_eq!(status.execution.token, 2);
}

#[test]
fn another_engine_takes_a_dead_run_over_when_its_lease_has_ended() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a"), 5);
    let other = bench.engine();
    let error = bench.clock.run(other.resume(&id())).unwrap().unwrap_err();
    assert!(error.is_held(), "{error}");
    let message = error.to_string();
    let (_, wait) = message
        .split_once("; if that process is gone, try again in ")
        .unwrap();
    let wait: u64 = wait.strip_suffix(" s").unwrap().parse().unwrap();
    bench
        .clock
        .run(bench.clock.sleep(Duration::from_secs(wait)))
        .unwrap();
    assert_eq!(resume(&bench, &other).state(), State::Completed);
}

#[test]
fn a_known_death_needs_no_waiting() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a"), 5);
    let other = bench.engine().with_owner("other".into(), |_| true);
    assert_eq!(resume(&bench, &other).state(), State::Completed);
}

#[test]
fn a_living_run_keeps_its_lease_for_as_long_as_it_runs() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(600, "a")]);
    let plan = plan("", "a");
    let (status, error) = run_with(&bench, &plan, 500, async |engine| {
        engine.resume(&id()).await.unwrap_err()
    });
    assert!(error.is_held(), "{error}");
    assert_eq!(status.state(), State::Completed);
}

#[test]
fn an_engine_that_lost_its_lease_writes_nothing_more() {
    let bench = Bench::new();
    bench
        .agent
        .on("a", &[Act::Answer(10, "first"), Act::Answer(1, "second")]);
    let plan = plan("", "a");
    let first = bench.engine();
    let run = async {
        first
            .start(&plan, Inputs::new(), options())
            .await
            .unwrap()
            .finish()
            .await
    };
    let thief = bench.engine().with_owner("thief".into(), |_| true);
    let stolen = async {
        bench.clock.sleep(Duration::from_secs(3)).await;
        thief.resume(&id()).await.unwrap().finish().await.unwrap()
    };
    let (lost, status) = bench.clock.run(future::join(run, stolen)).unwrap();
    assert!(lost.unwrap_err().is_lost());
    assert_eq!(status.result.unwrap().as_str(), r#"{"a":"second"}"#);
}

#[test]
fn a_dead_run_can_be_paused_and_a_half_paused_one_resumed() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    let plan = plan("", "a");
    let engine = die_after(&bench, &plan, 5);
    let row = bench.clock.run(engine.pause(&id())).unwrap().unwrap();
    assert_eq!(row.state, State::Paused);
    assert_eq!(resume(&bench, &engine).state(), State::Completed);

    // A second run dies while it drains.
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    let engine = bench.engine();
    let run = async {
        engine
            .start(&plan, Inputs::new(), options())
            .await
            .unwrap()
            .finish()
            .await
    };
    let pause_and_die = async {
        bench.clock.sleep(Duration::from_secs(2)).await;
        engine.pause(&id()).await.unwrap();
        bench.clock.sleep(Duration::from_secs(2)).await;
    };
    let _ = bench
        .clock
        .run(future::select(Box::pin(run), Box::pin(pause_and_die)))
        .unwrap();
    let row = bench.clock.run(engine.status(&id())).unwrap().unwrap();
    assert_eq!(row.state(), State::CreatingCheckpoint);
    assert_eq!(resume(&bench, &engine).state(), State::Completed);
    assert!(bench.log().contains(
        "CheckpointCreated Resume CheckpointRestored StepsScheduled(1) -> executing_steps"
    ));
}

#[test]
fn a_long_step_is_shown_as_running() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(10, "a")]);
    let plan = plan("", "a\nb, dependencies: [a]");
    let (_, seen) = run_with(&bench, &plan, 1, async |engine| {
        engine.status(&id()).await.unwrap()
    });
    assert_eq!(
        seen.steps.iter().map(|step| step.state).collect::<Vec<_>>(),
        [StepState::Running, StepState::Pending]
    );
    assert_eq!(seen.steps[0].record.attempts.len(), 1);
}

#[test]
fn time_spent_paused_does_not_count_against_the_timeout() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(20, "a")]);
    bench.agent.on("b", &[Act::Answer(20, "b")]);
    let plan = plan("config: { timeout: 30s }", "a\nb, dependencies: [a]");
    let (status, _) = run_with(&bench, &plan, 3, async |engine| {
        engine.pause(&id()).await.unwrap()
    });
    assert_eq!(
        (status.state(), status.execution.driven_millis),
        (State::Paused, 20_000)
    );
    bench
        .clock
        .run(bench.clock.sleep(Duration::from_secs(1000)))
        .unwrap();
    let status = resume(&bench, &bench.engine());
    assert_eq!(
        (status.state(), status.execution.driven_millis),
        (State::Failed, 30_000)
    );
}

#[test]
fn an_execution_can_be_started_once() {
    let bench = Bench::new();
    let plan = plan("", "a");
    bench.run(&plan);
    let error = bench.try_run(&plan, Inputs::new()).unwrap_err();
    assert!(error.is_exists(), "{error}");
}

#[test]
fn a_run_is_a_send_future() {
    fn is_send<T: Send>(_: &T) {}
    let bench = Bench::new();
    let engine = bench.engine();
    let plan = plan("", "a");
    let start = engine.start(&plan, Inputs::new(), options());
    is_send(&start);
    let run = bench.clock.run(start).unwrap().unwrap();
    is_send(&run);
    is_send(&run.finish());
}
