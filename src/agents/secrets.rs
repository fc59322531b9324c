//! Keeps secrets out of what people read.

/// What stands where a secret stood.
const MASK: &[u8] = b"[redacted]";

/// The values that must not appear in a message.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    /// The longest first, so that a secret which holds another is masked whole.
    values: Vec<Vec<u8>>,
}

impl Secrets {
    /// Adds a value, and the value without the white space around it; an empty one hides nothing.
    pub(super) fn add(&mut self, value: &[u8]) {
        for value in [value, value.trim_ascii()] {
            if !value.is_empty() && !self.values.iter().any(|known| known == value) {
                self.values.push(value.to_vec());
            }
        }
        self.values
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// The length of the longest value, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// The text with a mask for each value in it.
    ///
    /// With `cut`, the text begins somewhere in a longer one: the end of a value at its very beginning is
    /// masked as well.
    pub(super) fn redact(&self, text: &[u8], cut: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        if cut
            && let Some(end) = self
                .values
                .iter()
                .filter_map(|value| end_at_start(value, text))
                .max()
        {
            out.extend_from_slice(MASK);
            rest = rest.get(end..).unwrap_or_default();
        }
        while let Some((first, after)) = rest.split_first() {
            match self
                .values
                .iter()
                .find_map(|value| rest.strip_prefix(value.as_slice()))
            {
                Some(after) => {
                    out.extend_from_slice(MASK);
                    rest = after;
                }
                None => {
                    out.push(*first);
                    rest = after;
                }
            }
        }
        out
    }

    /// The message with a mask for each value in it.
    pub(super) fn redact_message(&self, message: String) -> String {
        if self.values.is_empty() {
            return message;
        }
        String::from_utf8_lossy(&self.redact(message.as_bytes(), false)).into_owned()
    }
}

/// How many bytes at the beginning of `text` are the end of `value`, but not all of it.
fn end_at_start(value: &[u8], text: &[u8]) -> Option<usize> {
    (1..value.len())
        .filter_map(|from| value.get(from..))
        .find(|end| text.starts_with(end))
        .map(<[u8]>::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        for value in values {
            secrets.add(value.as_bytes());
        }
        secrets
    }

    fn redacted(values: &[&str], text: &str, cut: bool) -> String {
        String::from_utf8(secrets(values).redact(text.as_bytes(), cut)).unwrap()
    }

    #[test]
    fn every_occurrence_is_masked() {
        assert_eq!(
            redacted(&["s3cr3t"], "a s3cr3t and s3cr3ts3cr3t", false),
            "a [redacted] and [redacted][redacted]"
        );
    }

    #[test]
    fn a_secret_that_holds_another_is_masked_whole() {
        assert_eq!(
            redacted(&["key", "key-and-more"], "key-and-more key", false),
            "[redacted] [redacted]"
        );
    }

    #[test]
    fn the_end_of_a_secret_at_a_cut_is_masked() {
        assert_eq!(
            redacted(&["s3cr3t"], "r3t is bad", true),
            "[redacted] is bad"
        );
        assert_eq!(redacted(&["s3cr3t"], "r3t is bad", false), "r3t is bad");
    }

    #[test]
    fn a_secret_is_masked_also_without_its_last_newline() {
        assert_eq!(
            redacted(&["s3cr3t\n"], "got s3cr3t.", false),
            "got [redacted]."
        );
    }

    #[test]
    fn an_empty_value_hides_nothing() {
        assert_eq!(redacted(&["", " "], "ab", false), "ab");
    }
}
