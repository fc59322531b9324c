//! How a host runs typed workflows on its engine.

use futures::future::BoxFuture;

use super::{AgentSet, RunError, RunOf, RunsOn, Typed, Workflow};
use crate::engine::{Engine, EngineError, RunOptions};
use crate::id::{CheckpointId, ExecutionId};
use crate::plan::{Inputs, Plan};

impl<A: AgentSet> Engine<A> {
    /// Runs a workflow to its end and gives its outputs.
    ///
    /// # Errors
    ///
    /// [`RunError`]: those of [`start_as`](Engine::start_as) and [`RunOf::finish`], or that the execution failed,
    /// was paused or was cancelled.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the execution as it was last committed; it can be
    /// [resumed](Engine::resume_as).
    pub fn run<W: RunsOn<A>>(
        &self,
        workflow: W,
    ) -> BoxFuture<'static, Result<W::Output, RunError>> {
        let run = start(self.erased(), workflow, RunOptions::default());
        Box::pin(async move { run.await?.finish().await?.completed() })
    }

    /// Creates an execution of a workflow and returns its run, which goes on when it is awaited.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Engine::start).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the execution is created.
    pub fn start_as<W: RunsOn<A>>(
        &self,
        workflow: W,
        options: RunOptions,
    ) -> BoxFuture<'static, Result<RunOf<W>, EngineError>> {
        start(self.erased(), workflow, options)
    }

    /// Takes over an execution of `W` that is paused, or whose driver is gone, and returns its run.
    ///
    /// # Errors
    ///
    /// Those of [`resume`](Engine::resume); [`is_definition`](EngineError::is_definition) also when the execution
    /// was started on another definition, with the inputs and steps that differ.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the lease is taken; the execution can be resumed again.
    pub fn resume_as<'a, W: RunsOn<A>>(
        &self,
        id: &'a ExecutionId,
    ) -> BoxFuture<'a, Result<RunOf<W>, EngineError>> {
        let engine = self.erased();
        Box::pin(resume(engine, id))
    }

    /// Takes over every execution of `W` that was driven and whose driver is gone, and returns their runs, the oldest
    /// execution first.
    ///
    /// For hosts that start, once for each workflow that they declare, beside [`recover`](Engine::recover) for those of
    /// files: each run goes on when it is awaited, to its end, or to the pause that was asked for before its driver
    /// went. What is paused is left as it is, and so is what was started on another definition of the workflow.
    ///
    /// # Errors
    ///
    /// Those of [`recover`](Engine::recover).
    ///
    /// # Cancellation
    ///
    /// As for [`recover`](Engine::recover).
    pub fn recover_as<W: RunsOn<A>>(&self) -> BoxFuture<'_, Result<Vec<RunOf<W>>, EngineError>> {
        let engine = self.erased();
        Box::pin(async move {
            let runs = engine.recover_plan(&Plan::of::<W>()).await?;
            let runs = runs.into_iter();
            Ok(runs.map(|run| RunOf::new(run, engine.clone())).collect())
        })
    }

    /// Takes over one execution of `W` whose driver is gone, and returns its run, as
    /// [`recover_as`](Engine::recover_as) does for all: it goes on to its end, or to the pause that was asked for.
    ///
    /// # Errors
    ///
    /// Those of [`take_over`](Engine::take_over); [`is_definition`](EngineError::is_definition) also when the execution
    /// was started on another definition, with the inputs and steps that differ.
    ///
    /// # Cancellation
    ///
    /// As for [`take_over`](Engine::take_over).
    pub fn take_over_as<'a, W: RunsOn<A>>(
        &self,
        id: &'a ExecutionId,
    ) -> BoxFuture<'a, Result<RunOf<W>, EngineError>> {
        let engine = self.erased();
        Box::pin(async move {
            let run = engine.take_over_plan(id, &Plan::of::<W>()).await?;
            Ok(RunOf::new(run, engine))
        })
    }

    /// Creates an execution that goes on from a checkpoint of an execution of `W`, and returns its run.
    ///
    /// # Errors
    ///
    /// Those of [`restore`](Engine::restore); [`is_definition`](EngineError::is_definition) also when the checkpoint
    /// is of an execution of another definition, with the steps that differ.
    ///
    /// # Cancellation
    ///
    /// As for [`restore`](Engine::restore).
    pub fn restore_as<'a, W: RunsOn<A>>(
        &self,
        checkpoint: &'a CheckpointId,
        options: RunOptions,
    ) -> BoxFuture<'a, Result<RunOf<W>, EngineError>> {
        let engine = self.erased();
        Box::pin(async move {
            let plan = Plan::of::<W>();
            let run = engine.restore_plan(checkpoint, options, &plan).await?;
            Ok(RunOf::new(run, engine))
        })
    }
}

pub(super) async fn resume<W: Workflow>(
    engine: Engine,
    id: &ExecutionId,
) -> Result<RunOf<W>, EngineError> {
    let run = engine.resume_plan(id, &Plan::of::<W>()).await?;
    Ok(RunOf::new(run, engine))
}

fn start<W: Workflow>(
    engine: Engine,
    workflow: W,
    options: RunOptions,
) -> BoxFuture<'static, Result<RunOf<W>, EngineError>> {
    let plan = Plan::of::<W>();
    let given = given(&plan, workflow);
    Box::pin(async move {
        let (inputs, typed) = given?;
        let run = engine.start(&plan, inputs, options).await?;
        Ok(RunOf::new(run.with_typed_inputs(typed), engine))
    })
}

/// The inputs in both their forms.
pub(crate) fn given<W: Workflow>(
    plan: &Plan,
    workflow: W,
) -> Result<(Inputs, Vec<Option<Typed>>), EngineError> {
    let mut inputs = Inputs::new();
    let mut typed = Vec::new();
    let mut mistakes = Vec::new();
    let values = workflow.into_inputs().into_iter();
    for ((input, codec), value) in plan.inputs().iter().zip(W::spec().inputs).zip(values) {
        let Some(value) = value else {
            typed.push(None);
            continue;
        };
        let written = codec.take(value).and_then(|value| {
            let json = codec.encode(&value)?;
            Ok((json, value))
        });
        match written {
            Ok((json, value)) => {
                inputs.insert(input.name.clone(), json);
                typed.push(Some(value));
            }
            Err(error) => mistakes.push(format!(
                "input `{}` cannot be written as JSON: {error}",
                input.name
            )),
        }
    }
    if mistakes.is_empty() {
        Ok((inputs, typed))
    } else {
        Err(EngineError::inputs(&mistakes))
    }
}
