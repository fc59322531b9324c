//! Diagrams that the tests of every format draw.

use wf_core::step::StepState;

use super::{Diagram, Node};

/// Returns four steps in the shape of a diamond: one optional, one serial.
pub(super) fn code_review() -> Diagram {
    Diagram {
        title: "Code Review Workflow".to_owned(),
        nodes: vec![
            node("parse-changes", "backend"),
            node("security-audit", "security"),
            Node {
                optional: true,
                ..node("quality-check", "quality")
            },
            Node {
                serial: true,
                ..node("aggregate-results", "product")
            },
        ],
        edges: vec![(0, 1), (0, 2), (1, 3), (2, 3)],
    }
}

/// Returns the diamond of [`code_review`] as an execution that has failed.
pub(super) fn review_run() -> Diagram {
    let mut diagram = code_review();
    let states = [
        (StepState::Completed, Some("1.3 s")),
        (StepState::Failed, Some("3 attempts, 4.0 s")),
        (StepState::Completed, Some("820 ms")),
        (StepState::Skipped, None),
    ];
    for (node, (state, note)) in diagram.nodes.iter_mut().zip(states) {
        node.state = Some(state);
        node.note = note.map(str::to_owned);
    }
    diagram
}

/// Returns one step for each state.
pub(super) fn every_state() -> Diagram {
    let states = [
        StepState::Pending,
        StepState::Running,
        StepState::Completed,
        StepState::Failed,
        StepState::Skipped,
        StepState::Cancelled,
    ];
    let nodes = states
        .iter()
        .enumerate()
        .map(|(index, &state)| Node {
            state: Some(state),
            serial: index % 2 == 1,
            optional: index % 3 == 1,
            ..node(&format!("step-{index}"), "claude")
        })
        .collect();
    Diagram {
        title: "Every state".to_owned(),
        nodes,
        edges: vec![(0, 2), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5)],
    }
}

/// Returns a row of `length` steps.
pub(super) fn chain(length: usize) -> Diagram {
    Diagram {
        title: format!("A chain of {length}"),
        nodes: (0..length)
            .map(|index| node(&format!("step-{index}"), "backend"))
            .collect(),
        edges: (1..length).map(|index| (index - 1, index)).collect(),
    }
}

/// Returns one step, `width` that depend on it, and one that depends on all of those.
pub(super) fn fan_out(width: usize) -> Diagram {
    let mut nodes = vec![node("split", "planner")];
    nodes.extend((0..width).map(|index| node(&format!("part-{index}"), "worker")));
    nodes.push(node("merge", "planner"));
    let last = width + 1;
    let mut edges: Vec<_> = (1..=width).map(|index| (0, index)).collect();
    edges.extend((1..=width).map(|index| (index, last)));
    Diagram {
        title: format!("{width} at once"),
        nodes,
        edges,
    }
}

/// Returns `count` steps, each depending on one to three of the twelve before it.
pub(super) fn layered_random(count: usize) -> Diagram {
    let mut random = Random(20_251_110);
    let agents = ["backend", "security", "quality", "product", "claude"];
    let verbs = ["fetch", "parse", "check", "summarise", "review", "merge"];
    let nodes = (0..count)
        .map(|index| Node {
            serial: random.below(9) == 0,
            optional: random.below(7) == 0,
            ..node(
                &format!("{}-{index}", verbs[random.below(verbs.len())]),
                agents[random.below(agents.len())],
            )
        })
        .collect();
    let mut edges = Vec::new();
    for to in 1..count {
        for _ in 0..=random.below(3) {
            let edge = (to - 1 - random.below(to.min(12)), to);
            if random.below(8) > 0 && !edges.ends_with(&[edge]) {
                edges.push(edge);
            }
        }
    }
    edges.sort_unstable();
    edges.dedup();
    Diagram {
        title: format!("{count} steps at random"),
        nodes,
        edges,
    }
}

/// Returns `count` steps whose dependencies lie anywhere before them.
pub(super) fn tangled_random(count: usize) -> Diagram {
    let mut random = Random(7);
    let mut diagram = chain(count);
    diagram.edges = (1..count)
        .flat_map(|to| [(random.below(to), to), (random.below(to), to)])
        .collect();
    diagram
}

/// Returns texts that mean something to one of the formats or to what reads them.
pub(super) fn hostile_texts() -> Vec<&'static str> {
    vec![
        "\"]-->",
        "<script>alert('x')</script>",
        "a \"quoted\" & 'odd' name",
        "two\nlines\r\n---\nflowchart",
        "end",
        "`**bold**` 1. list",
        "back\\slash\\",
        "]]>",
        "-->",
        "%%{init: {}}%%",
        "style x:#35;y",
        "#quot; &amp; &#60;",
        "\u{0}\u{1b}[31m\u{ffff}",
        "$$x$$ @{ shape: x }",
        "注文を検証する 👩‍🚀 e\u{301}",
        "",
    ]
}

/// Returns one step for each of the hostile texts, in a chain.
pub(super) fn hostile() -> Diagram {
    let texts = hostile_texts();
    let mut diagram = chain(texts.len());
    diagram.title = texts.concat();
    for (index, (node, text)) in diagram.nodes.iter_mut().zip(texts).enumerate() {
        node.key = format!("{index}{text}");
        node.agent = text.to_owned();
        node.note = Some(text.to_owned());
    }
    diagram
}

/// A small generator of numbers that are the same in every run (Marsaglia's xorshift64).
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Returns a number below `bound`, which is at least 1.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn node(key: &str, agent: &str) -> Node {
    Node {
        key: key.to_owned(),
        agent: agent.to_owned(),
        ..Node::default()
    }
}
