//! What is known of one step of one execution.

mod attempts;
mod key;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::Timestamp;

pub use attempts::Attempts;
pub use key::StepKey;

/// The state of a step of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepState {
    /// Not started, or between two attempts.
    Pending,
    /// An attempt is under way.
    Running,
    /// Done; its result is recorded.
    Completed,
    /// Failed for good.
    Failed,
    /// Never started, because the run failed or a step that it needs did.
    Skipped,
    /// Stopped, or never started, because the run was cancelled.
    Cancelled,
}

impl StepState {
    /// Every state of a step.
    pub const ALL: &'static [StepState] = &[
        StepState::Pending,
        StepState::Running,
        StepState::Completed,
        StepState::Failed,
        StepState::Skipped,
        StepState::Cancelled,
    ];

    /// The state's name in the database, in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            StepState::Pending => "pending",
            StepState::Running => "running",
            StepState::Completed => "completed",
            StepState::Failed => "failed",
            StepState::Skipped => "skipped",
            StepState::Cancelled => "cancelled",
        }
    }

    /// The state of that name, as [`StepState::name`] writes it.
    pub fn parse(name: &str) -> Option<StepState> {
        StepState::ALL
            .iter()
            .copied()
            .find(|state| state.name() == name)
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It gave a result.
    Succeeded,
    /// Its last attempt failed.
    Failed,
    /// It was not started: a step that it needs failed.
    Skipped,
}

impl Outcome {
    /// The state of a step that ended so.
    pub const fn state(self) -> StepState {
        match self {
            Outcome::Succeeded => StepState::Completed,
            Outcome::Failed => StepState::Failed,
            Outcome::Skipped => StepState::Skipped,
        }
    }
}

/// Which step ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StepOutcome {
    /// The step's position in its workflow.
    pub step: u32,
    /// How it ended.
    pub outcome: Outcome,
}

/// One attempt at a step, as it stands in the `attempts` column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it started.
    #[serde(with = "millis")]
    pub started_at: Timestamp,
    /// When it ended; none while it runs, or when nobody saw it end.
    #[serde(
        with = "optional_millis",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub ended_at: Option<Timestamp>,
    /// Why it failed; none when it succeeded or is under way. Shortened once another attempt has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether it was cut off from outside (its process died, its run was paused hard or cancelled): such
    /// an attempt does not use up a retry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Whether the agent's answer was refused, because it does not fit the step's `outputSchema`: the agent is
    /// asked again and told why, twice beyond what the step's retry policy grants.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
    /// What the agent says the attempt used (tokens, cost, model), as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<serde_json::Value>,
}

impl Attempt {
    /// An attempt that starts now.
    pub const fn start(number: u32, started_at: Timestamp) -> Self {
        Attempt {
            number,
            started_at,
            ended_at: None,
            error: None,
            interrupted: false,
            rejected: false,
            usage: None,
        }
    }

    /// The attempt as it ended: with `error` unless it succeeded.
    #[must_use]
    pub fn end(mut self, ended_at: Timestamp, error: Option<String>) -> Self {
        self.ended_at = Some(ended_at);
        self.error = error;
        self
    }

    /// Cuts the error to at most `bytes` bytes, and three for the ellipsis that says so.
    fn shorten_error(&mut self, bytes: usize) {
        if let Some(error) = &mut self.error {
            shorten(error, bytes);
        }
    }

    /// The attempt as it was cut off from outside.
    #[must_use]
    pub fn interrupt(mut self, ended_at: Option<Timestamp>, error: String) -> Self {
        self.ended_at = ended_at;
        self.error = Some(error);
        self.interrupted = true;
        self
    }
}

/// Cuts a text that has more than about so many bytes.
pub(crate) fn shorten(text: &mut String, bytes: usize) {
    if text.len() > bytes + '…'.len_utf8() {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
        text.shrink_to_fit();
    }
}

mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

mod optional_millis {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Timestamp;

    pub(super) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::millis).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Timestamp::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_stored_without_what_it_lacks() {
        let attempt =
            Attempt::start(1, Timestamp::from_millis(10)).end(Timestamp::from_millis(15), None);
        assert_eq!(
            serde_json::to_string(&attempt).unwrap(),
            r#"{"number":1,"started_at":10,"ended_at":15}"#
        );
    }

    #[test]
    fn an_attempt_reads_back_as_it_was_written() {
        let attempt = Attempt::start(2, Timestamp::from_millis(10))
            .interrupt(None, "the process died".into());
        let text = serde_json::to_string(&attempt).unwrap();
        assert_eq!(serde_json::from_str::<Attempt>(&text).unwrap(), attempt);
    }

    #[test]
    fn every_state_is_found_by_its_name() {
        for &state in StepState::ALL {
            assert_eq!(StepState::parse(state.name()), Some(state));
        }
        assert_eq!(StepState::parse("Completed"), None);
    }
}
