//! A typed workflow's run, from its start to its outputs.

use std::fmt;
use std::marker::PhantomData;

use futures::future::BoxFuture;

use super::Workflow;
use crate::engine::{Engine, EngineError, Run, RunHandle, Status};
use crate::id::ExecutionId;
use crate::lifecycle::State;

/// An execution of `W` that this engine holds the lease of; it goes on when it is awaited.
///
/// # Cancellation
///
/// As for [`Run`].
#[must_use = "a run goes on only when it is finished"]
pub struct RunOf<W: Workflow> {
    run: Run,
    engine: Engine,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> RunOf<W> {
    pub(super) const fn new(run: Run, engine: Engine) -> Self {
        RunOf {
            run,
            engine,
            workflow: PhantomData,
        }
    }

    /// The execution.
    pub const fn id(&self) -> &ExecutionId {
        self.run.id()
    }

    /// A handle to control the execution with, wherever the run is driven.
    pub fn handle(&self) -> RunHandle {
        self.run.handle()
    }

    /// Drives the execution until it has ended or is paused.
    ///
    /// # Errors
    ///
    /// Those of [`Run::finish`], and [`is_value`](EngineError::is_value) when an output that was stored by another
    /// build of the program no longer fits its type.
    ///
    /// # Cancellation
    ///
    /// As for [`Run`].
    pub fn finish(self) -> BoxFuture<'static, Result<Ended<W>, EngineError>> {
        let RunOf { run, engine, .. } = self;
        Box::pin(async move {
            let finished = run.finish_typed().await?;
            Ok(match finished.status.state() {
                State::Completed => Ended::Completed(finished.outputs()?.into()),
                State::Cancelled => Ended::Cancelled(finished.status),
                State::Paused => Ended::Paused(PausedRun {
                    status: finished.status,
                    engine,
                    workflow: PhantomData,
                }),
                _ => Ended::Failed(finished.status),
            })
        })
    }
}

impl<W: Workflow> fmt::Debug for RunOf<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.run.fmt(f)
    }
}

/// How a run stands when it is not driven any further.
#[must_use]
pub enum Ended<W: Workflow> {
    /// Every step has succeeded, or was optional.
    Completed(W::Output),
    /// It was paused.
    Paused(PausedRun<W>),
    /// A step has failed, or the run was out of time.
    Failed(Status),
    /// It was cancelled.
    Cancelled(Status),
}

impl<W: Workflow> Ended<W> {
    /// The outputs.
    ///
    /// # Errors
    ///
    /// Whatever kept the run from completing.
    pub fn completed(self) -> Result<W::Output, RunError> {
        match self {
            Ended::Completed(output) => Ok(output),
            Ended::Paused(paused) => Err(RunError::Paused(Box::new(paused.status))),
            Ended::Failed(status) => Err(RunError::Failed(Box::new(status))),
            Ended::Cancelled(status) => Err(RunError::Cancelled(Box::new(status))),
        }
    }
}

impl<W: Workflow> fmt::Debug for Ended<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Completed(_) => f.write_str("Completed"),
            Ended::Paused(paused) => f.debug_tuple("Paused").field(paused.id()).finish(),
            Ended::Failed(status) => f
                .debug_tuple("Failed")
                .field(&status.execution.error)
                .finish(),
            Ended::Cancelled(_) => f.write_str("Cancelled"),
        }
    }
}

/// An execution that is paused. It has no outputs; resuming it gives a run again.
#[must_use = "a paused run goes on only when it is resumed"]
pub struct PausedRun<W: Workflow> {
    status: Status,
    engine: Engine,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> PausedRun<W> {
    /// The execution.
    pub const fn id(&self) -> &ExecutionId {
        &self.status.execution.id
    }

    /// How it stands.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// Takes the execution up again.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::resume_as`].
    ///
    /// # Cancellation
    ///
    /// As for [`Engine::resume_as`].
    pub fn resume(self) -> BoxFuture<'static, Result<RunOf<W>, EngineError>> {
        Box::pin(async move { super::host::resume(self.engine.clone(), self.id()).await })
    }
}

impl<W: Workflow> fmt::Debug for PausedRun<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PausedRun").field(self.id()).finish()
    }
}

/// Why a run gave no outputs.
///
/// Its `Debug` form is the message, for a `main` that returns it: a status holds every input and result.
#[derive(thiserror::Error)]
pub enum RunError {
    /// The engine could not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The execution failed.
    #[error("execution `{}` failed: {}", .0.execution.id, .0.execution.error.as_deref().unwrap_or("for an unknown reason"))]
    Failed(Box<Status>),
    /// The execution was paused.
    #[error("execution `{}` is paused; resume it to go on", .0.execution.id)]
    Paused(Box<Status>),
    /// The execution was cancelled.
    #[error("execution `{}` was cancelled", .0.execution.id)]
    Cancelled(Box<Status>),
}

impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
