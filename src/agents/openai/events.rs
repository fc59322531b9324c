//! Server-sent events, as <https://html.spec.whatwg.org/multipage/server-sent-events.html> has them, as far as
//! they are needed: the data of each event.

/// Takes a stream apart into events, wherever it is cut.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was the first half of a line's end, perhaps.
    after_return: bool,
}

impl Events {
    /// Takes a piece, and tells the data of each event that is complete; stops at the first that is wrong.
    pub(super) fn push<E>(
        &mut self,
        piece: &[u8],
        mut tell: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for byte in piece {
            match (byte, std::mem::take(&mut self.after_return)) {
                (b'\n', true) => {}
                (b'\n' | b'\r', _) => {
                    self.after_return = *byte == b'\r';
                    self.line(&mut tell)?;
                }
                _ => self.line.push(*byte),
            }
        }
        Ok(())
    }

    /// Tells the data of an event that the stream's end has cut off: some servers forget the last empty line.
    pub(super) fn finish<E>(
        &mut self,
        mut tell: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.line(&mut tell)?;
        self.line(&mut tell)
    }

    /// Takes the line that is complete.
    fn line<E>(&mut self, tell: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return match std::mem::take(&mut self.has_data) {
                true => tell(&data),
                false => Ok(()),
            };
        }
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line);
        if let Some(value) = line.strip_prefix(b"data") {
            let value = match value {
                [b':', b' ', rest @ ..] | [b':', rest @ ..] => rest,
                [] => value,
                // Another field whose name begins alike.
                _ => return Ok(()),
            };
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn events(text: &str, size: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut events = Events::default();
        let mut tell = |data: &[u8]| {
            found.push(String::from_utf8(data.to_vec()).unwrap());
            Ok::<(), Infallible>(())
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
                ["{\"a\":\"ü\"}", "one\ntwo", "", "[DONE]"],
                "{size}"
            );
        }
    }

    #[test]
    fn a_stream_without_data_has_no_events() {
        assert!(events("\n\n: ping\n\nretry: 5\n\n", 3).is_empty());
    }
}
