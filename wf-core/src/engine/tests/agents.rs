//! What an agent can say besides a result: when to come back, that it is down, that it waits, what it writes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::harness::{Act, Bench, id, options, plan, resume};
use crate::agent::{Interim, Reply, StepError};
use crate::clock::Clock;
use crate::engine::Notice;
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::step::StepState;

#[test]
fn a_retry_waits_as_long_as_the_agent_asks() {
    let bench = Bench::new();
    bench
        .agent
        .on("a", &[Act::Busy(1, 30), Act::Answer(1, "yes")]);
    let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 2s, jitter: false }";
    let status = bench.run(&plan("", &format!("a, {retry}")));
    let attempts = &status.step("a").unwrap().record.attempts;
    let waited = attempts[1].started_at.since(attempts[0].ended_at.unwrap());
    assert_eq!((status.state(), waited.as_secs()), (State::Completed, 30));
}

#[test]
fn an_agent_that_is_down_pauses_the_run_and_uses_up_no_retry() {
    let bench = Bench::new();
    bench
        .agent
        .on("down", &[Act::Down(2, "no key"), Act::Answer(1, "yes")]);
    bench.agent.on("slow", &[Act::Answer(5, "slow")]);
    let steps = "down\nslow\nnext, dependencies: [slow]\nlast, dependencies: [down]";
    let plan = plan("", steps);
    let status = bench.run(&plan);
    assert_eq!(status.state(), State::Paused);
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `down`: no key")
    );
    let states: Vec<StepState> = status.steps.iter().map(|step| step.state).collect();
    use StepState::{Completed, Pending};
    // What ran has ended, and nothing else was started.
    assert_eq!(states, [Pending, Completed, Pending, Pending]);
    let down = &status.step("down").unwrap().record;
    assert_eq!(down.attempts.len(), 1);
    assert!(down.attempts[0].interrupted);

    let status = resume(&bench, &bench.engine());
    assert_eq!(
        (status.state(), status.execution.error),
        (State::Completed, None)
    );
    assert_eq!(bench.calls(), ["down", "slow", "down", "next", "last"]);
}

#[test]
fn an_optional_step_whose_agent_is_down_fails_alone_after_its_retries() {
    let bench = Bench::new();
    bench.agent.on("maybe", &[Act::Down(1, "no key")]);
    bench.agent.on("away", &[Act::Busy(1, 7200)]);
    let retry = "optional: true, retryPolicy: { maxAttempts: 3, initialDelay: 1s, jitter: false }";
    let steps = format!(
        "maybe, {retry}\naway, {retry}\nend, dependencies: [maybe, away], prompt: '{{{{maybe}}}}'"
    );
    let status = bench.run(&plan("", &steps));
    assert_eq!(
        (status.state(), status.execution.error.as_deref()),
        (State::Completed, None)
    );
    let maybe = status.step("maybe").unwrap();
    assert_eq!(maybe.state, StepState::Failed);
    let attempts = &maybe.record.attempts;
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|attempt| !attempt.interrupted));
    // Nobody waits for more than an hour.
    let away = status.step("away").unwrap();
    assert_eq!(
        (away.state, away.record.attempts.len()),
        (StepState::Failed, 1)
    );
}

#[test]
fn a_run_that_pauses_for_a_failure_says_for_which() {
    let bench = Bench::new();
    bench
        .agent
        .on("bad", &[Act::Refuse(1, "no"), Act::Answer(1, "yes")]);
    let status = bench.run(&plan("config: { onFailure: pause }", "bad"));
    assert_eq!(status.state(), State::Paused);
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `bad` failed: no")
    );
    let status = resume(&bench, &bench.engine());
    assert_eq!(
        (status.state(), status.execution.error),
        (State::Completed, None)
    );
}

#[test]
fn a_step_that_waits_for_its_turn_does_not_use_up_its_timeout() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Queue(60, 4)]);
    assert_eq!(
        bench.run(&plan("", "a, timeout: 5s")).state(),
        State::Completed
    );

    let bench = Bench::new();
    bench.agent.on("a", &[Act::Queue(60, 6)]);
    let status = bench.run(&plan("", "a, timeout: 5s"));
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `a` failed: no answer within 5s")
    );
    let ended = status.execution.completed_at.unwrap();
    assert_eq!(ended.since(status.execution.started_at).as_secs(), 65);
}

#[test]
fn what_an_agent_shows_is_told_as_it_comes() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Show]);
    let shown = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&shown);
    let engine = bench.engine().with_observer(move |notice| {
        if let Notice::Output {
            step,
            attempt,
            text,
            ..
        } = notice
        {
            log.lock()
                .unwrap()
                .push(format!("{step} {attempt} {text:?}"));
        }
    });
    let plan = plan("", "a");
    let run = async {
        engine
            .start(&plan, Inputs::new(), options())
            .await?
            .finish()
            .await
    };
    assert_eq!(
        bench.clock.run(run).unwrap().unwrap().state(),
        State::Completed
    );
    assert_eq!(*shown.lock().unwrap(), ["a 1 \"half \"", "a 1 \"done\""]);
}

#[test]
fn a_pause_calls_back_the_steps_that_wait_for_their_turn() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(5, "a")]);
    bench
        .agent
        .on("b", &[Act::Queue(3600, 1), Act::Answer(1, "b")]);
    let engine = bench.engine();
    let plan = plan("", "a\nb");
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options()).await.unwrap();
        let pause = async {
            bench.clock.sleep(Duration::from_secs(2)).await;
            engine.pause(&id()).await.unwrap();
        };
        futures::join!(run.finish(), pause).0.unwrap()
    };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(status.state(), State::Paused);
    // As long as the step that ran, and not as long as the one that waited.
    assert_eq!(bench.clock.elapsed().as_secs(), 5);
    let b = &status.step("b").unwrap().record;
    assert_eq!((b.state, b.attempts.len()), (StepState::Pending, 0));
    let status = resume(&bench, &engine);
    assert_eq!(status.state(), State::Completed);
    assert_eq!(status.step("b").unwrap().record.attempts.len(), 1);
}

#[test]
fn a_failure_calls_back_the_steps_that_wait_for_their_turn() {
    let bench = Bench::new();
    bench.agent.on("bad", &[Act::Refuse(2, "no")]);
    bench.agent.on("waits", &[Act::Queue(3600, 1)]);
    let status = bench.run(&plan("", "bad\nwaits"));
    assert_eq!(
        (status.state(), bench.clock.elapsed().as_secs()),
        (State::Failed, 2)
    );
    assert_eq!(status.step("waits").unwrap().state, StepState::Skipped);
}

#[test]
fn an_agent_that_asks_to_be_left_alone_for_days_pauses_the_run() {
    let bench = Bench::new();
    bench
        .agent
        .on("a", &[Act::Busy(1, 90_000_000), Act::Answer(1, "yes")]);
    let status = bench.run(&plan("", "a, retryPolicy: { maxAttempts: 3 }"));
    assert_eq!(
        (status.state(), bench.clock.elapsed().as_secs()),
        (State::Paused, 1)
    );
    let reason = status.execution.error.unwrap();
    assert_eq!(
        reason,
        "step `a`: busy; it asks to be left alone for 90000000 s, which is more than an hour"
    );
}

#[test]
fn a_step_without_a_retry_left_fails_however_long_its_agent_asks_to_be_left_alone() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Busy(1, 90_000_000)]);
    let status = bench.run(&plan("", "a"));
    assert_eq!(status.state(), State::Failed);
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `a` failed: busy")
    );
}

#[test]
fn what_an_agent_used_before_it_was_down_counts() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::DownAfterUse(7)]);
    let status = bench.run(&plan("", "a"));
    assert_eq!((status.state(), status.usage().tokens), (State::Paused, 7));
}

#[test]
fn a_step_that_is_out_of_time_is_told_with_the_end_of_what_it_wrote() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::ShowAndHang]);
    let status = bench.run(&plan("", "a, timeout: 5s"));
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `a` failed: no answer within 5s; what it wrote ends: half done")
    );
}

#[test]
fn what_a_stopped_attempt_has_used_is_recorded() {
    let bench = Bench::new();
    let used = |tokens: u64| Act::Leave(Interim::Underway(json!({"total_tokens": tokens})));
    bench.agent.on("a", &[used(7), used(5)]);
    let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 1s, jitter: false }";
    let status = bench.run(&plan("", &format!("a, timeout: 5s, {retry}")));
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `a` failed: no answer within 5s")
    );
    assert_eq!(status.usage().tokens, 12);
    // What was spent is spent also by the budget.
    let bench = Bench::new();
    bench.agent.on("a", &[used(7)]);
    let head = "config: { budget: { tokens: 6 } }";
    let status = bench.run(&plan(head, &format!("a, timeout: 5s, {retry}")));
    assert_eq!(status.state(), State::Paused);
    assert_eq!((bench.calls().len(), status.usage().tokens), (1, 7));
}

#[test]
fn a_whole_answer_counts_although_its_time_is_over() {
    let bench = Bench::new();
    let reply = Reply::text("whole").with_usage(json!({"total_tokens": 7}));
    let ended = |ended| Act::Leave(Interim::Ended(ended));
    bench.agent.on("a", &[ended(Ok(reply))]);
    let status = bench.run(&plan("", "a, timeout: 5s"));
    assert_eq!(
        (status.state(), status.usage().tokens),
        (State::Completed, 7)
    );
    let result = status.step("a").unwrap().record.result.clone();
    assert_eq!(result.unwrap().as_str(), "\"whole\"");

    let bench = Bench::new();
    let refused = StepError::terminal("refused").with_usage(json!({"total_tokens": 3}));
    bench.agent.on("a", &[ended(Err(refused))]);
    let status = bench.run(&plan("", "a, timeout: 5s"));
    assert_eq!((status.state(), status.usage().tokens), (State::Failed, 3));
    assert_eq!(
        status.execution.error.as_deref(),
        Some("step `a` failed: refused")
    );
}

#[test]
fn what_was_used_is_recorded_when_the_run_is_out_of_time() {
    let bench = Bench::new();
    let used = Interim::Underway(json!({"total_tokens": 7}));
    bench.agent.on("a", &[Act::Leave(used)]);
    let status = bench.run(&plan("config: { timeout: 5s }", "a"));
    assert_eq!((status.state(), status.usage().tokens), (State::Failed, 7));
}
