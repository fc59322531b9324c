//! What a parser of YAML complains of, in words of the file.

use std::ops::Range;

use saphyr_parser::{Event, Parser};

use crate::tree::build::Syntax;
use crate::tree::locate::Cursor;

/// Says in the words of the file what the parser says in its own.
pub(super) fn explained(text: &str, error: &serde_yaml::Error) -> Syntax {
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
