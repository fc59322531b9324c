//! What such a program has said.

use serde_json::{Map, Value};

use super::node::{Node, joined};
use crate::ending::Ending;

/// What a program has said, as far as it could be understood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The answer, or what there is of it.
    pub(super) text: Option<String>,
    /// What is in the place of the answer, and cannot be one.
    pub(super) odd: Option<String>,
    /// The error that it reports.
    pub(super) error: Option<String>,
    /// How the answer has ended.
    pub(super) end: End,
    /// When a limit of its subscription that is reached ends, in seconds since the epoch.
    pub(super) resets_at: Option<u64>,
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

/// How an answer has ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Not yet.
    #[default]
    Open,
    /// As it should.
    Whole,
    /// Otherwise, with this word.
    Other(Ending, String),
    /// It was broken off, for that reason.
    Stopped(String),
}

impl End {
    /// The end that a word says.
    pub(super) fn of(word: String) -> Self {
        match Ending::of(&word) {
            Ending::Whole => End::Whole,
            ending => End::Other(ending, word),
        }
    }
}

impl Said {
    /// Whether all is said, and well.
    pub(super) fn is_whole(&self) -> bool {
        let is_filled = |text: &String| !text.trim().is_empty();
        self.end == End::Whole
            && self.error.is_none()
            && self.odd.is_none()
            && self.text.as_ref().is_some_and(is_filled)
    }

    /// Whether nothing follows, be it well or not.
    pub(super) const fn is_over(&self) -> bool {
        matches!(
            self.end,
            End::Whole | End::Stopped(_) | End::Other(Ending::CutOff | Ending::Refused, _)
        )
    }

    /// Takes the answer from a value.
    pub(super) fn answer(&mut self, value: Option<Node<'_>>, what: &str) {
        let (text, odd) = match value {
            None => (None, None),
            Some(value) => match texts_of(value) {
                Some(texts) => (Some(joined(&texts)), None),
                None => (None, Some(format!("{what} is {}", value.kind()))),
            },
        };
        (self.text, self.odd) = (text, odd);
    }

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

/// A text, or the texts of a list of parts.
pub(super) fn texts_of(value: Node<'_>) -> Option<Vec<Node<'_>>> {
    let is_text = |value: &Node<'_>| value.0.starts_with('"');
    if !value.0.starts_with('[') {
        return is_text(&value).then(|| vec![value]);
    }
    let parts = value.elements().into_iter();
    parts.map(|part| part.at("/text").filter(is_text)).collect()
}

/// Adds a cost, if there is one; nothing costs less than nothing.
pub(super) fn add_cost(sum: &mut Option<f64>, cost: Option<f64>) {
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
pub(super) fn words(error: Node<'_>) -> String {
    [
        "/data/message",
        "/message",
        "/error/message",
        "/error/data/message",
        "/detail",
        "/msg",
        "/error",
        "/name",
        "/type",
    ]
    .iter()
    .find_map(|place| error.text_at(place))
    .or_else(|| error.text())
    .filter(|words| !words.trim().is_empty())
    .unwrap_or_else(|| error.0.to_owned())
}
