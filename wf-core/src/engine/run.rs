//! From a request to a run: what is checked, created or claimed before anything is driven.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;
use wf_model::Report;

use super::drive::{Drive, Purpose};
use super::{Active, Engine, EngineError, Status};
use crate::agent::Agent;
use crate::id::{CheckpointId, ExecutionId, Owner};
use crate::lifecycle::{AnyExecution, EventKind, Row, State};
use crate::plan::{Inputs, Plan, quoted};
use crate::store::{
    Claim, ExecutionRecord, LoadedExecution, NewExecution, Origin, Restore, StepRecord,
};
use crate::value::Json;

/// How an execution is started.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// The execution's identifier; generated when absent.
    pub id: Option<ExecutionId>,
    /// Where the run came from.
    pub origin: Origin,
    /// Whether its agents' answers are not to be taken for real: a placeholder whose path is not in an
    /// answer then shows as `<step.path>` instead of failing the step.
    pub dry: bool,
}

/// An execution that this engine holds the lease of; it goes on when it is awaited.
///
/// # Cancellation
///
/// Dropping a run, or its future, drops the calls to its agents and leaves the execution as it was last
/// committed: this engine can resume it at once, another when the lease has ended.
#[must_use = "a run goes on only when it is finished"]
pub struct Run {
    drive: Drive,
    at: AnyExecution,
}

impl Run {
    /// The execution.
    pub const fn id(&self) -> &ExecutionId {
        self.drive.id()
    }

    /// What it runs.
    pub const fn plan(&self) -> &Arc<Plan> {
        self.drive.plan()
    }

    /// Drives the execution until it has ended or is paused, and returns how it then stands.
    ///
    /// # Errors
    ///
    /// [`is_store`](EngineError::is_store) when the store fails: what was not committed is run again when the
    /// execution is resumed. [`is_lost`](EngineError::is_lost) when another engine has taken it over.
    ///
    /// # Cancellation
    ///
    /// See [`Run`].
    pub fn finish(self) -> BoxFuture<'static, Result<Status, EngineError>> {
        Box::pin(self.drive.finish(self.at))
    }

    pub(super) async fn start(
        engine: &Engine,
        plan: &Arc<Plan>,
        inputs: Inputs,
        options: RunOptions,
    ) -> Result<Run, EngineError> {
        let agents = agents(engine, plan)?;
        let inputs = plan
            .bind(inputs)
            .map_err(|mistakes| EngineError::inputs(&mistakes))?;
        let now = engine.clock.now();
        let id = options.id.unwrap_or_else(|| ExecutionId::generate(now));
        let holding = Holding::new(engine, &id).ok_or_else(|| EngineError::exists(&id))?;
        let new = NewExecution {
            id: id.clone(),
            workflow: plan.workflow().clone(),
            context: context(plan, &inputs),
            owner: engine.owner.clone(),
            lease_until: now.after(engine.lease),
            at: now,
            origin: options.origin,
        };
        match engine.store.create(new).await {
            Err(error) if error.is_exists() => return Err(EngineError::exists(&id)),
            answer => answer?,
        }
        let at = AnyExecution::new(
            State::Idle,
            Row {
                id,
                token: 1,
                revision: 0,
            },
        );
        let records = vec![StepRecord::pending(); plan.graph().len()];
        let drive = Drive::new(
            engine.clone(),
            Arc::clone(plan),
            holding,
            inputs,
            agents,
            records,
        )
        .dry(options.dry);
        Ok(Run { drive, at })
    }

    pub(super) async fn resume(engine: &Engine, id: &ExecutionId) -> Result<Run, EngineError> {
        Run::take_over(engine, id, Purpose::Finish, None).await
    }

    pub(super) async fn restore(
        engine: &Engine,
        checkpoint: &CheckpointId,
        options: RunOptions,
    ) -> Result<Run, EngineError> {
        let unknown = || EngineError::no_checkpoint(checkpoint);
        let source = engine.store.checkpoint(checkpoint).await?;
        let source = source.ok_or_else(unknown)?.execution_id;
        let execution = engine.store.execution(&source).await?;
        let execution = execution.ok_or_else(|| EngineError::not_found(&source))?;
        let workflow = engine.store.workflow(&execution.workflow_id).await?;
        let workflow = workflow.ok_or_else(|| EngineError::not_found(&source))?;
        // What cannot be run here leaves no execution behind.
        let plan = Plan::from_stored(&workflow).map_err(|report| unreadable(&source, &report))?;
        let agents = agents(engine, &plan)?;
        inputs(&plan, &execution)?;
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
        match engine.store.restore(restore).await {
            Err(error) if error.is_exists() => return Err(EngineError::exists(&id)),
            Err(error) if error.is_not_found() => return Err(unknown()),
            answer => answer?,
        };
        let mut run =
            Run::take_over(engine, &id, Purpose::Finish, Some(Ready { plan, agents })).await?;
        run.drive = run.drive.dry(options.dry);
        Ok(run)
    }

    pub(super) async fn recover_one(engine: &Engine, id: &ExecutionId) -> Result<Run, EngineError> {
        Run::take_over(engine, id, Purpose::Recover, None).await
    }

    /// Takes over all that nobody drives any more and that can be driven here.
    pub(super) async fn recover(engine: &Engine) -> Result<Vec<Run>, EngineError> {
        let mut runs = Vec::new();
        for execution in engine.store.unfinished().await? {
            if !is_free(engine, &execution) {
                continue;
            }
            match Run::recover_one(engine, &execution.id).await {
                Ok(run) => runs.push(run),
                Err(error) if error.is_store() => return Err(error),
                // It was faster elsewhere, or another host has what it needs.
                Err(_) => {}
            }
        }
        Ok(runs)
    }

    pub(super) async fn pause(
        engine: &Engine,
        id: &ExecutionId,
    ) -> Result<ExecutionRecord, EngineError> {
        loop {
            let loaded = load(engine, id).await?;
            if !is_free(engine, &loaded.execution) {
                let execution = engine.store.request_pause(id).await?;
                return not_ended(id, execution);
            }
            if loaded.execution.state.is_terminal() || loaded.execution.state == State::Paused {
                return not_ended(id, loaded.execution);
            }
            let plan = plan(id, &loaded)?;
            if let Some(run) = Run::claim(engine, plan, Vec::new(), loaded, Purpose::Pause).await? {
                return not_ended(id, run.finish().await?.execution);
            }
        }
    }

    async fn take_over(
        engine: &Engine,
        id: &ExecutionId,
        purpose: Purpose,
        mut ready: Option<Ready>,
    ) -> Result<Run, EngineError> {
        loop {
            let loaded = load(engine, id).await?;
            let state = loaded.execution.state;
            if state.is_terminal() {
                return Err(EngineError::illegal(id, state, EventKind::Resume));
            }
            if purpose == Purpose::Recover && state == State::Paused {
                return Err(EngineError::parked(id));
            }
            if !is_free(engine, &loaded.execution) {
                return Err(EngineError::held(id, state));
            }
            let Ready { plan, agents } = match ready.take() {
                Some(ready) => ready,
                None => {
                    let plan = plan(id, &loaded)?;
                    let agents = agents(engine, &plan)?;
                    Ready { plan, agents }
                }
            };
            if let Some(run) = Run::claim(engine, plan, agents, loaded, purpose).await? {
                return Ok(run);
            }
        }
    }

    /// Takes the lease; none when the row was written by another since it was loaded.
    async fn claim(
        engine: &Engine,
        plan: Arc<Plan>,
        agents: Vec<Arc<dyn Agent>>,
        loaded: LoadedExecution,
        purpose: Purpose,
    ) -> Result<Option<Run>, EngineError> {
        let LoadedExecution {
            execution,
            steps,
            last_seq,
            ..
        } = loaded;
        let id = &execution.id;
        let inputs = inputs(&plan, &execution)?;
        let holding =
            Holding::new(engine, id).ok_or_else(|| EngineError::held(id, execution.state))?;
        let lease_until = engine.clock.now().after(engine.lease);
        let claim = Claim::new(execution.row(), engine.owner.clone(), lease_until);
        let row = match engine.store.claim(claim).await {
            Err(error) if error.is_conflict() => return Ok(None),
            answer => answer?,
        };
        let records = records(&plan, steps);
        let drive = Drive::new(engine.clone(), plan, holding, inputs, agents, records)
            .taken_over(purpose, &execution, last_seq);
        Ok(Some(Run {
            drive,
            at: AnyExecution::new(execution.state, row),
        }))
    }
}

/// What an execution needs to be driven here.
struct Ready {
    plan: Arc<Plan>,
    agents: Vec<Arc<dyn Agent>>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Run").field(&self.at).finish()
    }
}

/// Marks an execution as driven by this engine, as long as it lives.
pub(super) struct Holding {
    active: Arc<Active>,
    pub(super) id: ExecutionId,
}

impl Holding {
    /// Marks it, unless it is marked.
    fn new(engine: &Engine, id: &ExecutionId) -> Option<Self> {
        let marked = engine.active.runs().insert(id.clone());
        marked.then(|| Holding {
            active: Arc::clone(&engine.active),
            id: id.clone(),
        })
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.active.runs().remove(&self.id);
    }
}

/// The record of every step of `plan`, from the rows that exist.
pub(super) fn records(plan: &Plan, rows: Vec<(u32, StepRecord)>) -> Vec<StepRecord> {
    let mut records = vec![StepRecord::pending(); plan.graph().len()];
    for (step, record) in rows {
        if let Some(slot) = records.get_mut(step as usize) {
            *slot = record;
        }
    }
    records
}

pub(super) fn unreadable(id: &ExecutionId, report: &Report) -> EngineError {
    EngineError::definition(format!(
        "the stored definition of execution `{id}` cannot be read:\n{report}"
    ))
}

async fn load(engine: &Engine, id: &ExecutionId) -> Result<LoadedExecution, EngineError> {
    engine
        .store
        .load(id)
        .await?
        .ok_or_else(|| EngineError::not_found(id))
}

fn plan(id: &ExecutionId, loaded: &LoadedExecution) -> Result<Arc<Plan>, EngineError> {
    Plan::from_stored(&loaded.workflow).map_err(|report| unreadable(id, &report))
}

/// The row, unless it has come to its end: then it can be paused no more.
fn not_ended(id: &ExecutionId, execution: ExecutionRecord) -> Result<ExecutionRecord, EngineError> {
    match execution.state {
        state if state.is_terminal() => Err(EngineError::illegal(id, state, EventKind::Pause)),
        _ => Ok(execution),
    }
}

/// Whether nobody who is alive drives the execution.
fn is_free(engine: &Engine, execution: &ExecutionRecord) -> bool {
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

/// The agent of each step.
fn agents(engine: &Engine, plan: &Plan) -> Result<Vec<Arc<dyn Agent>>, EngineError> {
    let mut found = Vec::with_capacity(plan.steps().len());
    let mut mistakes = Vec::new();
    for step in plan.steps() {
        match engine.agents.agent(&step.agent) {
            Some(agent) => found.push(Arc::clone(agent)),
            None => mistakes.push(missing(engine, &step.key, &step.agent)),
        }
    }
    if mistakes.is_empty() {
        Ok(found)
    } else {
        Err(EngineError::agents(&mistakes))
    }
}

fn missing(engine: &Engine, step: &str, agent: &str) -> String {
    if let Some(capability) = agent.strip_prefix('@') {
        let capabilities = quoted(engine.agents.capabilities());
        let known = if capabilities.is_empty() {
            "no agent lists any".to_owned()
        } else {
            format!("listed are: {capabilities}")
        };
        return format!(
            "step `{step}` asks an agent that can `{capability}`, and there is none; {known}"
        );
    }
    let help = match wf_model::nearest(agent, engine.agents.names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if engine.agents.names().next().is_none() => "there are no agents".to_owned(),
        None => format!("the agents are: {}", quoted(engine.agents.names())),
    };
    format!("step `{step}` asks agent `{agent}`, which is not there; {help}")
}

/// `{"inputs": …}`.
fn context(plan: &Plan, inputs: &[Json]) -> Json {
    #[derive(serde::Serialize)]
    struct Context<'a> {
        inputs: BTreeMap<&'a str, &'a RawValue>,
    }
    let raw = plan
        .inputs()
        .iter()
        .zip(inputs)
        .filter_map(|(input, value)| {
            // What a `Json` holds is JSON.
            Some((
                input.name.as_str(),
                serde_json::from_str::<&RawValue>(value.as_str()).ok()?,
            ))
        });
    let context = Context {
        inputs: raw.collect(),
    };
    Json::from_stored(
        serde_json::to_string(&context).unwrap_or_else(|_| r#"{"inputs":{}}"#.to_owned()),
    )
}

fn inputs(plan: &Plan, execution: &ExecutionRecord) -> Result<Vec<Json>, EngineError> {
    #[derive(Deserialize)]
    struct Context {
        inputs: BTreeMap<String, Box<RawValue>>,
    }
    let damaged = |reason: String| {
        EngineError::definition(format!(
            "the stored inputs of execution `{}` cannot be read: {reason}",
            execution.id
        ))
    };
    let context: Context = serde_json::from_str(execution.context.as_str())
        .map_err(|error| damaged(error.to_string()))?;
    let given = context
        .inputs
        .into_iter()
        .map(|(name, value)| (name, Json::from_stored(value.get())));
    plan.bind(given.collect())
        .map_err(|mistakes| damaged(mistakes.join("; ")))
}
