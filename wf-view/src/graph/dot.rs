//! Writes a diagram in the language of Graphviz.

use std::fmt::Write as _;

use super::escape::{markup, single_line};
use super::{Diagram, Node, palette, symbol};

/// Writes a diagram as a Graphviz digraph, from the first steps at the top to the last.
///
/// Serial steps have a double outline, optional ones a dashed outline, and both say so in words.
pub fn dot(diagram: &Diagram) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "digraph {} {{", quoted(&diagram.title));
    text.push_str("    graph [rankdir=TB, nodesep=0.4, ranksep=0.5, fontname=\"Helvetica,Arial,sans-serif\", fontsize=16");
    let title = markup_label(&diagram.title);
    if !title.is_empty() {
        let _ = write!(text, ", labelloc=t, label=<<b>{title}</b>>");
    }
    text.push_str("];\n");
    text.push_str("    node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#57606a\", fontcolor=\"#1f2328\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=12, margin=\"0.2,0.1\"];\n");
    text.push_str("    edge [color=\"#6e7781\", arrowsize=0.7];\n");
    for node in &diagram.nodes {
        write_node(&mut text, node);
    }
    for (from, to) in diagram.distinct_edges() {
        if let (Some(from), Some(to)) = (diagram.nodes.get(from), diagram.nodes.get(to)) {
            let _ = writeln!(text, "    {} -> {};", quoted(&from.key), quoted(&to.key));
        }
    }
    text.push_str("}\n");
    text
}

/// Appends the statement that declares one node.
fn write_node(text: &mut String, node: &Node) {
    let _ = write!(
        text,
        "    {} [label=<{}>, tooltip={}",
        quoted(&node.key),
        label(node),
        quoted(&node.key)
    );
    if let Some(state) = node.state {
        let palette = palette(state);
        let _ = write!(
            text,
            ", fillcolor=\"{}\", color=\"{}\", fontcolor=\"{}\"",
            palette.fill, palette.stroke, palette.text
        );
    }
    if node.optional {
        text.push_str(", style=\"rounded,filled,dashed\"");
    }
    if node.serial {
        text.push_str(", peripheries=2");
    }
    text.push_str("];\n");
}

/// Returns what stands in a node: one line each for key, agent, traits and status.
fn label(node: &Node) -> String {
    let mut lines = Vec::new();
    let key = markup_label(&node.key);
    if !key.is_empty() {
        lines.push(format!("<b>{key}</b>"));
    }
    let agent = markup_label(&node.agent);
    if !agent.is_empty() {
        lines.push(agent);
    }
    if let Some(traits) = node.traits() {
        lines.push(format!("<i>{traits}</i>"));
    }
    if let Some(status) = node.status() {
        let status = markup_label(&status);
        lines.push(match node.state {
            Some(state) => format!("{} {status}", symbol(state)),
            None => status,
        });
    }
    if lines.is_empty() {
        // Graphviz takes no empty markup.
        lines.push(" ".to_owned());
    }
    lines.join("<br/>")
}

/// Escapes text for markup, in which Graphviz would replace `\N` by the node's name.
fn markup_label(text: &str) -> String {
    markup(text).replace('\\', "\\\\")
}

/// Quotes text as an identifier or a string with escapes, which both read `\\` as it stands.
fn quoted(text: &str) -> String {
    let text = single_line(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::super::Diagram;
    use super::super::examples::{code_review, hostile, layered_random, review_run};
    use super::{dot, markup_label, quoted};

    #[test]
    fn the_review_reads_like_its_definition() {
        let text = dot(&code_review());
        assert!(text.starts_with("digraph \"Code Review Workflow\" {\n    graph [rankdir=TB,"));
        assert!(text.contains(
            "    \"quality-check\" [label=<<b>quality-check</b><br/>quality<br/><i>optional</i>>, \
             tooltip=\"quality-check\", style=\"rounded,filled,dashed\"];\n"
        ));
        assert!(text.contains(
            "    \"aggregate-results\" [label=<<b>aggregate-results</b><br/>product<br/><i>serial</i>>, \
             tooltip=\"aggregate-results\", peripheries=2];\n"
        ));
        assert!(text.ends_with("    \"quality-check\" -> \"aggregate-results\";\n}\n"));
    }

    #[test]
    fn a_run_shows_states_in_words_symbols_and_colours() {
        let text = dot(&review_run());
        assert!(text.contains("✗ failed · 3 attempts, 4.0 s>"), "{text}");
        assert!(text.contains("fillcolor=\"#ffebe9\""), "{text}");
    }

    #[test]
    fn every_node_and_every_edge_appears_once() {
        let diagram = layered_random(30);
        let text = dot(&diagram);
        for node in &diagram.nodes {
            let statement = format!("\n    \"{}\" [", node.key);
            assert_eq!(text.matches(&statement).count(), 1, "{}", node.key);
        }
        for &(from, to) in &diagram.edges {
            let statement = format!(
                "\n    \"{}\" -> \"{}\";",
                diagram.nodes[from].key, diagram.nodes[to].key
            );
            assert_eq!(text.matches(&statement).count(), 1, "{statement}");
        }
        assert_eq!(text.matches("\" -> \"").count(), diagram.edges.len());
    }

    #[test]
    fn quotes_and_backslashes_stay_inside_their_string() {
        assert_eq!(quoted("a\"b\\"), "\"a\\\"b\\\\\"");
        assert_eq!(quoted("a\nb"), "\"a b\"");
        assert_eq!(markup_label("\\N & <b>"), "\\\\N &amp; &lt;b&gt;");
        let text = dot(&hostile());
        // One line each for the digraph, its three defaults and its end.
        let diagram = hostile();
        assert_eq!(
            text.lines().count(),
            5 + diagram.nodes.len() + diagram.edges.len()
        );
    }

    #[test]
    fn an_empty_diagram_is_a_digraph() {
        let text = dot(&Diagram::default());
        assert!(text.starts_with("digraph \"\" {\n"));
        assert!(!text.contains("label="));
    }
}
