//! What is made of what a program has said: an answer, or why it is none.

use wf_core::agent::{Interim, Reply, StepError};
use wf_core::id::Timestamp;

use super::PresetAgent;
use super::said::{End, Said};
use super::values;
use crate::aside::looked_at;
use crate::command::{CommandAgent, Ended};
use crate::ending::Ending;
use crate::fault::{Blame, Fault};
use crate::reset::limited;
use crate::structured::unfenced;

impl PresetAgent {
    /// The reply of a program that has ended.
    pub(super) fn verdict(
        &self,
        command: &CommandAgent,
        has_schema: bool,
        ended: Ended,
        now: Timestamp,
    ) -> Result<Reply, Fault> {
        let said = self.said(&ended.output);
        if !ended.status.success() {
            let fault = failure(command, said.as_ref(), ended, now);
            return Err(self.with_usage(fault, said.as_ref()));
        }
        self.judge(command, has_schema, said, &ended.output, now)
    }

    /// What there is to say of an attempt that is stopped when its program has written so much.
    pub(super) fn interim(
        &self,
        command: &CommandAgent,
        has_schema: bool,
        output: &[u8],
        now: Timestamp,
    ) -> Option<Interim> {
        let said = self.said(output)?;
        if said.is_over() {
            let answer = self.judge(command, has_schema, Some(said), output, now);
            return Some(Interim::Ended(answer.map_err(|fault| fault.error)));
        }
        Some(Interim::Underway(self.usage(&said)))
    }

    /// The failure with what was used, by the output that there is.
    pub(super) fn with_usage_of(&self, fault: Fault, output: &[u8]) -> Fault {
        self.with_usage(fault, self.said(output).as_ref())
    }

    fn said(&self, output: &[u8]) -> Option<Said> {
        looked_at(output.len());
        (self.preset.known().read)(&String::from_utf8_lossy(output))
    }

    /// The failure with what was used.
    fn with_usage(&self, fault: Fault, said: Option<&Said>) -> Fault {
        match said {
            Some(said) => Fault::new(fault.error.with_usage(self.usage(said)), fault.blame),
            None => fault,
        }
    }

    fn usage(&self, said: &Said) -> serde_json::Value {
        let usage = said.usage(self.model.as_deref());
        self.command.secrets().redact_usage(usage)
    }

    /// The reply, or why there is none, of a program that says no more.
    fn judge(
        &self,
        command: &CommandAgent,
        has_schema: bool,
        said: Option<Said>,
        output: &[u8],
        now: Timestamp,
    ) -> Result<Reply, Fault> {
        let usage = said.as_ref().map(|said| self.usage(said));
        match (self.answer(command, said, output, now), usage) {
            (Ok(text), usage) => {
                let text = if has_schema { unfenced(&text) } else { &text };
                let reply = command.secrets().reply(text);
                Ok(match usage {
                    Some(usage) => reply.with_usage(usage),
                    None => reply,
                })
            }
            (Err(fault), Some(usage)) => {
                Err(Fault::new(fault.error.with_usage(usage), fault.blame))
            }
            (Err(fault), None) => Err(fault),
        }
    }

    /// The answer, when it is known to be whole.
    fn answer(
        &self,
        command: &CommandAgent,
        said: Option<Said>,
        output: &[u8],
        now: Timestamp,
    ) -> Result<String, Fault> {
        let program = command.name();
        let end_of_output = || match command.end_of(output) {
            end if end.is_empty() => String::new(),
            end => format!("; its output ends: {end}"),
        };
        let redacted = |message: String| command.secrets().redact_message(message);
        let retryable = |message: String| Fault::attempt(StepError::retryable(redacted(message)));
        let terminal = |message: String| Fault::attempt(StepError::terminal(redacted(message)));
        let incomplete = || {
            let end = end_of_output();
            format!("`{program}` ended before its answer was complete{end}")
        };
        let Some(said) = said else {
            let is_cut = values::breaks_off(&String::from_utf8_lossy(output));
            return Err(if is_cut {
                retryable(incomplete())
            } else if output.trim_ascii().is_empty() {
                retryable(self.not_its_json(command, output))
            } else {
                terminal(self.not_its_json(command, output))
            });
        };
        if let Some(error) = said.error {
            let resets_at = said.resets_at.map(moment);
            let message = format!("`{program}` reports an error: {error}");
            let fault = retryable(message);
            return Err(Fault::attempt(at_limit(
                fault.error,
                &error,
                resets_at,
                now,
            )));
        }
        match said.end {
            End::Whole => {}
            End::Open => {
                return Err(retryable(incomplete()));
            }
            End::Stopped(reason) => {
                return Err(retryable(format!(
                    "the answer of `{program}` broke off: {reason}"
                )));
            }
            End::Other(Ending::CutOff, word) => {
                return Err(terminal(format!(
                    "the answer of `{program}` was cut off at the limit of tokens (`{word}`); ask for less, or raise the limit"
                )));
            }
            End::Other(Ending::Refused, word) => {
                let message = format!("the model of `{program}` refuses to answer (`{word}`)");
                return Err(Fault::prompt(StepError::terminal(redacted(message))));
            }
            End::Other(Ending::Tools, word) => {
                return Err(terminal(format!(
                    "`{program}` asks for a tool instead of answering (`{word}`), and ended before it was used"
                )));
            }
            End::Other(Ending::Whole | Ending::Unknown, word) => {
                return Err(retryable(format!(
                    "the answer of `{program}` broke off: it ended with `{word}`, which is not known as a good end"
                )));
            }
        }
        if let Some(odd) = said.odd {
            return Err(terminal(format!(
                "the answer of `{program}` is no text: {odd}"
            )));
        }
        let text = said.text.filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| {
            retryable(format!(
                "the answer of `{program}` is empty{}",
                end_of_output()
            ))
        })?;
        command.text(text.into_bytes()).map_err(Fault::attempt)
    }

    fn not_its_json(&self, command: &CommandAgent, output: &[u8]) -> String {
        let (program, known) = (command.name(), self.preset.known());
        let (name, flags) = (known.name, known.flags.join(" "));
        match command.end_of(output) {
            end if end.is_empty() => format!(
                "`{program}` wrote nothing, but must write JSON as `{name}` does with `{flags}`"
            ),
            end => format!(
                "the output of `{program}` is not the JSON that `{name}` writes with `{flags}`; it ends: {end}"
            ),
        }
    }
}

/// What an exit status other than zero means.
fn failure(command: &CommandAgent, said: Option<&Said>, ended: Ended, now: Timestamp) -> Fault {
    let message = match said.and_then(|said| said.error.as_ref()) {
        Some(error) => {
            let error = command.secrets().redact_message(error.clone());
            format!("{}: {error}", command.ending(ended.status))
        }
        None => command.failure(ended),
    };
    let resets_at = said.and_then(|said| said.resets_at).map(moment);
    let error = at_limit(StepError::retryable(&message), &message, resets_at, now);
    // A limit says nothing about whether the program is well.
    let blame = match error.failure().resets_at {
        Some(_) => Blame::Attempt,
        None => Blame::Exit,
    };
    Fault::new(error, blame)
}

/// The failure with the moment at which a limit is lifted, where the program names it.
fn at_limit(
    error: StepError,
    words: &str,
    resets_at: Option<Timestamp>,
    now: Timestamp,
) -> StepError {
    match resets_at {
        Some(at) => error.resets_at(at),
        None => limited(error, words, now),
    }
}

fn moment(seconds: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
}
