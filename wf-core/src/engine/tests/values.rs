//! What goes into prompts, and what comes out of a run.

use futures::executor::block_on;

use super::harness::{Act, Bench, options, plan};
use crate::agent::{Agents, StepError};
use crate::engine::Engine;
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::value::Json;

#[test]
fn inputs_and_results_are_inserted_as_they_are() {
    let bench = Bench::new();
    bench.agent.on(
        "a",
        &[Act::Answer(1, r#"{ "n": 1.50, "list": [ 1, "two" ] }"#)],
    );
    bench.agent.on("b", &[Act::Answer(1, "[$PROMPT]")]);
    let steps = "a, prompt: '{{text}}'\nb, dependencies: [a], prompt: '{{text}}|{{a}}|{{a.n}}|{{a.list.1}}|{{ a.result.list }}|{{{{x}}'";
    let inputs = Inputs::from([("text".to_owned(), Json::string("{{a}} $(x) \"q\""))]);
    let status = bench.try_run(&plan("", steps), inputs).unwrap();
    assert_eq!(
        status.result.unwrap().to_value(),
        serde_json::json!({"b": ["{{a}} $(x) \"q\"|{\"n\":1.50,\"list\":[1,\"two\"]}|1.50|two|[1,\"two\"]|{{x}}"]})
    );
}

#[test]
fn the_result_has_every_step_that_nothing_depends_on() {
    let bench = Bench::new();
    bench.agent.on("b", &[Act::Answer(1, "[1]")]);
    let status = bench.run(&plan("", "a\nb\nc, dependencies: [a]"));
    assert_eq!(status.result.unwrap().as_str(), r#"{"b":[1],"c":"done"}"#);
}

#[test]
fn wrong_inputs_are_all_told_and_record_nothing() {
    let bench = Bench::new();
    let head =
        "inputs: { diff: { type: string, required: true }, depth: { type: integer, default: 3 } }";
    let steps = "a, prompt: '{{diff}} {{depth}}'";
    let inputs = Inputs::from([
        ("depth".to_owned(), Json::string("x")),
        ("dif".to_owned(), Json::string("x")),
    ]);
    let error = bench.try_run(&plan(head, steps), inputs).unwrap_err();
    assert!(error.is_input());
    assert_eq!(
        error.to_string(),
        "input `diff` (string) is missing\ninput `depth` must be of type integer, but is a string\nunknown input `dif`; did you mean `diff`?"
    );
    assert_eq!(bench.store.commits(), 0);
}

#[test]
fn a_missing_agent_is_told_before_anything_is_recorded() {
    let bench = Bench::new();
    let text =
        "name: t\nsteps: [{key: x, agent: b, prompt: p}, {key: y, agent: '@fly', prompt: p}]";
    let plan = crate::plan::Plan::from_yaml("t.yaml", text).unwrap();
    let error = bench.try_run(&plan, Inputs::new()).unwrap_err();
    assert!(error.is_agent());
    assert_eq!(
        error.to_string(),
        "step `x` asks agent `b`, which is not there; the agents are: `a`\nstep `y` asks an agent that can `fly`, and there is none; no agent lists any"
    );
    assert_eq!(bench.store.commits(), 0);
}

#[test]
fn an_error_of_any_length_can_be_stored() {
    let bench = Bench::new();
    let agent = |_: String| async { Err::<String, _>(StepError::terminal("x".repeat(3 << 20))) };
    let engine = Engine::new(bench.store.clone(), Agents::new().with("a", agent));
    let plan = plan("", "a");
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options()).await?;
        run.finish().await
    };
    let status = block_on(run).unwrap();
    let error = status.step("a").unwrap().record.error.as_deref().unwrap();
    assert!(error.len() < (1 << 20) + 10, "{}", error.len());
    assert!(error.ends_with('…'));
}

#[test]
fn inputs_that_are_too_large_for_a_row_are_refused_before_anything_is_recorded() {
    let bench = Bench::new();
    let plan = plan(
        "inputs: { text: {}, more: {} }",
        "a, prompt: '{{text}}{{more}}'",
    );
    let inputs = |bytes: usize| {
        let text = Json::string(&"x".repeat(bytes / 2));
        Inputs::from([("text".to_owned(), text.clone()), ("more".to_owned(), text)])
    };
    let error = bench.try_run(&plan, inputs(8 << 20)).unwrap_err();
    assert!(error.is_input());
    assert!(
        error.to_string().ends_with(
            "bytes as JSON, and an execution takes at most 8 MiB; give the path of a file, and let the agents read it"
        ),
        "{error}"
    );
    assert_eq!(bench.store.commits(), 0);
    let most = (8 << 20) - 100;
    assert_eq!(
        bench.try_run(&plan, inputs(most)).unwrap().state(),
        State::Completed
    );
}
