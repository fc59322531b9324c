//! The agents that are command-line programs around a model, whose arguments and output are known.

mod claude;
mod codex;
mod gemini;
mod node;
mod opencode;
mod said;
mod table;
mod values;
mod verdict;

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Reply, Request, StepError};

pub use self::table::Preset;
use super::aside::aside;
use super::captured::{Captured, Expected};
use super::command::CommandAgent;
use super::fault::{Diagnose, Fault};
use super::structured::demand;

/// Runs one of the programs claude, codex, gemini and opencode for each attempt, without anybody at the keyboard:
/// the prompt on its standard input, the result taken from the JSON that it writes.
///
/// It is a [`CommandAgent`] in all else: process group, environment, limits, cancellation. The program must be
/// installed and logged in, or be given its key. What it reports of tokens, cost, model and session is recorded as
/// usage, however the attempt ends. An exit status other than zero fails the attempt, and so does an error that it
/// reports itself, an answer that is empty, and one of which it is not known that it ended well. Output that is not what
/// it should be fails the step for good.
///
/// Where the step has an output schema, the prompt ends with it, and a block of JSON between fences is taken for
/// what is in it.
///
/// ```
/// use wf_agents::{Preset, PresetAgent};
///
/// let agent = PresetAgent::new(Preset::Claude)
///     .model("sonnet")
///     .arguments(["--max-turns", "20"])
///     .with(|program| program.directory("/tmp").env("LOG_LEVEL", "warn"));
/// ```
#[derive(Clone)]
pub struct PresetAgent {
    preset: Preset,
    model: Option<String>,
    command: CommandAgent,
}

impl PresetAgent {
    /// The agent that runs the preset's program, found in `PATH`, with the preset's arguments.
    pub fn new(preset: Preset) -> Self {
        let known = preset.known();
        PresetAgent::run(preset, known.name, known.flags.iter().copied())
    }

    /// Sets another program, or other arguments before those that are added; its output must be as the
    /// preset's.
    pub fn run<A: Into<OsString>>(
        preset: Preset,
        program: impl Into<std::path::PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        PresetAgent {
            preset,
            model: None,
            command: CommandAgent::new(program, arguments),
        }
    }

    /// The arguments with which the preset's program takes its prompt from standard input and writes JSON.
    pub const fn flags(preset: Preset) -> &'static [&'static str] {
        preset.known().flags
    }

    /// Sets the model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        let model = model.into();
        let words = [self.preset.known().model, model.as_str()];
        self.command = self.command.arguments(words.map(OsString::from));
        self.model = Some(model);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<A: Into<OsString>>(mut self, more: impl IntoIterator<Item = A>) -> Self {
        self.command = self.command.arguments(more.into_iter().map(Into::into));
        self
    }

    /// Changes the program: its environment, its folder, its limits.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(CommandAgent) -> CommandAgent) -> Self {
        self.command = change(self.command);
        self
    }

    /// The program that is run.
    pub(super) const fn command(&self) -> &CommandAgent {
        &self.command
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let known = self.preset.known();
        let demanding = request
            .schema
            .map(|schema| format!("{}\n\n{}", request.prompt, demand(schema)));
        let prompt = demanding.as_deref().unwrap_or(request.prompt);
        let last = known.last.iter().map(OsString::from);
        let command = self.command.clone().arguments(last);
        let has_schema = request.schema.is_some();
        let expected = Expected {
            meaning: Some(known.meaning),
            is_all: Some(known.is_all),
            captured: Arc::new(Captured::marked(known.marks)),
        };
        request.interim.set_slow({
            let (agent, command) = (self.clone(), command.clone());
            let captured = Arc::clone(&expected.captured);
            let now = request.now();
            move || captured.look(|output| agent.interim(&command, has_schema, output, now))
        });
        match command.run(request, prompt, &expected).await {
            Ok(ended) => {
                let size = ended.output.len();
                let (agent, now) = (self.clone(), request.now());
                let judge = move || agent.verdict(&command, has_schema, ended, now);
                aside(size, judge).await
            }
            // What was used until then is known all the same.
            Err(fault) => {
                let (agent, output) = (self.clone(), expected.captured.take());
                let size = output.len();
                let recall = move || agent.with_usage_of(fault, &output);
                Err(aside(size, recall).await)
            }
        }
    }
}

impl Agent for PresetAgent {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { self.attempt(request).await.map_err(|fault| fault.error) })
    }
}

impl Diagnose for PresetAgent {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(self.attempt(request))
    }
}

impl fmt::Debug for PresetAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresetAgent")
            .field("preset", &self.preset)
            .field("command", &self.command)
            .finish()
    }
}
