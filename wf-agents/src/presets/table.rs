//! The programs, how each is called, and how its output is read. The one place to change when one of them does.

use super::said::Said;
use super::{claude, codex, gemini, opencode};
use crate::live::Meaning;

/// A program that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Claude Code: `claude`.
    Claude,
    /// Codex CLI: `codex`.
    Codex,
    /// Gemini CLI: `gemini`.
    Gemini,
    /// OpenCode: `opencode`.
    Opencode,
}

/// What is known of a program.
pub(super) struct Known {
    /// Its name, and that of the preset.
    pub(super) name: &'static str,
    /// The arguments with which it takes its prompt from standard input, asks nobody, and writes JSON.
    pub(super) flags: &'static [&'static str],
    /// What names the model.
    pub(super) model: &'static str,
    /// The arguments after all others.
    pub(super) last: &'static [&'static str],
    /// Takes its output apart; nothing when that is not what it should be.
    pub(super) read: fn(&str) -> Option<Said>,
    /// Words of which one stands in what ends its answer.
    pub(super) marks: &'static [&'static str],
    /// Whether its output says that nothing follows.
    pub(super) is_all: fn(&str) -> bool,
    /// What a line of its output means to whoever watches; without it, output is shown as it is.
    pub(super) meaning: Meaning,
}

/// In the order of [`Preset`]. Each row says where it was looked up, and when.
const TABLE: [Known; 4] = [
    // https://code.claude.com/docs/en/headless and …/cli-reference, November 2026. `stream-json` with `--verbose`
    // can be asked for instead, and is read as well.
    Known {
        name: "claude",
        flags: &["-p", "--output-format", "json"],
        model: "--model",
        last: &[],
        read: claude::read,
        marks: &["result"],
        is_all: |output| claude::read(output).is_some_and(|said| said.is_over()),
        meaning: claude::meaning,
    },
    // https://developers.openai.com/codex/noninteractive and codex-rs/exec/src/exec_events.rs of
    // https://github.com/openai/codex, November 2026. A prompt of `-` is standard input.
    Known {
        name: "codex",
        flags: &["exec", "--json"],
        model: "--model",
        last: &["-"],
        read: codex::read,
        marks: &["turn.completed", "turn.failed"],
        is_all: |output| codex::read(output).is_some_and(|said| said.is_over()),
        meaning: codex::meaning,
    },
    // https://geminicli.com/docs/cli/headless, November 2026. Standard input that is no terminal is the prompt.
    Known {
        name: "gemini",
        flags: &["--output-format", "json"],
        model: "--model",
        last: &[],
        read: gemini::read,
        marks: &["response", "result"],
        is_all: |output| gemini::read(output).is_some_and(|said| said.is_over()),
        meaning: gemini::meaning,
    },
    // https://opencode.ai/docs/cli and packages/opencode/src/cli/cmd/run.ts of
    // https://github.com/anomalyco/opencode, November 2026. Standard input that is no terminal is the message.
    Known {
        name: "opencode",
        flags: &["run", "--format", "json"],
        model: "--model",
        last: &[],
        read: opencode::read,
        marks: &["step_finish"],
        is_all: |output| opencode::read(output).is_some_and(|said| said.is_over()),
        meaning: opencode::meaning,
    },
];

impl Preset {
    /// All of them.
    pub const ALL: [Preset; 4] = [
        Preset::Claude,
        Preset::Codex,
        Preset::Gemini,
        Preset::Opencode,
    ];

    /// The preset of that name.
    pub fn named(name: &str) -> Option<Self> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its name, which is its program's.
    pub const fn name(self) -> &'static str {
        self.known().name
    }

    pub(super) const fn known(self) -> &'static Known {
        let [claude, codex, gemini, opencode] = &TABLE;
        match self {
            Preset::Claude => claude,
            Preset::Codex => codex,
            Preset::Gemini => gemini,
            Preset::Opencode => opencode,
        }
    }
}
