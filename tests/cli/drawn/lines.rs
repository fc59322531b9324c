//! What the programs of steps have written down.

use std::fs;

use crate::workbench::Workbench;

/// A program has begun, or ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) step: String,
    pub(super) attempt: u64,
    pub(super) round: u32,
    pub(super) begins: bool,
}

impl Line {
    /// Whether both are of the same program.
    pub(super) fn is_of(&self, other: &Line) -> bool {
        (&self.step, self.attempt, self.round) == (&other.step, other.attempt, other.round)
    }
}

/// All lines, in the order in which they were written.
pub(super) fn read(workbench: &Workbench) -> Result<Vec<Line>, String> {
    let text = fs::read_to_string(workbench.path("lines")).unwrap_or_default();
    // A line that is being written is read the next time.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(line).collect()
}

fn line(text: &str) -> Result<Line, String> {
    let words: Vec<&str> = text.split(' ').collect();
    let line = match words[..] {
        [step, attempt, round, what] => {
            attempt
                .parse()
                .ok()
                .zip(round.parse().ok())
                .map(|(attempt, round)| Line {
                    step: step.to_owned(),
                    attempt,
                    round,
                    begins: what == "begins",
                })
        }
        _ => None,
    };
    line.ok_or_else(|| format!("a torn line: {text}"))
}
