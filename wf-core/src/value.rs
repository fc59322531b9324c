//! Values that pass between steps: JSON texts, checked once and never rewritten.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Any JSON value as a tree: what an input of kind `any` takes in Rust.
pub type Tree = serde_json::Value;

/// A JSON object as a tree: what an input of kind `object` takes in Rust.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// A JSON value as its compact text.
///
/// The text is checked when the value is made, keeps the order of keys and every digit of a number, and is
/// stored and inserted into prompts as it is. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Arc<str>);

impl Json {
    /// The value `null`.
    pub fn null() -> Self {
        Json("null".into())
    }

    /// The JSON string with this content.
    pub fn string(text: &str) -> Self {
        if is_plain(text) {
            return Json(["\"", text, "\""].concat().into());
        }
        // A text can always be written.
        Json(serde_json::to_string(text).unwrap_or_default().into())
    }

    /// Reads JSON text, at most 128 levels deep; white space between its tokens is dropped, and so is a byte order mark
    /// before them.
    ///
    /// # Errors
    ///
    /// The parser's error, with its line and column; also when a string holds half of a surrogate pair, or a number
    /// is beyond the largest double.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str::<Sound>(text)?;
        Ok(Json(compact(text).into()))
    }

    /// The value that `serde_json` writes for `value`.
    pub fn from_value(value: &serde_json::Value) -> Self {
        Json(value.to_string().into())
    }

    /// Takes text that is known to be compact JSON, as a store reads back what it was given.
    pub fn from_stored(text: impl Into<Arc<str>>) -> Self {
        Json(text.into())
    }

    /// The compact JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The content when it is a string; otherwise the compact JSON text.
    ///
    /// This is what a prompt shows of a value.
    pub fn to_text(&self) -> Cow<'_, str> {
        shown(&self.0)
    }

    /// The value as serde's tree.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// What a prompt shows of the value at `path`: object keys and array positions from the outside in.
    ///
    /// Costs one pass over the text per segment; no tree is built.
    pub fn text_at<'a>(&'a self, path: &[String]) -> Option<Cow<'a, str>> {
        self.at(path).map(shown)
    }

    /// Whether it is a text that begins with a fence of Markdown.
    pub(crate) fn begins_with_fence(&self) -> bool {
        let inner = self.0.strip_prefix('"').unwrap_or_default();
        let inner = inner.trim_start_matches(['\\', 'n', 'r', 't', ' ']);
        inner.starts_with("```") || inner.starts_with("~~~")
    }

    /// The JSON in a text that is a fence of Markdown and nothing else.
    pub(crate) fn fenced(&self) -> Option<Json> {
        if !self.begins_with_fence() {
            return None;
        }
        let text = self.to_text();
        let text = text.trim();
        let fence = text.get(..3)?;
        let (opening, rest) = text.split_once('\n')?;
        let inner = rest.strip_suffix(fence)?;
        let language = opening.strip_prefix(fence)?.trim();
        let is_json = language.is_empty() || language.to_ascii_lowercase().starts_with("json");
        let json = Json::parse(inner).ok().filter(|_| is_json)?;
        json.0.starts_with(['{', '[']).then_some(json)
    }

    /// The JSON text of the value at `path`: object keys and array positions from the outside in.
    pub(crate) fn at<'a>(&'a self, path: &[String]) -> Option<&'a str> {
        path.iter()
            .try_fold(&*self.0, |at, segment| member(at, segment))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn shown(json: &str) -> Cow<'_, str> {
    if json.starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(json)
    {
        return Cow::Owned(text);
    }
    Cow::Borrowed(json)
}

/// Drops white space between tokens; `text` is valid JSON.
fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for letter in text.chars() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
        } else if letter.is_ascii_whitespace() {
            continue;
        } else {
            quoted = letter == '"';
        }
        out.push(letter);
    }
    out
}

/// A value that can be read whole, of which nothing is kept.
///
/// What is merely skipped is not looked at closely: neither its depth nor its escapes.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Sound)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = Sound;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_str<E>(self, _: &str) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sound, A::Error> {
        while list.next_element::<Sound>()?.is_some() {}
        Ok(Sound)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sound, A::Error> {
        while map.next_entry::<Sound, Sound>()?.is_some() {}
        Ok(Sound)
    }
}

/// The text of one member of a JSON object (by key) or array (by position).
fn member<'a>(json: &'a str, segment: &str) -> Option<&'a str> {
    struct Member<'s>(&'s str);

    impl<'de> Visitor<'de> for Member<'_> {
        type Value = Option<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object or an array")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                if key == self.0 {
                    found = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let Some(position) = position(self.0) else {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            };
            let mut found = None;
            let mut at = 0;
            while let Some(element) = list.next_element::<&'de RawValue>()? {
                if at == position {
                    found = Some(element);
                }
                at += 1;
            }
            Ok(found)
        }
    }

    impl<'de> DeserializeSeed<'de> for Member<'_> {
        type Value = Option<&'de RawValue>;

        fn deserialize<D: serde::Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_any(self)
        }
    }

    // A scalar has no members: the visitor's error says so, and so does `None`.
    Member(segment)
        .deserialize(&mut serde_json::Deserializer::from_str(json))
        .ok()?
        .map(RawValue::get)
}

/// An array position: digits without a sign or a leading zero.
fn position(segment: &str) -> Option<usize> {
    if segment.starts_with('+') || (segment.len() > 1 && segment.starts_with('0')) {
        return None;
    }
    segment.parse().ok()
}

/// Whether nothing in a text has to be escaped (RFC 8259, section 7). Looks at all of it, without a branch, which is
/// quicker than to stop early.
fn is_plain(text: &str) -> bool {
    let is_escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    !text
        .bytes()
        .fold(false, |found, byte| found | is_escaped(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, path: &str) -> Option<String> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        Json::parse(json)
            .unwrap()
            .text_at(&path)
            .map(Cow::into_owned)
    }

    #[test]
    fn white_space_between_tokens_is_dropped_and_nothing_else() {
        let json = Json::parse("{ \"b\" : [ 1.0 , 1e300 ],\n\t\"a\": \"x \\\" y\\\\\" }").unwrap();
        assert_eq!(json.as_str(), r#"{"b":[1.0,1e300],"a":"x \" y\\"}"#);
    }

    #[test]
    fn a_text_is_written_with_the_escapes_that_it_needs() {
        let mut texts: Vec<String> = ('\0'..'\u{200}').map(|odd| format!("a{odd}b")).collect();
        texts.extend(["", "plain", "größe 🦀 \u{7f}\u{2028}"].map(str::to_owned));
        for text in texts {
            let json = serde_json::to_string(&text).unwrap();
            assert_eq!(Json::string(&text).as_str(), json, "{text:?}");
        }
    }

    #[test]
    fn a_path_leads_through_objects_and_arrays() {
        let json = r#"{"files":[{"name":"a.rs","size":12345678901234567890123},{"name":"b \"q\""}],"n":null}"#;
        assert_eq!(at(json, "files.0.name").as_deref(), Some("a.rs"));
        assert_eq!(at(json, "files.1.name").as_deref(), Some("b \"q\""));
        assert_eq!(
            at(json, "files.0.size").as_deref(),
            Some("12345678901234567890123")
        );
        assert_eq!(
            at(json, "files.0").as_deref(),
            Some(r#"{"name":"a.rs","size":12345678901234567890123}"#)
        );
        assert_eq!(at(json, "n").as_deref(), Some("null"));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_none() {
        let json = r#"{"files":[1,2],"s":"text"}"#;
        for path in [
            "nothing",
            "files.2",
            "files.-1",
            "files.+1",
            "files.01",
            "files.x",
            "s.0",
            "files.0.x",
        ] {
            assert_eq!(at(json, path), None, "{path}");
        }
    }

    #[test]
    fn a_byte_order_mark_before_json_is_skipped() {
        assert_eq!(
            Json::parse("\u{feff} {\"a\": 1.10}").unwrap().as_str(),
            r#"{"a":1.10}"#
        );
    }

    #[test]
    fn json_in_a_fence_is_found() {
        let fenced = |text: &str| {
            Json::string(text)
                .fenced()
                .map(|json| json.as_str().to_owned())
        };
        for text in [
            "```json\n{\"a\": 1.10}\n```",
            "```\n{\"a\":1.10}\n```\n",
            "\n~~~JSON\r\n{\"a\":1.10}~~~",
        ] {
            assert_eq!(fenced(text).as_deref(), Some(r#"{"a":1.10}"#), "{text:?}");
        }
        for text in [
            "```\nx\n```",
            "```json\n5\n```",
            "```js\n{}\n```",
            "``` {} ```",
            "{}",
            "```json\n{}",
            "```",
        ] {
            assert_eq!(fenced(text), None, "{text:?}");
        }
        assert_eq!(Json::parse("{}").unwrap().fenced(), None);
    }

    #[test]
    fn a_key_with_an_escape_is_found() {
        assert_eq!(at(r#"{"a\u0062":1}"#, "ab").as_deref(), Some("1"));
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        for text in ["", "{", "nope", "{} {}", "\u{feff}", "\u{feff}\u{feff}{}"] {
            assert!(Json::parse(text).is_err(), "{text:?}");
        }
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Json::parse(&nested(127)).is_ok());
        for text in [
            &nested(129),
            &nested(100_000),
            r#"{"\ud800":1}"#,
            r#"["\ud800"]"#,
            "1e400",
        ] {
            assert!(Json::parse(text).is_err());
        }
    }
}
