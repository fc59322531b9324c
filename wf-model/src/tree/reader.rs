//! Taking a tree apart, with everything that is wrong gathered on the way.

mod keys;

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Number;

use crate::duration::{DurationError, bounded, parse_duration};
use crate::problem::{Problem, Problems, listed, quoted};
use crate::source::{SchemaCheck, Source};
use crate::suggest::Suggestions;

use super::{Digits, Entry, Node, Value};

/// Turns nodes into the values that are expected, and gathers a problem for each that is something else.
///
/// Every method takes the name of what it reads, for the message, and gives nothing after a problem.
#[derive(Debug, Default)]
pub struct Reader {
    problems: Problems<u32>,
    suggestions: Suggestions,
    schema_check: Option<SchemaCheck>,
    /// The text that the tree was made of.
    source: Option<Source>,
}

impl Reader {
    pub(crate) fn new(problems: Vec<Problem<u32>>) -> Self {
        let mut reader = Reader::default();
        problems
            .into_iter()
            .for_each(|problem| reader.report(problem));
        reader
    }

    /// Sets the text that the tree was made of, and the check that what is given as a JSON Schema must pass.
    pub(crate) fn of_source(mut self, source: &Source) -> Self {
        self.schema_check = source.schema_check();
        self.source = Some(source.clone());
        self
    }

    /// Returns the digits of the numbers below a node as they are written.
    pub(crate) fn digits(&self, node: &Node) -> Digits {
        match &self.source {
            Some(source) => Digits::below(node, source.text(), |wanted| source.find(wanted)),
            None => Digits::default(),
        }
    }

    /// Says what is wrong with a JSON Schema, as far as anybody here can tell.
    pub(crate) fn schema_fault(&self, schema: &serde_json::Value) -> Option<String> {
        self.schema_check.and_then(|check| check(schema).err())
    }

    /// Adds a problem of the caller's own.
    pub fn report(&mut self, problem: Problem<u32>) {
        self.problems.push(problem);
    }

    /// Tells whether a problem that is an error was gathered.
    pub fn has_errors(&self) -> bool {
        self.problems.has_errors()
    }

    /// Returns what was gathered.
    pub fn into_problems(self) -> Vec<Problem<u32>> {
        self.problems.into_vec()
    }

    pub(crate) fn problems(&mut self) -> &mut Problems<u32> {
        &mut self.problems
    }

    /// Reads a mapping; of a key that stands there twice, the first is kept.
    pub fn mapping(&mut self, name: &str, node: Node) -> Option<Vec<Entry>> {
        match node.value {
            Value::Mapping(mut entries) => {
                self.remove_duplicates(&mut entries);
                Some(entries)
            }
            value => self.wrong(name, node.place, &value, "a mapping", ""),
        }
    }

    /// Reads a list.
    pub fn sequence(&mut self, name: &str, node: Node) -> Option<Vec<Node>> {
        match node.value {
            Value::Sequence(nodes) => Some(nodes),
            value => self.wrong(
                name,
                node.place,
                &value,
                "a list",
                "write it as `[a, b]`, or one `- a` on each line",
            ),
        }
    }

    /// Reads text.
    pub fn text(&mut self, name: &str, node: Node) -> Option<String> {
        match node.value {
            Value::Text(text) => Some(text),
            value => {
                let help = match value {
                    Value::Null => {
                        "write the text, in quotes if it may be mistaken for something else"
                    }
                    Value::Sequence(_) | Value::Mapping(_) => {
                        "if it is meant as text, put the whole text in quotes"
                    }
                    _ => "put it in quotes",
                };
                self.wrong(name, node.place, &value, "a string", help)
            }
        }
    }

    /// Reads a list of texts: where each stands, and the texts; nothing if one of them is something else.
    pub fn texts(&mut self, name: &str, node: Node) -> Option<(Vec<u32>, Vec<String>)> {
        let nodes = self.sequence(name, node)?;
        let mut are_texts = true;
        for node in &nodes {
            if !matches!(node.value, Value::Text(_)) {
                are_texts = false;
                let message = format!(
                    "an entry of {} is {}, but must be a string",
                    quoted(name),
                    node.value.kind()
                );
                self.report(Problem::error(node.place, message).help("put it in quotes"));
            }
        }
        are_texts.then(|| {
            let places = nodes.iter().map(|node| node.place).collect();
            // Not collected, which would keep the room of the nodes.
            let mut texts = Vec::with_capacity(nodes.len());
            texts.extend(nodes.into_iter().filter_map(|node| match node.value {
                Value::Text(text) => Some(text),
                _ => None,
            }));
            (places, texts)
        })
    }

    /// Reads `true` or `false`.
    pub fn boolean(&mut self, name: &str, node: Node) -> Option<bool> {
        match node.value {
            Value::Boolean(boolean) => Some(boolean),
            value => self.wrong(
                name,
                node.place,
                &value,
                "`true` or `false`",
                "write `true` or `false`, without quotes",
            ),
        }
    }

    /// Reads a finite number.
    pub fn number(&mut self, name: &str, node: Node) -> Option<f64> {
        match node.value {
            Value::Number(number) => number.as_f64(),
            Value::NotFinite(_) => {
                let message = format!("{} is not finite", quoted(name));
                self.report(Problem::error(node.place, message).help("write an ordinary number"));
                None
            }
            value => self.wrong(
                name,
                node.place,
                &value,
                "a number",
                "write a number, without quotes",
            ),
        }
    }

    /// Reads a whole number in a range.
    pub fn whole(&mut self, name: &str, node: Node, range: RangeInclusive<u64>) -> Option<u64> {
        match &node.value {
            Value::Number(number) => {
                let whole = whole(number).filter(|whole| range.contains(whole));
                if whole.is_none() {
                    let (least, most) = (range.start(), range.end());
                    let message = format!(
                        "{} is {number}, but must be a whole number of at least {least}",
                        quoted(name)
                    );
                    self.report(
                        Problem::error(node.place, message)
                            .help(format!("write a number from {least} to {most}")),
                    );
                }
                whole
            }
            value => self.wrong(
                name,
                node.place,
                value,
                "a whole number",
                "write a number, without quotes",
            ),
        }
    }

    /// Reads a duration: text such as `10s`, or a number of milliseconds.
    pub fn duration(&mut self, name: &str, node: Node) -> Option<Duration> {
        let duration = match &node.value {
            Value::Text(text) => parse_duration(text),
            Value::Number(number) => milliseconds(number),
            Value::NotFinite(_) => Err(DurationError::Malformed),
            value => {
                return self.wrong(
                    name,
                    node.place,
                    value,
                    "a duration",
                    DurationError::Malformed.help(),
                );
            }
        };
        duration
            .map_err(|error| {
                let written = match &node.value {
                    Value::Text(text) => quoted(text),
                    Value::Number(number) => quoted(&number.to_string()),
                    _ => "`.inf`".to_owned(),
                };
                let message = match error {
                    DurationError::Malformed => {
                        format!("{} is {written}, which is not a duration", quoted(name))
                    }
                    DurationError::Negative => {
                        format!("{} is {written}, which is negative", quoted(name))
                    }
                    DurationError::TooLong => {
                        format!("{} is {written}, which is too long", quoted(name))
                    }
                };
                self.report(Problem::error(node.place, message).help(error.help()));
            })
            .ok()
    }

    /// Reads a duration that is not zero.
    pub fn timeout(&mut self, name: &str, node: Node) -> Option<Duration> {
        let place = node.place;
        let duration = self.duration(name, node)?;
        if duration.is_zero() {
            let message = format!("{} is zero, so nothing could ever finish", quoted(name));
            self.report(
                Problem::error(place, message)
                    .help("write a longer time, or leave it out for no limit"),
            );
            return None;
        }
        Some(duration)
    }

    /// Reads one of a few words.
    pub fn choice<T>(
        &mut self,
        name: &str,
        node: Node,
        words: &[&str],
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let place = node.place;
        let word = self.text(name, node)?;
        let choice = parse(&word);
        if choice.is_none() {
            let mut message = format!(
                "{} is {}, which is none of its values",
                quoted(name),
                quoted(&word)
            );
            if let Some(meant) = self.suggestions.nearest(&word, words.iter().copied()) {
                message.push_str(&format!("; did you mean {}?", quoted(meant)));
            }
            self.report(
                Problem::error(place, message)
                    .help(format!("write one of {}", listed(words.iter().copied()))),
            );
        }
        choice
    }

    /// Reads any value that JSON can hold.
    pub fn json(&mut self, name: &str, node: Node) -> Option<serde_json::Value> {
        Some(match node.value {
            Value::Null => serde_json::Value::Null,
            Value::Boolean(boolean) => boolean.into(),
            Value::Number(number) => number.into(),
            Value::Text(text) => text.into(),
            Value::NotFinite(_) => {
                let message = format!("{} holds a number that is not finite", quoted(name));
                self.report(
                    Problem::error(node.place, message).help("write an ordinary number, or text"),
                );
                return None;
            }
            Value::Sequence(nodes) => {
                let count = nodes.len();
                let values: Vec<_> = nodes
                    .into_iter()
                    .filter_map(|node| self.json(name, node))
                    .collect();
                (values.len() == count).then_some(values)?.into()
            }
            Value::Mapping(mut entries) => {
                self.remove_duplicates(&mut entries);
                let count = entries.len();
                let values = entries.into_iter();
                let values: serde_json::Map<_, _> = values
                    .filter_map(|entry| {
                        Some((entry.key.text.to_string(), self.json(name, entry.value)?))
                    })
                    .collect();
                (values.len() == count).then_some(values)?.into()
            }
        })
    }

    fn wrong<T>(
        &mut self,
        name: &str,
        place: u32,
        value: &Value,
        wanted: &str,
        help: &str,
    ) -> Option<T> {
        let message = format!("{} is {}, but must be {wanted}", quoted(name), value.kind());
        let problem = Problem::error(place, message);
        self.report(if help.is_empty() {
            problem
        } else {
            problem.help(help)
        });
        None
    }
}

/// Returns a number as a whole one, if it is: `8.0` is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn whole(number: &Number) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || {
        number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && (0.0..=EXACT).contains(float))
    };
    number
        .as_u64()
        .or_else(|| float().map(|float| float as u64))
}

fn milliseconds(number: &Number) -> Result<Duration, DurationError> {
    match (whole(number), number.as_f64()) {
        (Some(time), _) => bounded(time),
        (None, Some(float)) if float < 0.0 => Err(DurationError::Negative),
        (None, Some(float)) if float.fract() == 0.0 => Err(DurationError::TooLong),
        _ => Err(DurationError::Malformed),
    }
}
