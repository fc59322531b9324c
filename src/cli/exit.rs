//! How the command ends.

use std::error::Error;
use std::process::ExitCode;

use wf_core::lifecycle::State;
use wf_model::Report;

/// The exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for is done; a run is completed.
    Done = 0,
    /// The execution failed.
    Failed = 1,
    /// Wrong usage, definition, input or agents file.
    Wrong = 2,
    /// The execution is paused.
    Paused = 3,
    /// The execution was cancelled.
    Cancelled = 4,
    /// The store failed, or something else of the system: nothing is wrong with what the user gave.
    Store = 5,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// The status of a command that drove an execution which is now in `state`.
    pub(crate) const fn of(state: State) -> Self {
        match state {
            State::Completed => Exit::Done,
            State::Failed => Exit::Failed,
            State::Cancelled => Exit::Cancelled,
            // Only a paused execution is given back before its end.
            _ => Exit::Paused,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why the command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit status.
    pub(crate) exit: Exit,
    /// What is wrong and what to do, without `error: `.
    pub(crate) message: String,
    /// The mistakes, when they are those of a file.
    pub(crate) report: Option<Report>,
}

impl Failure {
    /// A mistake of the user.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Failure {
            exit: Exit::Wrong,
            message: message.into(),
            report: None,
        }
    }

    /// A failure of something that the operating system does for us.
    pub(crate) fn system(what: &str, error: &dyn Error) -> Self {
        Failure {
            exit: Exit::Store,
            message: format!("{what}: {}", with_causes(error)),
            report: None,
        }
    }

    /// The mistakes of a file.
    pub(crate) fn report(message: impl Into<String>, report: Report) -> Self {
        Failure {
            exit: Exit::Wrong,
            message: message.into(),
            report: Some(report),
        }
    }
}

/// The error with all that caused it, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        message.push_str(": ");
        message.push_str(&next.to_string());
        cause = next.source();
    }
    message
}
