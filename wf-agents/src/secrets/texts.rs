//! Redaction of texts that follow each other, each of which is shown at once.

use super::{MASK, Secrets, TELLING};

/// Masks secrets in texts that follow each other, also where a secret is split over them: less than 4 bytes of its
/// beginning are shown, and nothing of its end.
pub(crate) struct Texts<'a> {
    secrets: &'a Secrets,
    /// What may be the beginning of a secret at the end of what came before.
    before: Vec<u8>,
}

impl<'a> Texts<'a> {
    pub(crate) const fn new(secrets: &'a Secrets) -> Self {
        Texts {
            secrets,
            before: Vec::new(),
        }
    }

    /// Takes the next text, and returns it with its masks.
    pub(crate) fn next(&mut self, text: &str) -> String {
        if self.secrets.is_empty() {
            return text.to_owned();
        }
        let before = std::mem::take(&mut self.before);
        let whole = [&before, text.as_bytes()].concat();
        let mut out = Vec::with_capacity(text.len());
        // Where something begins in what came before that goes on in this text, and where it ends.
        let ends = |from: usize| {
            let rest = whole.get(from..).unwrap_or_default();
            let end = match self.secrets.unfinished(rest) {
                0 => whole.len(),
                _ => from + self.secrets.at_start(rest, 1)?,
            };
            (end > before.len()).then_some(end)
        };
        let from = match (0..before.len()).find_map(ends) {
            Some(end) => {
                out.extend_from_slice(MASK);
                end
            }
            None => before.len(),
        };
        let rest = whole.get(from..).unwrap_or_default();
        let end = self.secrets.unfinished(rest);
        let (shown, held) = rest.split_at(end);
        out.extend(self.secrets.redact(shown, false));
        if held.len() >= TELLING {
            out.extend_from_slice(MASK);
        } else {
            out.extend_from_slice(held);
        }
        let end = self.secrets.unfinished(&whole);
        self.before = whole.get(end..).unwrap_or_default().to_vec();
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_split_over_texts_is_masked_wherever_they_end() {
        let mut secrets = Secrets::default();
        let key = "sk-0123456789abcdef";
        secrets.add(key.as_bytes());
        for first in 1..key.len() {
            for second in first..key.len() {
                let mut texts = Texts::new(&secrets);
                let shown = [
                    texts.next(&format!("it is {}", &key[..first])),
                    texts.next(&key[first..second]),
                    texts.next(&format!("{} and more", &key[second..])),
                ];
                let all = shown.concat();
                assert!(
                    all.starts_with("it is ") && all.ends_with(" and more"),
                    "{shown:?}"
                );
                for part in 0..=key.len() - TELLING {
                    let part = &key[part..part + TELLING];
                    assert!(!all.contains(part), "{first} {second}: {shown:?}");
                }
            }
        }
    }

    #[test]
    fn what_only_begins_as_a_secret_is_shown_where_it_stands() {
        let mut secrets = Secrets::default();
        secrets.add(b"sk-0123456789abcdef");
        let mut texts = Texts::new(&secrets);
        assert_eq!(texts.next("three files"), "three files");
        assert_eq!(texts.next("k-means"), "k-means");
        assert_eq!(texts.next("sk"), "sk");
        assert_eq!(texts.next(""), "");
        assert_eq!(texts.next("y"), "y");
    }
}
