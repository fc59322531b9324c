//! What an agent is: a program, a preset, a model, or built in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wf_model::Problem;
use wf_model::tree::{Node, Value};

use super::parser::Parser;
use super::reference::Variable;
use crate::command::OUTPUT_LIMIT;
use crate::echo::BoundedEcho;
use crate::{
    BREAKER, BREAKER_RESET, BREAKER_UNREACHED, CommandAgent, Diagnose, Limited, Preset,
    PresetAgent, RateLimit,
};

/// What an agent is.
pub(super) enum Kind {
    Command(Vec<String>),
    Preset(Preset),
    #[cfg(feature = "openai")]
    Model(Box<crate::OpenAiAgent>),
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
    pub(super) kill_grace: Option<Duration>,
}

/// An agent, and what keeps its program from being started: what is wrong, and the way out.
pub(super) struct Built {
    pub(super) agent: Arc<dyn Diagnose>,
    pub(super) obstacle: Option<(String, String)>,
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
    ) -> Built {
        let built = |agent| Built {
            agent,
            obstacle: None,
        };
        match kind {
            Kind::Command(command) => {
                let mut words = command.iter();
                let program = words.next().map(String::as_str).unwrap_or_default();
                let agent = self.program(CommandAgent::new(program, words), &settings);
                Built {
                    obstacle: obstacle(&agent, &command),
                    agent: limited(name, agent, &settings),
                }
            }
            Kind::Preset(preset) => {
                let command = overrides.command.clone().unwrap_or_default();
                let agent = self.preset(preset, overrides, &settings);
                Built {
                    obstacle: obstacle(agent.command(), &command),
                    agent: limited(name, agent, &settings),
                }
            }
            #[cfg(feature = "openai")]
            Kind::Model(agent) => {
                let agent = agent.hiding(&self.secrets);
                let agent = match settings.output_limit {
                    Some(bytes) => agent.output_limit(bytes),
                    None => agent,
                };
                built(limited(name, agent, &settings))
            }
            Kind::Echo => {
                let limit = settings.output_limit.unwrap_or(OUTPUT_LIMIT);
                built(limited(name, BoundedEcho { limit }, &settings))
            }
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
        if let Some(grace) = settings.kill_grace {
            agent = agent.kill_grace(grace);
        }
        match &self.watchdog {
            Some(watchdog) => agent.watched(watchdog.clone()),
            None => agent,
        }
    }

    /// The words of a command, and the place of its program.
    pub(super) fn command(&mut self, node: Node) -> Option<(u32, Vec<String>)> {
        let place = node.place;
        if let Value::Text(line) = &node.value {
            let problem = Problem::error(
                place,
                "`command` is a string, but must be a list: no shell takes it apart",
            );
            self.reader
                .report(problem.help(format!("write it as `{}`", listed([line]))));
            return None;
        }
        let (places, words) = self.placed_words("command", node)?;
        match (places.first(), words.first()) {
            (Some(place), Some(program)) if !program.is_empty() => Some((*place, words)),
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
        self.placed_words(name, node).map(|(_, words)| words)
    }

    fn placed_words(&mut self, name: &str, node: Node) -> Option<(Vec<u32>, Vec<String>)> {
        let (places, words) = self.reader.texts(name, node)?;
        let words = places.iter().zip(words);
        let words: Option<_> = words
            .map(|(place, word)| self.without_nul(name, *place, word))
            .collect();
        Some((places, words?))
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

/// What keeps the program of a command from being started.
fn obstacle(agent: &CommandAgent, command: &[String]) -> Option<(String, String)> {
    let (problem, help) = agent.obstacle()?;
    let program = command.first().map(String::as_str).unwrap_or_default();
    if program.contains(char::is_whitespace) {
        let help = format!("a command is a list: write `{}`", listed(command));
        return Some((problem, help));
    }
    Some((problem, help))
}

/// The words of these texts as a list.
fn listed<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut words = Vec::new();
    for text in texts {
        words.extend(
            text.as_ref()
                .split_whitespace()
                .map(|word| format!("{word:?}")),
        );
    }
    format!("[{}]", words.join(", "))
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
