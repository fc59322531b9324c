//! What must hold of each value by itself.

use std::time::Duration;

use serde_json::Value;

use crate::agent_ref::AgentRef;
use crate::budget::{Budget, is_amount};
use crate::definition::{Definition, InputKind, RetryPolicy};
use crate::duration::MAX_DURATION;
use crate::problem::{Places, Problem, Problems, quoted};
use crate::tree::MOST_LEVELS;

use super::{Gaps, named_step};

/// Checks the values, most of which only a program can get wrong: a file's are checked where they are read.
///
/// An input with a default is made optional.
pub(super) fn check<P: Clone>(
    definition: &mut Definition,
    places: &Places<P>,
    gaps: &Gaps,
    problems: &mut Problems<P>,
) {
    if definition.name.trim().is_empty() && !gaps.name {
        problems.push(
            Problem::error(places.name.clone(), "the workflow's name is empty")
                .help("give it a name"),
        );
    }
    if definition.steps.is_empty() && !gaps.steps {
        problems.push(
            Problem::error(places.definition.clone(), "the workflow has no steps")
                .help("add at least one to `steps`"),
        );
    }
    let mut report = |place: &P, fault: Option<String>| {
        if let Some(fault) = fault {
            problems.push(Problem::error(place.clone(), fault));
        }
    };
    if definition.version.trim().is_empty() {
        report(
            &places.definition,
            Some("the workflow's version is empty".to_owned()),
        );
    }
    for (index, input) in definition.inputs.iter_mut().flatten().enumerate() {
        input.required &= input.default.is_none();
        if let Some(default) = &input.default {
            let default = default.value();
            let fault = default_mismatch(input.kind, default);
            let fault = fault.or(nesting_fault(default).map(str::to_owned));
            let name = &input.name;
            report(
                places.input(index),
                fault.map(|fault| format!("the default of input {} {fault}", quoted(name))),
            );
        }
    }
    let fault = definition.config.timeout.and_then(timeout_fault);
    report(
        &places.definition,
        fault.map(|fault| format!("the workflow's timeout {fault}")),
    );
    let fault = budget_fault(&definition.config.budget);
    report(
        &places.definition,
        fault.map(|fault| format!("the workflow's budget {fault}")),
    );
    // The first step that is code, and how many others are.
    let mut native = None;
    for (index, step) in definition.steps.iter().enumerate() {
        if step.agent_ref().is_native() {
            native = Some(native.map_or((index, 0), |(first, others)| (first, others + 1)));
        }
        let named = || named_step(definition, index);
        let fault = agent_fault(&step.agent).filter(|_| !gaps.of(index).agent);
        report(
            places.agent(index),
            fault.map(|fault| format!("the agent of {} {fault}", named())),
        );
        let place = places.key(index);
        let fault = step.timeout.and_then(timeout_fault);
        report(
            place,
            fault.map(|fault| format!("the timeout of {} {fault}", named())),
        );
        let fault = retry_fault(&step.retry);
        report(
            place,
            fault.map(|fault| format!("the retry policy of {} {fault}", named())),
        );
        let fault = step.output_schema.as_ref().and_then(schema_fault);
        report(
            place,
            fault.map(|fault| format!("the output schema of {} {fault}", named())),
        );
    }
    if let Some(native) = native {
        warn_of_native_steps(definition, native, places, problems);
    }
}

/// What is wrong with the name of an agent, or the capability that is asked for.
fn agent_fault(agent: &str) -> Option<&'static str> {
    match AgentRef::of(agent.trim()) {
        AgentRef::Named("") => Some("is empty"),
        AgentRef::Capability("") => {
            Some("is `@` without a capability: write `@` and what the agent must be able to do")
        }
        _ => None,
    }
}

/// Warns of the first step that is code, since whoever checks a file means to run it.
fn warn_of_native_steps<P: Clone>(
    definition: &Definition,
    (first, others): (usize, usize),
    places: &Places<P>,
    problems: &mut Problems<P>,
) {
    let others = match others {
        0 => String::new(),
        1 => ", as is another".to_owned(),
        others => format!(", as are {others} others"),
    };
    let message = format!(
        "{} is code of a program{others}",
        named_step(definition, first)
    );
    problems.push(
        Problem::warning(places.agent(first).clone(), message)
            .help("only the program that declares the workflow can run it; `ax` refuses to"),
    );
}

/// Says how a default does not fit the type of its input.
pub(crate) fn default_mismatch(kind: InputKind, default: &Value) -> Option<String> {
    (!kind.accepts(default)).then(|| {
        format!(
            "is {}, but its type is `{}`",
            described(default),
            kind.name()
        )
    })
}

/// Says what is wrong with a duration that a definition names.
pub(crate) fn duration_fault(duration: Duration) -> Option<&'static str> {
    if duration > MAX_DURATION {
        Some("is longer than 36,500 days")
    } else if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        Some("is not a whole number of milliseconds")
    } else {
        None
    }
}

/// Says what is wrong with a schema of results.
pub(crate) fn schema_fault(schema: &Value) -> Option<&'static str> {
    if schema.is_object() || schema.is_boolean() {
        nesting_fault(schema)
    } else {
        Some("must be a JSON Schema: an object, `true` or `false`")
    }
}

fn budget_fault(budget: &Budget) -> Option<&'static str> {
    let costs = [budget.cost, budget.per_attempt.cost];
    if costs.into_iter().flatten().any(|cost| !is_amount(cost)) {
        Some("has a cost that is not a finite number of at least 0")
    } else if budget.tokens == Some(0) || budget.attempts == Some(0) {
        Some("allows nothing at all")
    } else if budget.wall_time.and_then(timeout_fault).is_some() {
        Some(
            "has a wall time that is zero, longer than 36,500 days or not a whole number of milliseconds",
        )
    } else if budget.shortfall().is_some() {
        Some("sets more aside for one attempt than it has, so that none could start")
    } else {
        None
    }
}

fn timeout_fault(timeout: Duration) -> Option<&'static str> {
    if timeout.is_zero() {
        Some("is zero")
    } else {
        duration_fault(timeout)
    }
}

fn retry_fault(retry: &RetryPolicy) -> Option<&'static str> {
    if !(retry.backoff_multiplier.is_finite() && retry.backoff_multiplier >= 1.0) {
        Some("has a multiplier that is not a finite number of at least 1")
    } else if duration_fault(retry.initial_delay)
        .or(duration_fault(retry.max_delay))
        .is_some()
    {
        Some("has a delay that is longer than 36,500 days or not a whole number of milliseconds")
    } else {
        None
    }
}

fn nesting_fault(value: &Value) -> Option<&'static str> {
    fn fits(value: &Value, levels: usize) -> bool {
        match value {
            Value::Array(_) | Value::Object(_) if levels == 0 => false,
            Value::Array(array) => array.iter().all(|value| fits(value, levels - 1)),
            Value::Object(object) => object.values().all(|value| fits(value, levels - 1)),
            _ => true,
        }
    }
    // The definition has levels of its own around the value.
    (!fits(value, MOST_LEVELS - 3)).then_some("nests too deep")
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
