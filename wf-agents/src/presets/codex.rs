//! Codex CLI: one event on each line.

use std::borrow::Cow;

use super::node::Node;
use super::said::{End, Said, add, words};
use super::values::objects;

/// What the answer is called in a message.
const MESSAGE: &str = "the `text` of its last message";

pub(super) fn read(output: &str) -> Option<Said> {
    let mut said = Said::default();
    let mut is_known = false;
    // What was used in threads before this one, and in this one so far.
    let mut before = Counts::default();
    let mut thread = Counts::default();
    // A message after the end of a turn: it counts once another turn has ended.
    let mut next = None;
    for event in objects(output) {
        let Some(kind) = event.text_at("/type") else {
            continue;
        };
        is_known |= kind == "error"
            || ["thread.", "turn.", "item."]
                .iter()
                .any(|of| kind.starts_with(of));
        match kind.as_str() {
            "thread.started" => {
                let session = event.text_at("/thread_id");
                if said.session != session {
                    before.add(std::mem::take(&mut thread));
                    said.session = session;
                }
            }
            "turn.started" => said.end = End::Open,
            // Also while it reports what comes of it: the turn is what counts.
            "turn.completed" => {
                thread.rise(event);
                if let Some(message) = next.take() {
                    said.answer(message, MESSAGE);
                }
                (said.end, said.error) = (End::Whole, None);
            }
            "item.completed" if said.end == End::Whole && is_message(event) => {
                next = Some(event.at("/item/text"));
            }
            // What else comes after the end of a turn belongs to none.
            _ if said.end == End::Whole => {}
            // The last message is the answer; those before it tell what is being done.
            "item.completed" if is_message(event) => {
                said.answer(event.at("/item/text"), MESSAGE);
            }
            "turn.failed" => {
                thread.rise(event);
                said.end = End::Whole;
                said.error = event.at("/error").or(Some(event)).map(words);
            }
            // Also told while it tries again: it counts unless the turn is completed after all.
            "error" => said.error = Some(words(event)),
            _ => {}
        }
    }
    before.add(thread);
    (said.input, said.cached, said.output) = (before.input, before.cached, before.output);
    is_known.then_some(said)
}

/// What the model says and does.
pub(super) fn meaning(line: &str) -> Option<Cow<'_, str>> {
    let event = Node(line);
    let item = event.text_at("/item/type").unwrap_or_default();
    match (event.text_at("/type")?.as_str(), item.as_str()) {
        ("item.completed", "agent_message" | "assistant_message" | "reasoning") => {
            event.text_at("/item/text").map(Cow::Owned)
        }
        ("item.started", "command_execution") => event
            .text_at("/item/command")
            .map(|command| format!("$ {command}").into()),
        ("error", _) => Some(words(event).into()),
        _ => None,
    }
}

fn is_message(event: Node<'_>) -> bool {
    // The second is what early versions called it.
    let kind = event
        .text_at("/item/type")
        .or_else(|| event.text_at("/item/item_type"));
    matches!(kind.as_deref(), Some("agent_message" | "assistant_message"))
}

/// Tokens of threads.
#[derive(Default)]
struct Counts {
    input: Option<u64>,
    cached: Option<u64>,
    output: Option<u64>,
}

impl Counts {
    /// Takes what a turn reports, which is the total of its thread so far.
    fn rise(&mut self, event: Node<'_>) {
        self.input = self.input.max(event.count_at("/usage/input_tokens"));
        self.cached = self
            .cached
            .max(event.count_at("/usage/cached_input_tokens"));
        self.output = self.output.max(event.count_at("/usage/output_tokens"));
    }

    fn add(&mut self, other: Counts) {
        add(&mut self.input, other.input);
        add(&mut self.cached, other.cached);
        add(&mut self.output, other.output);
    }
}
