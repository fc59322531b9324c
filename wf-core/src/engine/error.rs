//! Why an engine could not do what it was asked.

use std::fmt;
use std::time::Duration;

use crate::id::{CheckpointId, ExecutionId};
use crate::lifecycle::State;
use crate::store::{ExecutionRecord, StoreError};

/// A failure of the engine: wrong use, or a store that failed.
///
/// A run whose step failed is no error of the engine: it is a [`Status`](super::Status) in state `failed`.
#[derive(Debug)]
pub struct EngineError {
    kind: Kind,
    message: String,
    store: Option<StoreError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Definition,
    Agent,
    Input,
    Exists,
    NotFound,
    Illegal,
    Held,
    Lost,
    Store,
    Value,
}

impl EngineError {
    pub(super) fn definition(message: impl Into<String>) -> Self {
        EngineError::new(Kind::Definition, message)
    }

    pub(super) fn agents(mistakes: &[String]) -> Self {
        EngineError::new(Kind::Agent, mistakes.join("\n"))
    }

    pub(crate) fn inputs(mistakes: &[String]) -> Self {
        EngineError::new(Kind::Input, mistakes.join("\n"))
    }

    pub(super) fn exists(id: &ExecutionId) -> Self {
        EngineError::new(
            Kind::Exists,
            format!("there is an execution `{id}` already"),
        )
    }

    pub(super) fn not_found(id: &ExecutionId) -> Self {
        EngineError::new(Kind::NotFound, format!("there is no execution `{id}`"))
    }

    pub(super) fn no_checkpoint(id: &CheckpointId) -> Self {
        EngineError::new(Kind::NotFound, format!("there is no checkpoint `{id}`"))
    }

    /// The execution has ended, so it cannot be `paused`, `resumed` and so on.
    pub(super) fn ended(id: &ExecutionId, state: State, asked: &str) -> Self {
        EngineError::new(
            Kind::Illegal,
            format!("execution `{id}` is `{state}`, which is final: it cannot be {asked}"),
        )
    }

    pub(super) fn parked(id: &ExecutionId) -> Self {
        EngineError::new(
            Kind::Illegal,
            format!("execution `{id}` is `paused`; resume it to go on with it"),
        )
    }

    /// Another engine drives it, which is given up for lost when it has said nothing for so long from now on.
    pub(super) fn held(execution: &ExecutionRecord, silence: Duration) -> Self {
        let (id, state) = (&execution.id, execution.state);
        let mut message = if state == State::CreatingCheckpoint || execution.pause_requested {
            format!(
                "execution `{id}` is being paused by the process that drives it; resume it when its running steps have ended"
            )
        } else {
            format!(
                "execution `{id}` is `{state}` and driven by another process; pause or cancel it, or wait for its end"
            )
        };
        if !silence.is_zero() {
            let seconds = silence.as_secs() + 1;
            message += &format!("; if that process is gone, try again in {seconds} s");
        }
        EngineError::new(Kind::Held, message)
    }

    pub(super) fn value(message: impl Into<String>) -> Self {
        EngineError::new(Kind::Value, message)
    }

    pub(super) fn lost(id: &ExecutionId) -> Self {
        EngineError::new(
            Kind::Lost,
            format!("execution `{id}` was taken over by another process, which drives it on"),
        )
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        EngineError {
            kind,
            message: message.into(),
            store: None,
        }
    }

    /// Whether a stored definition cannot be run here: it is another one, or compiled into another program.
    pub fn is_definition(&self) -> bool {
        self.kind == Kind::Definition
    }

    /// Whether a step asks an agent that is not there.
    pub fn is_agent(&self) -> bool {
        self.kind == Kind::Agent
    }

    /// Whether an input is unknown, missing or of the wrong type.
    pub fn is_input(&self) -> bool {
        self.kind == Kind::Input
    }

    /// Whether the execution's identifier is taken.
    pub fn is_exists(&self) -> bool {
        self.kind == Kind::Exists
    }

    /// Whether there is no such execution or checkpoint.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether the execution's state does not allow what was asked; the message says why.
    pub fn is_illegal(&self) -> bool {
        self.kind == Kind::Illegal
    }

    /// Whether another engine, which is alive, drives the execution.
    pub fn is_held(&self) -> bool {
        self.kind == Kind::Held
    }

    /// Whether another engine has taken the execution over from this one.
    pub fn is_lost(&self) -> bool {
        self.kind == Kind::Lost
    }

    /// Whether the store failed, or holds what cannot be read; the run can be resumed when the store works again.
    pub fn is_store(&self) -> bool {
        self.kind == Kind::Store
    }

    /// Whether a stored value no longer fits its Rust type; the message names the step and the field.
    pub fn is_value(&self) -> bool {
        self.kind == Kind::Value
    }

    /// The store's own error.
    pub const fn store(&self) -> Option<&StoreError> {
        self.store.as_ref()
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        EngineError {
            kind: Kind::Store,
            message: "the store failed".to_owned(),
            store: Some(error),
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.store
            .as_ref()
            .map(|error| error as &(dyn std::error::Error + 'static))
    }
}
