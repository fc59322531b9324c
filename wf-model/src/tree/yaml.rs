//! YAML: to the tree, and to where its nodes stand.
//!
//! Both come from the same events, so that both count the same nodes. Most texts have no mistake, and where their nodes
//! stand is never asked.

mod build;
mod messages;
mod scalar;
mod write;

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, options};

use crate::problem::Problem;

use self::build::Builder;
use super::locate::{Spot, Spots, Wanted};
use super::syntax::Syntax;
use super::{MOST_LEVELS, Node};

pub(crate) use self::write::write;

/// Parses a text; what is odd but readable comes with the tree.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<Problem<u32>>), Syntax> {
    let mut builder = Builder::new(text.len());
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(text, limits()) {
        let (event, span) = next.map_err(|error| messages::explained(text, &error))?;
        let at = span.byte_range().unwrap_or_default();
        documents += usize::from(matches!(event, Event::DocumentStart(..)));
        if documents > 1 {
            return Err(Syntax::new(
                at,
                "the file holds more than one document",
                "keep one document in a file",
            ));
        }
        builder.meet(empty_if_unwritten(event, &at), &at)?;
    }
    Ok(builder.finish())
}

/// Finds where nodes stand in a text.
pub(crate) fn find(text: &str, wanted: &Wanted) -> Spots {
    let mut spots = Spots::default();
    let mut anchored = HashMap::new();
    let nodes = Parser::new_from_str_with_options(text, limits())
        .map_while(Result::ok)
        .filter(|(event, _)| event.is_node());
    for (place, (event, span)) in (0..).zip(nodes) {
        let at = written(text, span);
        let anchor = event.anchor_id();
        let decoded = match &event {
            Event::Scalar(decoded, ..) if anchor.is_some() || wanted.wants_text(place) => {
                Some((at.clone(), decoded.to_string()))
            }
            Event::Alias(anchor) => anchored.get(anchor).cloned(),
            _ => None,
        };
        if let (Some(anchor), Some(decoded)) = (anchor, &decoded) {
            anchored.insert(anchor, decoded.clone());
        }
        if wanted.is_wanted(place) {
            spots.insert(place, Spot { at, text: decoded });
        }
        if wanted.ends_before(place.saturating_add(1)) {
            break;
        }
    }
    spots
}

fn limits() -> Options {
    options! {
        emit_comments: false,
        flow_nesting_limit: MOST_LEVELS,
        block_nesting_limit: MOST_LEVELS,
    }
}

/// The parser gives `~` where no value is written.
fn empty_if_unwritten<'a>(event: Event<'a>, at: &Range<usize>) -> Event<'a> {
    match event {
        Event::Scalar(_, ScalarStyle::Plain, anchor, tag) if at.is_empty() => {
            Event::Scalar("".into(), ScalarStyle::Plain, anchor, tag)
        }
        event => event,
    }
}

/// Returns where a node is written, without the empty lines that the parser counts to a text over several lines; of a
/// node that is nothing but a tag, the tag.
fn written(text: &str, span: Span) -> Range<usize> {
    let tag = span.tag_span().filter(|_| span.is_empty());
    let span = tag.unwrap_or(span);
    let at = span.byte_range().unwrap_or_default();
    let length = span
        .slice(text)
        .map_or(0, |written| written.trim_end().len());
    at.start..at.start + length
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::*;

    fn texts(node: &Node, found: &mut Vec<(u32, String)>) {
        match &node.value {
            Value::Text(text) => found.push((node.place, text.clone())),
            Value::Sequence(nodes) => nodes.iter().for_each(|node| texts(node, found)),
            Value::Mapping(entries) => {
                for entry in entries {
                    found.push((entry.key.place, entry.key.text.to_string()));
                    texts(&entry.value, found);
                }
            }
            _ => {}
        }
    }

    /// Parses a text and returns each string of it, as it was read and as it was found again.
    fn found_again(text: &str) -> Vec<(String, Option<String>)> {
        let (root, _) = parse(text).unwrap();
        let mut found = Vec::new();
        texts(&root, &mut found);
        let mut wanted = Wanted::default();
        found.iter().for_each(|(place, _)| wanted.text(*place));
        let spots = find(text, &wanted);
        let again = |place| {
            spots
                .get(place)
                .and_then(|spot| spot.text.clone())
                .map(|(_, decoded)| decoded)
        };
        found
            .iter()
            .map(|(place, read)| (read.clone(), again(place)))
            .collect()
    }

    #[test]
    fn each_text_is_found_again_where_it_is_written() {
        for text in [
            "a: b\nc: [d, {e: f}, [], {}]\n",
            "? a\n: b\n? c\n: d\n",
            "a: &x [p, &y q, {r: s}]\nb: [*x, *y, t]\nc: {*y : u}\n",
            "a:\nb:\n- c\n-\n- d: e\n  f:\n",
            "a: !t x\nb: !!str &n y\nc: &m !t [*n, z]\nd: *m\n",
            "# c\n---\na: |\n  b\n\n  c\nd: >-\n  e\n  f\n...\n",
            "{a: 'b''c', \"d\\n\": e, f, g: }",
            "<<: {a: b}\nc: d\n",
            "a: \"b\nc\"\nd: 'e\n\n f'\ng: [h, \"i\nj\", k]\nl: m\n",
        ] {
            for (read, again) in found_again(text) {
                assert_eq!(Some(read), again, "{text:?}");
            }
        }
    }

    #[test]
    fn a_node_after_a_text_in_quotes_over_several_lines_is_found() {
        let text = "a: \"b\nc\"\nd: [e, 'f g']\nh: i\n";
        let mut wanted = Wanted::default();
        (0..9).for_each(|place| wanted.place(place));
        let spots = find(text, &wanted);
        let written = |place| &text[spots[&place].at.clone()];
        assert_eq!(written(2), "\"b\nc\"");
        assert_eq!(written(4), "[");
        assert_eq!(written(6), "'f g'");
        assert_eq!(written(8), "i");
    }
}
