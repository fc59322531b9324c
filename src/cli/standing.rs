//! How an execution stands, in the words that people use.

use wf_core::engine::Status;
use wf_core::lifecycle::State;
use wf_core::step::StepState;
use wf_core::store::ExecutionRecord;

use super::drive::is_abandoned;

/// The word for a state, as far as the state alone says it.
pub(crate) const fn word(state: State) -> &'static str {
    match state {
        State::Idle
        | State::Parsing
        | State::ValidatingWorkflow
        | State::BuildingDependencyGraph => "starting",
        State::SchedulingSteps
        | State::ExecutingSteps
        | State::AwaitingCompletion
        | State::AggregatingResults => "running",
        State::CreatingCheckpoint => "pausing",
        State::RestoringFromCheckpoint => "resuming",
        _ => state.name(),
    }
}

/// The word for an execution.
pub(crate) fn of(execution: &ExecutionRecord) -> &'static str {
    if is_left_behind(execution) {
        "interrupted"
    } else if execution.pause_requested && !rests(execution) {
        "pausing"
    } else {
        word(execution.state)
    }
}

/// The word for an execution whose steps are known: it waits when none of them runs.
pub(crate) fn of_status(status: &Status) -> &'static str {
    let is_idle = || {
        let mut steps = status.steps.iter();
        steps.all(|step| step.state != StepState::Running)
    };
    match of(&status.execution) {
        "running" if status.state() == State::AwaitingCompletion && is_idle() => "waiting",
        word => word,
    }
}

/// Whether nobody has to drive it: it has ended, or is paused.
pub(crate) fn rests(execution: &ExecutionRecord) -> bool {
    execution.state.is_terminal() || execution.state == State::Paused
}

/// Whether somebody has to drive it, and nobody does.
pub(crate) fn is_left_behind(execution: &ExecutionRecord) -> bool {
    !rests(execution) && is_abandoned(execution)
}
