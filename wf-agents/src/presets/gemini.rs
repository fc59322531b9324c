//! Gemini CLI: one object, or with `--output-format stream-json` one event on each line.

use std::borrow::Cow;

use super::node::{Node, joined};
use super::said::{End, Said, add, texts_of, words};
use super::values::objects;
use crate::ending::Ending;

/// The types of its events.
const TYPES: [&str; 6] = [
    "init",
    "message",
    "tool_use",
    "tool_result",
    "error",
    "result",
];

pub(super) fn read(output: &str) -> Option<Said> {
    let objects = objects(output);
    let wholes = objects.iter().filter(|value| !value.has("type"));
    let wholes = wholes.filter_map(|value| read_whole(*value));
    // What a hook prints beside the answer does not hide it.
    let rank = |said: &Said| match said {
        said if said.is_whole() => 2,
        said => u8::from(said.text.is_some() || said.odd.is_some() || said.input.is_some()),
    };
    wholes.chain(read_events(&objects)).max_by_key(rank)
}

/// What the model says, when it comes in events.
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event = Node(line);
    let role = event.text_at("/role").unwrap_or_default();
    match (event.text_at("/type")?.as_str(), role.as_str()) {
        ("message", "assistant") => event.text_at("/content").map(Cow::Owned),
        ("tool_use", _) => event
            .text_at("/tool_name")
            .map(|name| format!("[{name}]").into()),
        _ => None,
    }
}

fn read_whole(whole: Node<'_>) -> Option<Said> {
    let names = ["response", "stats", "error"];
    if !names.iter().any(|name| whole.has(name)) {
        return None;
    }
    let mut said = Said {
        session: whole.text_at("/session_id"),
        error: whole.at("/error").map(words),
        end: End::Whole,
        ..Said::default()
    };
    said.answer(whole.at("/response"), "its `response`");
    let warnings = whole
        .at("/warnings")
        .map(Node::elements)
        .unwrap_or_default();
    let mut warnings = warnings.into_iter().map(words);
    if let Some(warning) = warnings.find(|words| is_stop(words)) {
        said.end = End::Stopped(warning);
    }
    let models = whole
        .at("/stats/models")
        .map(Node::members)
        .unwrap_or_default();
    let mut most = 0;
    for (name, model) in models {
        add(&mut said.input, model.count_at("/tokens/prompt"));
        add(&mut said.cached, model.count_at("/tokens/cached"));
        let written = model.count_at("/tokens/candidates");
        add(&mut said.output, written);
        add(&mut said.output, model.count_at("/tokens/thoughts"));
        if said.model.is_none() || written.unwrap_or(0) > most {
            most = written.unwrap_or(0);
            said.model = Some(name);
        }
    }
    Some(said)
}

fn read_events(events: &[Node<'_>]) -> Option<Said> {
    let mut said = Said::default();
    let mut pieces = Vec::new();
    let mut stopped = None;
    let mut is_known = false;
    for event in events {
        let kind = event.text_at("/type").unwrap_or_default();
        is_known |= TYPES.contains(&kind.as_str());
        match kind.as_str() {
            "init" => {
                said.model = event.text_at("/model");
                said.session = event.text_at("/session_id");
            }
            "message" if event.text_at("/role").as_deref() == Some("assistant") => {
                let Some(content) = event.at("/content") else {
                    continue;
                };
                match texts_of(content) {
                    Some(texts) => pieces.extend(texts),
                    None => {
                        let kind = content.kind();
                        said.odd = Some(format!("the `content` of a message is {kind}"));
                    }
                }
            }
            // What it said until then was not the answer yet.
            "tool_use" => pieces.clear(),
            "error" => {
                let words = words(*event);
                let is_warning = event.text_at("/severity").as_deref() == Some("warning");
                if is_stop(&words) {
                    stopped = Some(words);
                } else if !is_warning {
                    said.error = Some(words);
                }
            }
            "result" => {
                said.input = event.count_at("/stats/input_tokens");
                said.output = event.count_at("/stats/output_tokens");
                said.cached = event.count_at("/stats/cached");
                said.end = match event.text_at("/status").as_deref() {
                    None | Some("success") => stopped.map_or(End::Whole, End::Stopped),
                    Some("error") => {
                        said.error = event.at("/error").map(words).or(said.error);
                        let status = || "the status `error`".to_owned();
                        said.error.get_or_insert_with(status);
                        End::Whole
                    }
                    Some(status) => End::Other(Ending::Unknown, status.to_owned()),
                };
                // What comes after it does not undo it.
                break;
            }
            _ => {}
        }
    }
    if !pieces.is_empty() {
        said.text = Some(joined(&pieces));
    }
    is_known.then_some(said)
}

/// Whether a warning says that the program has stopped the model.
fn is_stop(words: &str) -> bool {
    let words = words.to_lowercase();
    [
        "loop detected",
        "session turns exceeded",
        "execution stopped",
    ]
    .iter()
    .any(|stop| words.contains(stop))
}
