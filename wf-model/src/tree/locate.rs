//! Where the nodes of a text stand: what the second looks at YAML and JSON share.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The nodes that something is to be said about.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    places: HashSet<u32>,
    texts: HashSet<u32>,
    last: Option<u32>,
}

impl Wanted {
    /// Asks for where the node stands.
    pub(crate) fn place(&mut self, place: u32) {
        self.places.insert(place);
        self.last = self.last.max(Some(place));
    }

    /// Asks for where the node stands, and for the text that it holds.
    pub(crate) fn text(&mut self, place: u32) {
        self.place(place);
        self.texts.insert(place);
    }

    pub(super) fn is_wanted(&self, place: u32) -> bool {
        self.places.contains(&place)
    }

    pub(super) fn wants_text(&self, place: u32) -> bool {
        self.texts.contains(&place)
    }

    /// Tells whether no node from this one on is asked for.
    pub(super) fn ends_before(&self, place: u32) -> bool {
        self.last.is_none_or(|last| last < place)
    }

    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        self.places.iter().copied()
    }
}

/// Where a node stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) at: Range<usize>,
    /// Where its text is written (elsewhere, for an alias), and the text itself, if it was asked for.
    pub(crate) text: Option<(Range<usize>, String)>,
}

/// The spots that were found.
pub(crate) type Spots = HashMap<u32, Spot>;

/// Turns counts of characters into counts of bytes; quick when asked in ascending order.
pub(super) struct Cursor<'a> {
    text: &'a str,
    characters: usize,
    bytes: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor {
            text,
            characters: 0,
            bytes: 0,
        }
    }

    /// Returns the byte at which the character of this number begins, or the end of the text.
    pub(super) fn offset(&mut self, character: usize) -> usize {
        if let Some(back) = self
            .characters
            .checked_sub(character)
            .filter(|back| *back > 0)
        {
            let before = self.text.get(..self.bytes).unwrap_or_default();
            let start = before
                .char_indices()
                .rev()
                .nth(back - 1)
                .map_or(0, |(start, _)| start);
            (self.characters, self.bytes) = (character, start);
        } else {
            let after = self.text.get(self.bytes..).unwrap_or_default();
            let ahead = character - self.characters;
            match after.char_indices().nth(ahead) {
                Some((start, _)) => (self.characters, self.bytes) = (character, self.bytes + start),
                // The end is not remembered as a character, because the count may lie beyond it.
                None => return self.text.len(),
            }
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_bytes_in_any_order() {
        let text = "aéb→c";
        let mut cursor = Cursor::new(text);
        for (character, byte) in [
            (0, 0),
            (2, 3),
            (4, 7),
            (1, 1),
            (3, 4),
            (5, 8),
            (9, 8),
            (2, 3),
            (0, 0),
        ] {
            assert_eq!(cursor.offset(character), byte, "{character}");
        }
    }
}
