//! Keeps secrets out of what people read.

mod forms;
mod json;
mod lines;
mod members;
mod stream;

use std::sync::Arc;

pub(in crate::agents) use stream::Redactor;

/// What stands where a secret stood.
const MASK: &[u8] = b"[redacted]";

/// Values shorter than this, in bytes, are left alone in results: a word such as `dev` or `1` would be torn
/// out of honest data, and is no secret that lasts.
const SHORTEST_IN_RESULTS: usize = 8;

/// Whole numbers below this are told apart by their value; above it, by their digits alone.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The values that must not appear where people read, in each of the forms in which they come back. Clones share
/// them.
#[derive(Clone, Default)]
pub(in crate::agents) struct Secrets(Arc<Values>);

#[derive(Clone, Default)]
struct Values {
    /// The longest first, so that a secret which holds another is masked whole.
    values: Vec<Vec<u8>>,
    /// For each byte the values that begin with it, by index, the longest first: most bytes of a text need no
    /// closer look.
    by_first: Vec<Vec<usize>>,
    /// Those that are whole numbers, as far as each is known exactly: a number can be written in several ways.
    numbers: Vec<f64>,
}

impl Secrets {
    /// Adds a value, the value without the white space around it, its lines, what is secret in it where it is JSON, and the
    /// forms that programs and servers give all of these in messages: escaped as JSON in several ways, once or twice, percent-encoded,
    /// in base64. An empty one hides nothing.
    pub(in crate::agents) fn add(&mut self, value: &[u8]) {
        let trimmed = value.trim_ascii();
        let members = members::of(trimmed);
        let members: Vec<&[u8]> = members.iter().map(String::as_bytes).collect();
        // The lines of a JSON text are not secret by themselves, those of what is in it are.
        let of_lines = if members.is_empty() {
            &[trimmed]
        } else {
            members.as_slice()
        };
        let lines: Vec<Vec<u8>> = of_lines.iter().flat_map(|text| lines::of(text)).collect();
        let lines = lines.iter().map(Vec::as_slice);
        let mut new = Vec::new();
        for value in [value, trimmed].into_iter().chain(members).chain(lines) {
            if !value.is_empty() {
                new.push(value.to_vec());
                new.extend(forms::of(value));
            }
        }
        Arc::make_mut(&mut self.0).extend(new);
    }

    /// Adds a value that is hidden from everybody: one of at least 8 bytes. Shorter ones are words, and secrets only
    /// to those to whom they were given.
    pub(in crate::agents) fn share(&mut self, value: &[u8]) {
        if value.trim_ascii().len() >= SHORTEST_IN_RESULTS {
            self.add(value);
        }
    }

    /// Adds those that are hidden from everybody.
    pub(in crate::agents) fn join(&mut self, shared: &Secrets) {
        let (own, all) = (&self.0.values, &shared.0.values);
        let is_shared = |value: &Vec<u8>| all.binary_search_by(|known| order(known, value)).is_ok();
        if own.iter().all(is_shared) {
            *self = shared.clone();
        } else {
            Arc::make_mut(&mut self.0).extend(all.iter().cloned());
        }
    }

    /// Whether nothing is hidden.
    pub(in crate::agents) fn is_empty(&self) -> bool {
        self.0.values.is_empty()
    }

    /// The length of the longest value, in bytes.
    pub(in crate::agents) fn longest(&self) -> usize {
        self.0.values.first().map_or(0, Vec::len)
    }

    /// The text with a mask for each value in it.
    ///
    /// With `cut`, the text begins somewhere in a longer one: the end of a value at its very beginning is
    /// masked as well.
    pub(in crate::agents) fn redact(&self, text: &[u8], cut: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        if cut
            && let Some(end) = self
                .0
                .values
                .iter()
                .filter_map(|value| end_at_start(value, text))
                .max()
        {
            out.extend_from_slice(MASK);
            rest = rest.get(end..).unwrap_or_default();
        }
        self.mask(rest, 1, &mut out);
        out
    }

    /// The message with a mask for each value in it.
    pub(in crate::agents) fn redact_message(&self, message: String) -> String {
        if self.is_empty() {
            return message;
        }
        String::from_utf8_lossy(&self.redact(message.as_bytes(), false)).into_owned()
    }

    /// A text of a step's result, with a mask for each value of at least 8 bytes.
    fn redact_result(&self, result: Vec<u8>) -> Vec<u8> {
        if self.longest() < SHORTEST_IN_RESULTS {
            return result;
        }
        let mut out = Vec::with_capacity(result.len());
        self.mask(&result, SHORTEST_IN_RESULTS, &mut out);
        out
    }

    /// Appends the text with a mask for each value that has at least `shortest` bytes.
    fn mask(&self, text: &[u8], shortest: usize, out: &mut Vec<u8>) {
        let mut rest = text;
        while !rest.is_empty() {
            let plain = self.plain(rest);
            let (before, from) = rest.split_at(plain);
            out.extend_from_slice(before);
            rest = match self.at_start(from, shortest) {
                Some(length) => {
                    out.extend_from_slice(MASK);
                    from.get(length..).unwrap_or_default()
                }
                None => {
                    out.extend(from.first());
                    from.get(1..).unwrap_or_default()
                }
            };
        }
    }

    /// How many bytes at the start of the text can begin no value.
    fn plain(&self, text: &[u8]) -> usize {
        if self.is_empty() {
            return text.len();
        }
        let begins = |byte: &u8| {
            let values = self.0.by_first.get(usize::from(*byte));
            values.is_some_and(|values| !values.is_empty())
        };
        text.iter().position(begins).unwrap_or(text.len())
    }

    /// The length of the longest value with which the text begins.
    fn at_start(&self, text: &[u8], shortest: usize) -> Option<usize> {
        self.beginning_as(text)
            .take_while(|value| value.len() >= shortest)
            .find(|value| text.starts_with(value))
            .map(<[u8]>::len)
    }

    /// Whether the text is the beginning of a value, and not all of it.
    fn may_begin(&self, text: &[u8]) -> bool {
        self.beginning_as(text)
            .any(|value| value.len() > text.len() && value.starts_with(text))
    }

    /// The values whose first byte is that of the text, the longest first.
    fn beginning_as(&self, text: &[u8]) -> impl Iterator<Item = &[u8]> {
        let first = text.first().map(|first| usize::from(*first));
        let indexes = first.and_then(|first| self.0.by_first.get(first));
        let values = indexes.into_iter().flatten();
        values.filter_map(|index| self.0.values.get(*index).map(Vec::as_slice))
    }
}

impl Values {
    fn extend(&mut self, new: impl IntoIterator<Item = Vec<u8>>) {
        self.values.extend(new);
        self.values.sort_by(|one, other| order(one, other));
        self.values.dedup();
        self.by_first = vec![Vec::new(); 256];
        for (index, value) in self.values.iter().enumerate() {
            let first = value.first().map(|first| usize::from(*first));
            if let Some(known) = first.and_then(|first| self.by_first.get_mut(first)) {
                known.push(index);
            }
        }
        self.numbers = self
            .values
            .iter()
            .filter(|value| value.len() >= SHORTEST_IN_RESULTS)
            .filter(|value| value.iter().all(u8::is_ascii_digit))
            .filter_map(|value| std::str::from_utf8(value).ok()?.parse().ok())
            .filter(|number| *number < EXACT)
            .collect();
    }
}

/// The longest first.
fn order(one: &[u8], other: &[u8]) -> std::cmp::Ordering {
    other.len().cmp(&one.len()).then_with(|| one.cmp(other))
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

    #[test]
    fn a_secret_is_masked_in_the_forms_that_come_back() {
        let key = "sk-\"a/b+c=\"-0123456789";
        let all: String = key.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
        for form in [
            all.as_str(),
            &all.to_lowercase(),
            r#"sk-\"a\/b+c=\"-0123456789"#,
            r"sk-\u0022a/b\u002Bc=\u0022-0123456789",
            r"sk-\u0022a\/b\u002bc=\u0022-0123456789",
            r#"sk-\"a/b+c=\"-0123456789"#,
            "sk-%22a%2Fb%2Bc%3D%22-0123456789",
            "sk-%22a%2fb%2bc%3d%22-0123456789",
        ] {
            assert_eq!(
                redacted(&[key], &format!("<{form}>"), false),
                "<[redacted]>"
            );
        }
    }

    #[test]
    fn a_secret_is_masked_however_it_is_percent_encoded() {
        let key = "wJal/K7 MDENG+bPxRfi=CYEX:AMPLE@KEY";
        for form in [
            "wJal%2FK7%20MDENG%2BbPxRfi%3DCYEX%3AAMPLE%40KEY",
            "wJal%2fK7%20MDENG%2bbPxRfi%3dCYEX%3aAMPLE%40KEY",
            "wJal/K7%20MDENG%2BbPxRfi%3DCYEX%3AAMPLE%40KEY",
            "wJal/K7%20MDENG+bPxRfi=CYEX:AMPLE@KEY",
            "wJal%2FK7+MDENG%2BbPxRfi%3DCYEX%3AAMPLE%40KEY",
        ] {
            assert_eq!(redacted(&[key], form, false), "[redacted]", "{form}");
        }
    }

    #[test]
    fn a_secret_is_masked_where_json_is_escaped_twice() {
        let key = r#"sk-"a\b"-0123456789"#;
        let once = serde_json::Value::from(key).to_string();
        let twice = serde_json::Value::from(once.as_str()).to_string();
        let shown = redacted(&[key], &twice, false);
        assert_eq!(shown, r#""\"[redacted]\"""#);
    }

    #[test]
    fn no_line_of_a_secret_of_several_is_shown_however_they_are_laid_out() {
        let lines: Vec<String> = (0..20)
            .map(|at| {
                format!(
                    "{at:02}MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8{}",
                    at * 7
                )
            })
            .collect();
        let body = lines.join("\n");
        let key = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let indented = key.replace('\n', "\n    ");
        let json = serde_json::Value::from(indented.as_str()).to_string();
        let wrapped = |before: &str, width: usize| {
            let encoded = base64_of(format!("{before}{key}").as_bytes());
            let lines = encoded.as_bytes().chunks(width);
            let lines: Vec<_> = lines.map(String::from_utf8_lossy).collect();
            lines.join("\n")
        };
        for text in [
            indented.clone(),
            key.replace('\n', "\r\n"),
            key.replace('\n', ""),
            key.replace('\n', " "),
            json,
            wrapped("", 64),
            wrapped("", 76),
            wrapped("a", 76),
            wrapped("ab", 64),
        ] {
            let shown = redacted(&[&key], &text, false);
            assert!(shown.contains("[redacted]"), "{shown}");
            for part in text.split(|letter: char| !letter.is_ascii_alphanumeric()) {
                let is_secret = part.len() >= 16;
                assert!(!is_secret || !shown.contains(part), "{part} in {shown}");
            }
        }
    }

    #[test]
    fn the_lines_of_a_key_in_json_are_secret_and_those_of_the_json_are_not() {
        let secret = r#"{
            "type": "service_account_of_a_project",
            "private_key": "-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END-----"
        }"#;
        let shown = redacted(
            &[secret],
            "  MIIEvQIBADANBgkqhkiG9w0B\r\n \"type\": \"service_account_of_a_project\",",
            false,
        );
        assert_eq!(
            shown,
            "  [redacted]\r\n \"type\": \"service_account_of_a_project\","
        );
    }

    fn base64_of(value: &[u8]) -> String {
        let letters: Vec<char> = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['+', '/'])
            .collect();
        let mut out = String::new();
        for group in value.chunks(3) {
            let bits = group
                .iter()
                .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
                << (8 * (3 - group.len()));
            let of_group = (0..4).map(|at| letters[bits >> (18 - 6 * at) & 63]);
            out.extend(of_group.take(group.len() + 1));
            out.extend(std::iter::repeat_n('=', 3 - group.len()));
        }
        out
    }

    #[test]
    fn a_secret_in_base64_is_masked_wherever_it_begins() {
        // `user:` and the like before a key shift its letters by one or two of three bytes.
        let key = "sk-0123456789abcdef";
        for text in [
            "c2stMDEyMzQ1Njc4OWFiY2RlZg==",
            "eDpzay0wMTIzNDU2Nzg5YWJjZGVm",
            "YXg6c2stMDEyMzQ1Njc4OWFiY2RlZg==",
            "YXh4OnNrLTAxMjM0NTY3ODlhYmNkZWY=",
        ] {
            let shown = redacted(&[key], text, false);
            assert!(shown.contains("[redacted]"), "{text}: {shown}");
            assert!(
                !shown.contains("MDEy") && !shown.contains("MzQ1"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_secret_is_masked_in_json_in_json() {
        let key = r#"sk-"a\b/c"-0123456789"#;
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        let has_slashes = |text: &str| quote(text).replace('/', r"\/");
        for form in [
            quote(&quote(key)),
            has_slashes(&has_slashes(key)),
            quote(&quote(key).replace("\\\"", r"\u0022")),
            quote(&quote(key)).replace("\\\"", r"\u0022"),
        ] {
            assert!(
                !redacted(&[key], &form, false).contains("0123456789"),
                "{form}"
            );
            // The strings of a result are read: that is one level more.
            let reply = secrets(&[key]).reply(&format!("[{}]", quote(&form)));
            let shown = reply.result.as_str();
            assert!(!shown.contains("0123456789"), "{form}: {shown}");
        }
    }

    #[test]
    fn what_is_shared_is_masked_for_others_and_a_short_value_for_its_owner_alone() {
        let mut shared = Secrets::default();
        for value in ["dev", "sk-0123456789", "sk-abcdefgh"] {
            shared.share(value.as_bytes());
        }
        let shown = |own: &[&str]| {
            let mut secrets = secrets(own);
            secrets.join(&shared);
            let text = b"dev: sk-0123456789 sk-abcdefgh";
            String::from_utf8(secrets.redact(text, false)).unwrap()
        };
        assert_eq!(shown(&[]), "dev: [redacted] [redacted]");
        assert_eq!(shown(&["sk-abcdefgh"]), "dev: [redacted] [redacted]");
        assert_eq!(shown(&["dev"]), "[redacted]: [redacted] [redacted]");
    }

    #[test]
    fn short_values_stay_in_results_and_long_ones_do_not() {
        let secrets = secrets(&["dev", "sk-0123456789"]);
        let result = secrets.redact_result(b"dev: sk-0123456789".to_vec());
        assert_eq!(String::from_utf8(result).unwrap(), "dev: [redacted]");
    }
}
