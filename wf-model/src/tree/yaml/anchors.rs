//! Anchors that are defined twice.
//!
//! YAML lets a later anchor replace an earlier one of the same name. The parser behind `serde_yaml` then
//! mixes up which alias means which anchor, without a word, so such a document is refused.

use std::collections::HashSet;

use saphyr_parser::{Event, Parser};

use crate::problem::quoted;

use crate::tree::build::Syntax;
use crate::tree::locate::Cursor;

/// Returns the first anchor that replaces another.
pub(super) fn defined_twice(text: &str) -> Option<Syntax> {
    let mut seen = HashSet::new();
    // Most of these are no anchors at all, but without two alike there are no two alike anchors.
    if text
        .match_indices('&')
        .filter_map(|(at, _)| name_at(text, at))
        .all(|name| seen.insert(name))
    {
        return None;
    }
    seen.clear();
    let mut cursor = Cursor::new(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let (Event::Scalar(_, _, anchor, _)
        | Event::SequenceStart(anchor, _)
        | Event::MappingStart(anchor, _)) = event
        else {
            continue;
        };
        if anchor == 0 {
            continue;
        }
        // The anchor stands where the node begins, before or after its tag.
        let start = cursor.offset(span.start.index());
        let start = start + text.get(start..)?.find('&')?;
        let name = name_at(text, start)?;
        if !seen.insert(name) {
            let at = start..start + 1 + name.len();
            let message = format!("anchor {} is defined twice", quoted(name));
            return Some(Syntax::new(
                at,
                message,
                "give each anchor a name of its own",
            ));
        }
    }
    None
}

/// Returns the name after a `&`, if there is one.
fn name_at(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at + 1..)?;
    let end = rest
        .find(|letter: char| letter.is_whitespace() || ",[]{}".contains(letter))
        .unwrap_or(rest.len());
    rest.get(..end).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_anchor_of_one_name_is_found() {
        let text = "é: &a 1\nb: !!str &b x\nc: &a\n  d: 1\n";
        let found = defined_twice(text).unwrap();
        assert_eq!(found.message, "anchor `a` is defined twice");
        assert_eq!(
            found.at,
            text.rfind("&a").unwrap()..text.rfind("&a").unwrap() + 2
        );
        let tagged = "- &x 1\n- !!str &x y\n";
        assert_eq!(defined_twice(tagged).unwrap().at, 15..17);
    }

    #[test]
    fn what_only_looks_like_an_anchor_is_none() {
        assert_eq!(
            defined_twice("a: x && y && z\nb: '&a &a' # &a\nc: &a 1\nd: *a\n"),
            None
        );
        assert_eq!(defined_twice("a: &b 1\n"), None);
        assert_eq!(defined_twice("&"), None);
    }
}
