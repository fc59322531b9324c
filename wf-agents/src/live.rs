//! What a program writes, shown line by line while it writes it.

use std::borrow::Cow;

use wf_core::agent::Output;

use super::secrets::{Redactor, Secrets, Texts};

/// A line longer than this, in bytes, is shown in pieces.
const LONGEST_PIECE: usize = 8 * 1024;

/// How much of one stream of one attempt is shown, in bytes; the rest of a flood is not.
const SHOWN: usize = 16 * 1024 * 1024;

/// How a line is shown: as it is, or as what it means; nothing for one that says nothing to people.
pub(super) type Meaning = fn(&str) -> Option<Cow<'_, str>>;

/// One stream of a program, on its way to whoever watches.
pub(super) struct Lines<'a> {
    output: Output<'a>,
    redactor: Redactor<'a>,
    meaning: Option<Meaning>,
    /// Over what the lines mean: a secret that is split over several of them is whole only there.
    meant: Texts<'a>,
    line: Vec<u8>,
    /// The rest of the line is passed over.
    is_too_long: bool,
    left: usize,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(
        output: Output<'a>,
        secrets: &'a Secrets,
        meaning: Option<Meaning>,
    ) -> Self {
        Lines {
            output,
            redactor: Redactor::new(secrets),
            meaning,
            meant: Texts::new(secrets),
            line: Vec::new(),
            is_too_long: false,
            left: SHOWN,
        }
    }

    /// Takes what has come; shows the lines that are complete.
    pub(super) fn push(&mut self, piece: &[u8]) {
        if !self.output.is_heard() || self.left == 0 {
            return;
        }
        let shown = self.redactor.push(piece);
        self.take(&shown);
    }

    /// Shows what is left, when nothing comes any more.
    pub(super) fn finish(&mut self) {
        if !self.output.is_heard() || self.left == 0 {
            return;
        }
        let shown = self.redactor.finish();
        self.take(&shown);
        if !self.line.is_empty() {
            self.show(self.line.len());
        }
    }

    fn take(&mut self, text: &[u8]) {
        // All complete lines at once; those that mean something else than they say, one by one. No byte is searched for
        // a line's end twice, however long the line is.
        if self.meaning.is_none() {
            let end = last_line_end(text);
            self.line.extend_from_slice(text);
            if let Some(end) = end {
                self.show(self.line.len() - (text.len() - end));
            } else if self.line.len() >= LONGEST_PIECE {
                self.show(whole(&self.line));
            }
            return;
        }
        let mut rest = text;
        while let Some(end) = line_end(rest) {
            let (line, after) = rest.split_at(end);
            rest = after;
            self.keep(line);
            if !std::mem::take(&mut self.is_too_long) {
                self.show(self.line.len());
            }
        }
        self.keep(rest);
    }

    /// Keeps more of a line that means something else than it says, unless it is longer than all that is shown.
    fn keep(&mut self, text: &[u8]) {
        self.is_too_long |= self.line.len() + text.len() > SHOWN;
        match self.is_too_long {
            true => self.line = Vec::new(),
            false => self.line.extend_from_slice(text),
        }
    }

    /// Shows that many bytes.
    fn show(&mut self, length: usize) {
        let rest = self.line.split_off(length.min(self.line.len()));
        let line = std::mem::replace(&mut self.line, rest);
        let text = String::from_utf8_lossy(&line);
        let text = match self.meaning {
            None => text,
            Some(meaning) => match meaning(text.trim()) {
                Some(meant) => Cow::Owned(format!("{}\n", self.meant.next(&meant))),
                None => return,
            },
        };
        match self.left.checked_sub(text.len()) {
            Some(left @ 1..) => {
                self.left = left;
                self.output.write(&text);
            }
            _ => {
                self.left = 0;
                self.line = Vec::new();
                self.output
                    .write("\n[what the program writes beyond this is not shown]\n");
            }
        }
    }
}

/// What is cut off in the middle of a line, by a timeout for example, is shown so far: it may be the question that nobody
/// answered. What the redactor still holds is not, since it may be the beginning of a secret.
impl Drop for Lines<'_> {
    fn drop(&mut self) {
        if self.left > 0 && !self.line.is_empty() {
            self.show(self.line.len());
        }
    }
}

/// Where the first line ends, with its end.
fn line_end(text: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b'\n', text).map(|at| at + 1);
    looked_at(end.unwrap_or(text.len()));
    end
}

/// Where the last whole line ends, with its end.
fn last_line_end(text: &[u8]) -> Option<usize> {
    let end = memchr::memrchr(b'\n', text).map(|at| at + 1);
    looked_at(text.len() - end.unwrap_or(0));
    end
}

#[cfg(not(test))]
const fn looked_at(_: usize) {}

#[cfg(test)]
fn looked_at(bytes: usize) {
    tests::LOOKED_AT.with(|looked| looked.set(looked.get() + bytes));
}

/// How many bytes there are without a letter that is not complete yet.
fn whole(text: &[u8]) -> usize {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => error.valid_up_to().max(1),
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Mutex;

    use wf_core::agent::Request;
    use wf_core::id::ExecutionId;

    use super::*;

    thread_local! {
        /// How many bytes were searched for the ends of lines.
        pub(super) static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    }

    fn shown(pieces: &[&[u8]], secret: &str, meaning: Option<Meaning>) -> Vec<String> {
        let mut secrets = Secrets::default();
        secrets.add(secret.as_bytes());
        let shown = Mutex::new(Vec::new());
        let listener = |text: &str| shown.lock().unwrap().push(text.to_owned());
        let execution = ExecutionId::from("e");
        let request = Request::new("", &execution, "s", 1).with_output(&listener);
        let mut lines = Lines::new(request.output, &secrets, meaning);
        for piece in pieces {
            lines.push(piece);
        }
        lines.finish();
        drop(lines);
        shown.into_inner().unwrap()
    }

    #[test]
    fn lines_are_shown_whole_and_the_last_without_its_end_too() {
        assert_eq!(
            shown(&[b"one\ntw", b"o\nthr", b"ee"], "", None),
            ["one\n", "two\n", "three"]
        );
    }

    #[test]
    fn what_is_cut_off_in_a_line_is_shown_but_for_what_may_begin_a_secret() {
        let mut secrets = Secrets::default();
        secrets.add(b"hunter22");
        let shown = Mutex::new(String::new());
        let listener = |text: &str| shown.lock().unwrap().push_str(text);
        let execution = ExecutionId::from("e");
        let request = Request::new("", &execution, "s", 1).with_output(&listener);
        let mut lines = Lines::new(request.output, &secrets, None);
        lines.push(b"asked\nsure? [y/N] hunter2");
        drop(lines);
        assert_eq!(shown.into_inner().unwrap(), "asked\nsure? [y/N] ");
    }

    #[test]
    fn a_secret_split_over_pieces_is_masked() {
        assert_eq!(
            shown(&[b"the key hun", b"ter22 is bad\n"], "hunter22", None),
            ["the key [redacted] is bad\n"]
        );
    }

    #[test]
    fn a_secret_split_over_what_lines_mean_is_masked() {
        let meaning: Meaning = |line| line.strip_prefix("say ").map(Cow::Borrowed);
        assert_eq!(
            shown(
                &[b"say my hun\nsay ter22 it is\n"],
                "hunter22",
                Some(meaning)
            ),
            ["my hun\n", "[redacted] it is\n"]
        );
    }

    #[test]
    fn a_letter_is_never_cut_and_what_is_no_text_is_replaced() {
        let long = "ü".repeat(LONGEST_PIECE);
        let pieces: Vec<&[u8]> = long.as_bytes().chunks(4095).collect();
        assert_eq!(shown(&pieces, "", None).concat(), long);
        assert_eq!(shown(&[b"a\xffb\n"], "", None), ["a\u{fffd}b\n"]);
    }

    #[test]
    fn of_a_flood_the_beginning_is_shown() {
        let flood = [b"x".repeat(99), b"\n".to_vec()].concat().repeat(1000);
        let pieces = vec![flood.as_slice(); 400];
        let shown = shown(&pieces, "", None);
        let length: usize = shown.iter().map(String::len).sum();
        assert!(length < SHOWN + 100, "{length}");
        assert!(shown.last().unwrap().contains("not shown"));
    }

    #[test]
    fn a_line_is_shown_as_what_it_means() {
        let meaning: Meaning = |line| line.strip_prefix("say ").map(Cow::Borrowed);
        assert_eq!(
            shown(&[b"say hello\nhum\nsay", b" bye"], "", Some(meaning)),
            ["hello\n", "bye\n"]
        );
    }

    #[test]
    fn a_line_of_any_length_is_searched_for_its_end_once() {
        let meaning: Meaning = |line| Some(Cow::Owned(line.len().to_string()));
        let piece = vec![b'x'; 16 * 1024];
        for (megabytes, meant) in [(60, None), (15, Some("15728640\n"))] {
            let mut pieces = vec![piece.as_slice(); megabytes * 64];
            pieces.push(b"\n");
            LOOKED_AT.set(0);
            let told = shown(&pieces, "", Some(meaning));
            assert_eq!(LOOKED_AT.get(), megabytes * 64 * piece.len() + 1);
            assert_eq!(told.first().map(String::as_str), meant);
            LOOKED_AT.set(0);
            shown(&pieces, "", None);
            assert!(LOOKED_AT.get() <= megabytes * 64 * piece.len() + 1);
        }
        // What follows a line that is too long is shown.
        let pieces = [&vec![b'x'; SHOWN + 1][..], b"x\nab\n"];
        assert_eq!(shown(&pieces, "", Some(meaning)), ["2\n"]);
    }
}
