//! What a failure does, and what it leaves.

use std::time::Duration;

use futures::future;

use super::harness::{Act, Bench, options, plan, resume};
use crate::clock::Clock;
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::step::StepState;
use crate::store::Store;

fn states(status: &crate::engine::Status) -> Vec<(String, StepState)> {
    status
        .steps
        .iter()
        .map(|step| (step.key.to_string(), step.state))
        .collect()
}

#[test]
fn a_failed_attempt_is_committed_before_its_retry_starts() {
    let bench = Bench::new();
    bench.agent.on(
        "flaky",
        &[
            Act::Fail(1, "no"),
            Act::Fail(1, "again no"),
            Act::Answer(1, "yes"),
        ],
    );
    let retry = "retryPolicy: { maxAttempts: 3, initialDelay: 2s, jitter: false }";
    let status = bench.run(&plan("", &format!("flaky, {retry}")));
    assert_eq!(status.state(), State::Completed);
    let record = &status.step("flaky").unwrap().record;
    let attempts: Vec<_> = record
        .attempts
        .iter()
        .map(|attempt| {
            let at =
                |moment: crate::id::Timestamp| moment.since(status.execution.started_at).as_secs();
            (
                attempt.number,
                at(attempt.started_at),
                at(attempt.ended_at.unwrap()),
                attempt.error.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        attempts,
        [
            (1, 0, 1, Some("no")),
            (2, 3, 4, Some("again no")),
            (3, 8, 9, None)
        ]
    );
    assert_eq!(record.retry_count(), 2);
    // Created, opened, three times shown as running, two failures, the end.
    assert_eq!(bench.store.commits(), 8);
}

#[test]
fn a_step_fails_when_its_attempts_are_used_up() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Fail(1, "no")]);
    let status = bench.run(&plan(
        "",
        "a, retryPolicy: { maxAttempts: 2 }\nb, dependencies: [a]",
    ));
    assert_eq!(status.state(), State::Failed);
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `a` failed: no")
    );
    assert_eq!(bench.calls(), ["a", "a"]);
    assert_eq!(
        states(&status),
        [
            ("a".into(), StepState::Failed),
            ("b".into(), StepState::Skipped)
        ]
    );
}

#[test]
fn a_terminal_failure_is_not_tried_again() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Refuse(1, "never")]);
    let status = bench.run(&plan("", "a, retryPolicy: { maxAttempts: 5 }"));
    assert_eq!((status.state(), bench.calls().len()), (State::Failed, 1));
}

#[test]
fn on_failure_fail_lets_running_steps_end_and_starts_nothing_new() {
    let bench = Bench::new();
    bench.agent.on("bad", &[Act::Refuse(1, "no")]);
    bench.agent.on("slow", &[Act::Answer(5, "slow")]);
    let steps = "bad\nslow\nnext, dependencies: [slow]\nmore";
    let status = bench.run(&plan("config: { maxParallel: 2 }", steps));
    assert_eq!(status.state(), State::Failed);
    let expected = [
        StepState::Failed,
        StepState::Completed,
        StepState::Skipped,
        StepState::Skipped,
    ];
    // `next` and `slow` are the longest chain, so `slow` and `bad` start first.
    assert_eq!(
        status
            .steps
            .iter()
            .map(|step| step.state)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        status
            .execution
            .completed_at
            .unwrap()
            .since(status.execution.started_at)
            .as_secs(),
        5
    );
    assert_eq!(bench.calls(), ["slow", "bad"]);
}

#[test]
fn on_failure_fail_makes_no_further_attempt_at_a_step_in_backoff() {
    let bench = Bench::new();
    bench.agent.on("flaky", &[Act::Fail(1, "later")]);
    bench.agent.on("bad", &[Act::Refuse(2, "no")]);
    let steps = "flaky, retryPolicy: { maxAttempts: 9, initialDelay: 60s, maxDelay: 60s, jitter: false }\nbad";
    let status = bench.run(&plan("", steps));
    assert_eq!(status.state(), State::Failed);
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `bad` failed: no")
    );
    assert_eq!(
        states(&status),
        [
            ("flaky".into(), StepState::Failed),
            ("bad".into(), StepState::Failed)
        ]
    );
    assert_eq!(
        status
            .execution
            .completed_at
            .unwrap()
            .since(status.execution.started_at)
            .as_secs(),
        2
    );
}

#[test]
fn on_failure_continue_runs_what_does_not_depend_on_the_failed_step() {
    let bench = Bench::new();
    bench.agent.on("bad", &[Act::Refuse(1, "no")]);
    let steps = "bad\ngood\nafter-bad, dependencies: [bad]\nafter-both, dependencies: [after-bad, good]\nafter-good, dependencies: [good]";
    let status = bench.run(&plan("config: { onFailure: continue }", steps));
    assert_eq!(status.state(), State::Failed);
    let expected = [
        StepState::Failed,
        StepState::Completed,
        StepState::Skipped,
        StepState::Skipped,
        StepState::Completed,
    ];
    assert_eq!(
        status
            .steps
            .iter()
            .map(|step| step.state)
            .collect::<Vec<_>>(),
        expected
    );
    // What is skipped is recorded as an event of its own.
    assert_eq!(bench.log().matches("skipped").count(), 2);
    assert!(
        bench.log().ends_with("CheckpointCreated Error -> failed\n"),
        "{}",
        bench.log()
    );
}

#[test]
fn a_failed_optional_step_counts_as_null() {
    let bench = Bench::new();
    bench.agent.on("maybe", &[Act::Refuse(1, "no")]);
    bench.agent.on("end", &[Act::Answer(1, "[$PROMPT]")]);
    let steps = "maybe, optional: true\nend, dependencies: [maybe], prompt: '{{maybe}} {{maybe.deep.path}}'\nlast, optional: true";
    bench.agent.on("last", &[Act::Refuse(1, "no")]);
    let status = bench.run(&plan("", steps));
    assert_eq!(status.state(), State::Completed);
    assert_eq!(
        status.result.unwrap().as_str(),
        r#"{"end":["null null"],"last":null}"#
    );
}

#[test]
fn a_step_that_takes_too_long_fails_its_attempt() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "yes")]);
    let steps = "a, timeout: 5s, retryPolicy: { maxAttempts: 2, initialDelay: 1s, jitter: false }";
    let status = bench.run(&plan("", steps));
    assert_eq!(status.state(), State::Completed);
    let first = &status.steps[0].record.attempts[0];
    assert_eq!(first.error.as_deref(), Some("no answer within 5s"));
    assert_eq!(first.ended_at.unwrap().since(first.started_at).as_secs(), 5);
}

#[test]
fn a_run_that_takes_too_long_fails_and_stops_its_steps() {
    let bench = Bench::new();
    bench.agent.on("hangs", &[Act::Hang]);
    bench.agent.on("flaky", &[Act::Fail(1, "no")]);
    let steps = "hangs\nflaky, retryPolicy: { maxAttempts: 99, initialDelay: 1m, jitter: false }\nquick\nafter, dependencies: [hangs]";
    let status = bench.run(&plan("config: { timeout: 30s }", steps));
    assert_eq!(status.state(), State::Failed);
    assert_eq!(
        status.execution.error.as_deref(),
        Some("the run was not done within its timeout of 30s")
    );
    let expected = [
        StepState::Failed,
        StepState::Failed,
        StepState::Completed,
        StepState::Skipped,
    ];
    assert_eq!(
        status
            .steps
            .iter()
            .map(|step| step.state)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        status
            .execution
            .completed_at
            .unwrap()
            .since(status.execution.started_at)
            .as_secs(),
        30
    );
    let stored = bench
        .clock
        .run(bench.engine().status(&status.execution.id))
        .unwrap()
        .unwrap();
    assert_eq!(stored.steps, status.steps);
}

#[test]
fn an_agent_that_panics_fails_its_step_and_nothing_else() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Panic]);
    let status = bench.run(&plan("config: { onFailure: continue }", "a\nb"));
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `a` failed: the agent panicked: on purpose")
    );
    assert_eq!(status.steps[1].state, StepState::Completed);
}

#[test]
fn a_failed_run_leaves_a_checkpoint() {
    let bench = Bench::new();
    bench.agent.on("b", &[Act::Refuse(1, "no")]);
    let status = bench.run(&plan("", "a\nb, dependencies: [a]"));
    let checkpoints = bench
        .clock
        .run(bench.store.checkpoints(&status.execution.id))
        .unwrap()
        .unwrap();
    assert_eq!(checkpoints[0].completed_steps, [0, 1]);
}

#[test]
fn on_failure_pause_parks_the_run_and_resume_tries_again_with_a_fresh_allowance() {
    let bench = Bench::new();
    let no = Act::Fail(1, "no");
    bench
        .agent
        .on("a", &[no.clone(), no.clone(), no, Act::Answer(1, "yes")]);
    let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 1s, jitter: false }";
    let status = bench.run(&plan(
        "config: { onFailure: pause }",
        &format!("a, {retry}\nb, dependencies: [a]"),
    ));
    assert_eq!(status.state(), State::Paused);
    assert_eq!(status.steps[0].state, StepState::Failed);
    assert_eq!(status.execution.owner, None);
    let engine = bench.engine();
    let resumed = async { engine.resume(&status.execution.id).await?.finish().await };
    let status = bench.clock.run(resumed).unwrap().unwrap();
    assert_eq!(status.state(), State::Completed);
    let numbers: Vec<u32> = status.steps[0]
        .record
        .attempts
        .iter()
        .map(|attempt| attempt.number)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    // What depends on the failed step was not over either.
    assert_eq!(bench.calls(), ["a", "a", "a", "a", "b"]);
    assert_eq!(status.result.unwrap().as_str(), r#"{"b":"done"}"#);
    assert!(
        bench
            .log()
            .contains("Resume CheckpointRestored StepsScheduled(1) -> executing_steps")
    );
}

#[test]
fn a_path_that_is_missing_fails_the_step_and_names_it() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(1, r#"{"files":[]}"#)]);
    let steps = "a\nb, dependencies: [a], prompt: '{{a.result.files.0.name}}'";
    let status = bench.run(&plan("", steps));
    assert_eq!(
        status.execution.error.as_deref(),
        Some(
            "step `b` failed: the prompt needs `{{a.files.0.name}}`, but the result of step `a` has no `files.0.name`"
        )
    );
}

#[test]
fn a_run_fails_in_the_commit_in_which_another_step_would_have_been_tried_again() {
    for (config, optional) in [
        ("onFailure: fail", "true"),
        ("onFailure: fail", "false"),
        ("onFailure: continue", "true"),
    ] {
        let bench = Bench::new();
        bench.agent.on("a", &[Act::Refuse(1, "no")]);
        bench.agent.on("c", &[Act::Fail(1, "not now")]);
        let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 100ms, jitter: false }";
        let status = bench.run(&plan(
            &format!("config: {{ {config} }}"),
            &format!("a\nc, optional: {optional}, {retry}"),
        ));
        assert_eq!(status.state(), State::Failed);
        let error = status.execution.error.as_deref();
        assert_eq!(error, Some("step `a` failed: no"));
        let failed = StepState::Failed;
        assert_eq!(
            states(&status),
            [("a".into(), failed), ("c".into(), failed)]
        );
        let attempts = status.step("c").unwrap().record.attempts.len();
        assert_eq!(attempts, if config.ends_with("fail") { 1 } else { 2 });
    }
}

#[test]
fn a_run_that_is_out_of_time_records_steps_that_were_never_written() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang]);
    bench.agent.on("b", &[Act::Fail(1, "not now")]);
    let retry = "retryPolicy: { maxAttempts: 9, initialDelay: 9s, jitter: false }";
    let status = bench.run(&plan(
        "config: { timeout: 1s }",
        &format!("a\nb, {retry}\nc, dependencies: [b]"),
    ));
    assert_eq!(status.state(), State::Failed);
    assert_eq!(
        states(&status),
        [
            ("a".into(), StepState::Failed),
            ("b".into(), StepState::Failed),
            ("c".into(), StepState::Skipped)
        ]
    );
}

#[test]
fn a_run_that_fails_when_it_is_resumed_leaves_no_step_between_two_attempts() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Refuse(2, "no")]);
    bench.agent.on("b", &[Act::Fail(1, "not now")]);
    let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 60s, jitter: false }";
    let plan = plan("config: { onFailure: fail }", &format!("a\nb, {retry}"));
    let engine = bench.engine();
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options()).await.unwrap();
        let handle = run.handle();
        let pause = async {
            bench.clock.sleep(Duration::from_millis(1_500)).await;
            handle.pause().await.unwrap();
        };
        future::join(run.finish(), pause).await.0.unwrap()
    };
    let paused = bench.clock.run(run).unwrap();
    assert_eq!(paused.state(), State::Paused);
    let status = resume(&bench, &engine);
    assert_eq!(status.state(), State::Failed);
    let failed = StepState::Failed;
    assert_eq!(
        states(&status),
        [("a".into(), failed), ("b".into(), failed)]
    );
}
