//! YAML: to the tree, and to where its nodes stand.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_yaml::Deserializer;

use super::build::{Builder, Limit, Syntax};
use super::locate::{Cursor, Spot, Spots, Wanted};
use super::{MOST_LEVELS, Node, anchors, guard};
use crate::problem::Problem;

/// Parses a text; what is odd but readable comes with the tree.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<Problem<u32>>), Syntax> {
    if let Some(found) = guard::too_costly(text).or_else(|| anchors::defined_twice(text)) {
        return Err(found);
    }
    let mut builder = Builder::new(text.len(), true);
    match (builder.root(Deserializer::from_str(text)), builder.limit) {
        (Ok(root), _) => Ok((root, builder.problems)),
        (Err(_), Some(Limit::Levels(place))) => {
            let help =
                "bring the text to fewer levels; an alias must not stand inside what it names";
            Err(Syntax::new(spot_of(text, place), too_deep(), help))
        }
        (Err(_), Some(Limit::Size(place))) => Err(Syntax::new(
            spot_of(text, place),
            "the aliases expand to more than this document may hold",
            "write out what the aliases stand for, or use fewer",
        )),
        (Err(error), None) => Err(explained(text, &error)),
    }
}

pub(super) fn too_deep() -> String {
    format!("the document nests deeper than {MOST_LEVELS} levels")
}

/// Finds where nodes stand in a text, as far as it can be followed.
pub(crate) fn find(text: &str, wanted: &Wanted) -> Spots {
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
        last: Span::default(),
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

fn spot_of(text: &str, place: u32) -> Range<usize> {
    let mut wanted = Wanted::default();
    wanted.place(place);
    find(text, &wanted)
        .remove(&place)
        .map_or(0..0, |spot| spot.at)
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
    /// The node met last.
    last: Span,
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
        self.last = span;
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

    /// Returns the spots; a node that was not met stands about where the last one does.
    fn spots(mut self) -> Spots {
        let last = self.cursor.offset(self.last.start.index());
        let last = Spot {
            at: last..last,
            text: None,
        };
        let spot = |place| {
            let own = self.written.get(&place);
            let original = self
                .written
                .get(&self.original(place))
                .or(own)
                .unwrap_or(&last);
            Spot {
                at: own.unwrap_or(original).at.clone(),
                text: original.text.clone(),
            }
        };
        self.wanted
            .places()
            .map(|place| (place, spot(place)))
            .collect()
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

fn end_of_quoted(written: &str, quote: char) -> usize {
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

/// Says in the words of the file what the parser says in its own.
fn explained(text: &str, error: &serde_yaml::Error) -> Syntax {
    let shown = error.to_string();
    let location = error
        .location()
        .map_or(0, |location| location.index().min(text.len()));
    if shown.contains("more than one document") {
        return Syntax::new(
            second_document(text),
            "the file holds more than one document",
            "keep one document in a file",
        );
    }
    if shown.contains("control characters") {
        return control_character(text);
    }
    if shown.contains("invalid type") {
        let at = char_at(text, location);
        return Syntax::new(
            at,
            "a list or mapping stands where a key is expected",
            "put text that begins with `{{`, `{` or `[` in quotes",
        );
    }
    if shown.contains("while scanning a quoted scalar") && shown.contains("found unexpected") {
        let at = context_offset(text, &shown).unwrap_or(location);
        return Syntax::new(
            char_at(text, at),
            "a quote that is never closed",
            "close it, or put the whole text in quotes of the other kind",
        );
    }
    let problem = shown.split(" at line ").next().unwrap_or(&shown);
    rewritten(
        char_at(text, location),
        problem.split(", while").next().unwrap_or(problem),
    )
    .or_about_character(text, location)
}

/// Rewrites the words of a YAML parser, of either kind.
pub(super) fn rewritten(at: Range<usize>, problem: &str) -> Syntax {
    const KNOWN: [(&str, &str, &str); 16] = [
        (
            "mapping values are not allowed",
            "a `:` that cannot stand here",
            "put text that contains `: ` in quotes, and check the indentation",
        ),
        (
            "did not find expected key",
            "expected a key",
            "check the indentation of this line, and that quotes before it are closed",
        ),
        (
            "did not find expected '-' indicator",
            "expected a list entry",
            "begin it with `- `, indented as the entries before it",
        ),
        (
            "could not find expected ':'",
            "expected `:` after a key",
            "write `key: value`, and check the indentation",
        ),
        (
            "did not find expected ',' or ']'",
            "expected `,` or `]`",
            "separate the entries with `,` and close the list with `]`",
        ),
        (
            "did not find expected ',' or '}'",
            "expected `,` or `}`",
            "separate the entries with `,` and close the mapping with `}`",
        ),
        (
            "did not find expected node content",
            "expected a value",
            "write a value, or close the brackets and braces before it",
        ),
        (
            "tab character",
            "a tab where spaces are expected",
            "indent with spaces",
        ),
        (
            "unknown escape character",
            "unknown escape in a text in double quotes",
            "write a backslash as `\\\\`, or use single quotes",
        ),
        (
            "hexadecimal number",
            "an escape that is not complete",
            "write a backslash as `\\\\`, or use single quotes",
        ),
        (
            "unknown anchor",
            "unknown alias",
            "define it before with `&name`; put text that begins with `*` in quotes",
        ),
        (
            "alphabetic or numeric character",
            "an alias or anchor without a name",
            "put text that begins with `*` or `&` in quotes",
        ),
        (
            "block sequence entries are not allowed",
            "a list cannot begin here",
            "put its first `- ` on a line of its own",
        ),
        (
            "mapping keys are not allowed",
            "a key cannot stand here",
            "check the indentation",
        ),
        (
            "undefined tag handle",
            "unknown tag",
            "remove it; if it is meant as text, put the whole text in quotes",
        ),
        (
            "<document start>",
            "more text after the end of the document",
            "keep one document in a file, and check the indentation",
        ),
    ];
    match KNOWN.iter().find(|(known, ..)| problem.contains(known)) {
        Some((_, message, help)) => Syntax::new(at, *message, help),
        None => Syntax::new(
            at,
            format!("this is not YAML: {problem}"),
            "check the indentation, quotes and brackets here and just before",
        ),
    }
}

impl Syntax {
    /// Says more where the character itself is the mistake.
    fn or_about_character(self, text: &str, offset: usize) -> Self {
        match text.get(offset..).and_then(|rest| rest.chars().next()) {
            Some('\t')
                if !self.message.contains("tab")
                    && self.message.starts_with("this is not YAML") =>
            {
                Syntax::new(
                    self.at,
                    "a tab where spaces are expected",
                    "indent with spaces",
                )
            }
            Some(letter @ ('@' | '`' | '%')) if self.message.contains("cannot start any token") => {
                Syntax::new(
                    self.at,
                    format!(
                        "text cannot begin with {}",
                        if letter == '`' {
                            "a backtick".to_owned()
                        } else {
                            format!("`{letter}`")
                        }
                    ),
                    "put the whole text in quotes",
                )
            }
            _ => self,
        }
    }
}

fn second_document(text: &str) -> Range<usize> {
    let mut cursor = Cursor::new(text);
    let starts = Parser::new_from_str(text)
        .map_while(Result::ok)
        .filter_map(|(event, span)| matches!(event, Event::DocumentStart(_)).then_some(span));
    let span = starts.into_iter().nth(1);
    span.map_or(0..0, |span| {
        cursor.offset(span.start.index())..cursor.offset(span.end.index())
    })
}

/// Finds the first character that YAML allows nowhere.
fn control_character(text: &str) -> Syntax {
    let is_refused = |letter: &char| {
        (letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\u{85}'))
            || matches!(letter, '\u{fffe}' | '\u{ffff}')
    };
    let found = text.char_indices().find(|(_, letter)| is_refused(letter));
    let (at, letter) = found.unwrap_or_default();
    Syntax::new(
        char_at(text, at),
        format!(
            "the control character U+{:04X} cannot stand in YAML",
            u32::from(letter)
        ),
        "remove it, or write it as an escape in double quotes; is this a text file?",
    )
}

/// Reads the place of the context ("…, while scanning … at line 2 column 5") out of a message.
fn context_offset(text: &str, shown: &str) -> Option<usize> {
    let (_, context) = shown.rsplit_once(" at line ")?;
    let (line, column) = context.split_once(" column ")?;
    let (line, column) = (line.parse::<usize>().ok()?, column.parse::<usize>().ok()?);
    let start = match line.checked_sub(2) {
        None => 0,
        Some(before) => text.match_indices('\n').nth(before)?.0 + 1,
    };
    let rest = text.get(start..)?;
    Some(
        start
            + rest
                .char_indices()
                .nth(column.checked_sub(1)?)
                .map_or(rest.len(), |(at, _)| at),
    )
}

/// Returns the range of the character at an offset, or before it.
pub(super) fn char_at(text: &str, offset: usize) -> Range<usize> {
    let start = (0..=offset.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default();
    start
        ..start
            + text
                .get(start..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8)
}
