//! What is wrong with a text, to be shown to a person.

mod render;

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::problem::Severity;

pub use self::render::{Piece, Role};

/// Holds everything that was found in one text, in the order of the text, or in [several](Report::and).
///
/// `Display` shows each with its line and a caret, the way rustc does, without colours; a program that wants
/// colours takes the [`pieces`](Report::pieces) instead.
#[derive(Clone)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

/// Describes one mistake in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The name of the file.
    pub file: Arc<str>,
    /// The line, from 1; 0 if it has no place in the text.
    pub line: usize,
    /// The column in characters, from 1; 0 if it has no place in the text.
    pub column: usize,
    /// The bytes of the text that are meant.
    pub range: Range<usize>,
    /// Other places that have to do with it.
    pub notes: Vec<Note>,
    /// The text of the file.
    pub(crate) text: Arc<str>,
}

/// Points at another place that has to do with a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// What is there.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the text that are meant.
    pub range: Range<usize>,
}

/// A mistake whose lines and columns are not counted yet.
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) range: Range<usize>,
    pub(crate) notes: Vec<(Range<usize>, String)>,
}

impl Report {
    /// Puts findings in the order of the text and counts their lines and columns.
    pub(crate) fn new(file: &Arc<str>, text: &Arc<str>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.range.start);
        let starts = findings.iter().flat_map(|finding| {
            std::iter::once(finding.range.start)
                .chain(finding.notes.iter().map(|(range, _)| range.start))
        });
        let positions = positions(text, starts.collect());
        let position = |offset: usize| {
            let found = positions.binary_search_by_key(&offset, |(offset, _)| *offset);
            found
                .ok()
                .and_then(|index| positions.get(index))
                .map_or((0, 0), |(_, position)| *position)
        };
        let diagnostics = findings.into_iter().map(|finding| {
            let (line, column) = position(finding.range.start);
            let notes = finding.notes.into_iter().map(|(range, message)| {
                let (line, column) = position(range.start);
                Note {
                    message,
                    line,
                    column,
                    range,
                }
            });
            Diagnostic {
                severity: finding.severity,
                message: finding.message,
                help: finding.help,
                file: Arc::clone(file),
                line,
                column,
                notes: notes.collect(),
                range: finding.range,
                text: Arc::clone(text),
            }
        });
        Report {
            diagnostics: diagnostics.collect(),
        }
    }

    /// Makes a report of one error that has no text to show, at this line and column (0 for none).
    pub(crate) fn unplaced(
        file: &str,
        message: String,
        help: Option<String>,
        (line, column): (usize, usize),
    ) -> Self {
        let file = Arc::from(file);
        let severity = Severity::Error;
        let diagnostic = Diagnostic {
            severity,
            message,
            help,
            file,
            line,
            column,
            range: 0..0,
            notes: Vec::new(),
            text: Arc::from(""),
        };
        Report {
            diagnostics: vec![diagnostic],
        }
    }

    /// Returns what was found, in the order of the text.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Tells whether an error is among what was found.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Tells whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Returns a report of each finding alone, in the order of the text, for whoever tells them one by one.
    pub fn apart(&self) -> impl Iterator<Item = Report> {
        self.diagnostics.iter().map(|diagnostic| Report {
            diagnostics: vec![diagnostic.clone()],
        })
    }

    /// Returns the report with what was found in another text after it.
    #[must_use]
    pub fn and(mut self, other: Report) -> Report {
        self.diagnostics.extend(other.diagnostics);
        self
    }

    /// Returns the report in pieces, each with what it is, so that a program can colour them.
    ///
    /// At most the first hundred findings are shown, then how many more there are. Put together, the pieces
    /// are what `Display` writes; the last line does not end in a line break.
    pub fn pieces(&self) -> Vec<Piece> {
        render::pieces(&self.diagnostics)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces()
            .iter()
            .try_for_each(|piece| formatter.write_str(&piece.text))
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Report")
            .field("diagnostics", &self.diagnostics)
            .finish_non_exhaustive()
    }
}

impl Error for Report {}

/// Returns the line and column of each offset, sorted by offset, in one walk through the text.
///
/// A line ends with `\n`, `\r\n`, or a `\r` alone.
fn positions(text: &str, mut offsets: Vec<usize>) -> Vec<(usize, (usize, usize))> {
    offsets.sort_unstable();
    offsets.dedup();
    let mut positions = Vec::with_capacity(offsets.len());
    let mut wanted = offsets.into_iter().peekable();
    let (mut line, mut column) = (1, 1);
    let mut letters = text.char_indices().peekable();
    while wanted.peek().is_some() {
        let next = letters.next();
        let at = next.map_or(text.len(), |(at, _)| at);
        while let Some(offset) = wanted.next_if(|offset| *offset <= at || next.is_none()) {
            positions.push((offset, (line, column)));
        }
        match next {
            Some((_, '\r')) if letters.peek().is_some_and(|(_, after)| *after == '\n') => {
                column += 1
            }
            Some((_, '\n' | '\r')) => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_any_of_three_ways_and_columns_count_characters() {
        let text = "é1\r\nb\rc\n→d";
        let at = |part: &str| text.find(part).unwrap();
        let offsets = vec![at("d"), at("b"), at("1"), at("c"), 0, text.len(), at("b")];
        let found = positions(text, offsets);
        let expected = [
            (0, (1, 1)),
            (at("1"), (1, 2)),
            (at("b"), (2, 1)),
            (at("c"), (3, 1)),
            (at("d"), (4, 2)),
            (text.len(), (4, 3)),
        ];
        assert_eq!(found, expected);
    }
}
