//! What a host is told while a run goes on.

use std::time::Duration;

use crate::id::ExecutionId;
use crate::lifecycle::{Event, State};
use crate::step::Outcome;

/// Something that happened in a run.
///
/// What is durable is told only after it is committed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A path of transitions was committed.
    Moved {
        /// The execution.
        execution: &'a ExecutionId,
        /// The state that it was in.
        from: State,
        /// The events on the way.
        path: &'a [Event],
        /// The state that it is in.
        to: State,
    },
    /// An attempt at a step has begun: it waits for its turn no longer, if it did. Told by the task that makes the attempt.
    AttemptStarted {
        /// The execution.
        execution: &'a ExecutionId,
        /// The step's key.
        step: &'a str,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// An agent shows a piece of what it writes, while it writes it. Told by the task that makes the attempt,
    /// recorded nowhere.
    Output {
        /// The execution.
        execution: &'a ExecutionId,
        /// The step's key.
        step: &'a str,
        /// Which attempt, from 1.
        attempt: u32,
        /// The text, of any length; the next piece follows it without a break.
        text: &'a str,
    },
    /// An attempt at a step has failed, and that is committed.
    AttemptFailed {
        /// The execution.
        execution: &'a ExecutionId,
        /// The step's key.
        step: &'a str,
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        error: &'a str,
        /// How long the step waits for its next attempt; none when there is none in this run.
        retry_in: Option<Duration>,
        /// What it used all the same, as its agent says; [`Usage::reported`](crate::usage::Usage::reported) reads it.
        usage: Option<&'a serde_json::Value>,
    },
    /// A step is over, and that is committed.
    StepEnded {
        /// The execution.
        execution: &'a ExecutionId,
        /// The step's key.
        step: &'a str,
        /// How it ended.
        outcome: Outcome,
        /// How long its attempts took, all together: [`StepRecord::taken`](crate::store::StepRecord::taken).
        duration: Option<Duration>,
        /// What its last attempt used, as its agent says; attempts that failed before are told one by one.
        usage: Option<&'a serde_json::Value>,
    },
}
