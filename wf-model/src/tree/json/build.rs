//! From the events of JSON's deserializer to the tree.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::tree::keys::SharedKeys;
use crate::tree::{Entry, Key, MOST_LEVELS, Node, Value};

/// Counts nodes.
#[derive(Debug, Default)]
pub(super) struct Builder {
    next: u32,
    /// The first node of more levels than [`MOST_LEVELS`].
    pub(super) too_deep: Option<u32>,
    keys: SharedKeys,
}

impl Builder {
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
        let next = place.checked_add(1);
        self.next = next.ok_or_else(|| E::custom("too large"))?;
        Ok(place)
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

    fn container<E: Error>(&mut self) -> Result<u32, E> {
        let place = self.builder.number()?;
        if self.levels >= MOST_LEVELS {
            self.builder.too_deep = Some(place);
            return Err(E::custom("too deep"));
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

    fn visit_bool<E: Error>(self, boolean: bool) -> Result<Node, E> {
        self.scalar(Value::Boolean(boolean))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        self.scalar(Value::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        self.scalar(Value::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        self.scalar(Number::from_f64(number).map_or(Value::NotFinite(number), Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.scalar(Value::Text(text.to_owned()))
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
        Ok(Node {
            place,
            value: Value::Mapping(entries),
        })
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
            place: self.builder.number()?,
            text: self.builder.keys.shared(text),
        })
    }
}
