//! A JSON value as it was written: every digit of its numbers, its members in their order.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::tree::{self, Digits, Node};

/// Holds a JSON value that somebody has written, such as the default of an input.
///
/// Its [text](Literal::text) keeps every digit; its [value](Literal::value) is for looking at: there a number that is no
/// whole number of 64 bits is the nearest double. Two literals are equal when they are but for the order of members.
#[derive(Clone)]
pub struct Literal {
    value: Value,
    text: String,
}

impl Literal {
    /// Returns the value as a tree.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the value as compact JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes what stands at a node of a document, with the digits that are written there.
    pub(crate) fn at(node: &Node, digits: &Digits, value: Value) -> Self {
        let mut text = String::new();
        write_node(node, digits, &mut text);
        Literal { value, text }
    }

    /// Returns the value as compact JSON whose members are sorted, and whose exponents are written in one way.
    pub(crate) fn sorted(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        write_sorted(&self.text, &mut text);
        text
    }
}

impl From<Value> for Literal {
    fn from(value: Value) -> Self {
        let text = value.to_string();
        Literal { value, text }
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || self.sorted() == other.sorted()
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Writes a JSON text with the members of its objects sorted. What is no JSON is written as it is.
fn write_sorted(text: &str, out: &mut String) {
    if text.starts_with('{')
        && let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text)
    {
        for (index, (key, value)) in members.iter().enumerate() {
            out.push(if index == 0 { '{' } else { ',' });
            write_text(key, out);
            out.push(':');
            write_sorted(value.get(), out);
        }
        out.push_str(if members.is_empty() { "{}" } else { "}" });
    } else if text.starts_with('[')
        && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text)
    {
        for (index, item) in items.iter().enumerate() {
            out.push(if index == 0 { '[' } else { ',' });
            write_sorted(item.get(), out);
        }
        out.push_str(if items.is_empty() { "[]" } else { "]" });
    } else {
        write_scalar(text, out);
    }
}

/// Writes a scalar, an exponent in one way: `1E+05` and `1e5` are written the same.
fn write_scalar(text: &str, out: &mut String) {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    let parts = text.split_once(['e', 'E']).filter(|_| is_number);
    let Some((mantissa, exponent)) = parts else {
        return out.push_str(text);
    };
    let digits = exponent.trim_start_matches(['+', '-', '0']);
    out.push_str(mantissa);
    out.push('e');
    out.push_str(if exponent.starts_with('-') { "-" } else { "" });
    out.push_str(if digits.is_empty() { "0" } else { digits });
}

fn write_text(text: &str, out: &mut String) {
    // A text can always be written.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Writes what stands at a node as compact JSON, its numbers with the digits that are known for them.
fn write_node(node: &Node, digits: &Digits, out: &mut String) {
    match &node.value {
        tree::Value::Null | tree::Value::NotFinite(_) => out.push_str("null"),
        tree::Value::Boolean(true) => out.push_str("true"),
        tree::Value::Boolean(false) => out.push_str("false"),
        tree::Value::Number(number) => match digits.of(node.place) {
            Some(digits) => out.push_str(digits),
            None => out.push_str(&number.to_string()),
        },
        tree::Value::Text(text) => write_text(text, out),
        tree::Value::Sequence(nodes) => {
            out.push('[');
            for (index, node) in nodes.iter().enumerate() {
                separate(index, out);
                write_node(node, digits, out);
            }
            out.push(']');
        }
        tree::Value::Mapping(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                separate(index, out);
                write_text(&entry.key.text, out);
                out.push(':');
                write_node(&entry.value, digits, out);
            }
            out.push('}');
        }
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_equal_whatever_the_order_of_their_members() {
        let one = Literal::from(json!({"b": [1, {"d": 1, "c": 2}], "a": "x\"y"}));
        let other = Literal::from(json!({"a": "x\"y", "b": [1, {"c": 2, "d": 1}]}));
        assert_eq!(one, other);
        assert_eq!(one.sorted(), r#"{"a":"x\"y","b":[1,{"c":2,"d":1}]}"#);
        let exponents: Vec<String> = ["1E+05", "-1.0e-007", "1e0", "\"1E5\"", "1.10"]
            .map(|written| {
                let mut text = String::new();
                write_sorted(written, &mut text);
                text
            })
            .into();
        assert_eq!(exponents, ["1e5", "-1.0e-7", "1e0", "\"1E5\"", "1.10"]);
        for empty in [json!({}), json!([]), json!("")] {
            let literal = Literal::from(empty.clone());
            assert_eq!(literal.sorted(), empty.to_string());
        }
    }
}
