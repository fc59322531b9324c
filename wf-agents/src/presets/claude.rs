//! Claude Code: one object of type `result`, alone, at the end of a list, or as the last of many lines.

use std::borrow::Cow;

use super::node::{Node, mended};
use super::said::{End, Said, add, add_cost};
use super::values::values;
use crate::ending::Ending;

/// The types of its events.
const TYPES: [&str; 6] = [
    "result",
    "assistant",
    "user",
    "system",
    "stream_event",
    "rate_limit_event",
];

pub(super) fn read(output: &str) -> Option<Said> {
    let mut best: Option<Said> = None;
    let mut is_known = false;
    let (mut stop, mut resets_at, mut cost) = (None, None, None::<f64>);
    for event in values(output).into_iter().flat_map(events) {
        let Some(kind) = event.text_at("/type") else {
            continue;
        };
        is_known |= TYPES.contains(&kind.as_str());
        match kind.as_str() {
            // Those of helpers end by themselves.
            "assistant" if event.at("/parent_tool_use_id").is_none() => {
                stop = event.at("/message/stop_reason");
            }
            "rate_limit_event"
                if event.text_at("/rate_limit_info/status").as_deref() == Some("rejected") =>
            {
                resets_at = event.count_at("/rate_limit_info/resetsAt");
            }
            "result" if is_result(event) => {
                let said = result(event, stop);
                // What it has cost in all is in each.
                cost = cost.into_iter().chain(said.cost).reduce(f64::max);
                // What comes after an answer does not undo it.
                if said.is_whole() || !best.as_ref().is_some_and(Said::is_whole) {
                    best = Some(said);
                }
            }
            _ => {}
        }
    }
    let mut said = best.or_else(|| is_known.then(Said::default))?;
    (said.resets_at, said.cost) = (resets_at, cost);
    Some(said)
}

/// Whether it is more than an object that a hook prints.
fn is_result(event: Node<'_>) -> bool {
    let names = ["result", "structured_output", "subtype", "is_error"];
    names.iter().any(|name| event.has(name))
}

/// The events that a value is or lists.
fn events(value: Node<'_>) -> Vec<Node<'_>> {
    match value.0.starts_with('[') {
        true => value.elements(),
        false => vec![value],
    }
}

fn result(result: Node<'_>, stop: Option<Node<'_>>) -> Said {
    let mut said = Said {
        session: result.text_at("/session_id"),
        model: model(result),
        ..Said::default()
    };
    add_cost(&mut said.cost, result.amount_at("/total_cost_usd"));
    for place in [
        "/usage/input_tokens",
        "/usage/cache_creation_input_tokens",
        "/usage/cache_read_input_tokens",
    ] {
        add(&mut said.input, result.count_at(place));
    }
    said.cached = result.count_at("/usage/cache_read_input_tokens");
    said.output = result.count_at("/usage/output_tokens");
    said.answer(result.at("/result"), "its `result`");
    let structured = result.at("/structured_output");
    if let Some(value) = structured {
        said.odd = None;
        said.text = value.text().or_else(|| Some(mended(value.0).into_owned()));
    }
    let subtype = result.text_at("/subtype").unwrap_or_default();
    let is_error = result.at("/is_error").is_some_and(|is| is.0 == "true");
    if is_error || subtype.starts_with("error") || is_limit(&said) {
        let errors = result.at("/errors").map(Node::elements).unwrap_or_default();
        let first = errors.first().and_then(|error| error.text());
        let words = said.text.take().filter(|words| !words.trim().is_empty());
        said.error = words.or(first).or(Some(subtype));
        said.odd = None;
    }
    said.end = match result.at("/stop_reason").or(stop) {
        None => End::Whole,
        Some(word) => match End::of(word.text().unwrap_or_else(|| word.0.to_owned())) {
            // Structured output is the input of a tool.
            End::Other(Ending::Tools, _) if structured.is_some() => End::Whole,
            end => end,
        },
    };
    said
}

/// Whether the answer is no more than what early versions say of a limit, and no model has written it.
fn is_limit(said: &Said) -> bool {
    let words = said.text.as_deref().unwrap_or_default().trim();
    words
        .strip_prefix("Claude AI usage limit reached|")
        .is_some_and(|moment| moment.bytes().all(|digit| digit.is_ascii_digit()))
        || (said.output == Some(0) && words.starts_with("You've hit your"))
}

/// What the model says, when each of its messages is a line (`--output-format stream-json`).
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event = Node(line);
    if event.text_at("/type")? != "assistant" {
        return None;
    }
    let parts = event.at("/message/content")?.elements().into_iter();
    let words: Vec<String> = parts
        .filter_map(|part| match part.text_at("/type")?.as_str() {
            "text" => part.text_at("/text"),
            "tool_use" => part.text_at("/name").map(|name| format!("[{name}]")),
            _ => None,
        })
        .collect();
    (!words.is_empty()).then(|| words.join("\n").into())
}

/// The model that wrote the most.
fn model(result: Node<'_>) -> Option<String> {
    let models = result.at("/modelUsage")?.members().into_iter();
    let most = models.max_by_key(|(_, usage)| usage.count_at("/outputTokens").unwrap_or(0))?;
    Some(most.0)
}
