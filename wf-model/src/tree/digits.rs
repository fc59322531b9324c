//! The digits of numbers as they are written: a tree keeps what is no whole number of 64 bits as a double.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::locate::{Spots, Wanted};
use super::{Node, Value};

/// Holds the digits of the numbers that a tree keeps as doubles, by node.
#[derive(Debug, Default)]
pub(crate) struct Digits(HashMap<u32, String>);

impl Digits {
    /// Looks up the digits of all numbers below a node, with one look at the text.
    pub(crate) fn below(node: &Node, text: &str, find: impl Fn(&Wanted) -> Spots) -> Self {
        let mut doubles = Vec::new();
        gather(node, &mut doubles);
        if doubles.is_empty() {
            return Digits::default();
        }
        let mut wanted = Wanted::default();
        doubles.iter().for_each(|double| wanted.text(*double));
        let found = find(&wanted).into_iter().filter_map(|(node, spot)| {
            let written = match &spot.text {
                Some((_, scalar)) => scalar.as_str(),
                None => text.get(spot.at)?,
            };
            is_number(written).then(|| (node, written.to_owned()))
        });
        Digits(found.collect())
    }

    /// Returns the digits of the number at a node, if they are how JSON writes a number.
    pub(crate) fn of(&self, node: u32) -> Option<&str> {
        self.0.get(&node).map(String::as_str)
    }
}

fn gather(node: &Node, doubles: &mut Vec<u32>) {
    match &node.value {
        Value::Number(number) if number.is_f64() => doubles.push(node.place),
        Value::Sequence(nodes) => nodes.iter().for_each(|node| gather(node, doubles)),
        Value::Mapping(entries) => entries
            .iter()
            .for_each(|entry| gather(&entry.value, doubles)),
        _ => {}
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && serde_json::from_str::<&RawValue>(text).is_ok()
}
