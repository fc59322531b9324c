//! A look at YAML text before it is parsed, for what would take the parser too long.
//!
//! The parser behind `serde_yaml` takes time in the square of how deep `[` and `{` nest, and of how many
//! `%TAG` lines there are, before anybody sees an event.

use memchr::{memchr2, memchr2_iter, memmem};
use saphyr_parser::{Event, Parser};

use super::words;
use crate::tree::MOST_LEVELS;
use crate::tree::build::{self, Syntax};
use crate::tree::locate::Cursor;

/// Returns what makes the text too costly to parse, if anything does.
pub(super) fn too_costly(text: &str) -> Option<Syntax> {
    const MOST_TAG_LINES: usize = 100;
    let mut tag_lines = memmem::find_iter(text.as_bytes(), "\n%TAG");
    if let Some(at) = tag_lines.nth(MOST_TAG_LINES) {
        return Some(Syntax::new(
            at + 1..at + 5,
            "too many `%TAG` lines",
            "remove them: tags are not used here",
        ));
    }
    // Most text, however long, ends the count far below this.
    const SURELY_FLAT: usize = 1_000;
    if most_levels(text.as_bytes()) <= SURELY_FLAT {
        None
    } else {
        too_deep(text)
    }
}

/// Looks for the place where a text nests too deep, with a parser that gives each event as soon as it is
/// known and itself stops where collections in brackets nest deeper than 255.
fn too_deep(text: &str) -> Option<Syntax> {
    let mut levels = 0;
    for event in Parser::new_from_str(text) {
        let (at, error) = match event {
            Ok((Event::SequenceStart(..) | Event::MappingStart(..), span)) => {
                levels += 1;
                if levels <= MOST_LEVELS {
                    continue;
                }
                (span.start.index(), None)
            }
            Ok((event, _)) => {
                levels -= usize::from(matches!(event, Event::SequenceEnd | Event::MappingEnd));
                continue;
            }
            Err(error) => {
                let problem =
                    Some(error.info().to_owned()).filter(|info| !info.contains("recursion"));
                (error.marker().index(), problem)
            }
        };
        let at = words::char_at(text, Cursor::new(text).offset(at));
        return Some(match error {
            None => Syntax::new(at, build::too_deep(), "bring the text to fewer levels"),
            Some(problem) => words::rewritten(at, &problem),
        });
    }
    None
}

/// Returns a number that is surely not less than how deep brackets and braces nest.
///
/// Whether a bracket is one, or part of a text or a comment, depends on all that stands before it. But an
/// opening one and the next closing one of the same line cancel out when nothing between them can begin or
/// end a text or a comment; quotes can, except a pair of them that begins where a value must begin, with
/// nothing open or closed in between. What this leaves open is counted, and so is each `- ` and `? ` of a line
/// that begins with a long row of them.
fn most_levels(text: &[u8]) -> usize {
    let mut levels = Levels::default();
    let mut start = 0;
    for end in memchr2_iter(b'\n', b'\r', text).chain([text.len()]) {
        levels.meet_line(text.get(start..end).unwrap_or_default());
        start = end + 1;
    }
    levels.most.max(levels.longest_row)
}

#[derive(Default)]
struct Levels {
    most: usize,
    /// What stayed open and will never be closed, as far as is known.
    passed: usize,
    /// What is open since the last byte that may have begun or ended a text or a comment.
    open: usize,
    quote: Option<Quote>,
    /// The most `-` and `?` that a line begins with.
    longest_row: usize,
}

/// A quote that may still cancel out with the next.
struct Quote {
    byte: u8,
    open_before: usize,
    has_unmatched_end: bool,
}

impl Levels {
    /// Meets a line, without what ends it. Most lines open nothing.
    fn meet_line(&mut self, line: &[u8]) {
        let row = line
            .iter()
            .take_while(|byte| matches!(byte, b'-' | b'?' | b' ' | b'\t'));
        let row = row.filter(|byte| matches!(byte, b'-' | b'?')).count();
        self.longest_row = self.longest_row.max(row);
        if memchr2(b'[', b'{', line).is_none() {
            return;
        }
        for (at, byte) in line.iter().enumerate() {
            match byte {
                b'[' | b'{' => {
                    self.open += 1;
                    self.most = self.most.max(self.passed + self.open);
                }
                b']' | b'}' => match &mut self.quote {
                    Some(quote) if self.open == quote.open_before => quote.has_unmatched_end = true,
                    _ => self.open = self.open.saturating_sub(1),
                },
                b'"' | b'\'' => self.meet_quote(*byte, line.get(..at).unwrap_or_default()),
                b'#' | b'\\' => self.pass(),
                _ => {}
            }
        }
        self.pass();
    }

    /// Meets a quote with what stands before it in its line.
    fn meet_quote(&mut self, byte: u8, before: &[u8]) {
        match self.quote.take() {
            None if must_begin_a_value(before) => {
                self.quote = Some(Quote {
                    byte,
                    open_before: self.open,
                    has_unmatched_end: false,
                });
            }
            Some(first)
                if first.byte == byte
                    && first.open_before == self.open
                    && !first.has_unmatched_end => {}
            _ => self.pass(),
        }
    }

    fn pass(&mut self) {
        self.passed += self.open;
        (self.open, self.quote) = (0, None);
    }
}

/// Whether what comes after this part of a line begins a value, if it is no blank.
fn must_begin_a_value(before: &[u8]) -> bool {
    let last = before
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t'));
    match last.and_then(|last| before.get(last..)) {
        Some([b'[' | b'{' | b',', ..]) => true,
        Some([b':', blanks @ ..]) => !blanks.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> usize {
        most_levels(text.as_bytes())
    }

    #[test]
    fn ordinary_lines_stay_flat() {
        let step = "  - { key: \"a\", agent: b, prompt: 'do {{x}} [now]', dependencies: [\"c\", \"d\"] }\n";
        assert_eq!(levels(&step.repeat(1000)), 3);
        assert_eq!(
            levels(&"prompt: don't\nlist: [a, {b: c}]\n".repeat(1000)),
            2
        );
    }

    #[test]
    fn what_stays_open_is_counted() {
        assert_eq!(levels("[[[["), 4);
        assert_eq!(levels("[[[[]]]]"), 4);
        assert_eq!(levels("[\n[\n]\n]"), 2);
        assert_eq!(levels("{a: {b: [c]"), 3);
    }

    #[test]
    fn a_line_decides_by_itself_what_stays_open() {
        for (text, found) in [
            ("a: \" [ ]\",\n", 1),
            ("b: x\n['x' , [\n", 6),
            ("- - ? x\n- - - -\r\n", 4),
            ("- a\r- - -\rb: '[\n", 3),
            ("]\n\n\"[\"#\r\n", 3),
            ("{\\[", 6),
        ] {
            assert_eq!(levels(&text.repeat(3)), found, "{text:?}");
        }
    }

    #[test]
    fn closing_brackets_inside_quotes_and_comments_close_nothing() {
        for hidden in [
            "[\"]\",",
            "[\n\"\n]\",",
            "[ # ]\n",
            "['it''s ]', ",
            "[\"\\\"]\", ",
            "[a\" , \"]\",",
            "[a:\" , \"]\",",
        ] {
            assert!(levels(&hidden.repeat(10)) >= 10, "{hidden}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_where_it_becomes_too_deep() {
        let found = too_costly(&"[".repeat(100_000)).unwrap();
        assert_eq!(found.message, "the document nests deeper than 100 levels");
        assert_eq!(found.at, 255..256);
        assert!(too_costly(&"{a: ".repeat(50_000)).is_some());
        assert!(too_costly(&"[\"]\", ".repeat(50_000)).is_some());
        assert_eq!(
            too_costly(&"[\n]\n".repeat(2000)).map(|found| found.message.contains("nests")),
            Some(false)
        );
    }

    #[test]
    fn many_tag_lines_are_refused() {
        let found = too_costly(&"%TAG !a! b\n".repeat(200)).unwrap();
        assert_eq!(found.message, "too many `%TAG` lines");
    }
}
