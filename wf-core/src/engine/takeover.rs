//! Going on with executions that are there: what is resumed, restored, recovered or paused from outside.

use std::sync::Arc;

use super::prepared::agents_of;
use super::{Budget, EngineError, Parts, ResumeOptions, Run, RunOptions, confirm, load};
use crate::agent::Agent;
use crate::id::{CheckpointId, ExecutionId, Owner};
use crate::lifecycle::State;
use crate::plan::Plan;
use crate::progress::Purpose;
use crate::store::{ExecutionRecord, Origin, Restore, WorkflowRecord};
use crate::typed::{difference, is_typed};

impl Run {
    /// Takes an execution over: of the plan that is given, else of the one that is stored.
    pub(super) async fn resume(
        engine: &Parts,
        id: &ExecutionId,
        compiled: Option<&Arc<Plan>>,
        options: ResumeOptions,
    ) -> Result<Run, EngineError> {
        let source = compiled.map_or(Found::Stored, Found::Compiled);
        Run::take_over(engine, id, Purpose::Finish, source, options.budget).await
    }

    pub(super) async fn restore(
        engine: &Parts,
        checkpoint: &CheckpointId,
        options: RunOptions,
        compiled: Option<&Arc<Plan>>,
    ) -> Result<Run, EngineError> {
        let unknown = || EngineError::no_checkpoint(checkpoint);
        let source = engine.store.checkpoint(checkpoint).await?;
        let source = source.ok_or_else(unknown)?.execution_id;
        let execution = engine.store.execution(&source).await?;
        let execution = execution.ok_or_else(|| EngineError::not_found(&source))?;
        let workflow = engine.store.workflow(&execution.workflow_id).await?;
        let workflow = workflow.ok_or_else(|| EngineError::not_found(&source))?;
        // What cannot be run here leaves no execution behind.
        let plan = match compiled {
            Some(plan) => compiled_plan(engine, &source, &workflow, plan).await?,
            None => runnable_plan(engine, &source, &workflow).await?,
        };
        let agents = agents_of(&plan, &engine.agents)?;
        load::inputs(engine, &plan, &source).await?;
        let now = engine.clock.now();
        let id = options.id.unwrap_or_else(|| ExecutionId::generate(now));
        let optional = (0_u32..).zip(plan.steps());
        let optional = optional.filter_map(|(at, step)| step.optional.then_some(at));
        let origin = Origin {
            agents_file: options.origin.agents_file.or(execution.origin.agents_file),
            directory: options.origin.directory.or(execution.origin.directory),
        };
        let restore = Restore::new(
            checkpoint.clone(),
            id.clone(),
            optional.collect(),
            origin,
            now,
        );
        match confirm::restore(&*engine.store, restore).await {
            Err(error) if error.is_exists() => return Err(EngineError::exists(&id)),
            Err(error) if error.is_not_found() => return Err(unknown()),
            answer => answer?,
        };
        let mut run = Run::take_over(
            engine,
            &id,
            Purpose::Finish,
            Found::Ready(plan, agents),
            None,
        )
        .await?;
        run.driver.materials.set_dry(options.dry);
        Ok(run)
    }

    pub(super) async fn recover_one(
        engine: &Parts,
        id: &ExecutionId,
        compiled: Option<&Arc<Plan>>,
    ) -> Result<Run, EngineError> {
        let source = compiled.map_or(Found::Stored, Found::Compiled);
        Run::take_over(engine, id, Purpose::Recover, source, None).await
    }

    /// Takes over all that nobody drives any more and that can be driven here: of the plan that is given, else of those
    /// that are stored.
    pub(super) async fn recover(
        engine: &Parts,
        compiled: Option<&Arc<Plan>>,
    ) -> Result<Vec<Run>, EngineError> {
        let mut runs = Vec::new();
        for execution in engine.store.unfinished().await? {
            if !is_free(engine, &execution) {
                continue;
            }
            if let Some(plan) = compiled {
                let workflow = engine.store.workflow(&execution.workflow_id).await?;
                if workflow.is_none_or(|workflow| workflow.hash != plan.hash()) {
                    continue;
                }
            }
            match Run::recover_one(engine, &execution.id, compiled).await {
                Ok(run) => runs.push(run),
                Err(error) if error.is_store() => return Err(error),
                // It was faster elsewhere, or another host has what it needs.
                Err(_) => {}
            }
        }
        Ok(runs)
    }

    pub(super) async fn pause(
        engine: &Parts,
        id: &ExecutionId,
    ) -> Result<ExecutionRecord, EngineError> {
        loop {
            let loaded = load::load(engine, id).await?;
            if !is_free(engine, &loaded.execution) {
                let execution = confirm::request_pause(&*engine.store, id).await?;
                return not_ended(id, execution);
            }
            if loaded.execution.state.is_terminal() || loaded.execution.state == State::Paused {
                return not_ended(id, loaded.execution);
            }
            let plan = load::plan(engine, id, &loaded.workflow).await?;
            if let Some(run) =
                Run::claim(engine, plan, Vec::new(), loaded, Purpose::Pause, None).await?
            {
                return not_ended(id, run.finish().await?.execution);
            }
        }
    }

    async fn take_over(
        engine: &Parts,
        id: &ExecutionId,
        purpose: Purpose,
        found: Found<'_>,
        budget: Option<Budget>,
    ) -> Result<Run, EngineError> {
        loop {
            let loaded = load::load(engine, id).await?;
            let state = loaded.execution.state;
            if state.is_terminal() {
                return Err(EngineError::ended(id, state, "resumed"));
            }
            if purpose == Purpose::Recover && state == State::Paused {
                return Err(EngineError::parked(id));
            }
            if !is_free(engine, &loaded.execution) {
                let now = engine.clock.now();
                let lease = loaded.execution.lease_until.unwrap_or(now);
                let silence = lease.since(now);
                return Err(EngineError::held(&loaded.execution, silence));
            }
            let (plan, agents) = match &found {
                Found::Ready(plan, agents) => (Arc::clone(plan), agents.clone()),
                Found::Compiled(plan) => {
                    let plan = compiled_plan(engine, id, &loaded.workflow, plan).await?;
                    let agents = agents_of(&plan, &engine.agents)?;
                    (plan, agents)
                }
                Found::Stored => {
                    let plan = runnable_plan(engine, id, &loaded.workflow).await?;
                    let agents = agents_of(&plan, &engine.agents)?;
                    (plan, agents)
                }
            };
            if let Some(run) = Run::claim(engine, plan, agents, loaded, purpose, budget).await? {
                return Ok(run);
            }
        }
    }
}

/// Where what an execution needs to be driven comes from.
enum Found<'a> {
    /// The plan that is stored.
    Stored,
    /// A plan that is compiled into the program.
    Compiled(&'a Arc<Plan>),
    /// A plan that was found to be the right one, with its agents.
    Ready(Arc<Plan>, Vec<Option<Arc<dyn Agent>>>),
}

/// The stored plan, unless only the program that it was compiled into can run it.
async fn runnable_plan(
    engine: &Parts,
    id: &ExecutionId,
    workflow: &WorkflowRecord,
) -> Result<Arc<Plan>, EngineError> {
    let plan = load::plan(engine, id, workflow).await?;
    if is_typed(plan.definition()) {
        return Err(EngineError::definition(format!(
            "workflow `{}` of execution `{id}` is compiled into a program; resume the execution there",
            plan.name()
        )));
    }
    Ok(plan)
}

/// The compiled plan, if the execution was started on it.
async fn compiled_plan(
    engine: &Parts,
    id: &ExecutionId,
    workflow: &WorkflowRecord,
    compiled: &Arc<Plan>,
) -> Result<Arc<Plan>, EngineError> {
    if workflow.hash == compiled.hash() {
        return Ok(Arc::clone(compiled));
    }
    let stored = load::plan(engine, id, workflow).await?;
    let current = compiled.stored_definition();
    Err(EngineError::definition(format!(
        "execution `{id}` was started on another definition of workflow `{}`: {}; resume it with the program that started it",
        compiled.name(),
        difference(stored.definition(), &current)
    )))
}

/// The row, unless it has come to its end: then it can be paused no more.
fn not_ended(id: &ExecutionId, execution: ExecutionRecord) -> Result<ExecutionRecord, EngineError> {
    match execution.state {
        state if state.is_terminal() => Err(EngineError::ended(id, state, "paused")),
        _ => Ok(execution),
    }
}

/// Whether nobody who is alive drives the execution.
fn is_free(engine: &Parts, execution: &ExecutionRecord) -> bool {
    let Some(owner) = &execution.owner else {
        return true;
    };
    if *owner == engine.owner {
        return !engine.active.runs().contains(&execution.id);
    }
    let gone = |owner: &Owner| engine.gone.as_ref().is_some_and(|gone| gone(owner));
    execution
        .lease_until
        .is_none_or(|until| until <= engine.clock.now())
        || gone(owner)
}
