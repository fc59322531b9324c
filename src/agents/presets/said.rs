//! What such a program has said.

use serde_json::{Deserializer, Map, Value};

/// What a program has said, as far as it could be understood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The answer.
    pub(super) text: Option<String>,
    /// The error that it reports.
    pub(super) error: Option<String>,
    /// It ended in the midst: what it said is not the answer yet.
    pub(super) is_cut: bool,
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
        if let Some(cost) = self.cost.filter(|cost| cost.is_finite()) {
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

/// The JSON objects and lists, of which each begins a line and may end anywhere; whatever is around them is passed over.
pub(super) fn values(output: &str) -> impl Iterator<Item = Value> {
    let mut rest = output;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let text = rest
                .trim_start_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
            if text.starts_with(['{', '[']) {
                let mut found = Deserializer::from_str(text).into_iter::<Value>();
                if let Some(Ok(value)) = found.next() {
                    rest = text.get(found.byte_offset()..).unwrap_or_default();
                    return Some(value);
                }
            }
            rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        }
        None
    })
}

/// The JSON objects among them.
pub(super) fn objects(output: &str) -> impl Iterator<Item = Value> {
    values(output).filter(Value::is_object)
}

/// A text in a value.
pub(super) fn text<'a>(value: &'a Value, place: &str) -> Option<&'a str> {
    value.pointer(place)?.as_str()
}

/// A count in a value.
pub(super) fn count(value: &Value, place: &str) -> Option<u64> {
    value.pointer(place)?.as_u64()
}

/// Adds a cost, if there is one; nothing costs less than nothing.
pub(super) fn add_cost(sum: &mut Option<f64>, value: &Value, place: &str) {
    let cost = value.pointer(place).and_then(Value::as_f64);
    if let Some(cost) = cost.filter(|cost| *cost >= 0.0) {
        *sum = Some(sum.unwrap_or(0.0) + cost);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(output: &str) -> Vec<String> {
        values(output).map(|value| value.to_string()).collect()
    }

    #[test]
    fn values_are_found_wherever_a_line_begins_with_them() {
        assert_eq!(
            found(
                "\u{feff}{\"a\":\n  [1,\n2]}\nnote {\"b\": 1}\n[INFO] x\n  {\"c\":1} {\"d\":1} end\n[2]\n"
            ),
            [r#"{"a":[1,2]}"#, r#"{"c":1}"#, r#"{"d":1}"#, "[2]"]
        );
        assert_eq!(found("{\n{\"a\":1}\r\n{\"b\""), [r#"{"a":1}"#]);
        assert!(found("").is_empty() && found("\n \n").is_empty());
    }

    #[test]
    fn a_long_output_of_beginnings_takes_no_longer_than_its_length() {
        let deep = "{\"a\":[\n".repeat(4_000);
        assert!(found(&deep).is_empty());
    }
}
