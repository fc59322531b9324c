//! A value of a program's JSON, as it was written: no number passes through a float, no member is moved, and what one
//! member has that cannot be read takes no other with it.

use std::borrow::Cow;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// A value as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node<'a>(pub(super) &'a str);

impl<'a> Node<'a> {
    /// The value at a path such as `/usage/input_tokens`; none where there is nothing or `null`.
    pub(super) fn at(self, path: &str) -> Option<Node<'a>> {
        let mut at = self;
        for name in path.split('/').skip(1) {
            let members = at.members().into_iter();
            (_, at) = members.rev().find(|(known, _)| known == name)?;
        }
        (at.0 != "null").then_some(at)
    }

    /// Whether it has a member of that name, if only `null`.
    pub(super) fn has(self, name: &str) -> bool {
        self.members().iter().any(|(known, _)| known == name)
    }

    /// The members of an object, in order.
    pub(super) fn members(self) -> Vec<(String, Node<'a>)> {
        let mut reader = Deserializer::from_str(self.0);
        reader.deserialize_map(Members).unwrap_or_default()
    }

    /// The elements of a list.
    pub(super) fn elements(self) -> Vec<Node<'a>> {
        let elements: Result<Vec<&'a RawValue>, _> = serde_json::from_str(self.0);
        let elements = elements.unwrap_or_default().into_iter();
        elements.map(|element| Node(element.get())).collect()
    }

    /// A text, in which half of a surrogate pair that is alone is U+FFFD.
    pub(super) fn text(self) -> Option<String> {
        self.0.starts_with('"').then(|| joined(&[self]))
    }

    /// The text at a path.
    pub(super) fn text_at(self, path: &str) -> Option<String> {
        self.at(path)?.text()
    }

    /// The count at a path; some are written as `12.0`.
    pub(super) fn count_at(self, path: &str) -> Option<u64> {
        let number = self.at(path)?.0;
        let whole = number.split_once('.').map_or(number, |(whole, zeros)| {
            let is_whole = zeros.bytes().all(|digit| digit == b'0');
            if is_whole { whole } else { number }
        });
        whole.parse().ok()
    }

    /// The amount at a path.
    pub(super) fn amount_at(self, path: &str) -> Option<f64> {
        self.at(path)?.0.parse().ok()
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(self) -> &'static str {
        match self.0.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "`null`",
            _ => "a number",
        }
    }
}

/// The texts as one: a surrogate pair may be split over two.
pub(super) fn joined(texts: &[Node<'_>]) -> String {
    let mut whole = String::from('"');
    for text in texts {
        let inner = text.0.strip_prefix('"');
        whole.push_str(
            inner
                .and_then(|inner| inner.strip_suffix('"'))
                .unwrap_or_default(),
        );
    }
    whole.push('"');
    // What has been read as a string once is one.
    serde_json::from_str(&mended(&whole)).unwrap_or_default()
}

/// The JSON with U+FFFD for each half of a surrogate pair that is alone.
pub(super) fn mended(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let first = surrogate(escape);
        let second = escape.get(6..).and_then(surrogate);
        let (good, length) = match (first, second) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (true, 12),
            (Some(_), _) => (false, 6),
            (None, _) => (true, 2),
        };
        let length = escape.ceil_char_boundary(length.min(escape.len()));
        let (escape, after) = escape.split_at(length);
        out.push_str(before);
        out.push_str(if good { escape } else { "\\ufffd" });
        rest = after;
    }
    if out.is_empty() {
        return Cow::Borrowed(json);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The half of a surrogate pair with whose escape the text begins.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let code = u16::from_str_radix(digits, 16).ok()?;
    (0xd800..=0xdfff).contains(&code).then_some(code)
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Node<'de>)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            let name = Node(name.get()).text().unwrap_or_default();
            members.push((name, Node(value.get())));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let node =
            Node(r#"{"a":{"b":[1.10,12345678901234567890123]},"n":null,"c":12.0,"d":1e400}"#);
        let list = node.at("/a/b").unwrap();
        assert_eq!(list.0, "[1.10,12345678901234567890123]");
        let elements: Vec<&str> = list.elements().iter().map(|node| node.0).collect();
        assert_eq!(elements, ["1.10", "12345678901234567890123"]);
        assert_eq!(node.at("/n"), None);
        assert!(node.has("n") && !node.has("x"));
        assert_eq!(node.count_at("/c"), Some(12));
        assert_eq!(list.elements()[0].at("/x"), None);
        assert_eq!(node.at("/d").unwrap().kind(), "a number");
    }

    #[test]
    fn halves_of_a_pair_are_joined_and_a_lone_one_is_replaced() {
        let text = |json| Node(json).text();
        assert_eq!(text(r#""a\ud83d\ude00b""#).as_deref(), Some("a😀b"));
        assert_eq!(text(r#""a\ud83db""#).as_deref(), Some("a\u{fffd}b"));
        assert_eq!(
            text(r#""\ude00\ud83d""#).as_deref(),
            Some("\u{fffd}\u{fffd}")
        );
        assert_eq!(
            text(r#""\ud83d\ud83d\ude00""#).as_deref(),
            Some("\u{fffd}😀")
        );
        assert_eq!(text(r#""\\ud83d\"""#).as_deref(), Some("\\ud83d\""));
        assert_eq!(text("5"), None);
        let pieces = [Node(r#""x\ud83d""#), Node(r#""\ude00y""#)];
        assert_eq!(joined(&pieces), "x😀y");
        let keyed = Node(r#"{"\ud800":1,"a":2}"#);
        assert_eq!(keyed.count_at("/a"), Some(2));
        assert_eq!(mended(r#"{"\ud800":"\\ud800"}"#), r#"{"\ufffd":"\\ud800"}"#);
    }
}
