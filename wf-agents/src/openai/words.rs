//! The words of a message, or of a piece of one.

use std::fmt;

use serde::Deserialize;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::letters::Letters;
use super::piece::{is_something, object, string};

/// The words of a message, or of a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Words<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
}

/// What is in a `content`.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: Letters,
    pub(super) refusal: String,
    /// There was a part in which the model reasons.
    pub(super) reasons: bool,
}

impl<'a> Words<'a> {
    /// Words of which there is only the content.
    pub(super) fn of(content: &'a RawValue) -> Self {
        Words {
            content: Some(content),
            ..Words::default()
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        let content = self.content.filter(|content| is_something(content));
        content.is_none() && self.refusal().is_none() && !self.asks_for_tools() && !self.reasons()
    }

    /// The text, which some endpoints give as a list of parts; what else it is instead.
    pub(super) fn content(&self) -> Result<Content, &'static str> {
        let Some(content) = self.content else {
            return Ok(Content::default());
        };
        match content.get().as_bytes().first() {
            Some(b'n') => Ok(Content::default()),
            Some(b'[') => {
                let Parts(parts) =
                    serde_json::from_str(content.get()).map_err(|_| "an unreadable list")?;
                parts
            }
            Some(b'"') => Ok(Content {
                text: Letters::read(content).ok_or("an unreadable string")?,
                ..Content::default()
            }),
            _ => Err(kind(content)),
        }
    }

    /// The words with which the model refuses.
    pub(super) fn refusal(&self) -> Option<String> {
        string(self.refusal?).filter(|refusal| !refusal.is_empty())
    }

    /// Whether the model asks for something to be done.
    pub(super) fn asks_for_tools(&self) -> bool {
        [self.tool_calls, self.function_call]
            .into_iter()
            .flatten()
            .any(is_something)
    }

    /// Whether the model reasons.
    pub(super) fn reasons(&self) -> bool {
        [self.reasoning_content, self.reasoning, self.thinking]
            .into_iter()
            .flatten()
            .any(is_something)
    }
}

/// A list of parts: the texts one after the other, or what else than a text there is.
struct Parts(Result<Content, &'static str>);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Parts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parts, A::Error> {
                let mut all = Content::default();
                let mut other = None;
                while let Some(part) = list.next_element::<&'de RawValue>()? {
                    if let Err(kind) = add_part(&mut all, part) {
                        other = other.or(Some(kind));
                    }
                }
                Ok(Parts(other.map_or(Ok(all), Err)))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// Adds a part of a `content`; fails with what it is when it is no text.
fn add_part(all: &mut Content, part: &RawValue) -> Result<(), &'static str> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Part<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
        #[serde(borrow)]
        text: Option<&'a RawValue>,
        #[serde(borrow)]
        refusal: Option<&'a RawValue>,
    }

    if let Some(text) = Letters::read(part) {
        all.text.extend(text);
        return Ok(());
    }
    let Some(Part {
        kind: name,
        text,
        refusal,
    }) = object(part)
    else {
        return Err(kind(part));
    };
    let name = name.and_then(string);
    if matches!(
        name.as_deref(),
        Some("thinking" | "reasoning" | "redacted_thinking")
    ) {
        all.reasons = true;
        return Ok(());
    }
    if let Some(refusal) = refusal.and_then(string) {
        all.refusal.push_str(&refusal);
        return Ok(());
    }
    match text {
        Some(text) => {
            let text = Letters::read(text).ok_or("a list with a text that is no string")?;
            all.text.extend(text);
            Ok(())
        }
        None => Err("a list with a part that is no text"),
    }
}

/// What kind of value it is, for a message.
fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}
