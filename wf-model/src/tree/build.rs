//! From serde's events to the tree.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::Number;

use crate::problem::{Problem, quoted};

use super::{Entry, Key, MOST_LEVELS, Node, Value};

/// A document that is no tree: what is wrong and where in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Syntax {
    pub(crate) fn new(at: Range<usize>, message: impl Into<String>, help: &str) -> Self {
        Syntax {
            at,
            message: message.into(),
            help: (!help.is_empty()).then(|| help.to_owned()),
        }
    }
}

/// What makes a tree impossible although every event is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// More levels than [`MOST_LEVELS`], at this node.
    Levels(u32),
    /// More nodes or text than the document's length allows: aliases that multiply.
    Size(u32),
}

/// What is said of a document of more levels.
pub(super) fn too_deep() -> String {
    format!("the document nests deeper than {MOST_LEVELS} levels")
}

/// Counts nodes and what they may still cost.
#[derive(Debug)]
pub(super) struct Builder {
    next: u32,
    nodes_left: usize,
    bytes_left: usize,
    /// Whether `<<` takes over the entries of another mapping.
    has_merge_keys: bool,
    /// The node at which to stop with an error, so that the parser says where it stands.
    stop_at: Option<u32>,
    /// The text of that node, if it is text.
    pub(super) stopped_text: Option<String>,
    pub(super) limit: Option<Limit>,
    pub(super) problems: Vec<Problem<u32>>,
    keys: Keys,
}

impl Builder {
    /// Begins a document of so many bytes.
    ///
    /// No text needs more nodes than it has bytes, or more bytes of scalars; only aliases can ask for more,
    /// and get a fixed amount.
    pub(super) fn new(length: usize, has_merge_keys: bool) -> Self {
        const MORE_NODES: usize = 100_000;
        const MORE_BYTES: usize = 16 << 20;
        Builder {
            next: 0,
            nodes_left: length.saturating_add(MORE_NODES),
            bytes_left: length.saturating_add(MORE_BYTES),
            has_merge_keys,
            stop_at: None,
            stopped_text: None,
            limit: None,
            problems: Vec::new(),
            keys: Keys::default(),
        }
    }

    /// Begins a document of YAML to be read only up to a node.
    pub(super) fn stopped_at(length: usize, place: u32) -> Self {
        Builder {
            stop_at: Some(place),
            ..Builder::new(length, true)
        }
    }

    /// Reads the document's root.
    pub(super) fn root<'de, D: Deserializer<'de>>(
        &mut self,
        deserializer: D,
    ) -> Result<Node, D::Error> {
        NodeSeed {
            builder: self,
            levels: 0,
        }
        .deserialize(deserializer)
    }

    fn number<E: Error>(&mut self) -> Result<u32, E> {
        let place = self.next;
        if self.stop_at == Some(place) {
            return Err(E::custom("stopped"));
        }
        let left = self.nodes_left.checked_sub(1);
        match (left, place.checked_add(1)) {
            (Some(left), Some(next)) => {
                (self.nodes_left, self.next) = (left, next);
                Ok(place)
            }
            _ => self.fail(Limit::Size(place)),
        }
    }

    /// Counts a node of text.
    fn text<E: Error>(&mut self, text: &str) -> Result<u32, E> {
        if self.stop_at == Some(self.next) {
            self.stopped_text = Some(text.to_owned());
        }
        let place = self.number()?;
        match self.bytes_left.checked_sub(text.len()) {
            Some(left) => {
                self.bytes_left = left;
                Ok(place)
            }
            None => self.fail(Limit::Size(place)),
        }
    }

    fn fail<T, E: Error>(&mut self, limit: Limit) -> Result<T, E> {
        self.limit.get_or_insert(limit);
        Err(E::custom("too large"))
    }
}

/// The keys that were read first. Most documents have few, and many times each.
#[derive(Debug, Default)]
struct Keys(Vec<Arc<str>>);

impl Keys {
    /// So many are looked through for each.
    const MOST: usize = 16;

    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.iter().find(|known| ***known == *text) {
            return Arc::clone(known);
        }
        let key = Arc::from(text);
        if self.0.len() < Keys::MOST {
            self.0.push(Arc::clone(&key));
        }
        key
    }
}

struct NodeSeed<'a> {
    builder: &'a mut Builder,
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl NodeSeed<'_> {
    fn scalar<E: Error>(self, value: Value) -> Result<Node, E> {
        Ok(Node {
            place: self.builder.number()?,
            value,
        })
    }

    fn float<E: Error>(self, float: f64) -> Result<Node, E> {
        self.scalar(Number::from_f64(float).map_or(Value::NotFinite(float), Value::Number))
    }

    fn container<E: Error>(&mut self) -> Result<u32, E> {
        let place = self.builder.number()?;
        if self.levels >= MOST_LEVELS {
            return self.builder.fail(Limit::Levels(place));
        }
        self.levels += 1;
        Ok(place)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.scalar(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.scalar(Value::Null)
    }

    fn visit_bool<E: Error>(self, boolean: bool) -> Result<Node, E> {
        self.scalar(Value::Boolean(boolean))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        self.scalar(Value::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        self.scalar(Value::Number(number.into()))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "as JSON reads a whole number that is too large"
    )]
    fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
        self.float(number as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "as JSON reads a whole number that is too large"
    )]
    fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
        self.float(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        self.float(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node {
            place: self.builder.text(text)?,
            value: Value::Text(text.to_owned()),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Node, A::Error> {
        let place = self.container()?;
        let mut nodes = Vec::new();
        while let Some(node) = sequence.next_element_seed(NodeSeed {
            builder: self.builder,
            levels: self.levels,
        })? {
            nodes.push(node);
        }
        Ok(Node {
            place,
            value: Value::Sequence(nodes),
        })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Node, A::Error> {
        let place = self.container()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed {
            builder: self.builder,
        })? {
            let value = map.next_value_seed(NodeSeed {
                builder: self.builder,
                levels: self.levels,
            })?;
            entries.push(Entry { key, value });
        }
        if self.builder.has_merge_keys && entries.iter().any(|entry| *entry.key.text == *"<<") {
            entries = merged(entries, &mut self.builder.problems);
        }
        Ok(Node {
            place,
            value: Value::Mapping(entries),
        })
    }

    /// A value with a tag of its own, such as `!secret x`: reported, then read as if it had none.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Node, A::Error> {
        let (tag, content) = data.variant::<String>()?;
        let tag = quoted(&if tag.starts_with('!') {
            tag
        } else {
            format!("!{tag}")
        });
        self.builder.problems.push(
            Problem::error(self.builder.next, format!("unknown tag {tag}"))
                .help("remove it; if it is meant as text, put the whole text in quotes"),
        );
        content.newtype_variant_seed(self)
    }
}

struct KeySeed<'a> {
    builder: &'a mut Builder,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text as a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        Ok(Key {
            place: self.builder.text(text)?,
            text: self.builder.keys.shared(text),
        })
    }
}

/// Replaces `<<` by the entries of the mappings it names; a key that is already there keeps its value.
fn merged(entries: Vec<Entry>, problems: &mut Vec<Problem<u32>>) -> Vec<Entry> {
    let (merges, mut kept): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .partition(|entry| *entry.key.text == *"<<");
    let mut known: std::collections::HashSet<Arc<str>> =
        kept.iter().map(|entry| entry.key.text.clone()).collect();
    for merge in merges {
        let sources = match merge.value.value {
            Value::Sequence(nodes) => nodes,
            _ => vec![merge.value],
        };
        for source in sources {
            match source.value {
                Value::Mapping(entries) => {
                    kept.extend(entries.into_iter().filter(|entry| known.insert(entry.key.text.clone())));
                }
                other => problems.push(
                    Problem::error(source.place, format!("`<<` names {}, but must name a mapping", named(&other)))
                        .help("give it the alias of a mapping, as in `<<: *defaults`, or a list of such aliases"),
                ),
            }
        }
    }
    kept
}

fn named(value: &Value) -> &'static str {
    if matches!(value, Value::Null) {
        "nothing"
    } else {
        value.kind()
    }
}
