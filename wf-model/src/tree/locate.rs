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
