//! Why an attempt failed.

use std::fmt;
use std::time::Duration;

use crate::id::Timestamp;

/// Why an attempt failed, by what may be done about it.
///
/// ```
/// use std::time::Duration;
/// use wf_core::agent::StepError;
///
/// let busy = StepError::retryable("the model is overloaded").retry_after(Duration::from_secs(20));
/// assert!(busy.is_retryable());
/// assert_eq!(busy.to_string(), "the model is overloaded");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Another attempt may succeed.
    #[error("{0}")]
    Retryable(Failure),
    /// No further attempt can succeed: none is made.
    #[error("{0}")]
    Terminal(Failure),
    /// The agent is down, and no attempt can succeed before somebody has fixed it: the run pauses, and the step
    /// runs again when it is resumed. The attempt uses up no retry.
    #[error("{0}")]
    Unavailable(Failure),
}

/// What is known of a failed attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong, and what to do about it.
    pub message: String,
    /// How long the agent asks to be left alone: the next attempt starts no sooner.
    pub retry_after: Option<Duration>,
    /// When a limit that the agent has reached is lifted, where it says so.
    pub resets_at: Option<Timestamp>,
    /// Whether the run waits until then, and does not pause.
    pub waits_for_reset: bool,
    /// What the attempt used all the same (tokens, cost, model), when the agent knows.
    pub usage: Option<serde_json::Value>,
    /// The agent did answer, and its answer was refused.
    is_rejected: bool,
    /// The attempt was called back before its turn came: the agent was not asked.
    is_recalled: bool,
}

impl StepError {
    /// A failure that another attempt may get over.
    pub fn retryable(reason: impl fmt::Display) -> Self {
        StepError::Retryable(Failure::new(reason))
    }

    /// A failure that every further attempt would meet again.
    pub fn terminal(reason: impl fmt::Display) -> Self {
        StepError::Terminal(Failure::new(reason))
    }

    /// A failure that every step would meet until the agent is fixed: the run pauses.
    pub fn unavailable(reason: impl fmt::Display) -> Self {
        StepError::Unavailable(Failure::new(reason))
    }

    /// An answer that was refused: the agent is asked again, and told why.
    pub(crate) fn rejected(reason: impl fmt::Display, usage: Option<serde_json::Value>) -> Self {
        StepError::Retryable(Failure {
            usage,
            is_rejected: true,
            ..Failure::new(reason)
        })
    }

    /// An attempt that was called back before its turn came.
    pub(crate) fn recalled() -> Self {
        StepError::Retryable(Failure {
            is_recalled: true,
            ..Failure::new("called back before its turn")
        })
    }

    /// Starts the next attempt no sooner than `wait` from now, whatever the step's policy says. For
    /// more than an hour the run pauses instead, if the policy grants another attempt at all.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.failure_mut().retry_after = Some(wait);
        self
    }

    /// Says that the agent has reached a limit, of a subscription for example, that is lifted at that moment. The
    /// run pauses and says when, whatever the step's policy grants; the attempt uses up no retry.
    #[must_use]
    pub fn resets_at(mut self, at: Timestamp) -> Self {
        self.failure_mut().resets_at = Some(at);
        self
    }

    /// Has the run not pause for a limit, nor for a wait of more than an hour, but make the next attempt
    /// when that is over.
    #[must_use]
    pub fn waiting_for_reset(mut self) -> Self {
        self.failure_mut().waits_for_reset = true;
        self
    }

    /// Adds what the attempt used.
    #[must_use]
    pub fn with_usage(mut self, usage: serde_json::Value) -> Self {
        self.failure_mut().usage = Some(usage);
        self
    }

    /// Whether another attempt may succeed.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, StepError::Retryable(_))
    }

    /// Whether the agent is down until it is fixed.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, StepError::Unavailable(_))
    }

    /// What is known of the failed attempt.
    pub const fn failure(&self) -> &Failure {
        match self {
            StepError::Retryable(failure)
            | StepError::Terminal(failure)
            | StepError::Unavailable(failure) => failure,
        }
    }

    /// What is known of the failed attempt, by value.
    pub fn into_failure(self) -> Failure {
        match self {
            StepError::Retryable(failure)
            | StepError::Terminal(failure)
            | StepError::Unavailable(failure) => failure,
        }
    }

    const fn failure_mut(&mut self) -> &mut Failure {
        match self {
            StepError::Retryable(failure)
            | StepError::Terminal(failure)
            | StepError::Unavailable(failure) => failure,
        }
    }
}

impl Failure {
    /// A failure of which only the reason is known.
    pub fn new(reason: impl fmt::Display) -> Self {
        Failure {
            message: reason.to_string(),
            ..Failure::default()
        }
    }

    pub(crate) const fn is_recalled(&self) -> bool {
        self.is_recalled
    }

    pub(crate) const fn is_rejected(&self) -> bool {
        self.is_rejected
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
