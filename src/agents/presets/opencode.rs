//! OpenCode: one event on each line.

use std::borrow::Cow;

use serde_json::Value;

use super::said::{Said, add, add_cost, count, objects, text, words};

pub(super) fn read(output: &str) -> Option<Said> {
    let mut said = Said::default();
    let mut is_known = false;
    let mut parts: Vec<String> = Vec::new();
    for event in objects(output) {
        let Some(kind) = text(&event, "/type") else {
            continue;
        };
        is_known = true;
        if let Some(session) = text(&event, "/sessionID") {
            said.session = Some(session.to_owned());
        }
        match kind {
            "text" => parts.extend(text(&event, "/part/text").map(str::to_owned)),
            // What it said until then was not the answer yet.
            "tool_use" => parts.clear(),
            "step_finish" => {
                for place in ["/input", "/cache/read", "/cache/write"] {
                    let place = format!("/part/tokens{place}");
                    add(&mut said.input, count(&event, &place));
                }
                add(&mut said.cached, count(&event, "/part/tokens/cache/read"));
                add(&mut said.output, count(&event, "/part/tokens/output"));
                add(&mut said.output, count(&event, "/part/tokens/reasoning"));
                add_cost(&mut said.cost, &event, "/part/cost");
            }
            "error" => said.error = event.get("error").map(words),
            _ => {}
        }
    }
    if !parts.is_empty() {
        said.text = Some(parts.join("\n"));
    }
    is_known.then_some(said)
}

/// What the model says, and the tools that it uses.
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event: Value = serde_json::from_str(line).ok()?;
    match text(&event, "/type")? {
        "text" => text(&event, "/part/text").map(|text| text.to_owned().into()),
        "tool_use" => text(&event, "/part/tool").map(|tool| format!("[{tool}]").into()),
        "error" => event.get("error").map(|error| words(error).into()),
        _ => None,
    }
}
