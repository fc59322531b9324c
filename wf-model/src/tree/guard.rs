//! A look at YAML text before it is parsed, for what would take the parser too long.
//!
//! The parser behind `serde_yaml` takes time in the square of how deep `[` and `{` nest, and of how many
//! `%TAG` lines there are, before anybody sees an event.

use memchr::{memchr_iter, memchr3, memmem};
use saphyr_parser::{Event, Parser};

use super::MOST_LEVELS;
use super::build::Syntax;
use super::locate::Cursor;

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
        let at = super::yaml::char_at(text, Cursor::new(text).offset(at));
        return Some(match error {
            None => Syntax::new(
                at,
                super::yaml::too_deep(),
                "bring the text to fewer levels",
            ),
            Some(problem) => super::yaml::rewritten(at, &problem),
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
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        let line = text.get(start..end).unwrap_or_default();
        levels.meet_line(line.strip_suffix(b"\r").unwrap_or(line));
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
    /// The last byte that is no blank, and whether blanks follow it.
    last: u8,
    is_after_blank: bool,
    /// How many `-` and `?` the line begins with, and the most that any line did.
    row: usize,
    longest_row: usize,
    is_in_row: bool,
}

/// A quote that may still cancel out with the next.
struct Quote {
    byte: u8,
    open_before: usize,
    has_unmatched_end: bool,
}

impl Levels {
    /// Meets what stands before the end of a line. Most lines open nothing.
    fn meet_line(&mut self, line: &[u8]) {
        self.meet(b'\n');
        let opens = memchr3(b'[', b'{', b'\r', line).is_some();
        for byte in line {
            self.meet(*byte);
            if !opens && !self.is_in_row {
                break;
            }
        }
    }

    fn meet(&mut self, byte: u8) {
        match byte {
            b'[' | b'{' => {
                self.open += 1;
                self.most = self.most.max(self.passed + self.open);
            }
            b']' | b'}' => match &mut self.quote {
                Some(quote) if self.open == quote.open_before => quote.has_unmatched_end = true,
                _ => self.open = self.open.saturating_sub(1),
            },
            b'"' | b'\'' => self.meet_quote(byte),
            b'#' | b'\\' | b'\n' | b'\r' => self.pass(),
            _ => {}
        }
        match byte {
            b' ' | b'\t' => self.is_after_blank = true,
            _ => {
                self.meet_row(byte);
                (self.last, self.is_after_blank) = (byte, false);
            }
        }
    }

    fn meet_quote(&mut self, byte: u8) {
        match self.quote.take() {
            None if self.must_begin_a_value() => {
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

    fn meet_row(&mut self, byte: u8) {
        match byte {
            b'\n' | b'\r' => (self.row, self.is_in_row) = (0, true),
            b'-' | b'?' if self.is_in_row => {
                self.row += 1;
                self.longest_row = self.longest_row.max(self.row);
            }
            _ => self.is_in_row = false,
        }
    }

    fn must_begin_a_value(&self) -> bool {
        matches!(self.last, b'[' | b'{' | b',') || (self.last == b':' && self.is_after_blank)
    }

    fn pass(&mut self) {
        self.passed += self.open;
        (self.open, self.quote) = (0, None);
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
    fn what_is_skipped_changes_nothing() {
        for text in [
            "a: \" [ ]\",\n",
            "b: x\n['x' , [\n",
            "- - ? x\n- - - -\r\n",
            "- a\r- - -\rb: '[\n",
            "]\n\n\"[\"#\r\n",
            "{\\[",
        ] {
            let text = text.repeat(3);
            let mut each = Levels::default();
            each.meet(b'\n');
            text.bytes().for_each(|byte| each.meet(byte));
            assert_eq!(levels(&text), each.most.max(each.longest_row), "{text:?}");
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
