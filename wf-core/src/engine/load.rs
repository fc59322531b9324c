//! What is read of an execution that is there: its rows, its plan and its inputs, and the form in which the last are
//! written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::stored_definition::Outline;
use super::{Budget, EngineError, Parts, PerAttempt, Status};
use crate::agent::{Agent, Request};
use crate::id::ExecutionId;
use crate::lifecycle::State;
use crate::plan::Plan;
use crate::store::{LoadedExecution, StepRecord, StoreError, WorkflowRecord};
use crate::usage::Usage;
use crate::value::Json;

/// Of how many steps at most a run asks how long they took before: reading them must stay small beside running them.
const REMEMBERED: u32 = 10_000;

/// An execution with its rows.
pub(super) async fn load(engine: &Parts, id: &ExecutionId) -> Result<LoadedExecution, EngineError> {
    let loaded = engine.store.load(id).await?;
    loaded.ok_or_else(|| EngineError::not_found(id))
}

/// The plan of the definition that is stored, for execution `id`.
pub(super) async fn plan(
    engine: &Parts,
    id: &ExecutionId,
    workflow: &WorkflowRecord,
) -> Result<Arc<Plan>, EngineError> {
    let definition = definition(engine, id, workflow).await?;
    checked(id, workflow, definition)
}

async fn definition(
    engine: &Parts,
    id: &ExecutionId,
    workflow: &WorkflowRecord,
) -> Result<Json, EngineError> {
    let definition = engine.store.definition(&workflow.id).await?;
    definition.ok_or_else(|| EngineError::not_found(id))
}

fn checked(
    id: &ExecutionId,
    workflow: &WorkflowRecord,
    definition: Json,
) -> Result<Arc<Plan>, EngineError> {
    Plan::from_stored(workflow, definition).map_err(|report| {
        EngineError::from(StoreError::damaged(format!(
            "the stored definition of execution `{id}` cannot be read: it is damaged, or of a newer version:\n{report}"
        )))
    })
}

/// How an execution stands that was loaded.
pub(super) async fn status(engine: &Parts, loaded: LoadedExecution) -> Result<Status, EngineError> {
    let LoadedExecution {
        execution,
        workflow,
        steps,
    } = loaded;
    let definition = definition(engine, &execution.id, &workflow).await?;
    if let Some(outline) = Outline::of(&definition, execution.state == State::Completed) {
        let records = records(outline.keys.len(), steps);
        return Ok(Status::of_outline(outline, workflow, execution, records));
    }
    let plan = checked(&execution.id, &workflow, definition)?;
    let records = records(plan.graph().len(), steps);
    Ok(Status::new(&plan, execution, records.into_iter()))
}

/// The record of every one of so many steps, from the rows that exist.
pub(super) fn records(steps: usize, rows: Vec<(u32, StepRecord)>) -> Vec<Arc<StepRecord>> {
    // Those of which nothing is recorded share one.
    let nothing = Arc::new(StepRecord::pending());
    let mut records: Vec<_> = std::iter::repeat_n(nothing, steps).collect();
    for (step, record) in rows {
        if let Some(slot) = records.get_mut(step as usize) {
            *slot = Arc::new(record);
        }
    }
    records
}

/// How long the steps of `plan` took when it was last completed; none where that would change nothing, or cannot be
/// told.
pub(super) async fn durations(engine: &Parts, plan: &Plan) -> Vec<(u32, Duration)> {
    let steps = u32::try_from(plan.graph().len()).unwrap_or(u32::MAX);
    let all_at_once = steps <= plan.max_parallel() && !(0..steps).any(|step| plan.is_serial(step));
    if all_at_once || steps > REMEMBERED {
        return Vec::new();
    }
    // A run does not fail for want of a hint.
    let durations = engine.store.durations(plan.id(), REMEMBERED).await;
    durations.unwrap_or_default()
}

/// What the agents of a plan have used before, as far as they do not say what they may use; nothing where the budget does not
/// ask for it, or where it cannot be told.
pub(super) async fn usage(
    engine: &Parts,
    plan: &Plan,
    agents: &[Option<Arc<dyn Agent>>],
    budget: Budget,
    id: &ExecutionId,
) -> Vec<(String, Usage)> {
    let PerAttempt { tokens, cost } = budget.per_attempt;
    let tokens = budget.tokens.is_some() && tokens.is_none();
    let cost = budget.cost.is_some() && cost.is_none();
    if !tokens && !cost {
        return Vec::new();
    }
    let (mut seen, mut unknown) = (BTreeSet::new(), Vec::new());
    for (step, agent) in plan.steps().iter().zip(agents) {
        if let Some(agent) = agent
            && seen.insert(&step.agent)
        {
            let bound = agent.bound(Request::new("", id, &step.key, 1));
            if (tokens && bound.tokens.is_none()) || (cost && bound.cost.is_none()) {
                unknown.push(step.agent.clone());
            }
        }
    }
    if unknown.is_empty() {
        return Vec::new();
    }
    // A run does not fail for want of a hint.
    let used = engine.store.usage_of(unknown).await;
    used.unwrap_or_default()
}

/// The inputs that an execution was started with.
pub(super) async fn inputs(
    engine: &Parts,
    plan: &Plan,
    id: &ExecutionId,
) -> Result<Vec<Json>, EngineError> {
    #[derive(Deserialize)]
    struct Context {
        inputs: BTreeMap<String, Box<RawValue>>,
    }
    let damaged = |reason: String| {
        EngineError::from(StoreError::damaged(format!(
            "the stored inputs of execution `{id}` cannot be read: {reason}"
        )))
    };
    let context = engine.store.context(id).await?;
    let context = context.ok_or_else(|| EngineError::not_found(id))?;
    let context: Context =
        serde_json::from_str(context.as_str()).map_err(|error| damaged(error.to_string()))?;
    let given = context
        .inputs
        .into_iter()
        .map(|(name, value)| (name, Json::from_stored(value.get())));
    plan.bind(given.collect())
        .map_err(|mistakes| damaged(mistakes.join("; ")))
}

/// `{"inputs": …}`.
pub(super) fn context(plan: &Plan, inputs: &[Json]) -> Json {
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
