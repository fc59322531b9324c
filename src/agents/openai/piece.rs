//! One JSON text of an endpoint: what is wanted of it is read, and the rest is passed over. A text can be as large as an
//! answer may be, and a tree of it would be many times larger.

use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The largest error or usage that is taken apart, in bytes.
const LARGEST: usize = 64 * 1024;

/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 256;

/// An event of a stream, or an answer as a whole.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Piece<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
}

/// What the model has said, or a piece of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

/// Its words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Words<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
}

impl<'a> Piece<'a> {
    /// Reads a text; none when it is JSON and no object.
    pub(super) fn read(text: &'a [u8]) -> Result<Option<Self>, serde_json::Error> {
        serde_json::from_slice(text).map(object)
    }

    /// The error that the endpoint reports in the place of an answer.
    pub(super) fn error(&self) -> Option<Value> {
        let error = self.error?;
        let value = small(error).and_then(|error| serde_json::from_str(error).ok());
        Some(value.unwrap_or_else(|| error.get().into()))
    }

    /// The name of the model that answers.
    pub(super) fn model(&self) -> Option<String> {
        string(self.model?).filter(|name| name.len() <= LONGEST_NAME)
    }

    /// What was used.
    pub(super) fn usage(&self) -> Option<Value> {
        let value: Value = serde_json::from_str(small(self.usage?)?).ok()?;
        value.is_object().then_some(value)
    }

    /// Whether there is a list of choices, if only an empty one.
    pub(super) fn has_choices(&self) -> bool {
        self.choices
            .is_some_and(|choices| choices.get().starts_with('['))
    }

    /// The first of the choices.
    pub(super) fn choice(&self) -> Option<Choice<'a>> {
        let First(first) = serde_json::from_str(self.choices?.get()).ok()?;
        object(first?)
    }
}

impl<'a> Choice<'a> {
    /// The words of an event of a stream.
    pub(super) fn delta(&self) -> Words<'a> {
        self.delta.and_then(object).unwrap_or_default()
    }

    /// The words of an answer as a whole.
    pub(super) fn message(&self) -> Words<'a> {
        self.message.and_then(object).unwrap_or_default()
    }

    /// Why nothing follows.
    pub(super) fn finish_reason(&self) -> Option<String> {
        string(self.finish_reason?).filter(|reason| reason.len() <= LONGEST_NAME)
    }
}

impl Words<'_> {
    /// The text; some endpoints give a list of parts.
    pub(super) fn content(&self) -> Option<String> {
        let content = self.content?;
        match content.get().starts_with('[') {
            true => serde_json::from_str(content.get())
                .ok()
                .map(|Parts(text)| text),
            false => string(content),
        }
    }

    /// The words with which the model refuses.
    pub(super) fn refusal(&self) -> Option<String> {
        string(self.refusal?)
    }
}

/// The first of a list.
struct First<'a>(Option<&'a RawValue>);

impl<'de> Deserialize<'de> for First<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = First<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<'de>, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// The texts of a list of parts, one after the other.
struct Parts(String);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part<'a> {
            #[serde(borrow)]
            text: Option<&'a RawValue>,
        }

        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Parts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parts, A::Error> {
                let mut all = String::new();
                while let Some(part) = list.next_element::<&'de RawValue>()? {
                    let part: Option<Part<'de>> = object(part);
                    all.extend(part.and_then(|part| string(part.text?)));
                }
                Ok(Parts(all))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// An object; a list would be taken for its members in turn.
fn object<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    let text = Some(value.get()).filter(|text| text.starts_with('{'))?;
    serde_json::from_str(text).ok()
}

fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

fn small(value: &RawValue) -> Option<&str> {
    Some(value.get()).filter(|text| text.len() <= LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Piece<'_> {
        Piece::read(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn what_is_not_as_it_should_be_is_passed_over() {
        for text in [
            "{}",
            r#"{"choices": null, "model": 5, "usage": [], "error": null}"#,
            r#"{"choices": {}, "x": [[[[{}]]]]}"#,
        ] {
            let piece = piece(text);
            assert!(piece.choice().is_none() && !piece.has_choices(), "{text}");
            assert!(piece.model().is_none() && piece.usage().is_none(), "{text}");
            assert!(piece.error().is_none(), "{text}");
        }
        assert!(piece(r#"{"choices": []}"#).has_choices());
        let choice = piece(r#"{"choices": [{"delta": {"content": 5, "refusal": null}}, 7]}"#)
            .choice()
            .unwrap();
        assert_eq!(choice.delta().content(), None);
        assert_eq!(choice.delta().refusal(), None);
        assert_eq!(choice.message().content(), None);
        assert!(Piece::read(b"[]").unwrap().is_none());
        assert!(piece(r#"{"choices": [[]]}"#).choice().is_none());
    }

    #[test]
    fn parts_are_put_together() {
        let text = r#"{"choices": [{"message": {"content":
            [{"type": "text", "text": "a\u00fc"}, 5, {"image": "x"}, {"text": "b"}]}}]}"#;
        let words = piece(text).choice().unwrap().message();
        assert_eq!(words.content().as_deref(), Some("aüb"));
    }

    #[test]
    fn what_is_much_too_large_is_not_taken_apart() {
        let zeros = "0,".repeat(LARGEST) + "0";
        let text = format!(
            r#"{{"usage": {{"a": [{zeros}]}}, "error": [{zeros}], "model": "{}"}}"#,
            "m".repeat(LONGEST_NAME + 1)
        );
        let piece = piece(&text);
        assert_eq!((piece.usage(), piece.model()), (None, None));
        assert!(piece.error().is_some_and(|error| error.is_string()));
    }
}
