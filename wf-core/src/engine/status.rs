//! How an execution stands, put together from its rows.

use std::sync::Arc;
use std::time::Duration;

use super::Budget;
use super::stored_definition::Outline;
use crate::lifecycle::State;
use crate::plan::{Plan, result_of};
use crate::step::{StepKey, StepState};
use crate::store::{ExecutionRecord, StepRecord, WorkflowRecord};
use crate::usage::Usage;
use crate::value::Json;

/// How an execution stands, as of one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The execution's row.
    pub execution: ExecutionRecord,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's version.
    pub version: String,
    /// What it may use before it pauses.
    pub budget: Budget,
    /// Its steps, in the definition's order.
    pub steps: Vec<StepStatus>,
    /// The run's result, once it is completed: the results of the steps that nothing depends on, by key.
    pub result: Option<Json>,
}

/// How one step of an execution stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepStatus {
    /// The step's key.
    pub key: StepKey,
    /// Its state. In an ended run a step that was never started is `skipped` or `cancelled`.
    pub state: StepState,
    /// Its row, as far as there is one.
    pub record: Arc<StepRecord>,
}

impl Status {
    /// The records are those of all steps of the plan.
    pub(super) fn new(
        plan: &Plan,
        execution: ExecutionRecord,
        records: impl Iterator<Item = Arc<StepRecord>>,
    ) -> Self {
        let state = execution.state;
        let steps = statuses(plan.keys(), records, state);
        let result = (state == State::Completed).then(|| {
            plan.result(|step| steps.get(step).and_then(|step| step.record.result.as_ref()))
        });
        Status {
            workflow: plan.name().to_owned(),
            version: plan.version().to_owned(),
            steps,
            budget: execution.budget(plan),
            execution,
            result,
        }
    }

    /// Puts the status together from no more of the definition than its outline.
    pub(super) fn of_outline(
        outline: Outline,
        workflow: WorkflowRecord,
        execution: ExecutionRecord,
        records: Vec<Arc<StepRecord>>,
    ) -> Self {
        let Outline {
            keys,
            sinks,
            budget,
        } = outline;
        let state = execution.state;
        let steps = statuses(StepKey::of_list(keys), records.into_iter(), state);
        let result = (state == State::Completed).then(|| {
            let sinks = sinks.iter().filter_map(|&sink| steps.get(sink));
            result_of(sinks.map(|step| (step.key.as_str(), step.record.result.as_ref())))
        });
        Status {
            workflow: workflow.name,
            version: workflow.version,
            steps,
            budget: execution.budget.unwrap_or(budget),
            execution,
            result,
        }
    }

    /// The state that the execution is in.
    pub const fn state(&self) -> State {
        self.execution.state
    }

    /// What all attempts have used, as far as their agents say.
    pub fn usage(&self) -> Usage {
        let attempts = self.steps.iter().flat_map(|step| &step.record.attempts);
        let mut used = Usage::default();
        for usage in attempts.filter_map(|attempt| attempt.usage.as_ref()) {
            used += Usage::reported(usage);
        }
        used
    }

    /// The step of that key.
    pub fn step(&self, key: &str) -> Option<&StepStatus> {
        self.steps.iter().find(|step| step.key == key)
    }
}

impl ExecutionRecord {
    /// What the execution may use before it pauses: as its definition says, unless it was resumed with another budget.
    pub(super) fn budget(&self, plan: &Plan) -> Budget {
        self.budget.unwrap_or(plan.definition().config.budget)
    }
}

impl StepStatus {
    /// How long its attempts took, all together, once it has ended: see [`StepRecord::taken`].
    pub fn duration(&self) -> Option<Duration> {
        self.record.completed_at?;
        self.record.taken()
    }
}

fn statuses(
    keys: impl Iterator<Item = StepKey>,
    records: impl Iterator<Item = Arc<StepRecord>>,
    execution: State,
) -> Vec<StepStatus> {
    let steps = keys.zip(records);
    let steps = steps.map(|(key, record)| StepStatus {
        key,
        state: shown(execution, record.state),
        record,
    });
    steps.collect()
}

/// A step that an ended run left behind is shown as what became of it.
const fn shown(execution: State, step: StepState) -> StepState {
    match (execution, step) {
        (State::Failed, StepState::Pending) => StepState::Skipped,
        (State::Cancelled, StepState::Pending | StepState::Running) => StepState::Cancelled,
        (_, step) => step,
    }
}
