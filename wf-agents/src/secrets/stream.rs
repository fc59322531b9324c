//! Redaction of a text that comes in pieces.

use super::{MASK, Secrets, TELLING};

/// Masks secrets in a text that comes in pieces, also where a secret is split over them.
pub(crate) struct Redactor<'a> {
    secrets: &'a Secrets,
    /// What may be the beginning of a secret.
    held: Vec<u8>,
}

impl<'a> Redactor<'a> {
    pub(crate) const fn new(secrets: &'a Secrets) -> Self {
        Redactor {
            secrets,
            held: Vec::new(),
        }
    }

    /// Takes a piece; returns what can be shown by now. No more than the longest secret is held back.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(piece);
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text.as_slice();
        loop {
            // A longer secret may begin as a shorter one does: wait before the shorter one is masked alone.
            let held = self.secrets.unfinished(rest);
            let mut at = self.secrets.plain(rest);
            let mut length = None;
            while at < held && length.is_none() {
                let from = rest.get(at..).unwrap_or_default();
                length = self.secrets.at_start(from, 1);
                if length.is_none() {
                    at += 1;
                    at += self.secrets.plain(rest.get(at..).unwrap_or_default());
                }
            }
            let Some(length) = length else {
                let (shown, kept) = rest.split_at(held);
                out.extend_from_slice(shown);
                self.held = kept.to_vec();
                return out;
            };
            out.extend(rest.get(..at).unwrap_or_default());
            out.extend_from_slice(MASK);
            rest = rest.get(at + length..).unwrap_or_default();
        }
    }

    /// What was held back, when nothing comes any more.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        if held.len() >= TELLING {
            return MASK.to_vec();
        }
        self.secrets.redact(&held, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(values: &[&str], text: &str, size: usize) -> String {
        let mut secrets = Secrets::default();
        for value in values {
            secrets.add(value.as_bytes());
        }
        let mut redactor = Redactor::new(&secrets);
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            out.extend(redactor.push(piece));
        }
        out.extend(redactor.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_masked_however_it_is_split() {
        let text = "a s3cr3t, s3cr3ts3cr3t, s3cr3 and s3s3cr3t";
        for size in 1..text.len() {
            assert_eq!(
                pieces(&["s3cr3t"], text, size),
                "a [redacted], [redacted][redacted], s3cr3 and s3[redacted]",
                "{size}"
            );
        }
    }

    #[test]
    fn a_secret_that_holds_another_is_masked_whole_however_it_is_split() {
        let text = "keys-and-more, keys-and-less.";
        for size in 1..text.len() {
            assert_eq!(
                pieces(&["keys", "keys-and-more"], text, size),
                "[redacted], [redacted]-and-less.",
                "{size}"
            );
        }
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_is_masked() {
        assert_eq!(
            pieces(&["0123456789"], "it is 01234567", 3),
            "it is [redacted]"
        );
        assert_eq!(pieces(&["0123456789"], "it is 01", 3), "it is 01");
    }

    #[test]
    fn without_secrets_nothing_is_held_back() {
        let secrets = Secrets::default();
        assert_eq!(Redactor::new(&secrets).push(b"abc"), b"abc");
    }
}
