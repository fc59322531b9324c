//! Draws a workflow as a picture.
//!
//! A [`Diagram`] is plain data: the steps, what each depends on and, when an execution is drawn,
//! how far each has come. Three functions turn it into text, each for another reader:
//!
//! | function    | result                | for                                              |
//! |-------------|-----------------------|--------------------------------------------------|
//! | [`mermaid()`] | a Mermaid `flowchart` | Markdown pages that render it                    |
//! | [`dot()`]   | a Graphviz `digraph`  | Graphviz, which lays it out and converts it      |
//! | [`svg()`]   | a finished picture    | a browser or an image viewer, without other tools|
//!
//! All three say the same in the same words: a step's key, its agent, `serial` when nothing may
//! overlap it, `optional` when its failure does not fail the run, and its state in a word beside
//! the colour, so that no picture needs a legend or relies on colour alone.
//!
//! The same diagram always gives the same bytes. Text from the user is escaped for the format it
//! is written in and put on one line; no function panics, whatever the diagram holds.

mod dot;
mod escape;
mod layout;
mod mermaid;
mod svg;

use std::collections::HashSet;

use wf_core::step::StepState;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;

/// A workflow, or an execution of one, to draw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// Stands above the picture.
    pub title: String,
    /// The steps, in the order of the definition.
    pub nodes: Vec<Node>,
    /// Pairs of positions in `nodes`, from a dependency to the step that depends on it.
    ///
    /// They form no cycle. Pairs that name no node, that join a node to itself or that were
    /// there before are left out of every picture.
    pub edges: Vec<(usize, usize)>,
}

/// One step of a [`Diagram`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Names the step; unique in its diagram.
    pub key: String,
    /// Names what does the step.
    pub agent: String,
    /// Tells that no other step of the execution overlaps this one (`parallel: false`).
    pub serial: bool,
    /// Tells that the failure of this step does not fail the run.
    pub optional: bool,
    /// How far the step has come, when an execution is drawn.
    pub state: Option<StepState>,
    /// A short remark shown after the state, such as `2 attempts, 1.3 s`.
    pub note: Option<String>,
}

impl Diagram {
    /// Returns the edges that can be drawn, each once, in their order.
    fn distinct_edges(&self) -> Vec<(usize, usize)> {
        let mut seen = HashSet::with_capacity(self.edges.len());
        self.edges
            .iter()
            .copied()
            .filter(|&(from, to)| from != to && from < self.nodes.len() && to < self.nodes.len())
            .filter(|&edge| seen.insert(edge))
            .collect()
    }
}

impl Node {
    /// Returns the words for what is special about how the step runs, such as `serial, optional`.
    fn traits(&self) -> Option<&'static str> {
        match (self.serial, self.optional) {
            (true, true) => Some("serial, optional"),
            (true, false) => Some("serial"),
            (false, true) => Some("optional"),
            (false, false) => None,
        }
    }

    /// Returns the state and the note on one line, or nothing when the node has neither.
    fn status(&self) -> Option<String> {
        let note = self
            .note
            .as_deref()
            .map(escape::single_line)
            .filter(|note| !note.is_empty());
        match (self.state, note) {
            (Some(state), Some(note)) => Some(format!("{} · {note}", state.name())),
            (Some(state), None) => Some(state.name().to_owned()),
            (None, note) => note,
        }
    }
}

/// Returns a character that stands for the state where no shape can be drawn.
const fn symbol(state: StepState) -> char {
    match state {
        StepState::Pending => '○',
        StepState::Running => '▶',
        StepState::Completed => '✓',
        StepState::Failed => '✗',
        StepState::Skipped => '»',
        StepState::Cancelled => '⊘',
    }
}

/// Returns the colours for formats that cannot ask whether the page is dark.
///
/// Each sets fill and text together, so that it can be read on either page.
const fn palette(state: StepState) -> Palette {
    match state {
        StepState::Pending => Palette::new("#f6f8fa", "#8c959f", "#424a53"),
        StepState::Running => Palette::new("#ddf4ff", "#0969da", "#0a3069"),
        StepState::Completed => Palette::new("#dafbe1", "#1a7f37", "#0f4a20"),
        StepState::Failed => Palette::new("#ffebe9", "#cf222e", "#82071e"),
        StepState::Skipped => Palette::new("#eaeef2", "#afb8c1", "#57606a"),
        StepState::Cancelled => Palette::new("#fff1e5", "#bc4c00", "#762c00"),
    }
}

/// The colours of one state.
#[derive(Clone, Copy)]
struct Palette {
    fill: &'static str,
    stroke: &'static str,
    text: &'static str,
}

impl Palette {
    const fn new(fill: &'static str, stroke: &'static str, text: &'static str) -> Self {
        Self { fill, stroke, text }
    }
}

#[cfg(test)]
mod examples;
