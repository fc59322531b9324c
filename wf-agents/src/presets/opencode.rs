//! OpenCode: one event on each line.

use std::borrow::Cow;

use super::node::{Node, joined};
use super::said::{End, Said, add, add_cost, texts_of, words};
use super::values::objects;

pub(super) fn read(output: &str) -> Option<Said> {
    let mut said = Said::default();
    let mut is_known = false;
    // What is said in the step that is not finished yet.
    let mut parts = Vec::new();
    for event in objects(output) {
        let Some(kind) = event.text_at("/type") else {
            continue;
        };
        match kind.as_str() {
            "step_start" => said.end = End::Open,
            "text" => parts.extend(event.at("/part/text")),
            "tool_use" => {
                // What it said until then was not the answer yet.
                parts.clear();
                if said.end != End::Whole {
                    (said.text, said.odd) = (None, None);
                }
            }
            "step_finish" => finish(&mut said, event, std::mem::take(&mut parts)),
            // What comes after the end does not undo it.
            "error" if said.end != End::Whole => {
                said.error = Some(words(event.at("/error").unwrap_or(event)));
            }
            "error" => {}
            _ => continue,
        }
        is_known = true;
        if let Some(session) = event.text_at("/sessionID") {
            said.session = Some(session);
        }
    }
    is_known.then_some(said)
}

/// Takes the end of a step, in which these parts were said.
fn finish(said: &mut Said, event: Node<'_>, parts: Vec<Node<'_>>) {
    for place in ["/input", "/cache/read", "/cache/write"] {
        let place = format!("/part/tokens{place}");
        add(&mut said.input, event.count_at(&place));
    }
    add(&mut said.cached, event.count_at("/part/tokens/cache/read"));
    add(&mut said.output, event.count_at("/part/tokens/output"));
    add(&mut said.output, event.count_at("/part/tokens/reasoning"));
    add_cost(&mut said.cost, event.amount_at("/part/cost"));
    let word = event.at("/part/reason");
    said.end = word.map_or(End::Whole, |word| {
        End::of(word.text().unwrap_or_else(|| word.0.to_owned()))
    });
    if said.end != End::Whole {
        (said.text, said.odd) = (None, None);
        return;
    }
    said.error = None;
    if parts.is_empty() {
        return;
    }
    let odd = parts.iter().find(|part| texts_of(**part).is_none());
    said.odd = odd.map(|part| format!("the `text` of a part is {}", part.kind()));
    let texts = parts.into_iter().filter_map(texts_of);
    let texts: Vec<String> = texts.map(|texts| joined(&texts)).collect();
    said.text = Some(texts.join("\n"));
}

/// What the model says, and the tools that it uses.
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event = Node(line);
    match event.text_at("/type")?.as_str() {
        "text" => event.text_at("/part/text").map(Cow::Owned),
        "tool_use" => event
            .text_at("/part/tool")
            .map(|tool| format!("[{tool}]").into()),
        "error" => event.at("/error").map(|error| words(error).into()),
        _ => None,
    }
}
