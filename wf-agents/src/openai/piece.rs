//! One JSON text of an endpoint: what is wanted of it is read, and the rest is passed over. A text can be as large as an
//! answer may be, and a tree of it would be many times larger.

use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::letters::Letters;
use super::reported::{self, Reported};
use super::words::Words;

/// The largest error or usage that is taken apart, in bytes.
const LARGEST: usize = 64 * 1024;

/// The longest name of a model, and the longest word for an end, in bytes.
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
    x_groq: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    /// All of it.
    #[serde(skip)]
    text: &'a str,
}

/// What the model has said, or a piece of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// What an end is called: nothing yet, or a word.
pub(super) type Word = Option<String>;

impl<'a> Piece<'a> {
    /// Reads a text; none when it is JSON, and neither an object nor a list that begins with one.
    pub(super) fn read(text: &'a [u8]) -> Result<Option<Self>, serde_json::Error> {
        let raw: &RawValue = serde_json::from_slice(text)?;
        let raw = match raw.get().starts_with('[') {
            // Some report an error so.
            true => serde_json::from_str(raw.get()).map(|Firsts(all)| all.first().copied())?,
            false => Some(raw),
        };
        Ok(raw.and_then(|raw| {
            let piece: Piece<'a> = object(raw)?;
            Some(Piece {
                text: raw.get(),
                ..piece
            })
        }))
    }

    /// The error that the endpoint reports, in the place of an answer or partway through one.
    pub(super) fn error(&self) -> Option<Reported> {
        let own = self.error.filter(|error| is_something(error));
        let of_choice = || self.choice()?.error.filter(|error| is_something(error));
        if let Some(error) = own.or_else(of_choice) {
            let around = small_value(self.text);
            let value = small_value(error.get()).unwrap_or_else(|| error.get().into());
            return Some(reported::nested(&value, around.as_ref()));
        }
        match self.choice() {
            None => reported::flat(&small_value(self.text)?),
            Some(_) => None,
        }
    }

    /// The name of the model that answers.
    pub(super) fn model(&self) -> Option<String> {
        string(self.model?).filter(|name| name.len() <= LONGEST_NAME)
    }

    /// What was used.
    pub(super) fn usage(&self) -> Option<Value> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Beside<'a> {
            #[serde(borrow)]
            usage: Option<&'a RawValue>,
        }

        let beside = || object::<Beside<'a>>(self.x_groq?)?.usage;
        let usage = self.usage.and_then(|usage| small_value(usage.get()));
        let usage = usage.filter(Value::is_object);
        usage.or_else(|| small_value(beside()?.get()).filter(Value::is_object))
    }

    /// Whether there is a list of choices, if only an empty one.
    pub(super) fn has_choices(&self) -> bool {
        self.choices
            .is_some_and(|choices| choices.get().starts_with('['))
    }

    /// Whether there are choices, if only others than the first.
    pub(super) fn has_any_choice(&self) -> bool {
        let choices = self
            .choices
            .filter(|choices| choices.get().starts_with('['));
        choices
            .is_some_and(|choices| choices.get().get(1..).unwrap_or_default().trim_start() != "]")
    }

    /// The first of the choices, by its number.
    pub(super) fn choice(&self) -> Option<Choice<'a>> {
        let Firsts(all) = serde_json::from_str(self.choices?.get()).ok()?;
        let mut unnumbered = None;
        for choice in all.into_iter().filter_map(object::<Choice<'a>>) {
            let index = choice.index.filter(|index| index.get() != "null");
            match index.map(|index| serde_json::from_str::<f64>(index.get())) {
                Some(Ok(0.0)) => return Some(choice),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => unnumbered = unnumbered.or(Some(choice)),
            }
        }
        unnumbered
    }
}

impl<'a> Choice<'a> {
    /// The words of an event of a stream.
    pub(super) fn delta(&self) -> Option<Words<'a>> {
        self.delta.and_then(object)
    }

    /// The words of an answer as a whole.
    pub(super) fn message(&self) -> Option<Words<'a>> {
        self.message.and_then(object)
    }

    /// The words in the form of the older protocol, which has no messages.
    pub(super) fn text(&self) -> Option<Words<'a>> {
        let text = self.text.filter(|text| text.get() != "null");
        text.map(Words::of)
    }

    /// Why nothing follows.
    pub(super) fn finish_reason(&self) -> Word {
        let reason = self.finish_reason.filter(|reason| reason.get() != "null")?;
        let word = match reason.get().starts_with('"') {
            true => string(reason)?,
            false => reason.get().to_owned(),
        };
        // What is so long is no word, and a part of it would be none either.
        Some(word)
            .filter(|word| word.len() <= LONGEST_NAME)
            .or(Some(String::new()))
    }
}

/// The members of a list.
struct Firsts<'a>(Vec<&'a RawValue>);

/// How many choices are looked at.
const CHOICES: usize = 128;

impl<'de> Deserialize<'de> for Firsts<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Firsts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Firsts<'de>, A::Error> {
                let mut all = Vec::new();
                while all.len() < CHOICES
                    && let Some(member) = list.next_element()?
                {
                    all.push(member);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Firsts(all))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// Whether a value says anything.
pub(super) fn is_something(value: &RawValue) -> bool {
    let text = value.get();
    let inner = |from: char, to: char| {
        let inner = text.strip_prefix(from)?.strip_suffix(to)?;
        Some(inner.trim().is_empty())
    };
    let is_empty = inner('[', ']')
        .or_else(|| inner('{', '}'))
        .or_else(|| inner('"', '"'));
    !is_empty.unwrap_or(matches!(text, "null" | "false"))
}

/// An object; a list would be taken for its members in turn.
pub(super) fn object<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    let text = Some(value.get()).filter(|text| text.starts_with('{'))?;
    serde_json::from_str(text).ok()
}

pub(super) fn string(value: &RawValue) -> Option<String> {
    Letters::read(value).map(Letters::alone)
}

/// The value of a text that is not too large.
fn small_value(text: &str) -> Option<Value> {
    let text = Some(text).filter(|text| text.len() <= LARGEST)?;
    let read = serde_json::from_str(text).ok();
    // A text with half a letter in it is no string of Rust.
    read.or_else(|| serde_json::from_str(&halved(text)).ok())
}

/// The text with U+FFFD for what may be halves of letters.
fn halved(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let digits = escape.get(2..6).filter(|_| escape.starts_with("\\u"));
        let code = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let (escape, after) = match code {
            Some(0xd800..=0xdfff) => ("\\ufffd", escape.get(6..)),
            _ => {
                let end = escape.ceil_char_boundary(2.min(escape.len()));
                (escape.get(..end).unwrap_or_default(), escape.get(end..))
            }
        };
        out.push_str(escape);
        rest = after.unwrap_or_default();
    }
    out.push_str(rest);
    out
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
        assert!(!piece(r#"{"choices": [ ]}"#).has_any_choice());
        assert!(Piece::read(b"[]").unwrap().is_none());
        assert!(piece(r#"{"choices": [[]]}"#).choice().is_none());
    }

    #[test]
    fn the_choice_is_that_of_number_0() {
        let text = r#"{"choices": [{"index": 1, "text": "no"}, {"index": 0.0, "text": "yes"}]}"#;
        let words = piece(text).choice().unwrap().text().unwrap();
        assert_eq!(words.content().unwrap().text.alone(), "yes");
        let other = piece(r#"{"choices": [{"index": 1}]}"#);
        assert!(other.choice().is_none() && other.has_any_choice());
        assert!(
            piece(r#"{"choices": [{"index": null}]}"#)
                .choice()
                .is_some()
        );
    }

    #[test]
    fn a_content_is_a_string_or_a_list_of_texts_and_all_else_is_named() {
        let content = |content: &str| {
            let text = format!(r#"{{"choices": [{{"message": {{"content": {content}}}}}]}}"#);
            let words = piece(&text).choice().unwrap().message().unwrap();
            words.content().map(|content| content.text.alone())
        };
        for (given, text) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            ("null", ""),
            (
                r#"[{"type": "text", "text": "a\u00fc"}, {"text": "b"}]"#,
                "aüb",
            ),
            (r#"["a", "b"]"#, "ab"),
            (
                r#"[{"type": "thinking", "thinking": []}, {"text": "b"}]"#,
                "b",
            ),
        ] {
            assert_eq!(content(given).as_deref(), Ok(text), "{given}");
        }
        for (given, kind) in [
            ("42", "a number"),
            ("-1", "a number"),
            ("true", "a boolean"),
            (r#"{"a": 1}"#, "an object"),
            ("[5]", "a number"),
            (r#"[{"image": "x"}]"#, "a list with a part that is no text"),
            (r#"[{"text": 5}]"#, "a list with a text that is no string"),
        ] {
            assert_eq!(content(given), Err(kind), "{given}");
        }
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
        assert!(piece.error().is_some());
    }
}
