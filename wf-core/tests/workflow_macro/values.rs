//! Outputs that are not there, that JSON cannot hold, and that have a schema.

use std::sync::Arc;

use futures::executor::block_on;
use wf_core::agent::{Agents, StepError};
use wf_core::engine::Engine;
use wf_core::store::MemoryStore;
use wf_core::typed::RunError;
use wf_core::workflow;

workflow! {
    workflow Tolerant {
        #[optional]
        step fails: String = Err(StepError::terminal("no"))?;
        step reads: String = fails.map_or("nothing", String::as_str).to_owned();
        step shows: String = ask echo "{fails} {known}", known = fails.is_some();
    }
}

#[test]
fn readers_of_an_optional_step_get_an_option() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let output = block_on(engine.run(Tolerant {})).unwrap();
    assert_eq!(output.fails(), None);
    assert_eq!(output.reads(), "nothing");
    assert_eq!(output.shows(), "null false");
}

workflow! {
    workflow Spelt {
        #[optional = true]
        step maybe: u8 = 1;
        #[optional = false]
        #[parallel = true]
        step surely: u8 = 2;
    }
}

#[test]
fn a_flag_says_what_its_value_is() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let output = block_on(engine.run(Spelt {})).unwrap();
    assert_eq!((output.maybe(), output.surely()), (Some(&1), &2));
}

fn boxed(is_right: bool) -> Result<u32, Box<dyn std::error::Error>> {
    if is_right { Ok(1) } else { Err("boxed")? }
}

workflow! {
    workflow Errors(kind: String) {
        step error: f64 = match kind.as_str() {
            "boxed" => f64::from(boxed(false)?),
            "text" => Err("a text")?,
            "not finite" => f64::from(boxed(true)?) / 0.0,
            _ => 0.5,
        };
    }
}

workflow! {
    workflow Number(_number: f64) {
        step two: u32 = 2;
    }
}

#[test]
fn an_error_of_any_kind_and_a_number_that_json_lacks_fail_the_step() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let run = |kind: &str| {
        let kind = kind.to_owned();
        match block_on(engine.run(Errors { kind })) {
            Ok(output) => output.error().to_string(),
            Err(RunError::Failed(status)) => status.steps[0].record.error.clone().unwrap(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(run("boxed"), "boxed");
    assert_eq!(run("text"), "a text");
    assert_eq!(run("none"), "0.5");
    assert_eq!(
        run("not finite"),
        "the output cannot be written as JSON: JSON has no number `inf`"
    );
    let number = Number { _number: f64::NAN };
    let error = block_on(engine.run(number)).unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "input `_number` cannot be written as JSON: JSON has no number `NaN`"
    );
}

/// Named as generated code might be.
fn code(n: u32) -> u32 {
    2 * n
}

workflow! {
    /// A `return` ends a step, as it ends an `async` function.
    workflow Returns(n: u32) {
        step early: u32 = {
            if *n == 1 {
                return Ok(10);
            }
            if *n == 2 {
                return Err(StepError::terminal("two is too many").into());
            }
            let twice = |n: u32| { return code(n) };
            let parsed: u32 = n.to_string().parse()?;
            std::future::ready(twice(parsed)).await
        };
        step always: u32 = { let Some(more) = early.checked_add(1) else { return Ok(0) }; more };
        step nothing: () = if *always > 0 { return Ok(()) };
    }
}

#[test]
fn a_return_ends_a_step_and_a_question_mark_goes_on_working() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let run = |n| block_on(engine.run(Returns { n }));
    assert_eq!(run(1).map(|output| *output.always()).ok(), Some(11));
    assert_eq!(run(5).map(|output| *output.always()).ok(), Some(11));
    let Err(RunError::Failed(status)) = run(2) else {
        panic!("the step ended with an error");
    };
    let error = status.steps[0].record.error.as_deref();
    assert!(
        error.is_some_and(|error| error.contains("two is too many")),
        "{error:?}"
    );
}
