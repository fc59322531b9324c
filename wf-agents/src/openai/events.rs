//! Server-sent events, as <https://html.spec.whatwg.org/multipage/server-sent-events.html> has them, as far as
//! they are needed: the data of each event.

use super::answer::Wrong;

/// Takes a stream apart into events, wherever it is cut.
#[derive(Debug)]
pub(super) struct Events {
    limit: u64,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The event is called an error.
    is_error: bool,
    /// The last byte was the first half of a line's end, perhaps.
    after_return: bool,
}

/// What was found in a stream.
#[derive(Debug)]
pub(super) enum Told<'a> {
    /// The data of an event that is complete.
    Event(&'a [u8]),
    /// The data of an event that is an error by its name, or an error on a line of its own.
    Error(&'a [u8]),
    /// A line that belongs to no event.
    Stray(&'a [u8]),
}

/// How much of a body is held at once, in bytes, where the text of an answer may have `limit`: a letter of it may come as
/// `\u0041`, and what is around it needs some room as well.
pub(super) fn most(limit: u64) -> usize {
    const ESCAPED: u64 = 6;
    const AROUND: u64 = 1024 * 1024;
    let most = limit.saturating_mul(ESCAPED).saturating_add(AROUND);
    usize::try_from(most).unwrap_or(usize::MAX)
}

impl Events {
    /// A stream of which no more is held than an answer can need whose text may have `limit` bytes.
    pub(super) const fn new(limit: u64) -> Self {
        Events {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            is_error: false,
            after_return: false,
        }
    }

    /// Takes a piece, and tells what is complete; stops at the first that is wrong.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        mut tell: impl FnMut(Told<'_>) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let most = most(self.limit);
        for byte in piece {
            match (byte, std::mem::take(&mut self.after_return)) {
                (b'\n', true) => {}
                (b'\n' | b'\r', _) => {
                    self.after_return = *byte == b'\r';
                    self.line(&mut tell)?;
                }
                _ if self.held() >= most => return Err(Wrong::TooLong(self.limit)),
                _ => self.line.push(*byte),
            }
        }
        Ok(())
    }

    /// Tells the data of an event that the stream's end has cut off: some servers forget the last empty line.
    pub(super) fn finish(
        &mut self,
        mut tell: impl FnMut(Told<'_>) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        self.line(&mut tell)?;
        self.line(&mut tell)
    }

    /// How many bytes of the stream are in memory.
    pub(super) const fn held(&self) -> usize {
        self.line.len() + self.data.len()
    }

    /// Takes the line that is complete.
    fn line(&mut self, tell: &mut impl FnMut(Told<'_>) -> Result<(), Wrong>) -> Result<(), Wrong> {
        let mut line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            let is_error = std::mem::take(&mut self.is_error);
            return match (std::mem::take(&mut self.has_data), is_error) {
                (_, true) => tell(Told::Error(&data)),
                (true, false) => tell(Told::Event(&data)),
                (false, false) => Ok(()),
            };
        }
        let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line);
        let (name, value) = match text.iter().position(|byte| *byte == b':') {
            Some(colon) => text.split_at(colon),
            None => (text, &[][..]),
        };
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                    self.data.extend_from_slice(value);
                } else {
                    // The first is most often the only one, and may be large: it is moved and not copied.
                    let from = line.len() - value.len();
                    line.drain(..from);
                    self.data = line;
                }
                Ok(())
            }
            b"event" => {
                let name = value.trim_ascii().to_ascii_lowercase();
                self.is_error = name == b"error" || name.ends_with(b".error");
                Ok(())
            }
            // No field of an event, and what some servers write when they cannot go on.
            b"error" => tell(Told::Error(value)),
            // A comment, and what belongs to an event and is not needed.
            b"" | b"id" | b"retry" => Ok(()),
            _ => tell(Told::Stray(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str, size: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut events = Events::new(1000);
        let mut tell = |told: Told<'_>| {
            found.push(match told {
                Told::Event(data) => String::from_utf8(data.to_vec()).unwrap(),
                Told::Error(data) => format!("error {}", String::from_utf8_lossy(data)),
                Told::Stray(line) => format!("stray {}", String::from_utf8_lossy(line)),
            });
            Ok(())
        };
        for piece in text.as_bytes().chunks(size) {
            events.push(piece, &mut tell).unwrap();
        }
        events.finish(&mut tell).unwrap();
        found
    }

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        let text = ": hello\n\ndata: {\"a\":\"ü\"}\n\nevent: x\r\ndata:one\r\ndata: two\r\nid: 7\r\n\r\n\
                    data\n\ndatabase: no\n\ndata: [DONE]";
        for size in 1..text.len() {
            assert_eq!(
                events(text, size),
                [
                    "{\"a\":\"ü\"}",
                    "one\ntwo",
                    "",
                    "stray database: no",
                    "[DONE]"
                ],
                "{size}"
            );
        }
    }

    #[test]
    fn an_error_is_known_by_the_name_of_its_event_and_on_a_line_of_its_own() {
        let text =
            "data: a\n\nevent: Error\ndata: b\n\ndata: c\n\nerror: {\"d\": 1}\n\nevent: error\n\n";
        for size in 1..text.len() {
            let found = ["a", "error b", "c", "error {\"d\": 1}", "error "];
            assert_eq!(events(text, size), found, "{size}");
        }
    }

    #[test]
    fn a_stream_without_data_has_no_events() {
        assert!(events("\n\n: ping\n\nretry: 5\n\n", 3).is_empty());
    }
}
