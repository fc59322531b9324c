//! The agents that are command-line programs around a model, whose arguments and output are known.

mod claude;
mod codex;
mod gemini;
mod opencode;
mod said;
mod table;

use std::ffi::OsString;
use std::fmt;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Reply, Request, StepError};

pub use self::table::Preset;

use super::command::CommandAgent;
use super::fault::{Blame, Diagnose, Fault};
use super::structured::{demand, unfenced};

/// Runs one of the programs claude, codex, gemini and opencode for each attempt, without anybody at the keyboard:
/// the prompt on its standard input, the result taken from the JSON that it writes.
///
/// It is a [`CommandAgent`] in all else: process group, environment, limits, cancellation. The program must be
/// installed and logged in, or be given its key. What it reports of tokens, cost, model and session is recorded as
/// usage. An exit status other than zero fails the attempt, and so does an error that it reports itself, and an answer
/// that breaks off. Output that is not what it should be fails the step for good.
///
/// Where the step has an output schema, the prompt ends with it, and a block of JSON between fences is taken for
/// what is in it.
///
/// ```
/// use ax::agents::{Preset, PresetAgent};
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

    /// The same with another program, or other arguments before those that are added; its output must be as the
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

    /// The same with the model of that name.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        let model = model.into();
        let words = [self.preset.known().model, model.as_str()];
        self.command = self.command.arguments(words.map(OsString::from));
        self.model = Some(model);
        self
    }

    /// The same with more arguments.
    #[must_use]
    pub fn arguments<A: Into<OsString>>(mut self, more: impl IntoIterator<Item = A>) -> Self {
        self.command = self.command.arguments(more.into_iter().map(Into::into));
        self
    }

    /// The same with the program changed: its environment, its folder, its limits.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(CommandAgent) -> CommandAgent) -> Self {
        self.command = change(self.command);
        self
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let known = self.preset.known();
        let demanding = request
            .schema
            .map(|schema| format!("{}\n\n{}", request.prompt, demand(schema)));
        let prompt = demanding.as_deref().unwrap_or(request.prompt);
        let last = known.last.iter().map(OsString::from);
        let command = self.command.clone().arguments(last);
        let ended = command.run(request, prompt, Some(known.meaning)).await?;
        let said = std::str::from_utf8(&ended.output).ok().and_then(known.read);
        let usage = said.as_ref().map(|said| {
            let usage = said.usage(self.model.as_deref());
            command.secrets().redact_usage(usage)
        });
        let reported = said.as_ref().and_then(|said| said.error.clone());
        let with_usage = |error: StepError| match usage.clone() {
            Some(usage) => Fault::attempt(error.with_usage(usage)),
            None => Fault::attempt(error),
        };
        if !ended.status.success() {
            let message = match reported {
                Some(error) => {
                    let error = command.secrets().redact_message(error);
                    format!("{}: {error}", command.ending(ended.status))
                }
                None => command.failure(ended),
            };
            let fault = with_usage(StepError::retryable(message));
            return Err(Fault::new(fault.error, Blame::Exit));
        }
        let program = command.name();
        if let Some(error) = reported {
            let error = command.secrets().redact_message(error);
            let error = StepError::retryable(format_args!("`{program}` reports an error: {error}"));
            return Err(with_usage(error));
        }
        let is_cut = said.as_ref().is_some_and(|said| said.is_cut);
        let Some(text) = said.and_then(|said| said.text) else {
            let end = command.end_of(&ended.output);
            let name = known.name;
            return Err(with_usage(StepError::terminal(match end.is_empty() {
                true => format!(
                    "`{program}` wrote nothing, but must write JSON as `{name}` does with {}",
                    listed(known.flags)
                ),
                false => format!(
                    "the output of `{program}` is not the JSON that `{name}` writes with {}; it ends: {end}",
                    listed(known.flags)
                ),
            })));
        };
        if is_cut {
            let end = command.end_of(&ended.output);
            let message =
                format!("`{program}` ended before its answer was complete; its output ends: {end}");
            return Err(with_usage(StepError::retryable(message)));
        }
        let text = command.text(text.into_bytes()).map_err(&with_usage)?;
        let text = match request.schema {
            Some(_) => unfenced(&text),
            None => &text,
        };
        let reply = command.secrets().reply(text);
        Ok(match usage {
            Some(usage) => reply.with_usage(usage),
            None => reply,
        })
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

fn listed(flags: &[&str]) -> String {
    format!("`{}`", flags.join(" "))
}
