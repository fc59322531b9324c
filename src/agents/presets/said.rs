//! What such a program has said.

use serde_json::{Map, Value};

/// What a program has said, as far as it could be understood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The answer.
    pub(super) text: Option<String>,
    /// The error that it reports.
    pub(super) error: Option<String>,
    /// Tokens of prompts, with those from a cache.
    pub(super) input: Option<u64>,
    /// Tokens of prompts that came from a cache.
    pub(super) cached: Option<u64>,
    /// Tokens of answers, with those of thoughts.
    pub(super) output: Option<u64>,
    /// In US dollars.
    pub(super) cost: Option<f64>,
    pub(super) model: Option<String>,
    pub(super) session: Option<String>,
}

impl Said {
    /// What the attempt has used.
    pub(super) fn usage(&self, model: Option<&str>) -> Value {
        let mut usage = Map::new();
        let total = self
            .input
            .zip(self.output)
            .map(|(input, output)| input.saturating_add(output));
        for (name, count) in [
            ("input_tokens", self.input),
            ("output_tokens", self.output),
            ("total_tokens", total),
            ("cached_input_tokens", self.cached),
        ] {
            if let Some(count) = count {
                usage.insert(name.into(), count.into());
            }
        }
        if let Some(cost) = self.cost {
            usage.insert("cost".into(), cost.into());
        }
        for (name, text) in [
            ("model", self.model.as_deref().or(model)),
            ("session", self.session.as_deref()),
        ] {
            if let Some(text) = text {
                usage.insert(name.into(), text.into());
            }
        }
        Value::Object(usage)
    }
}

/// The lines that are JSON objects.
pub(super) fn objects(output: &str) -> impl Iterator<Item = Value> {
    output
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('{'))
        .filter_map(|line| serde_json::from_str(line).ok())
}

/// A text in a value.
pub(super) fn text<'a>(value: &'a Value, place: &str) -> Option<&'a str> {
    value.pointer(place)?.as_str()
}

/// A count in a value.
pub(super) fn count(value: &Value, place: &str) -> Option<u64> {
    value.pointer(place)?.as_u64()
}

/// Adds a count, if there is one.
pub(super) fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

/// An error's words: a text, or a message somewhere in an object.
pub(super) fn words(error: &Value) -> String {
    [
        "/data/message",
        "/message",
        "/error/message",
        "/name",
        "/type",
    ]
    .iter()
    .find_map(|place| text(error, place))
    .or(error.as_str())
    .map_or_else(|| error.to_string(), str::to_owned)
}
