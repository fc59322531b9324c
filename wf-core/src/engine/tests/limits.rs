//! Agents whose limits name the moment at which they are lifted.

use std::time::Duration;

use super::harness::{Act, Bench, plan, resume};
use crate::clock::Clock;
use crate::lifecycle::State;
use crate::step::StepState;

#[test]
fn a_limit_that_names_its_reset_pauses_the_run_until_then() {
    for (wait, retry) in [(7200, "1"), (7200, "3"), (600, "1"), (600, "3"), (5, "1")] {
        let bench = Bench::new();
        bench
            .agent
            .on("a", &[Act::Limited(1, wait, false), Act::Answer(1, "yes")]);
        let steps = format!("a, retryPolicy: {{ maxAttempts: {retry} }}");
        let status = bench.run(&plan("", &steps));
        assert_eq!(
            (status.state(), bench.clock.elapsed().as_secs()),
            (State::Paused, 1)
        );
        let at = bench.clock.now().after(Duration::from_secs(wait));
        assert_eq!(status.execution.resume_at, Some(at));
        let reason = status.execution.error.as_deref().unwrap();
        assert_eq!(
            reason,
            format!("step `a`: limit reached; its limit is lifted at {at}")
        );
        // It uses up no retry, and what was said is gone with the pause.
        let status = resume(&bench, &bench.engine());
        assert_eq!(status.state(), State::Completed);
        assert_eq!(status.execution.resume_at, None);
    }
}

#[test]
fn a_limit_is_waited_for_where_the_agent_says_so() {
    for wait in [5, 600, 20_000] {
        let bench = Bench::new();
        bench
            .agent
            .on("a", &[Act::Limited(1, wait, true), Act::Answer(1, "yes")]);
        let status = bench.run(&plan("config: { maxParallel: 1 }", "a\nb"));
        assert_eq!(
            (status.state(), bench.clock.elapsed().as_secs()),
            (State::Completed, wait + 2)
        );
        let ended = |step: &str| status.step(step).unwrap().record.completed_at;
        // It held no slot.
        assert!(ended("b") < ended("a"));
    }
}

#[test]
fn a_limit_that_is_lifted_in_a_moment_is_tried_again_where_that_is_granted() {
    for wait in [0, 30] {
        let bench = Bench::new();
        bench
            .agent
            .on("a", &[Act::Limited(1, wait, false), Act::Answer(1, "yes")]);
        let steps = "a, retryPolicy: { maxAttempts: 2, initialDelay: 1s, jitter: false }";
        let status = bench.run(&plan("", steps));
        assert_eq!(
            (status.state(), bench.clock.elapsed().as_secs()),
            (State::Completed, 2 + wait.max(1))
        );
    }
}

#[test]
fn an_optional_step_pauses_no_run_for_a_limit() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Limited(1, 7200, false)]);
    let status = bench.run(&plan("", "a, optional: true\nb"));
    assert_eq!(status.state(), State::Completed);
    assert_eq!(status.step("a").unwrap().state, StepState::Failed);
}
