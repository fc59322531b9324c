//! Strings of JSON whose surrogate halves are alone, or in two pieces: no string of Rust holds them.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A text as JSON has it: UTF-8 in which there may be halves of surrogate pairs, of three bytes each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Letters(Vec<u8>);

/// Where halves are joined to letters, over the pieces of a text.
#[derive(Debug, Default)]
pub(super) struct Joint(Vec<u8>);

/// How many bytes a half takes.
const HALF: usize = 3;

impl Letters {
    /// Reads a string; none where the value is something else.
    pub(super) fn read(value: &RawValue) -> Option<Self> {
        let text = Some(value.get()).filter(|text| text.starts_with('"'))?;
        serde_json::from_str(text).ok()
    }

    /// The text by itself.
    pub(super) fn alone(self) -> String {
        let mut joint = Joint::default();
        let mut text = joint.join(self);
        text.push_str(&joint.finish());
        text
    }

    /// Adds what follows.
    pub(super) fn extend(&mut self, more: Letters) {
        match self.0.is_empty() {
            true => self.0 = more.0,
            false => self.0.extend(more.0),
        }
    }
}

impl Joint {
    /// The next piece as text. A first half at its end is held back for the second, which may follow.
    pub(super) fn join(&mut self, piece: Letters) -> String {
        let mut bytes = std::mem::take(&mut self.0);
        match bytes.is_empty() {
            true => bytes = piece.0,
            false if piece.0.is_empty() => {
                self.0 = bytes;
                return String::new();
            }
            false => bytes.extend(piece.0),
        }
        let start = bytes.len().saturating_sub(HALF);
        if matches!(bytes.get(start..).and_then(half), Some(0xd800..=0xdbff)) {
            self.0 = bytes.split_off(start);
        }
        String::from_utf8(bytes).unwrap_or_else(|wrong| mended(wrong.as_bytes()))
    }

    /// What was held back, now that nothing follows.
    pub(super) fn finish(&mut self) -> String {
        match std::mem::take(&mut self.0).is_empty() {
            true => String::new(),
            false => char::REPLACEMENT_CHARACTER.into(),
        }
    }
}

/// The text with its halves joined, and U+FFFD for each that is alone.
fn mended(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let good = match std::str::from_utf8(rest) {
            Ok(_) => rest.len(),
            Err(wrong) => wrong.valid_up_to(),
        };
        let (before, from) = rest.split_at(good);
        text.push_str(&String::from_utf8_lossy(before));
        if from.is_empty() {
            break;
        }
        let (first, second) = (half(from), from.get(HALF..).and_then(half));
        let (letter, length) = match (first, second) {
            (Some(first @ 0xd800..=0xdbff), Some(second @ 0xdc00..=0xdfff)) => {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                (char::from_u32(code), 2 * HALF)
            }
            (Some(_), _) => (None, HALF),
            (None, _) => (None, 1),
        };
        text.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = from.get(length..).unwrap_or_default();
    }
    text
}

/// The half of a surrogate pair with which the bytes begin.
fn half(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            Some(0xd000 | (u32::from(second & 0x3f) << 6) | u32::from(third & 0x3f))
        }
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Letters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Letters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Letters, E> {
                Ok(Letters(bytes.to_vec()))
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Letters, E> {
                Ok(Letters(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[&str]) -> String {
        let mut joint = Joint::default();
        let mut text = String::new();
        for piece in pieces {
            text += &joint.join(serde_json::from_str(piece).unwrap());
        }
        text + &joint.finish()
    }

    #[test]
    fn halves_are_joined_wherever_they_are_and_stand_in_when_alone() {
        for (pieces, text) in [
            (&[r#""a\ud83d\ude00b""#][..], "a😀b"),
            (&[r#""a\ud83d""#, r#""\ude00b""#], "a😀b"),
            (&[r#""a\ud83d""#, r#""""#, r#""\ude00b""#], "a😀b"),
            (&[r#""a\ud83d""#, r#""b""#], "a\u{fffd}b"),
            (&[r#""a\ud83d""#], "a\u{fffd}"),
            (&[r#""\ude00b""#], "\u{fffd}b"),
            (&[r#""\ud83d\ud83d\ude00""#], "\u{fffd}😀"),
            (&[r#""\ud83d\n\ude00ü""#], "\u{fffd}\n\u{fffd}ü"),
            (&[r#""plain ü""#], "plain ü"),
        ] {
            assert_eq!(joined(pieces), text, "{pieces:?}");
        }
    }
}
