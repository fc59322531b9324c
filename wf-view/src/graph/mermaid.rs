//! Writes a diagram as a Mermaid flowchart.
//!
//! Three readers look at a label before anybody sees it: Mermaid's parser, its Markdown renderer
//! and the browser. Whatever could mean something to one of them is therefore written as one of
//! Mermaid's character entities (`#35;`), which are decoded after all three have looked.

use std::collections::HashSet;
use std::fmt::Write as _;

use wf_core::step::StepState;

use super::escape::single_line;
use super::{Diagram, Node, palette, symbol};

/// Writes a diagram as a Mermaid flowchart, from the first steps at the top to the last.
///
/// Serial steps have double sides, optional ones a dashed outline, and both say so in words. A
/// node's id is made from its key, so that a change of one step changes few lines.
///
/// Mermaid itself refuses more than 500 edges or 50,000 characters unless the page that embeds
/// the picture raises `maxEdges` and `maxTextSize`; a diagram cannot raise them itself.
pub fn mermaid(diagram: &Diagram) -> String {
    let identifiers = identifiers(&diagram.nodes);
    let mut text = String::new();
    let title = single_line(&diagram.title);
    if !title.is_empty() {
        let _ = writeln!(text, "---\ntitle: {}\n---", title_string(&title));
    }
    text.push_str("flowchart TD\n");
    for (node, identifier) in diagram.nodes.iter().zip(&identifiers) {
        let (open, close) = if node.serial {
            ("[[", "]]")
        } else {
            ("(", ")")
        };
        let _ = writeln!(text, "    {identifier}{open}\"{}\"{close}", label(node));
    }
    for (from, to) in diagram.distinct_edges() {
        if let (Some(from), Some(to)) = (identifiers.get(from), identifiers.get(to)) {
            let _ = writeln!(text, "    {from} --> {to}");
        }
    }
    write_classes(&mut text, &diagram.nodes, &identifiers);
    text
}

/// Appends the definitions of the classes that are used, and the nodes of each.
fn write_classes(text: &mut String, nodes: &[Node], identifiers: &[String]) {
    let mut write_class = |name: &str, style: &str, belongs: &dyn Fn(&Node) -> bool| {
        let members: Vec<&str> = nodes
            .iter()
            .zip(identifiers)
            .filter(|(node, _)| belongs(node))
            .map(|(_, identifier)| identifier.as_str())
            .collect();
        if !members.is_empty() {
            let _ = writeln!(text, "    classDef {name} {style}");
            let _ = writeln!(text, "    class {} {name}", members.join(","));
        }
    };
    for state in [
        StepState::Pending,
        StepState::Running,
        StepState::Completed,
        StepState::Failed,
        StepState::Skipped,
        StepState::Cancelled,
    ] {
        let palette = palette(state);
        let style = format!(
            "fill:{},stroke:{},color:{}",
            palette.fill, palette.stroke, palette.text
        );
        write_class(state.name(), &style, &|node| node.state == Some(state));
    }
    write_class("serial", "stroke-width:3px", &|node| node.serial);
    write_class("optional", "stroke-dasharray:5 4", &|node| node.optional);
}

/// Returns what stands in a node: one line each for key, agent, traits and status.
fn label(node: &Node) -> String {
    let mut lines = vec![format!("<b>{}</b>", escape(&node.key))];
    let agent = escape(&node.agent);
    if !agent.is_empty() {
        lines.push(agent);
    }
    if let Some(traits) = node.traits() {
        lines.push(format!("<i>{traits}</i>"));
    }
    if let Some(status) = node.status() {
        let status = escape(&status);
        lines.push(match node.state {
            Some(state) => format!("{} {status}", symbol(state)),
            None => status,
        });
    }
    lines.join("<br/>")
}

/// Escapes text for a quoted label.
///
/// Letters, digits and single spaces stay as they are; `-`, `_` and `.` do between letters and
/// digits, where they mean nothing to Markdown either, unless they could end a link's scheme or
/// host. Everything else becomes an entity.
fn escape(text: &str) -> String {
    let text = single_line(text);
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut previous = ' ';
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let plain = match character {
            ' ' | ',' | '·' => true,
            '-' | '_' => previous.is_alphanumeric() && next.is_alphanumeric(),
            '.' => previous.is_ascii_digit() && next.is_ascii_digit(),
            _ => character.is_alphanumeric(),
        };
        if character == '$' && previous == '$' {
            // Two in a row would begin a formula even so; a space without width parts them.
            escaped.push_str("#8203;");
        }
        if plain {
            escaped.push(character);
        } else {
            let _ = write!(escaped, "#{};", u32::from(character));
        }
        previous = character;
    }
    escaped
}

/// Quotes the title as a YAML (and JSON) string.
///
/// Mermaid takes a title for markup but shows it as text, `&` as `&amp;`, so the characters that
/// would suffer are written in their full-width forms.
fn title_string(title: &str) -> String {
    let mut quoted = String::with_capacity(title.len() + 2);
    quoted.push('"');
    for character in title.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '<' => quoted.push('\u{ff1c}'),
            '>' => quoted.push('\u{ff1e}'),
            '&' => quoted.push('\u{ff06}'),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns an id for every node: its key behind a prefix that keeps it from being a keyword, with
/// `_` for what an id cannot hold, and a number where two would be the same.
fn identifiers(nodes: &[Node]) -> Vec<String> {
    let mut taken = HashSet::with_capacity(nodes.len());
    nodes
        .iter()
        .map(|node| {
            let base: String = "step_"
                .chars()
                .chain(node.key.chars().map(|character| {
                    if character.is_ascii_alphanumeric() {
                        character
                    } else {
                        '_'
                    }
                }))
                .collect();
            let mut identifier = base.clone();
            let mut number = 2_usize;
            while !taken.insert(identifier.clone()) {
                identifier = format!("{base}_{number}");
                number += 1;
            }
            identifier
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::examples::{code_review, hostile, hostile_texts, layered_random, review_run};
    use super::super::{Diagram, Node};
    use super::{escape, identifiers, mermaid, title_string};

    #[test]
    fn the_review_reads_like_its_definition() {
        assert_eq!(
            mermaid(&code_review()),
            "---\n\
             title: \"Code Review Workflow\"\n\
             ---\n\
             flowchart TD\n    \
                 step_parse_changes(\"<b>parse-changes</b><br/>backend\")\n    \
                 step_security_audit(\"<b>security-audit</b><br/>security\")\n    \
                 step_quality_check(\"<b>quality-check</b><br/>quality<br/><i>optional</i>\")\n    \
                 step_aggregate_results[[\"<b>aggregate-results</b><br/>product<br/><i>serial</i>\"]]\n    \
                 step_parse_changes --> step_security_audit\n    \
                 step_parse_changes --> step_quality_check\n    \
                 step_security_audit --> step_aggregate_results\n    \
                 step_quality_check --> step_aggregate_results\n    \
                 classDef serial stroke-width:3px\n    \
                 class step_aggregate_results serial\n    \
                 classDef optional stroke-dasharray:5 4\n    \
                 class step_quality_check optional\n"
        );
    }

    #[test]
    fn a_run_shows_states_in_words_symbols_and_colours() {
        let text = mermaid(&review_run());
        assert!(text.contains("✓ completed · 1.3 s\""), "{text}");
        assert!(text.contains("✗ failed · 3 attempts, 4.0 s\""), "{text}");
        assert!(text.contains("classDef failed fill:#ffebe9"), "{text}");
        assert!(
            text.contains("class step_security_audit failed\n"),
            "{text}"
        );
    }

    #[test]
    fn every_node_and_every_edge_appears_once() {
        let diagram = layered_random(30);
        let text = mermaid(&diagram);
        for node in &diagram.nodes {
            let start = format!("    step_{}(\"", node.key.replace('-', "_"));
            let serial = format!("    step_{}[[\"", node.key.replace('-', "_"));
            assert_eq!(
                text.matches(&start).count() + text.matches(&serial).count(),
                1,
                "{}",
                node.key
            );
        }
        let identifiers = identifiers(&diagram.nodes);
        for &(from, to) in &diagram.edges {
            let line = format!("    {} --> {}\n", identifiers[from], identifiers[to]);
            assert_eq!(text.matches(&line).count(), 1, "{line}");
        }
        assert_eq!(text.matches(" --> ").count(), diagram.edges.len());
    }

    #[test]
    fn hostile_text_leaves_no_character_with_a_meaning() {
        for text in hostile_texts() {
            let escaped = escape(text);
            assert!(
                !escaped.contains([
                    '"', '<', '>', '`', '[', ']', '{', '}', '*', ':', '\\', '\n', '$', '@', '&'
                ]),
                "{escaped}"
            );
            assert_eq!(escaped.matches('#').count(), escaped.matches(';').count());
        }
        let text = mermaid(&hostile());
        assert_eq!(text.matches("---\n").count(), 2, "{text}");
        assert!(!text.contains("<script"), "{text}");
    }

    #[test]
    fn markdown_that_would_start_a_list_or_a_link_is_text() {
        assert_eq!(escape("1. Fetch"), "1#46; Fetch");
        assert_eq!(escape("- item"), "#45; item");
        assert_eq!(escape("www.example.com"), "www#46;example#46;com");
        assert_eq!(escape("2 attempts, 1.3 s"), "2 attempts, 1.3 s");
        assert_eq!(escape("fa:fa-car"), "fa#58;fa-car");
    }

    #[test]
    fn a_title_is_one_quoted_line_without_markup() {
        assert_eq!(
            title_string("a \\ \"b\" & <c>"),
            "\"a \\\\ \\\"b\\\" \u{ff06} \u{ff1c}c\u{ff1e}\""
        );
    }

    #[test]
    fn a_formula_is_text() {
        assert_eq!(escape("$$x"), "#36;#8203;#36;x");
    }

    #[test]
    fn keys_that_are_keywords_or_alike_get_ids_of_their_own() {
        let node = |key: &str| Node {
            key: key.to_owned(),
            ..Node::default()
        };
        let nodes = ["end", "a-b", "a_b", "a_b_2", "ü"].map(node);
        assert_eq!(
            identifiers(&nodes),
            [
                "step_end",
                "step_a_b",
                "step_a_b_2",
                "step_a_b_2_2",
                "step__"
            ]
        );
    }

    #[test]
    fn an_empty_diagram_is_a_flowchart() {
        assert_eq!(mermaid(&Diagram::default()), "flowchart TD\n");
    }
}
