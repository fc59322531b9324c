//! The body of an answer: events, or one JSON text, and no more of either in memory than an answer can need.

use super::answer::{Answer, Wrong};
use super::events::{Events, Told, most};
use crate::aside::looked_at;

/// The body of an answer, while it comes.
#[derive(Debug)]
pub(super) struct Body {
    form: Form,
    limit: u64,
}

#[derive(Debug)]
enum Form {
    /// Its first byte tells; of what came before that, the mark of the byte order is kept.
    Unknown(Vec<u8>),
    Events(Events),
    Whole(Vec<u8>),
}

/// What may stand before the first byte that tells: the mark of the byte order.
const MARK: &[u8] = "\u{feff}".as_bytes();

impl Body {
    /// A body of that media type, if one is told, of an answer whose text may have `limit` bytes.
    pub(super) fn new(media_type: Option<&str>, limit: u64) -> Self {
        let form = match media_type {
            Some("text/event-stream") => Form::Events(Events::new(limit)),
            _ => Form::Unknown(Vec::new()),
        };
        Body { form, limit }
    }

    /// Takes a piece, and gives the answer what is complete by it.
    pub(super) fn push(&mut self, piece: &[u8], answer: &mut Answer) -> Result<(), Wrong> {
        if let Form::Unknown(kept) = &mut self.form {
            kept.extend_from_slice(piece);
            let Some(first) = first(kept) else {
                // Empty lines at the beginning say nothing in either form, and none is looked at twice.
                let mark = MARK
                    .iter()
                    .zip(&*kept)
                    .take_while(|(mark, byte)| mark == byte);
                let mark = mark.count();
                kept.truncate(mark);
                return Ok(());
            };
            let kept = std::mem::take(kept);
            self.form = match begins_event(first) {
                true => Form::Events(Events::new(self.limit)),
                false => Form::Whole(Vec::new()),
            };
            return self.push(&kept, answer);
        }
        match &mut self.form {
            Form::Unknown(_) => Ok(()),
            Form::Events(events) => events.push(piece, |told| tell(answer, told)),
            Form::Whole(whole) if whole.len().saturating_add(piece.len()) > most(self.limit) => {
                Err(Wrong::TooLong(self.limit))
            }
            Form::Whole(whole) => {
                whole.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// Gives the answer what is left, now that nothing follows.
    pub(super) fn finish(&mut self, answer: &mut Answer) -> Result<(), Wrong> {
        match &mut self.form {
            Form::Unknown(_) => Ok(()),
            Form::Events(events) => events.finish(|told| tell(answer, told)),
            Form::Whole(whole) => {
                let whole = std::mem::take(whole);
                answer.whole(without_mark(&whole))
            }
        }
    }

    /// Whether nothing may be missing of a body that is one JSON text: it ends as one does.
    pub(super) fn may_be_whole(&self) -> bool {
        match &self.form {
            Form::Unknown(_) | Form::Events(_) => false,
            Form::Whole(whole) => whole.trim_ascii_end().ends_with(b"}"),
        }
    }

    /// Whether nothing is missing of a body that is one JSON text.
    pub(super) fn is_whole(&self) -> bool {
        match &self.form {
            Form::Whole(whole) if self.may_be_whole() => {
                looked_at(whole.len());
                serde_json::from_slice::<serde::de::IgnoredAny>(without_mark(whole)).is_ok()
            }
            _ => false,
        }
    }

    /// How many bytes are looked at when that piece comes: of what completes nothing, next to none.
    pub(super) fn looks_at(&self, piece: &[u8]) -> usize {
        let completes = |piece: &[u8]| piece.contains(&b'\n') || piece.contains(&b'\r');
        match &self.form {
            Form::Whole(_) => 0,
            Form::Unknown(_) | Form::Events(_) if !completes(piece) => 0,
            Form::Unknown(_) | Form::Events(_) => self.held().saturating_add(piece.len()),
        }
    }

    /// How many bytes of the body are in memory.
    pub(super) fn held(&self) -> usize {
        match &self.form {
            Form::Unknown(kept) => kept.len(),
            Form::Events(events) => events.held(),
            Form::Whole(whole) => whole.len(),
        }
    }
}

fn tell(answer: &mut Answer, told: Told<'_>) -> Result<(), Wrong> {
    match told {
        Told::Event(data) => answer.event(data),
        Told::Error(data) => answer.error(data),
        Told::Stray(line) => answer.stray(line),
    }
}

/// The first byte that tells something: a stream of events, and also JSON, may begin with empty lines.
fn first(kept: &[u8]) -> Option<u8> {
    // A part of the mark tells nothing yet.
    if MARK.starts_with(kept) {
        return None;
    }
    let tells = |byte: &&u8| !matches!(**byte, b'\n' | b'\r');
    without_mark(kept).iter().find(tells).copied()
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Whether a line of an event may begin so: with `data`, `event`, `error`, `id` or `retry`, or as a comment.
const fn begins_event(byte: u8) -> bool {
    matches!(byte, b'd' | b'e' | b'i' | b'r' | b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1000;

    /// Pushes the piece again and again; what is wrong in the end, and the most that was held.
    fn flood(media_type: &str, beginning: &[u8], piece: &[u8]) -> (Option<Wrong>, usize) {
        let mut answer = Answer::new(LIMIT);
        let mut body = Body::new(Some(media_type), LIMIT);
        body.push(beginning, &mut answer).unwrap();
        let mut held = 0;
        for _ in 0..(2 * most(LIMIT) / piece.len()) {
            let taken = body.push(piece, &mut answer);
            held = held.max(body.held() + answer.held());
            if let Err(wrong) = taken {
                return (Some(wrong), held);
            }
        }
        (None, held)
    }

    #[test]
    fn a_flood_of_any_form_is_held_within_bounds() {
        let refusal =
            b"data: {\"choices\":[{\"delta\":{\"refusal\":\"I would rather not. \"}}]}\n\n";
        for (media_type, beginning, piece) in [
            ("application/json", &b"{"[..], &[b' '; 4096][..]),
            ("text/html", b"<html>", &[b' '; 4096]),
            ("text/event-stream", b"data: ", &[b'x'; 4096]),
            ("text/event-stream", b":", &[b'x'; 4096]),
            ("text/event-stream", b"data: {\n", b"data: xxxxxxxxxxxx\n"),
            ("text/event-stream", b"\n", refusal),
        ] {
            let (wrong, held) = flood(media_type, beginning, piece);
            assert_eq!(wrong, Some(Wrong::TooLong(LIMIT)), "{media_type}");
            assert!(held <= most(LIMIT), "{media_type}: {held}");
        }
        // Of what is no event nothing but its beginning is kept.
        for piece in [&b"<p>\n"[..], b": ping\n\n", b"data: {}\n\n"] {
            let (wrong, held) = flood("text/event-stream", b"\n", &piece.repeat(1000));
            assert!(wrong.is_none() && held < 4096, "{wrong:?} {held}");
        }
    }

    #[test]
    fn empty_lines_before_a_body_are_not_kept() {
        let mut body = Body::new(None, LIMIT);
        let mut answer = Answer::new(LIMIT);
        for piece in ["\u{feff}", "\n", "\r\n\n", "\n\n\n"] {
            body.push(piece.as_bytes(), &mut answer).unwrap();
            assert_eq!(body.held(), MARK.len(), "{piece:?}");
        }
        body.push(b"{\"choices\": []}", &mut answer).unwrap();
        assert!(body.is_whole());
    }

    #[test]
    fn of_an_unknown_form_the_first_byte_tells() {
        for (pieces, is_stream) in [
            (&["\r\n", "\n{\"choices\": []}"][..], false),
            (&["<!DOCTYPE html>"], false),
            (&[" data: x"], false),
            (&["\n\n", "data: x"], true),
            (&[": hello"], true),
            (&["\u{feff}data: x"], true),
            (&["\u{feff}", "{}"], false),
            (&["\u{feff}{}"], false),
        ] {
            let mut body = Body::new(Some("text/plain"), LIMIT);
            for piece in pieces {
                body.push(piece.as_bytes(), &mut Answer::new(LIMIT))
                    .unwrap();
            }
            let is_events = matches!(body.form, Form::Events(_));
            assert_eq!(is_events, is_stream, "{pieces:?}");
        }
    }
}
