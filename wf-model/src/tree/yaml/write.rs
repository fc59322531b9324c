//! A tree as YAML for people: in blocks, with as few quotes as may be.

use crate::tree::{Node, Value};

use super::scalar;

/// Returns the text of a document.
pub(crate) fn write(root: &Node) -> String {
    let mut out = String::new();
    write_block(&root.value, 0, &mut out);
    out
}

/// Writes a value whose first line is indented already.
fn write_block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (number, entry) in entries.iter().enumerate() {
                if number > 0 {
                    begin_line(indent, out);
                }
                write_key(&entry.key.text, indent, out);
                match &entry.value.value {
                    Value::Mapping(entries) if !entries.is_empty() => {
                        out.push('\n');
                        begin_line(indent + 2, out);
                        write_block(&entry.value.value, indent + 2, out);
                    }
                    Value::Sequence(nodes) if !nodes.is_empty() => {
                        out.push('\n');
                        begin_line(indent, out);
                        write_block(&entry.value.value, indent, out);
                    }
                    scalar => {
                        out.push(' ');
                        write_block(scalar, indent + 2, out);
                    }
                }
            }
        }
        Value::Sequence(nodes) if !nodes.is_empty() => {
            for (number, node) in nodes.iter().enumerate() {
                if number > 0 {
                    begin_line(indent, out);
                }
                out.push_str("- ");
                write_block(&node.value, indent + 2, out);
            }
        }
        Value::Text(text) if is_block(text) => write_lines(text, indent, out),
        scalar => {
            out.push_str(&in_one_line(scalar));
            out.push('\n');
        }
    }
}

fn begin_line(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_key(key: &str, indent: usize, out: &mut String) {
    /// A parser looks no further than 1,024 characters for the `:` after a key.
    const LONGEST: usize = 1_000;
    let key = text_in_one_line(key);
    if key.len() > LONGEST {
        out.push_str("? ");
        out.push_str(&key);
        out.push('\n');
        begin_line(indent, out);
    } else {
        out.push_str(&key);
    }
    out.push(':');
}

fn in_one_line(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Number(number) => number.to_string(),
        Value::NotFinite(double) if double.is_nan() => ".nan".to_owned(),
        Value::NotFinite(double) if *double < 0.0 => "-.inf".to_owned(),
        Value::NotFinite(_) => ".inf".to_owned(),
        Value::Text(text) => text_in_one_line(text),
        Value::Sequence(_) => "[]".to_owned(),
        Value::Mapping(_) => "{}".to_owned(),
    }
}

fn text_in_one_line(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if text.chars().all(is_printable) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    // The escapes of JSON are escapes of YAML, which needs some more.
    let mut quoted = String::with_capacity(text.len() + 2);
    for letter in serde_json::Value::from(text).to_string().chars() {
        if is_printable(letter) {
            quoted.push(letter);
        } else {
            quoted.push_str(&format!("\\u{:04x}", u32::from(letter)));
        }
    }
    quoted
}

/// Whether the text means itself without quotes, to a reader of YAML 1.1 too.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let begins_plain = !text.starts_with("...")
        && text.starts_with(|first: char| {
            !first.is_whitespace() && !"-?:,[]{}#&*!|>'\"%@`=".contains(first)
        });
    begins_plain
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_printable)
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        && !text.bytes().all(|byte| byte.is_ascii_digit())
        && scalar::plain(text).is_none()
}

/// Whether the text has several lines and can stand as it is, indented.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.trim_end_matches('\n').ends_with([' ', '\t'])
        && text
            .chars()
            .all(|letter| matches!(letter, '\n' | '\t') || is_printable(letter))
}

fn write_lines(text: &str, indent: usize, out: &mut String) {
    let (lines, after) = match text.strip_suffix('\n') {
        Some(lines) if lines.ends_with('\n') => (lines, "|+"),
        Some(lines) => (lines, "|"),
        None => (text, "|-"),
    };
    out.push_str(after);
    for line in lines.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            begin_line(indent, out);
            out.push_str(line);
        }
    }
    out.push('\n');
}

/// Whether the character can stand in a text, and ends no line in any version of YAML.
fn is_printable(letter: char) -> bool {
    !letter.is_control()
        && !matches!(
            letter,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::text::{parse_json, parse_yaml};

    fn written(json: &str) -> String {
        write(&parse_json(json).unwrap())
    }

    #[test]
    fn a_document_is_written_in_blocks() {
        let json = r#"{"a": [{"b": 1, "c": [[], {}, ["x", null]]}, "two words"], "d": {"e": "f\ng\n\n h", "i": true}, "j": ["k\n", "l\n\n"]}"#;
        let yaml = "\
a:
- b: 1
  c:
  - []
  - {}
  - - x
    - null
- two words
d:
  e: |-
    f
    g

     h
  i: true
j:
- |
  k
- |+
  l

";
        assert_eq!(written(json), yaml);
    }

    #[test]
    fn quotes_stand_where_the_text_would_mean_something_else() {
        for (text, yaml) in [
            ("{{a}} b", "'{{a}} b'"),
            ("a {{b}}, [c]", "a {{b}}, [c]"),
            ("@security", "'@security'"),
            ("a: b", "'a: b'"),
            ("a:b#c", "a:b#c"),
            ("a #b", "'a #b'"),
            ("5", "'5'"),
            ("0x1F", "'0x1F'"),
            ("007", "'007'"),
            ("2.1.0", "2.1.0"),
            ("No", "'No'"),
            ("", "''"),
            ("'it's'", "'''it''s'''"),
            (" a", "' a'"),
            ("\n", "\"\\n\""),
            ("a\u{2028}é\u{7f}", "\"a\\u2028é\\u007f\""),
        ] {
            assert_eq!(text_in_one_line(text), yaml);
        }
    }

    #[test]
    fn a_long_key_is_read_back() {
        let key = "k: ".repeat(2_000);
        let json = format!(r#"{{"{key}": ["a"], "b": {{"{key}": {{"c": 1}}, "d": 2}}}}"#);
        let (root, _) = parse_yaml(&written(&json)).unwrap();
        assert_eq!(write(&root), written(&json));
        assert_eq!(root, parse_json(&json).unwrap());
    }
}
