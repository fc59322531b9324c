//! Makes text from the user safe to write into a picture.

use crate::printable::steers;

/// Puts text on one line: every run of white space and control characters becomes one space, and
/// those at either end go. What turns the direction of text or hides in it is left out.
///
/// The two characters that XML cannot hold in any spelling become U+FFFD.
pub(super) fn single_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        let shown = word.chars().filter(|character| !steers(*character));
        line.extend(shown.map(|character| match character {
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            _ => character,
        }));
    }
    line
}

/// Escapes text for the content and the quoted attributes of XML, and for the labels of Graphviz
/// that are written as markup; puts it on one line.
pub(super) fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in single_line(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{markup, single_line};

    #[test]
    fn a_text_of_many_lines_becomes_one() {
        assert_eq!(single_line("  a\r\n\tb\u{0}\u{1b}c  d\n"), "a b c d");
        assert_eq!(single_line("\n\t "), "");
        assert_eq!(single_line("a\u{202e}b\u{61c}\u{9b}c"), "ab c");
    }

    #[test]
    fn markup_holds_no_character_with_a_meaning() {
        assert_eq!(
            markup("<a href=\"x\">'&'</a>\n\u{ffff}"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt; \u{fffd}"
        );
    }
}
