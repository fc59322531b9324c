//! The lifecycle of an execution: 14 states, 14 events, 41 legal pairs, declared once.
//!
//! The table below is the only place that says what may happen to an execution. From it come
//!
//! - the **typed face**: [`Execution<S>`] has exactly the methods of the events that are legal in `S`,
//!   so an illegal transition does not compile;
//! - the **dynamic face**: [`transition`], [`validate_transition`], [`State::is_terminal`],
//!   [`State::can_resume`], and [`AnyExecution`] for what comes out of a store;
//! - the diagram ([`MERMAID`]) and the SQL check ([`STATE_CHECK_SQL`]).
//!
//! An event method returns a [`Pending`]: a path of one or more transitions that nothing may act upon
//! until [`Pending::commit`] has written it, in one transaction, with what happened on the way.

mod declare;
mod dynamic;
mod execution;
#[cfg(test)]
mod tests;

use declare::lifecycle;

pub use dynamic::{TransitionError, transition, validate_transition};
pub use execution::{Committed, Execution, Pending, Row, Unconfirmed};

use crate::id::CheckpointId;
use crate::step::StepOutcome;

lifecycle! {
    events {
        /// Begins the execution.
        StartWorkflow => start_workflow,
        /// The stored definition was read.
        WorkflowParsed => workflow_parsed,
        /// The definition's names, types and templates hold.
        ValidationComplete => validation_complete,
        /// The steps are ordered and have no cycle.
        DependencyGraphBuilt => dependency_graph_built,
        /// Steps may start: everything they depend on is committed.
        StepsScheduled { steps: u32 } => steps_scheduled,
        /// A step is over: it succeeded, failed for good, or was skipped.
        StepCompleted { step: StepOutcome } => step_completed,
        /// No step is left to do, and none has failed that had to succeed.
        AllStepsCompleted => all_steps_completed,
        /// A checkpoint was written.
        CheckpointCreated { checkpoint: CheckpointId } => checkpoint_created,
        /// What a checkpoint refers to is loaded.
        CheckpointRestored => checkpoint_restored,
        /// The run's result is complete.
        ResultsAggregated => results_aggregated,
        /// Something failed that the execution cannot go on without.
        Error { message: String } => error,
        /// Stops for now.
        Pause => pause,
        /// Goes on after a pause.
        Resume => resume,
        /// Stops for good.
        Cancel => cancel,
    }
    states {
        /// Created; nothing has happened yet.
        Idle = "idle" {
            StartWorkflow => Parsing,
            Error => Failed,
            Cancel => Cancelled,
        }
        /// Reading the stored definition.
        Parsing = "parsing" {
            WorkflowParsed => ValidatingWorkflow,
            Error => Failed,
            Cancel => Cancelled,
        }
        /// Checking names, types and templates.
        ValidatingWorkflow = "validating_workflow" {
            ValidationComplete => BuildingDependencyGraph,
            Error => Failed,
            Cancel => Cancelled,
        }
        /// Ordering the steps.
        BuildingDependencyGraph = "building_dependency_graph" {
            DependencyGraphBuilt => SchedulingSteps,
            Error => Failed,
            Cancel => Cancelled,
        }
        /// Deciding which steps may start.
        SchedulingSteps = "scheduling_steps" {
            StepsScheduled => ExecutingSteps,
            AllStepsCompleted => AggregatingResults,
            Error => Failed,
            Pause => CreatingCheckpoint,
            Cancel => Cancelled,
        }
        /// Scheduled steps are running.
        ExecutingSteps = "executing_steps" {
            StepCompleted => AwaitingCompletion,
            Error => Failed,
            Pause => CreatingCheckpoint,
            Cancel => Cancelled,
        }
        /// Some steps are over, others are awaited.
        AwaitingCompletion = "awaiting_completion" {
            StepsScheduled => ExecutingSteps,
            StepCompleted => AwaitingCompletion,
            AllStepsCompleted => AggregatingResults,
            CheckpointCreated => AwaitingCompletion,
            Error => Failed,
            Pause => CreatingCheckpoint,
            Cancel => Cancelled,
        }
        /// A pausing execution lets its running attempts end.
        CreatingCheckpoint = "creating_checkpoint" {
            StepCompleted => CreatingCheckpoint,
            CheckpointCreated => Paused,
            Error => Failed,
            Cancel => Cancelled,
        }
        /// Loading what was done before.
        RestoringFromCheckpoint = "restoring_from_checkpoint" {
            CheckpointRestored => SchedulingSteps,
            Error => Failed,
            Cancel => Cancelled,
        }
        /// Putting the run's result together.
        AggregatingResults = "aggregating_results" {
            ResultsAggregated => Completed,
            Error => Failed,
            Cancel => Cancelled,
        }
        /// Every step is done; final.
        Completed = "completed" {}
        /// Something failed; final.
        Failed = "failed" {}
        /// Stopped by request, with a checkpoint; waits to be resumed.
        Paused = "paused" {
            Error => Failed,
            Resume => RestoringFromCheckpoint,
            Cancel => Cancelled,
        }
        /// Stopped for good by request; final.
        Cancelled = "cancelled" {}
    }
}
