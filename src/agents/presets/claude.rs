//! Claude Code: one object of type `result`, alone, at the end of a list, or as the last of many lines.

use std::borrow::Cow;

use serde_json::Value;

use super::said::{Said, add, add_cost, count, text, values};

pub(super) fn read(output: &str) -> Option<Said> {
    let is_result = |value: &Value| text(value, "/type") == Some("result");
    let events = values(output).flat_map(|value| match value {
        Value::Array(events) => events,
        event => vec![event],
    });
    let result = events.filter(is_result).last()?;
    let is_error = result.pointer("/is_error").and_then(Value::as_bool);
    let subtype = text(&result, "/subtype").unwrap_or_default();
    let answer = match result.pointer("/structured_output") {
        Some(value) if !value.is_null() => Some(value.to_string()),
        _ => text(&result, "/result").map(str::to_owned),
    };
    let mut said = Said {
        session: text(&result, "/session_id").map(str::to_owned),
        model: model(&result),
        ..Said::default()
    };
    add_cost(&mut said.cost, &result, "/total_cost_usd");
    for place in [
        "/usage/input_tokens",
        "/usage/cache_creation_input_tokens",
        "/usage/cache_read_input_tokens",
    ] {
        add(&mut said.input, count(&result, place));
    }
    said.cached = count(&result, "/usage/cache_read_input_tokens");
    said.output = count(&result, "/usage/output_tokens");
    if is_error == Some(true) || subtype.starts_with("error") {
        let errors = result.pointer("/errors").and_then(Value::as_array);
        let first = errors.and_then(|errors| errors.first()?.as_str());
        let words = answer.as_deref().filter(|words| !words.is_empty());
        said.error = Some(words.or(first).unwrap_or(subtype).to_owned());
    } else {
        said.text = answer;
    }
    Some(said)
}

/// What the model says, when each of its messages is a line (`--output-format stream-json`).
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event: Value = serde_json::from_str(line).ok()?;
    if text(&event, "/type") != Some("assistant") {
        return None;
    }
    let parts = event.pointer("/message/content")?.as_array()?;
    let words: Vec<String> = parts
        .iter()
        .filter_map(|part| match text(part, "/type")? {
            "text" => text(part, "/text").map(str::to_owned),
            "tool_use" => text(part, "/name").map(|name| format!("[{name}]")),
            _ => None,
        })
        .collect();
    (!words.is_empty()).then(|| words.join("\n").into())
}

/// The model that wrote the most.
fn model(result: &Value) -> Option<String> {
    let models = result.pointer("/modelUsage")?.as_object()?;
    let most = models
        .iter()
        .max_by_key(|(_, usage)| count(usage, "/outputTokens").unwrap_or(0))?;
    Some(most.0.clone())
}
