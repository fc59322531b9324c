//! The second look at a text: where its nodes stand, by the events of a parser that keeps positions.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::tree::locate::{Cursor, Spot, Spots, Wanted};

/// Finds where nodes stand in a text, as far as this parser can follow it.
pub(super) fn find(text: &str, wanted: &Wanted) -> Spots {
    let mut walk = Walk {
        text,
        cursor: Cursor::new(text),
        wanted,
        next: 0,
        written: HashMap::new(),
        anchors: HashMap::new(),
        open: Vec::new(),
        open_anchors: 0,
        copies: Vec::new(),
    };
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        walk.meet(event, span);
        if wanted.ends_before(walk.next) {
            break;
        }
    }
    walk.spots()
}

/// Follows the events, counting nodes as the tree does.
struct Walk<'a> {
    text: &'a str,
    cursor: Cursor<'a>,
    wanted: &'a Wanted,
    next: u32,
    /// The nodes that are wanted or stand under an anchor.
    written: HashMap<u32, Spot>,
    /// The numbers of the nodes that each anchor names.
    anchors: HashMap<usize, Range<u32>>,
    /// The collections that are open: their anchor (0 for none) and number.
    open: Vec<(usize, u32)>,
    /// How many of them have an anchor.
    open_anchors: usize,
    /// What each alias stands for: its own number, and the numbers of what it repeats, in ascending order.
    copies: Vec<(u32, Range<u32>)>,
}

impl Walk<'_> {
    fn meet(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let has_properties = anchor != 0 || tag.is_some();
                let place = self.enter(span, has_properties, Some((&value, style)), anchor);
                if anchor != 0 {
                    self.anchors.insert(anchor, place..self.next);
                }
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                let place = self.enter(span, anchor != 0 || tag.is_some(), None, anchor);
                self.open_anchors += usize::from(anchor != 0);
                self.open.push((anchor, place));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor @ 1.., place)) = self.open.pop() {
                    self.open_anchors -= 1;
                    self.anchors.insert(anchor, place..self.next);
                }
            }
            Event::Alias(anchor) => {
                let place = self.enter(span, false, None, 0);
                if let Some(original) = self.anchors.get(&anchor).cloned() {
                    self.next = place.saturating_add(original.end - original.start);
                    self.copies.push((place, original));
                }
            }
            _ => {}
        }
    }

    fn enter(
        &mut self,
        span: Span,
        has_properties: bool,
        scalar: Option<(&str, ScalarStyle)>,
        anchor: usize,
    ) -> u32 {
        let place = self.next;
        self.next = place.saturating_add(1);
        let is_anchored = anchor != 0 || self.open_anchors > 0;
        if is_anchored || self.wanted.is_wanted(place) {
            let start = self.cursor.offset(span.start.index());
            let written = start..self.cursor.offset(span.end.index()).max(start);
            let start = if has_properties {
                self.after_properties(written.clone())
            } else {
                start
            };
            let at = self.trimmed(start..written.end, scalar.map(|(_, style)| style));
            let wants_text = is_anchored || self.wanted.wants_text(place);
            let text = scalar
                .filter(|_| wants_text)
                .map(|(value, _)| (at.clone(), value.to_owned()));
            self.written.insert(place, Spot { at, text });
        }
        place
    }

    /// Returns where a node itself begins, after its anchor and its tag.
    fn after_properties(&self, written: Range<usize>) -> usize {
        let mut rest = self.text.get(written.clone()).unwrap_or_default();
        while rest.starts_with(['&', '!']) {
            rest = rest
                .trim_start_matches(|letter: char| !letter.is_whitespace())
                .trim_start();
        }
        // An empty node has nothing after its properties.
        if rest.is_empty() {
            written.start
        } else {
            written.end - rest.len()
        }
    }

    /// Cuts off what the parser counts to a quoted text but stands after it.
    fn trimmed(&self, at: Range<usize>, style: Option<ScalarStyle>) -> Range<usize> {
        let written = self.text.get(at.clone()).unwrap_or_default();
        let length = match style {
            Some(ScalarStyle::DoubleQuoted) => end_of_quoted(written, '"'),
            Some(ScalarStyle::SingleQuoted) => end_of_quoted(written, '\''),
            _ => written.trim_end().len(),
        };
        at.start..at.start + length
    }

    fn spots(&self) -> Spots {
        let spot = |place| {
            let own = self.written.get(&place);
            let original = self.written.get(&self.original(place)).or(own)?;
            Some((
                place,
                Spot {
                    at: own.unwrap_or(original).at.clone(),
                    text: original.text.clone(),
                },
            ))
        };
        self.wanted.places().filter_map(spot).collect()
    }

    /// Returns the node that is written in the text where this one comes from an alias.
    fn original(&self, place: u32) -> u32 {
        let mut place = place;
        loop {
            let after = self.copies.partition_point(|(copy, _)| *copy <= place);
            let Some((copy, original)) = after
                .checked_sub(1)
                .and_then(|index| self.copies.get(index))
            else {
                return place;
            };
            let steps = place - copy;
            if steps >= original.end - original.start {
                return place;
            }
            place = original.start + steps;
        }
    }
}

/// Returns where a text in quotes ends, given that it begins with one.
pub(super) fn end_of_quoted(written: &str, quote: char) -> usize {
    let mut letters = written.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            if quote == '\'' && letters.next_if(|(_, next)| *next == quote).is_some() {
                continue;
            }
            return at + 1;
        }
        if letter == '\\' && quote == '"' {
            letters.next();
        }
    }
    written.len()
}
