//! JSON: to the tree, and to where its nodes stand.

mod build;

use std::ops::Range;

use self::build::Builder;
use super::Node;
use super::locate::{Spot, Spots, Wanted};
use super::syntax::{Syntax, char_at};

/// Parses a text.
pub(crate) fn parse(text: &str) -> Result<Node, Syntax> {
    if text.trim().is_empty() {
        return Err(Syntax::new(0..0, "the file is empty", ""));
    }
    let mut builder = Builder::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let result = builder
        .root(&mut deserializer)
        .and_then(|root| deserializer.end().map(|()| root));
    result.map_err(|error| match builder.too_deep {
        Some(place) => {
            let mut wanted = Wanted::default();
            wanted.place(place);
            let spot = find(text, &wanted).remove(&place);
            too_deep(spot.map_or(0..0, |spot| spot.at))
        }
        None => rewritten(text, &error),
    })
}

/// Finds where nodes stand in a text, as far as it is JSON.
pub(crate) fn find(text: &str, wanted: &Wanted) -> Spots {
    let mut spots = Spots::default();
    let bytes = text.as_bytes();
    let mut next = 0u32;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => end_of_string(bytes, at),
            b'{' | b'[' => at + 1,
            b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            _ => {
                let rest = bytes.get(at..).unwrap_or_default();
                at + rest
                    .iter()
                    .take_while(|byte| !b"{}[],: \t\n\r\"".contains(byte))
                    .count()
            }
        };
        if wanted.is_wanted(next) {
            spots.insert(next, spot(text, at..end, wanted.wants_text(next)));
        }
        next = next.saturating_add(1);
        if wanted.ends_before(next) {
            break;
        }
        at = end;
    }
    spots
}

fn spot(text: &str, at: Range<usize>, wants_text: bool) -> Spot {
    let written = text.get(at.clone()).filter(|_| wants_text);
    let decoded = written.and_then(|written| serde_json::from_str::<String>(written).ok());
    Spot {
        text: decoded.map(|decoded| (at.clone(), decoded)),
        at,
    }
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

fn rewritten(text: &str, error: &serde_json::Error) -> Syntax {
    let start = match error.line().checked_sub(2) {
        None => 0,
        Some(before) => text
            .match_indices('\n')
            .nth(before)
            .map_or(text.len(), |(end, _)| end + 1),
    };
    let at = char_at(text, start + error.column().saturating_sub(1));
    let shown = error.to_string();
    let problem = shown.split(" at line ").next().unwrap_or(&shown);
    let (message, help) = match problem {
        "EOF while parsing a list" => ("the file ends inside a list", "close it with `]`"),
        "EOF while parsing an object" => ("the file ends inside a mapping", "close it with `}`"),
        "EOF while parsing a string" => ("the file ends inside a string", "close it with `\"`"),
        "EOF while parsing a value" => {
            ("the file ends where a value is expected", "write the value")
        }
        "expected value" => ("expected a value", "text needs double quotes"),
        "expected ident" => (
            "expected `true`, `false` or `null`",
            "text needs double quotes",
        ),
        "key must be a string" => (
            "expected a key in double quotes",
            "write it as `\"key\": value`",
        ),
        "trailing comma" => ("a comma with nothing after it", "remove the comma"),
        "trailing characters" => (
            "more text after the end of the document",
            "keep one document in a file",
        ),
        "recursion limit exceeded" => {
            return too_deep(at);
        }
        "control character (\\u0000-\\u001F) found while parsing a string" => (
            "a control character in a string",
            "write a line break as `\\n` and a tab as `\\t`",
        ),
        "invalid escape" => ("unknown escape in a string", "write a backslash as `\\\\`"),
        other => (other, "check the commas, quotes and brackets before it"),
    };
    Syntax::new(at, message, help)
}

fn too_deep(at: Range<usize>) -> Syntax {
    Syntax::too_deep(at, "close brackets and braces earlier")
}
