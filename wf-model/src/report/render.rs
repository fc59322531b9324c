//! A report as text: the line in question, a caret under it, and what to do.

use std::ops::Range;

use crate::problem::{MOST_WARNINGS, Severity};

use super::Diagnostic;

/// Holds a piece of a shown report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What the piece is.
    pub role: Role,
    /// The piece itself.
    pub text: String,
}

/// Says what a piece of a shown report is, for whoever colours it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The word `error`, and the carets of an error.
    Error,
    /// The word `warning`, and the carets of a warning.
    Warning,
    /// The word `note` or `help`, and the marks under a note.
    Note,
    /// What is wrong.
    Message,
    /// The frame: arrows, bars and line numbers.
    Frame,
    /// Anything else: places, source text, explanations.
    Text,
}

/// The most findings that are shown.
const MOST_SHOWN: usize = 100;

/// The most notes that are shown for each.
const MOST_NOTES: usize = 12;

/// How many characters of a line are shown before the caret, and how many from there on.
const BEFORE: usize = 60;
const AFTER: usize = 80;

pub(super) fn pieces(diagnostics: &[Diagnostic]) -> Vec<Piece> {
    let mut page = Page::default();
    for (index, diagnostic) in diagnostics.iter().take(MOST_SHOWN).enumerate() {
        if index > 0 {
            page.push(Role::Text, "\n\n");
        }
        show(&mut page, diagnostic);
    }
    if let Some(more @ 1..) = diagnostics.len().checked_sub(MOST_SHOWN) {
        let at_least = if diagnostics.len() < MOST_WARNINGS {
            ""
        } else {
            "at least "
        };
        page.push(Role::Message, &format!("\n\n… and {at_least}{more} more"));
    }
    page.pieces
}

fn show(page: &mut Page, diagnostic: &Diagnostic) {
    let Diagnostic {
        severity,
        message,
        help,
        file,
        line,
        column,
        range,
        notes,
        text,
    } = diagnostic;
    let (role, word) = match severity {
        Severity::Error => (Role::Error, "error"),
        Severity::Warning => (Role::Warning, "warning"),
    };
    let notes = notes.get(..notes.len().min(MOST_NOTES)).unwrap_or_default();
    let last_line = notes
        .iter()
        .map(|note| note.line)
        .max()
        .unwrap_or_default()
        .max(*line);
    let margin = last_line.to_string().len();
    page.push(role, word);
    page.push(Role::Message, &format!(": {message}"));
    if *line == 0 {
        page.push(Role::Frame, "\n --> ");
        page.push(Role::Text, file);
    } else {
        page.snippet(
            text,
            Place {
                file,
                line: *line,
                column: *column,
                range,
            },
            margin,
            (role, '^'),
        );
    }
    for note in notes {
        page.push(Role::Text, "\n");
        page.push(Role::Note, "note");
        page.push(Role::Text, &format!(": {}", note.message));
        let place = Place {
            file,
            line: note.line,
            column: note.column,
            range: &note.range,
        };
        page.snippet(text, place, margin, (Role::Note, '-'));
    }
    if let Some(help) = help {
        page.push(Role::Frame, &format!("\n{:margin$} = ", ""));
        page.push(Role::Note, "help");
        page.push(Role::Text, &format!(": {help}"));
    }
}

struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    range: &'a Range<usize>,
}

#[derive(Default)]
struct Page {
    pieces: Vec<Piece>,
}

impl Page {
    fn push(&mut self, role: Role, text: &str) {
        match self.pieces.last_mut() {
            Some(last) if last.role == role => last.text.push_str(text),
            _ => self.pieces.push(Piece {
                role,
                text: text.to_owned(),
            }),
        }
    }

    fn snippet(&mut self, text: &str, place: Place<'_>, margin: usize, (role, mark): (Role, char)) {
        self.push(Role::Frame, &format!("\n{:margin$}--> ", ""));
        self.push(
            Role::Text,
            &format!("{}:{}:{}", place.file, place.line, place.column),
        );
        if text.is_empty() {
            return;
        }
        let line = Line::around(text, place.range);
        self.push(
            Role::Frame,
            &format!("\n{:margin$} |\n{:>margin$} | ", "", place.line),
        );
        self.push(Role::Text, &line.shown);
        self.push(
            Role::Frame,
            &format!("\n{:margin$} | {:indent$}", "", "", indent = line.indent),
        );
        self.push(role, &mark.to_string().repeat(line.marked));
    }
}

/// A line of the text as it is shown, cut around what is meant.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    shown: String,
    /// How many columns of a terminal come before what is meant, and how many it takes.
    indent: usize,
    marked: usize,
}

impl Line {
    fn around(text: &str, range: &Range<usize>) -> Line {
        let (before, after) = text.split_at_checked(range.start).unwrap_or((text, ""));
        let mut start: Vec<char> = before
            .chars()
            .rev()
            .take_while(|letter| !is_line_end(*letter))
            .take(BEFORE + 1)
            .collect();
        let is_cut_before = start.len() > BEFORE;
        start.truncate(BEFORE);
        let mut line = Line {
            shown: String::new(),
            indent: 0,
            marked: 0,
        };
        if is_cut_before {
            line.shown.push('…');
            line.indent += 1;
        }
        for letter in start.into_iter().rev() {
            line.indent += show_letter(letter, &mut line.shown);
        }
        let mut rest = after
            .char_indices()
            .take_while(|(_, letter)| !is_line_end(*letter));
        for (at, letter) in rest.by_ref().take(AFTER) {
            let width = show_letter(letter, &mut line.shown);
            if at < range.len() {
                line.marked += width;
            }
        }
        if rest.next().is_some() {
            line.shown.push('…');
        }
        line.shown.truncate(line.shown.trim_end().len());
        line.marked = line.marked.max(1);
        line
    }
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r')
}

/// Writes a character so that it takes a known number of columns, which it returns.
fn show_letter(letter: char, shown: &mut String) -> usize {
    match letter {
        '\t' => {
            shown.push_str("    ");
            4
        }
        // What moves the cursor or turns the direction of writing would falsify the picture.
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => {
            shown.push('\u{fffd}');
            1
        }
        _ if letter.is_control() => {
            shown.push('\u{fffd}');
            1
        }
        _ => {
            shown.push(letter);
            width(letter)
        }
    }
}

/// Returns how many columns a terminal gives to a character: two for most of East Asia and for pictures.
fn width(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{20d0}'..='\u{20ff}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(text: &str, part: &str) -> Line {
        let start = text.find(part).unwrap();
        Line::around(text, &(start..start + part.len()))
    }

    #[test]
    fn the_caret_stands_under_what_is_meant() {
        let line = around("a: 1\nkey: value # x\nb: 2", "value");
        assert_eq!(
            line,
            Line {
                shown: "key: value # x".into(),
                indent: 5,
                marked: 5
            }
        );
    }

    #[test]
    fn tabs_and_wide_characters_take_their_columns() {
        let line = around("\tk: 日本 x", "日本");
        assert_eq!(
            line,
            Line {
                shown: "    k: 日本 x".into(),
                indent: 7,
                marked: 4
            }
        );
        let line = around("e\u{301} x", "x");
        assert_eq!(line.indent, 2);
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let text = format!("{}HERE{}", "a".repeat(1_000_000), "b".repeat(1_000_000));
        let line = around(&text, "HERE");
        assert_eq!(line.indent, 61);
        assert_eq!(line.marked, 4);
        assert_eq!(line.shown.chars().count(), 142);
        assert!(line.shown.starts_with('…') && line.shown.ends_with('…'));
    }

    #[test]
    fn what_goes_over_several_lines_is_marked_on_the_first() {
        let line = around("a: \"x\n  y\"\nb: 1", "\"x\n  y\"");
        assert_eq!(
            line,
            Line {
                shown: "a: \"x".into(),
                indent: 3,
                marked: 2
            }
        );
    }

    #[test]
    fn characters_that_would_falsify_the_picture_are_replaced() {
        let line = around("a\u{202e}b\u{1b}c", "c");
        assert_eq!(
            line,
            Line {
                shown: "a\u{fffd}b\u{fffd}c".into(),
                indent: 4,
                marked: 1
            }
        );
    }

    #[test]
    fn the_end_of_the_text_has_a_caret_too() {
        let line = Line::around("abc", &(3..3));
        assert_eq!(
            line,
            Line {
                shown: "abc".into(),
                indent: 3,
                marked: 1
            }
        );
    }
}
