//! A document of YAML or JSON as a tree of values, each with its place.
//!
//! [`Source::parse`](crate::Source::parse) makes the tree, a [`Reader`] takes it apart and gathers what is
//! wrong, and [`Source::report`](crate::Source::report) says where that stands. A place is the number of the
//! node, counted in the order of the text, keys included; what an alias of YAML repeats has the numbers of what is
//! written. Lines and columns are looked up only when there is something to report.

mod digits;
mod json;
mod keys;
mod locate;
mod reader;
mod syntax;
mod yaml;

use std::sync::Arc;

use serde_json::Number;

pub use self::reader::Reader;

pub(crate) use self::digits::Digits;
pub(crate) use self::locate::{Spot, Spots, Wanted};
pub(crate) use self::syntax::Syntax;

pub(crate) mod text {
    //! The ways in and out: texts of YAML and of JSON.
    pub(crate) use super::json::{find as find_in_json, parse as parse_json};
    pub(crate) use super::yaml::{find as find_in_yaml, parse as parse_yaml, write as write_yaml};
}

/// The most levels that sequences and mappings may nest.
pub const MOST_LEVELS: usize = 100;

/// Holds a value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The node's number.
    pub place: u32,
    /// What stands there.
    pub value: Value,
}

/// Holds what stands at a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A number that JSON has no way to write: YAML's `.inf` and `.nan`.
    NotFinite(f64),
    /// Text.
    Text(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and their values, in the order of the text; a key may stand there twice.
    Mapping(Vec<Entry>),
}

impl Value {
    /// Returns what kind of value this is, as a message would put it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "empty",
            Value::Boolean(_) => "a boolean",
            Value::Number(_) | Value::NotFinite(_) => "a number",
            Value::Text(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// Holds one entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// Holds the key of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The node's number.
    pub place: u32,
    /// The key itself; the same keys again, as in a list of steps, share it.
    pub text: Arc<str>,
}
