//! Text from elsewhere without what steers a terminal or misleads a reader.

use std::fmt::Write as _;

/// Returns the text without control characters, but for line ends and tabs: nothing that an agent wrote or that a database
/// holds moves the cursor, changes colours, or turns the direction in which its neighbours are read.
pub fn printable(text: &str) -> String {
    text.chars()
        .filter(|&letter| matches!(letter, '\n' | '\t') || !steers(letter))
        .collect()
}

/// Returns the JSON with each character that [`printable`] leaves out written by its number: its meaning stays.
pub fn printable_json(json: String) -> String {
    if !json.chars().any(is_outside_of_json) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_outside_of_json(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    out
}

/// Whether the character steers, and stands within a string where it stands in JSON: a writer of JSON escapes the others
/// there, and has line ends between its tokens.
fn is_outside_of_json(letter: char) -> bool {
    letter >= '\u{7f}' && steers(letter)
}

/// Whether the character controls a terminal (ISO 6429), turns the direction in which text is read (Unicode Standard
/// Annex 9), begins a line, or takes no room where something could be hidden behind it.
///
/// The joiners U+200C and U+200D are letters' business in several scripts, and stay.
pub fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_left_out() {
        assert_eq!(printable("a\u{1b}[2Jb\n\tc\u{9b}\0\r\u{7f}"), "a[2Jb\n\tc");
        assert_eq!(
            printable("\u{1b}]0;title\u{7}\u{9d}8;;x\u{9c}"),
            "]0;title8;;x"
        );
    }

    #[test]
    fn nothing_turns_the_direction_of_text_or_hides() {
        let turning = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        assert_eq!(printable(turning), "");
        assert_eq!(
            printable("a\u{200b}b\u{2028}c\u{feff}\u{2060}d\u{e0041}"),
            "abcd"
        );
        // Joined letters and pictures stay as they are.
        let joined = "می\u{200c}خواهم 👩\u{200d}💻";
        assert_eq!(printable(joined), joined);
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "a\u{202e}b\u{9b}\u{7f}\u{61c}\u{e0041}\u{1b}\n";
        let json = serde_json::Value::from(vec![text]).to_string();
        let shown = printable_json(json);
        assert!(!shown.chars().any(steers), "{shown}");
        let read: Vec<String> = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, [text]);
        let plain = "[\n  \"ü\"\n]".to_owned();
        assert_eq!(printable_json(plain.clone()), plain);
    }
}
