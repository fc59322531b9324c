//! What an agent is: a program, a preset, a model, or built in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wf_model::Problem;
use wf_model::tree::{Node, Value};

use super::parser::Parser;
use super::reference::Variable;
use crate::agents::{
    BREAKER, BREAKER_RESET, BREAKER_UNREACHED, CommandAgent, Diagnose, EchoAgent, Limited, Preset,
    PresetAgent, RateLimit,
};

/// What an agent is.
pub(super) enum Kind {
    Command(Vec<String>),
    Preset(Preset),
    #[cfg(feature = "openai")]
    Model(Box<crate::agents::OpenAiAgent>),
    Echo,
}

/// What any agent can be given.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) timeout: Option<Duration>,
    pub(super) max_concurrent: Option<u64>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) breaker: Option<u32>,
    pub(super) breaker_reset: Option<Duration>,
    pub(super) output_limit: Option<u64>,
    pub(super) waits_for_reset: bool,
    pub(super) variables: Vec<Variable>,
    pub(super) directory: Option<PathBuf>,
}

/// What only a preset can be given.
#[derive(Default)]
pub(super) struct Overrides {
    pub(super) command: Option<Vec<String>>,
    pub(super) flags: Option<Vec<String>>,
    pub(super) arguments: Vec<String>,
    pub(super) model: Option<String>,
}

impl Parser<'_> {
    /// The agent with all that it was given.
    pub(super) fn build(
        &self,
        name: &str,
        kind: Kind,
        overrides: Overrides,
        settings: Settings,
    ) -> Arc<dyn Diagnose> {
        match kind {
            Kind::Command(command) => {
                let mut words = command.into_iter();
                let program = words.next().unwrap_or_default();
                let agent = CommandAgent::new(program, words);
                limited(name, self.program(agent, &settings), &settings)
            }
            Kind::Preset(preset) => {
                let agent = self.preset(preset, overrides, &settings);
                limited(name, agent, &settings)
            }
            #[cfg(feature = "openai")]
            Kind::Model(agent) => {
                let agent = agent.hiding(&self.secrets);
                let agent = match settings.output_limit {
                    Some(bytes) => agent.output_limit(bytes),
                    None => agent,
                };
                limited(name, agent, &settings)
            }
            Kind::Echo => limited(name, EchoAgent, &settings),
        }
    }

    fn preset(&self, preset: Preset, overrides: Overrides, settings: &Settings) -> PresetAgent {
        let Overrides {
            command,
            flags,
            arguments,
            model,
        } = overrides;
        let mut words = command.unwrap_or_default().into_iter();
        let program = words.next().unwrap_or_else(|| preset.name().to_owned());
        let known = || {
            PresetAgent::flags(preset)
                .iter()
                .map(|flag| (*flag).to_owned())
        };
        let flags = flags.unwrap_or_else(|| known().collect());
        let mut agent = PresetAgent::run(preset, program, words.chain(flags));
        if let Some(model) = model {
            agent = agent.model(model);
        }
        agent
            .arguments(arguments)
            .with(|program| self.program(program, settings))
    }

    fn program(&self, agent: CommandAgent, settings: &Settings) -> CommandAgent {
        let directory = settings.directory.as_deref().unwrap_or(self.directory);
        let mut agent = agent.beside(self.folder).directory(directory);
        for Variable { name, given } in &settings.variables {
            agent = match given.is_secret {
                true => agent.secret(name, &given.value),
                false => agent.env(name, &given.value),
            };
        }
        agent = agent.hiding(&self.secrets);
        if let Some(bytes) = settings.output_limit {
            agent = agent.output_limit(bytes);
        }
        match &self.watchdog {
            Some(watchdog) => agent.watched(watchdog.clone()),
            None => agent,
        }
    }

    pub(super) fn command(&mut self, node: Node) -> Option<Vec<String>> {
        let place = node.place;
        if let Value::Text(line) = &node.value {
            let words: Vec<String> = line
                .split_whitespace()
                .map(|word| format!("{word:?}"))
                .collect();
            let problem = Problem::error(
                place,
                "`command` is a string, but must be a list: no shell takes it apart",
            );
            self.reader
                .report(problem.help(format!("write it as `[{}]`", words.join(", "))));
            return None;
        }
        let words = self.words("command", node)?;
        match words.first() {
            Some(program) if !program.is_empty() => Some(words),
            _ => {
                let problem = Problem::error(place, "`command` names no program");
                self.reader
                    .report(problem.help("write the program first, then its arguments"));
                None
            }
        }
    }

    /// A list of words for a command line.
    pub(super) fn words(&mut self, name: &str, node: Node) -> Option<Vec<String>> {
        let (places, words) = self.reader.texts(name, node)?;
        let words = places.into_iter().zip(words);
        words
            .map(|(place, word)| self.without_nul(name, place, word))
            .collect()
    }

    pub(super) fn builtin(&mut self, node: Node) -> Option<Kind> {
        self.reader.choice("builtin", node, &["echo"], |word| {
            (word == "echo").then_some(Kind::Echo)
        })
    }

    pub(super) fn known_program(&mut self, node: Node) -> Option<Kind> {
        let names = Preset::ALL.map(Preset::name);
        self.reader.choice("preset", node, &names, |word| {
            Preset::named(word).map(Kind::Preset)
        })
    }

    /// Without the feature, a model cannot be asked.
    #[cfg(not(feature = "openai"))]
    pub(super) fn openai(&mut self, place: u32, _: Node) -> Option<Kind> {
        let problem = Problem::error(place, "this build of `ax` has no `openai`");
        self.reader
            .report(problem.help("build it with its feature `openai`, which is on by default"));
        None
    }
}

fn limited(name: &str, agent: impl Diagnose + 'static, settings: &Settings) -> Arc<dyn Diagnose> {
    let reset = settings.breaker_reset.unwrap_or(BREAKER_RESET);
    let mut limited = match settings.breaker {
        Some(failures) => Limited::new(agent)
            .breaker(name, failures, reset)
            .counting_exits(),
        None => Limited::new(agent)
            .breaker(name, BREAKER, reset)
            .unreached(BREAKER_UNREACHED),
    };
    if settings.waits_for_reset {
        limited = limited.wait_for_reset();
    }
    if let Some(timeout) = settings.timeout {
        limited = limited.timeout(timeout);
    }
    if let Some(attempts) = settings.max_concurrent {
        limited = limited.max_concurrent(usize::try_from(attempts).unwrap_or(usize::MAX));
    }
    if let Some(limit) = settings.rate_limit {
        limited = limited.rate_limit(limit);
    }
    Arc::new(limited)
}
