//! Redaction of JSON by its values: what is JSON stays JSON.

use std::borrow::Cow;

use serde_json::Value;
use wf_core::agent::Reply;
use wf_core::value::Json;

use super::{MASK, SHORTEST_IN_RESULTS, Secrets};
use crate::aside::{aside, looked_at};

impl Secrets {
    /// What was written, read as [`Reply::read`] does, with a mask for each value of at least 8 bytes.
    ///
    /// In JSON the strings and the keys are looked at as they are meant, however they are escaped, and a number
    /// that is a value, or has one among its digits, becomes the mask as a string.
    pub(crate) fn reply(&self, text: &str) -> Reply {
        looked_at(text.len());
        if self.longest() < SHORTEST_IN_RESULTS {
            return Reply::read(text);
        }
        // A value that is JSON itself is no part of any string in it.
        let text = match self.is_spread_over(text) {
            true => Cow::Owned(self.result_text(text)),
            false => Cow::Borrowed(text),
        };
        let reply = Reply::read(&text);
        match self.redact_json(reply.result.as_str()) {
            Some(json) => Reply::json(json),
            None => reply,
        }
    }

    /// Reads as [`reply`](Self::reply) does, a large text beside the calling thread.
    pub(crate) async fn reply_of(&self, text: String) -> Reply {
        let secrets = self.clone();
        aside(text.len(), move || secrets.reply(&text)).await
    }

    /// What an attempt has used, with a mask for each value of at least 8 bytes.
    pub(crate) fn redact_usage(&self, usage: Value) -> Value {
        match self.redact_json(&usage.to_string()) {
            Some(json) => json.to_value(),
            None => usage,
        }
    }

    /// The JSON with a mask for each value; none where nothing is to be masked.
    fn redact_json(&self, json: &str) -> Option<Json> {
        if self.longest() < SHORTEST_IN_RESULTS {
            return None;
        }
        let mut out = String::with_capacity(json.len());
        let mut is_changed = false;
        let mut rest = json;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => string_length(rest),
                '-' | '0'..='9' => rest.find(is_after_number).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            let masked = match first {
                '"' => self.string(token),
                '-' | '0'..='9' => self.number(token),
                _ => None,
            };
            is_changed |= masked.is_some();
            out.push_str(masked.as_deref().unwrap_or(token));
            rest = after;
        }
        // It cannot fail: one string or number took the place of another.
        is_changed.then(|| Json::parse(&out).unwrap_or_else(|_| Json::string(&mask())))
    }

    /// The string with its masks, where it needs any.
    fn string(&self, token: &str) -> Option<String> {
        let text: String = serde_json::from_str(token).ok()?;
        let masked = self.result_text(&text);
        (masked != text).then(|| Value::from(masked).to_string())
    }

    /// The mask, where the number is a value however it is written, or has one among its digits.
    fn number(&self, token: &str) -> Option<String> {
        let has_value = (0..token.len()).any(|from| {
            let rest = token.as_bytes().get(from..).unwrap_or_default();
            self.at_start(rest, SHORTEST_IN_RESULTS).is_some()
        });
        let is_value = || {
            let number = token.parse().map(f64::abs);
            number.is_ok_and(|number| self.0.numbers.contains(&number))
        };
        (has_value || is_value()).then(|| Value::from(mask()).to_string())
    }

    fn result_text(&self, text: &str) -> String {
        let masked = self.redact_result(text.as_bytes().to_vec());
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// Whether the text holds a value that begins as JSON does.
    fn is_spread_over(&self, text: &str) -> bool {
        let is_json = |value: &Vec<u8>| {
            value.len() >= SHORTEST_IN_RESULTS && matches!(value.first(), Some(b'{' | b'[' | b'"'))
        };
        if !self.0.values.iter().any(is_json) {
            return false;
        }
        let mut rest = text.as_bytes();
        loop {
            rest = rest.get(self.plain(rest)..).unwrap_or_default();
            match rest.first() {
                None => return false,
                Some(b'{' | b'[' | b'"') if self.at_start(rest, SHORTEST_IN_RESULTS).is_some() => {
                    return true;
                }
                Some(_) => rest = rest.get(1..).unwrap_or_default(),
            }
        }
    }
}

fn mask() -> String {
    String::from_utf8_lossy(MASK).into_owned()
}

/// The length of the string with which the JSON begins, with its quotes.
fn string_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

const fn is_after_number(letter: char) -> bool {
    !matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(secret: &str, text: &str) -> String {
        let mut secrets = Secrets::default();
        secrets.add(secret.as_bytes());
        secrets.reply(text).result.as_str().to_owned()
    }

    #[test]
    fn an_escaped_value_is_masked_in_json() {
        for escaped in [
            r"sk-abc\/0123456789",
            r"sk-abc\u002f0123456789",
            r"\u0073k-abc/\u00301234567\u00389",
        ] {
            let text = format!(r#"{{"k": "<{escaped}>", "{escaped}": [1.50, "\u0041\/"]}}"#);
            assert_eq!(
                read("sk-abc/0123456789", &text),
                r#"{"k":"<[redacted]>","[redacted]":[1.50,"\u0041\/"]}"#
            );
        }
    }

    #[test]
    fn json_with_a_value_as_a_number_stays_json() {
        assert_eq!(
            read(
                "20261122",
                r#"{"date": 20261122, "more": [120261122, -20261122, 20261122.0, 2.0261122e7, 2026112, 3]}"#
            ),
            r#"{"date":"[redacted]","more":["[redacted]","[redacted]","[redacted]","[redacted]",2026112,3]}"#
        );
        // A number without the zeros with which the secret begins.
        assert_eq!(
            read("0020261122", "[20261122, 20261123]"),
            r#"["[redacted]",20261123]"#
        );
        assert_eq!(
            read(
                "12345678901234567890",
                "[12345678901234567890, 12345678901234567891, -1.5, 0e0]"
            ),
            r#"["[redacted]",12345678901234567891,-1.5,0e0]"#
        );
    }

    #[test]
    fn what_is_not_touched_is_as_it_was() {
        let text = r#"{"b":1.0,"a":"\u0041","c":12345678901234567890123,"b":2}"#;
        assert_eq!(read("sk-0123456789", text), text);
        assert_eq!(read("true", r#"{"a":true}"#), r#"{"a":true}"#);
        assert_eq!(
            read("sk-0123456789", "a sk-0123456789\n"),
            r#""a [redacted]""#
        );
    }

    #[test]
    fn a_value_that_is_json_itself_is_masked() {
        let key = r#"{"type": "account", "key": "0123456789"}"#;
        for text in [key.to_owned(), format!("[{key}]")] {
            let read = read(key, &text);
            assert!(
                read.contains("[redacted]") && !read.contains("0123456789"),
                "{read}"
            );
        }
    }

    #[test]
    fn a_value_that_is_json_is_masked_however_it_is_laid_out() {
        let key = r#"{"type": "account", "id": "my-project", "private_key": "ab/cd\n0123456789", "pin": 7}"#;
        assert_eq!(
            read(
                key,
                r#"{"private_key":"ab\/cd\u000a0123456789", "pin":7,"id":"my-project"}"#
            ),
            r#"{"private_key":"[redacted]","pin":7,"id":"my-project"}"#
        );
        assert_eq!(
            read(
                key,
                "{\n  \"type\": \"account\",\n  \"private_key\": \"ab/cd\\n0123456789\"\n} is it"
            ),
            serde_json::json!(
                "{\n  \"type\": \"account\",\n  \"private_key\": \"[redacted]\"\n} is it"
            )
            .to_string()
        );
        assert_eq!(
            read(key, "it is ab/cd\n0123456789"),
            r#""it is [redacted]""#
        );
    }

    #[test]
    fn usage_has_no_value() {
        let mut secrets = Secrets::default();
        secrets.add(b"sk-0123456789");
        let usage =
            serde_json::json!({"model": "sk-0123456789", "cost": 0.1, "sk-0123456789": [3]});
        assert_eq!(
            secrets.redact_usage(usage),
            serde_json::json!({"model": "[redacted]", "cost": 0.1, "[redacted]": [3]})
        );
    }
}
