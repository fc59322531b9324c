//! From pieces of text to whole lines, for each step.

use std::collections::HashMap;

/// A line is given out after this many bytes, also when it has no end yet.
const LONGEST: usize = 64 << 10;

/// What each step's agent has written since its last whole line.
#[derive(Default)]
pub(crate) struct OpenLines(HashMap<String, String>);

impl OpenLines {
    /// Adds a piece of what the step's agent writes, and returns the lines that are whole by now, none or more.
    pub(crate) fn add(&mut self, step: &str, piece: &str) -> Option<String> {
        let mut text = self.0.remove(step).unwrap_or_default();
        text.push_str(piece);
        let end = match text.rfind('\n') {
            Some(last) => last + 1,
            None if text.len() > LONGEST => text.len(),
            None => 0,
        };
        let rest = text.split_off(end);
        if !rest.is_empty() {
            self.0.insert(step.to_owned(), rest);
        }
        (!text.is_empty()).then_some(text)
    }

    /// The line of the step's agent that will get no end any more.
    pub(crate) fn end(&mut self, step: &str) -> Option<String> {
        self.0.remove(step)
    }

    /// Every such line, by step.
    pub(crate) fn end_all(&mut self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self.0.drain().collect();
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines() {
        let mut open = OpenLines::default();
        assert_eq!(open.add("a", "one\ntw"), Some("one\n".to_owned()));
        assert_eq!(open.add("b", "other"), None);
        assert_eq!(open.add("a", "o\nthree\n"), Some("two\nthree\n".to_owned()));
        assert_eq!(
            (open.end("a"), open.end("b")),
            (None, Some("other".to_owned()))
        );
        open.add("z", "last");
        assert_eq!(open.end_all(), [("z".to_owned(), "last".to_owned())]);
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_for_ever() {
        let mut open = OpenLines::default();
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(open.add("a", &long), Some(long.clone()));
        assert_eq!(open.end("a"), None);
    }
}
