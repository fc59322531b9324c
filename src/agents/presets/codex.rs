//! Codex CLI: one event on each line.

use std::borrow::Cow;

use serde_json::Value;

use super::said::{Said, add, count, objects, text, words};

pub(super) fn read(output: &str) -> Option<Said> {
    let mut said = Said::default();
    let mut is_known = false;
    let mut is_complete = false;
    for event in objects(output) {
        let Some(kind) = text(&event, "/type") else {
            continue;
        };
        is_known = true;
        match kind {
            "thread.started" => said.session = text(&event, "/thread_id").map(str::to_owned),
            // The last message is the answer; those before it tell what is being done.
            "item.completed" if is_message(&event) => {
                said.text = text(&event, "/item/text").map(str::to_owned);
            }
            "turn.started" => is_complete = false,
            "turn.completed" => {
                is_complete = true;
                add(&mut said.input, count(&event, "/usage/input_tokens"));
                add(
                    &mut said.cached,
                    count(&event, "/usage/cached_input_tokens"),
                );
                add(&mut said.output, count(&event, "/usage/output_tokens"));
                said.error = None;
            }
            "turn.failed" => said.error = event.pointer("/error").map(words),
            // Also told while it tries again: it counts unless the turn is completed after all.
            "error" => said.error = Some(words(&event)),
            _ => {}
        }
    }
    said.is_cut = !is_complete;
    is_known.then_some(said)
}

/// What the model says and does.
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event: Value = serde_json::from_str(line).ok()?;
    match (text(&event, "/type")?, text(&event, "/item/type")) {
        ("item.completed", Some("agent_message" | "assistant_message" | "reasoning")) => {
            text(&event, "/item/text").map(|text| text.to_owned().into())
        }
        ("item.started", Some("command_execution")) => {
            text(&event, "/item/command").map(|command| format!("$ {command}").into())
        }
        ("error", _) => Some(words(&event).into()),
        _ => None,
    }
}

fn is_message(event: &Value) -> bool {
    // The second is what early versions called it.
    matches!(
        text(event, "/item/type").or(text(event, "/item/item_type")),
        Some("agent_message" | "assistant_message")
    )
}
