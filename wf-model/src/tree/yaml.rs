//! YAML: to the tree, and to where its nodes stand.

mod anchors;
mod guard;
mod probe;
mod walk;
mod words;

use std::ops::Range;

use serde_yaml::Deserializer;

use crate::problem::Problem;

use super::Node;
use super::build::{Builder, Limit, Syntax, too_deep};
use super::locate::{Spots, Wanted};

/// Parses a text; what is odd but readable comes with the tree.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<Problem<u32>>), Syntax> {
    if let Some(found) = guard::too_costly(text).or_else(|| anchors::defined_twice(text)) {
        return Err(found);
    }
    let mut builder = Builder::new(text.len(), true);
    match (builder.root(Deserializer::from_str(text)), builder.limit) {
        (Ok(root), _) => Ok((root, builder.problems)),
        (Err(_), Some(Limit::Levels(place))) => {
            let help =
                "bring the text to fewer levels; an alias must not stand inside what it names";
            Err(Syntax::new(spot_of(text, place), too_deep(), help))
        }
        (Err(_), Some(Limit::Size(place))) => Err(Syntax::new(
            spot_of(text, place),
            "the aliases expand to more than this document may hold",
            "write out what the aliases stand for, or use fewer",
        )),
        (Err(error), None) => Err(words::explained(text, &error)),
    }
}

/// Finds where nodes stand in a text.
pub(crate) fn find(text: &str, wanted: &Wanted) -> Spots {
    let mut spots = walk::find(text, wanted);
    probe::complete(text, wanted, &mut spots);
    spots
}

fn spot_of(text: &str, place: u32) -> Range<usize> {
    let mut wanted = Wanted::default();
    wanted.place(place);
    find(text, &wanted)
        .remove(&place)
        .map_or(0..0, |spot| spot.at)
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
    fn both_looks_at_a_text_count_its_nodes_alike() {
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
    fn a_node_beyond_where_the_second_parser_gives_up_is_found_by_the_first() {
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
