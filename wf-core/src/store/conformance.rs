//! One conformance suite that every [`Store`] must pass.
//!
//! Each function is one case, on a store that is empty; [`store_conformance!`](crate::store_conformance) makes a test
//! of each.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod checkpoints;
mod commits;
mod control;
mod executions;
mod restoring;

pub use checkpoints::*;
pub use commits::*;
pub use control::*;
pub use executions::*;
pub use restoring::*;

use std::sync::Arc;

use crate::id::{ExecutionId, Owner, Timestamp};
use crate::lifecycle::{Event, Row, State};
use crate::plan::{Definition, Step};
use crate::step::{Attempt, Outcome, StepOutcome, StepState};
use crate::store::{
    Claim, Commit, ExecutionRecord, LoadedExecution, NewExecution, NewWorkflow, Origin, StepRecord,
    StepWrite, Store, StoreError, Writes,
};
use crate::value::Json;

#[doc(hidden)]
pub use futures::executor::block_on;

/// Makes a test of every case of the [conformance suite](crate::store::conformance).
///
/// Its argument opens an empty store: a function or closure without parameters, whose value dereferences to one. The
/// value is dropped when the case is over.
///
/// # Examples
///
/// ```
/// mod memory {
///     wf_core::store_conformance!(|| Box::new(wf_core::store::MemoryStore::new()));
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($open:expr) => {
        $crate::store_conformance! {
            @cases $open;
            a_new_execution_is_idle_and_leased_to_its_owner
            an_identifier_is_taken_once
            a_workflow_is_stored_once_for_all_its_executions
            what_is_not_there_is_none
            lists_are_newest_first
            lists_are_picked_by_what_is_asked_for
            every_text_and_moment_is_kept_as_it_is
            a_commit_writes_the_whole_path_and_its_steps
            a_commit_without_a_path_records_work_alone
            a_step_row_is_updated_in_place
            a_commit_from_a_stale_state_token_or_revision_is_a_conflict
            of_two_commits_from_one_revision_one_is_a_conflict
            an_illegal_path_is_rejected
            a_commit_to_an_unknown_execution_is_an_error
            the_end_gives_the_lease_back_and_is_final
            a_pause_gives_the_lease_back
            an_error_is_recorded_until_the_execution_goes_on
            when_a_paused_execution_can_go_on_is_recorded_until_it_does
            step_rows_that_cannot_be_written_reject_the_commit
            steps_of_two_executions_are_kept_apart
            durations_are_those_of_a_completed_execution
            the_most_that_each_agent_has_used_is_known
            a_claim_raises_the_token_and_clears_the_request_to_pause
            a_claim_that_keeps_a_request_to_pause_tells_of_it
            a_claim_to_a_row_that_has_changed_is_a_conflict
            an_execution_that_has_ended_cannot_be_claimed
            the_former_owner_is_refused_after_a_claim
            leases_are_renewed_where_they_are_named_and_held
            a_request_to_pause_leaves_the_revision
            a_request_to_pause_what_is_paused_or_over_does_nothing
            cancelling_ends_the_execution_and_its_steps
            cancelling_marks_what_is_done
            cancelling_twice_is_cancelling_once
            what_has_ended_is_not_cancelled
            a_paused_execution_can_be_cancelled
            the_owner_is_refused_after_a_cancel
            control_of_an_unknown_execution_is_not_found
            a_watch_yields_after_a_cancel_a_request_to_pause_and_a_claim
            a_watch_that_was_dropped_is_in_nobodys_way
            checkpoints_are_listed_newest_first
            a_checkpoint_covers_the_steps_up_to_its_mark
            the_identifier_of_a_checkpoint_is_taken_once
            one_checkpoint_is_read_as_it_is_listed
            a_checkpoint_by_hand_covers_what_is_recorded_and_leaves_the_row
            a_checkpoint_by_hand_of_what_is_over_or_unknown_is_refused
            no_number_that_a_checkpoint_covers_is_given_again
            a_restored_execution_stands_where_the_checkpoint_was
            a_restored_execution_needs_its_source_no_more
            a_failure_is_restored_only_where_it_is_optional
            a_restored_execution_can_be_restored_from
            an_execution_is_restored_to_an_identifier_that_is_free
            a_deleted_checkpoint_is_gone_and_its_steps_stay
            pruning_spares_the_newest_checkpoint_of_what_has_not_ended
            a_clock_that_was_set_back_makes_no_checkpoint_older
            pruning_spares_what_an_execution_was_restored_from
            what_is_driven_is_unfinished_and_nothing_else
        }
    };
    (@cases $open:expr; $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                let opened = ($open)();
                $crate::store::conformance::block_on($crate::store::conformance::$case(&*opened));
            }
        )+
    };
}

/// The moment at which every case begins.
const START: i64 = 1_700_000_000_000;

/// A moment some milliseconds after the case began.
fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

/// A workflow of three steps: two that nothing precedes, and one that needs both.
fn workflow(id: &str) -> NewWorkflow {
    let step = |key: &str| Step::new(key, "backend", "say {{input}}");
    let mut last = step("c");
    last.dependencies = vec!["a".to_owned(), "b".to_owned()];
    let mut definition = Definition::new(format!("workflow {id}"));
    definition.description = Some("for tests".to_owned());
    definition.steps = vec![step("a"), step("b"), last];
    NewWorkflow::new(
        id.into(),
        Arc::new(definition),
        json(r#"{"name":"w"}"#),
        format!("hash of {id}"),
    )
}

fn new_execution(id: &str) -> NewExecution {
    NewExecution::new(
        id.into(),
        workflow("w"),
        json(r#"{"inputs":{"n":1}}"#),
        "owner".into(),
        moment(10_000),
        moment(0),
        Origin {
            agents_file: Some("agents.yaml".to_owned()),
            directory: None,
        },
    )
}

/// Creates an execution, and brings it to `executing_steps`.
async fn started(store: &dyn Store, id: &str) -> Row {
    store
        .create(new_execution(id))
        .await
        .expect("a new execution");
    let row = Row {
        id: id.into(),
        token: 1,
        revision: 0,
    };
    commit(
        store,
        &row,
        State::Idle,
        opening(),
        Writes::new(moment(1), 1),
    )
    .await
    .expect("the opening")
}

/// The events from `idle` to `executing_steps`.
fn opening() -> Vec<Event> {
    vec![
        Event::StartWorkflow,
        Event::WorkflowParsed,
        Event::ValidationComplete,
        Event::DependencyGraphBuilt,
        Event::StepsScheduled { steps: 2 },
    ]
}

/// The events from `executing_steps` to `completed`.
fn ending() -> Vec<Event> {
    vec![
        step_completed(2),
        Event::AllStepsCompleted,
        Event::ResultsAggregated,
    ]
}

fn step_completed(step: u32) -> Event {
    Event::StepCompleted {
        step: StepOutcome {
            step,
            outcome: Outcome::Succeeded,
        },
    }
}

/// Writes a path to `row`, and gives the row as it stands after it.
async fn commit(
    store: &dyn Store,
    row: &Row,
    from: State,
    path: Vec<Event>,
    writes: Writes,
) -> Result<Row, StoreError> {
    let commit = Commit::new(row.clone(), from, path, writes).expect("a legal path");
    store.commit(commit).await?;
    Ok(Row {
        revision: row.revision + 1,
        ..row.clone()
    })
}

/// Pauses an execution that is in `executing_steps`.
async fn paused(store: &dyn Store, row: &Row) -> Row {
    let checkpoint = Event::CheckpointCreated {
        checkpoint: "c".into(),
    };
    commit(
        store,
        row,
        State::ExecutingSteps,
        vec![Event::Pause, checkpoint],
        Writes::new(moment(2), 2),
    )
    .await
    .expect("a pause")
}

/// Ends an execution that is in `executing_steps`.
async fn completed(store: &dyn Store, row: &Row) -> Row {
    commit(
        store,
        row,
        State::ExecutingSteps,
        ending(),
        Writes::new(moment(3), 3),
    )
    .await
    .expect("an end")
}

async fn execution(store: &dyn Store, id: &ExecutionId) -> ExecutionRecord {
    store
        .execution(id)
        .await
        .expect("an answer")
        .expect("an execution")
}

async fn load(store: &dyn Store, id: &ExecutionId) -> LoadedExecution {
    store
        .load(id)
        .await
        .expect("an answer")
        .expect("an execution")
}

/// A step row that says it was done, as number `seq` of its execution.
fn done(seq: u64) -> StepRecord {
    StepRecord {
        state: StepState::Completed,
        seq: Some(seq),
        result: Some(json(r#"{"files":["a.rs"]}"#)),
        error: None,
        started_at: Some(moment(1)),
        completed_at: Some(moment(5)),
        attempts: vec![Attempt::start(1, moment(1)).end(moment(5), None)].into(),
        retry_base: 0,
    }
}

fn running() -> StepRecord {
    StepRecord {
        state: StepState::Running,
        started_at: Some(moment(1)),
        attempts: vec![Attempt::start(1, moment(1))].into(),
        ..StepRecord::pending()
    }
}

fn insert(step: u32, record: StepRecord) -> StepWrite {
    StepWrite::insert(step, record)
}

fn update(step: u32, record: StepRecord) -> StepWrite {
    StepWrite::update(step, record)
}

/// Writes that consist of step rows.
fn steps(steps: Vec<StepWrite>) -> Writes {
    Writes {
        steps,
        ..Writes::new(moment(5), 5)
    }
}

fn owner(name: &str) -> Owner {
    name.into()
}

fn json(text: &str) -> Json {
    Json::parse(text).expect("JSON")
}
