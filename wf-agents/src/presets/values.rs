//! The JSON in what a program writes, among whatever else is there.

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::node::Node;

/// How often each byte of an output is looked at, on average and at most: what begins many values and ends none is given up.
const LOOKS: usize = 8;

/// The objects and lists, wherever they begin and end.
///
/// A value that breaks off has swallowed what it was read to, but for values that begin a line.
pub(super) fn values(output: &str) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut looks = output.len().saturating_mul(LOOKS).saturating_add(1 << 16);
    let (mut from, mut swallowed) = (0, 0);
    while let Some(at) = output.get(from..).and_then(|rest| rest.find(['{', '['])) {
        let start = from + at;
        from = start + 1;
        if start < swallowed && !begins_line(output, start) {
            continue;
        }
        let text = output.get(start..).unwrap_or_default();
        let mut values = Deserializer::from_str(text).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(value)) => {
                found.push(Node(value.get()));
                from = start + values.byte_offset();
            }
            Some(Err(error)) => {
                let read = offset(text, &error);
                swallowed = swallowed.max(start + read);
                let Some(left) = looks.checked_sub(read) else {
                    break;
                };
                looks = left;
            }
            None => break,
        }
    }
    found
}

/// The objects among them.
pub(super) fn objects(output: &str) -> Vec<Node<'_>> {
    let mut values = values(output);
    values.retain(|value| value.0.starts_with('{'));
    values
}

/// How many beginnings of lines are looked at for a value that breaks off.
const BEGINNINGS: usize = 16;

/// Whether the end of the output is that of an object, or of a list of objects, which is not closed.
pub(super) fn breaks_off(output: &str) -> bool {
    let starts = output.match_indices(['{', '[']).map(|(at, _)| at);
    let mut starts = starts
        .filter(|at| begins_line(output, *at))
        .filter_map(|at| output.get(at..))
        .take(BEGINNINGS);
    starts.any(|text| {
        let object = text.trim_start_matches(['[', ' ', '\n', '\r', '\t']);
        let is_object = object
            .strip_prefix('{')
            .is_some_and(|inner| inner.trim_start().starts_with('"'));
        let mut values = Deserializer::from_str(text).into_iter::<&RawValue>();
        is_object && matches!(values.next(), Some(Err(error)) if error.is_eof())
    })
}

fn begins_line(output: &str, at: usize) -> bool {
    let before = output.get(..at).unwrap_or_default();
    let before = before.trim_end_matches(|letter: char| {
        letter != '\n' && (letter.is_whitespace() || letter == '\u{feff}')
    });
    before.is_empty() || before.ends_with('\n')
}

/// Where in the text the error is.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let lines = text.split_inclusive('\n').map(str::len);
    let before: usize = lines.take(error.line().saturating_sub(1)).sum();
    (before + error.column().saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(output: &str) -> Vec<&str> {
        values(output).iter().map(|value| value.0).collect()
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        assert_eq!(
            found(
                "\u{feff}{\"a\":\n  [1,\n2]}\nnote {\"b\": 1}\n[INFO] x\n  {\"c\":1} {\"d\":1} end\n[2]\n"
            ),
            [
                "{\"a\":\n  [1,\n2]}",
                r#"{"b": 1}"#,
                r#"{"c":1}"#,
                r#"{"d":1}"#,
                "[2]"
            ]
        );
        assert_eq!(found("{\n{\"a\":1}\r\n{\"b\""), [r#"{"a":1}"#]);
        assert_eq!(found("\u{1b}[0m{\"a\":1}"), [r#"{"a":1}"#]);
        assert_eq!(found("{docs {\"a\":1}"), [r#"{"a":1}"#]);
        assert!(found("").is_empty() && found("\n \n").is_empty());
    }

    #[test]
    fn nothing_is_found_in_a_value_that_breaks_off_but_what_begins_a_line() {
        assert!(found(r#"{"type":"x","inner":{"type":"result"}"#).is_empty());
        assert!(found(r#"{"inner":{"type":"result"} x"#).is_empty());
        assert_eq!(
            found("[\n{\"a\":1},\n{\"b\":2}"),
            [r#"{"a":1}"#, r#"{"b":2}"#]
        );
        assert_eq!(found("{\"a\":\"te\n{\"b\":2}"), [r#"{"b":2}"#]);
    }

    #[test]
    fn an_output_breaks_off_where_an_object_is_not_closed() {
        for output in [
            "{\"type\":\"result\",\"result\":\"Hel",
            "note\n{\n  \"response\": \"Hel",
            "[{\"type\":\"system\"},{\"type\":",
            "{\"a\":1}\n{\"b\"",
        ] {
            assert!(breaks_off(output), "{output}");
        }
        for output in [
            "",
            "{",
            "[1, 2",
            "{\"a\":1}",
            "Please log in {\"",
            "{\"a\" b\n",
        ] {
            assert!(!breaks_off(output), "{output}");
        }
    }

    #[test]
    fn a_long_output_of_beginnings_takes_no_longer_than_its_length() {
        let deep = "{\"a\":[\n".repeat(200_000);
        assert!(found(&deep).is_empty());
    }
}
