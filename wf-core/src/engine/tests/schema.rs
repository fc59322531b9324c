//! Answers that have to fit a schema.

use super::harness::{Act, Bench, die_after, plan, resume};
use crate::lifecycle::State;

const STEP: &str =
    "a, outputSchema: { type: object, required: [n], properties: { n: { type: integer } } }";

#[test]
fn an_answer_that_does_not_fit_is_asked_for_again_and_the_agent_told_why() {
    let bench = Bench::new();
    let acts = [
        Act::Answer(1, "prose"),
        Act::Answer(1, r#"{"n": "one"}"#),
        Act::Answer(1, r#"{"n": 1, "prompt": $PROMPT}"#),
    ];
    bench.agent.on("a", &acts);
    // The policy grants one attempt; an answer that is refused is asked for twice more all the same.
    let status = bench.run(&plan("", STEP));
    assert_eq!(status.state(), State::Completed);
    let record = &status.step("a").unwrap().record;
    let refused: Vec<bool> = record.attempts.iter().map(|made| made.rejected).collect();
    assert_eq!(refused, [true, true, false]);
    let result: serde_json::Value =
        serde_json::from_str(record.result.as_ref().unwrap().as_str()).unwrap();
    let prompt = result["prompt"].as_str().unwrap();
    let expected = "p\n\nYour last answer was refused: the answer does not fit the step's `outputSchema`: \
                    `/n`: \"one\" is not of type \"integer\".\n\
                    Answer again, with JSON that fits this JSON Schema and with nothing else:\n\
                    {\"properties\":";
    assert!(prompt.starts_with(expected), "{prompt}");
}

#[test]
fn an_agent_that_never_fits_fails_the_step() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(1, "prose")]);
    let status = bench.run(&plan(
        "",
        &format!("{STEP}, retryPolicy: {{ maxAttempts: 2, initialDelay: 1s }}"),
    ));
    assert_eq!(status.state(), State::Failed);
    // Two that the policy grants, and two more.
    assert_eq!(bench.calls().len(), 4);
    let error = status.execution.error.unwrap();
    assert!(
        error.contains("`outputSchema`: the answer: \"prose\" is not of type \"object\""),
        "{error}"
    );
}

#[test]
fn a_resumed_run_still_knows_why_the_last_answer_was_refused() {
    let bench = Bench::new();
    let acts = [
        Act::Answer(1, "prose"),
        Act::Hang,
        Act::Answer(1, r#"{"n": 1, "prompt": $PROMPT}"#),
    ];
    bench.agent.on("a", &acts);
    let engine = die_after(&bench, &plan("", STEP), 5);
    let status = resume(&bench, &engine);
    assert_eq!(status.state(), State::Completed);
    assert!(
        status
            .result
            .unwrap()
            .as_str()
            .contains("Your last answer was refused")
    );
}

#[test]
fn a_failure_that_is_no_refusal_is_not_granted_more_attempts() {
    let bench = Bench::new();
    bench
        .agent
        .on("a", &[Act::Answer(1, "prose"), Act::Fail(1, "no")]);
    let status = bench.run(&plan("", STEP));
    assert_eq!((status.state(), bench.calls().len()), (State::Failed, 2));
}
