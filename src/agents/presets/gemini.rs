//! Gemini CLI: one object, or with `--output-format stream-json` one event on each line.

use std::borrow::Cow;

use serde_json::Value;

use super::said::{Said, add, count, objects, text, words};

pub(super) fn read(output: &str) -> Option<Said> {
    let objects: Vec<Value> = objects(output).collect();
    let wholes = objects
        .iter()
        .rev()
        .filter(|value| value.get("type").is_none());
    wholes
        .filter_map(read_whole)
        .next()
        .or_else(|| read_events(&objects))
}

/// What the model says, when it comes in events.
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event: Value = serde_json::from_str(line).ok()?;
    match (text(&event, "/type")?, text(&event, "/role")) {
        ("message", Some("assistant")) => {
            text(&event, "/content").map(|text| text.to_owned().into())
        }
        ("tool_use", _) => text(&event, "/tool_name").map(|name| format!("[{name}]").into()),
        _ => None,
    }
}

fn read_whole(whole: &Value) -> Option<Said> {
    let mut said = Said {
        text: text(whole, "/response").map(str::to_owned),
        session: text(whole, "/session_id").map(str::to_owned),
        error: whole
            .get("error")
            .filter(|error| !error.is_null())
            .map(words),
        ..Said::default()
    };
    if said.text.is_none() && said.error.is_none() {
        return None;
    }
    let models = whole.pointer("/stats/models").and_then(Value::as_object);
    let mut most = 0;
    for (name, model) in models.into_iter().flatten() {
        add(&mut said.input, count(model, "/tokens/prompt"));
        add(&mut said.cached, count(model, "/tokens/cached"));
        let written = count(model, "/tokens/candidates");
        add(&mut said.output, written);
        add(&mut said.output, count(model, "/tokens/thoughts"));
        if said.model.is_none() || written.unwrap_or(0) > most {
            most = written.unwrap_or(0);
            said.model = Some(name.clone());
        }
    }
    Some(said)
}

fn read_events(events: &[Value]) -> Option<Said> {
    let mut said = Said {
        is_cut: true,
        ..Said::default()
    };
    let mut is_known = false;
    for event in events {
        match text(event, "/type") {
            Some("init") => {
                is_known = true;
                said.model = text(event, "/model").map(str::to_owned);
                said.session = text(event, "/session_id").map(str::to_owned);
            }
            Some("message") if text(event, "/role") == Some("assistant") => {
                is_known = true;
                let piece = text(event, "/content").unwrap_or_default();
                said.text.get_or_insert_default().push_str(piece);
            }
            // What it said until then was not the answer yet.
            Some("tool_use") => said.text = None,
            Some("result") => {
                is_known = true;
                said.is_cut = false;
                said.input = count(event, "/stats/input_tokens");
                said.output = count(event, "/stats/output_tokens");
                said.cached = count(event, "/stats/cached");
                if text(event, "/status") == Some("error") {
                    said.error = event.get("error").map(words);
                }
            }
            _ => {}
        }
    }
    is_known.then_some(said)
}
