//! Both faces agree with the table, pair by pair.

use std::collections::BTreeMap;

use super::*;
use crate::id::ExecutionId;
use crate::step::Outcome;

/// The table as the contract gives it: a copy of its own, so that a slip in the macro's table shows.
const TABLE: &str = include_str!("../../tests/lifecycle.tsv");

fn table() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let rows = TABLE.lines().skip(1).map(|row| {
        let mut cells = row.split('\t');
        let mut cell = || cells.next().expect("three cells in each row");
        ((cell(), cell()), cell())
    });
    rows.collect()
}

fn row() -> Row {
    Row {
        id: ExecutionId::from("e"),
        token: 1,
        revision: 0,
    }
}

fn any_event(kind: EventKind) -> Event {
    let step = StepOutcome {
        step: 0,
        outcome: Outcome::Succeeded,
    };
    match kind {
        EventKind::StartWorkflow => Event::StartWorkflow,
        EventKind::WorkflowParsed => Event::WorkflowParsed,
        EventKind::ValidationComplete => Event::ValidationComplete,
        EventKind::DependencyGraphBuilt => Event::DependencyGraphBuilt,
        EventKind::StepsScheduled => Event::StepsScheduled { steps: 1 },
        EventKind::StepCompleted => Event::StepCompleted { step },
        EventKind::AllStepsCompleted => Event::AllStepsCompleted,
        EventKind::CheckpointCreated => Event::CheckpointCreated {
            checkpoint: CheckpointId::from("c"),
        },
        EventKind::CheckpointRestored => Event::CheckpointRestored,
        EventKind::ResultsAggregated => Event::ResultsAggregated,
        EventKind::Error => Event::Error {
            message: String::new(),
        },
        EventKind::Pause => Event::Pause,
        EventKind::Resume => Event::Resume,
        EventKind::Cancel => Event::Cancel,
    }
}

/// What the typed face makes of a pair: an inherent method wins over [`Illegal`]'s of the same name, so
/// that a call compiles for all 196 pairs and tells which of the two it found.
trait Illegal: Sized {
    fn start_workflow(self) {}
    fn workflow_parsed(self) {}
    fn validation_complete(self) {}
    fn dependency_graph_built(self) {}
    fn steps_scheduled(self, _: u32) {}
    fn step_completed(self, _: StepOutcome) {}
    fn all_steps_completed(self) {}
    fn checkpoint_created(self, _: CheckpointId) {}
    fn checkpoint_restored(self) {}
    fn results_aggregated(self) {}
    fn error(self, _: String) {}
    fn pause(self) {}
    fn resume(self) {}
    fn cancel(self) {}
}
impl<S> Illegal for Execution<S> {}
impl<F, T> Illegal for Pending<F, T> {}

trait Reached {
    fn state(&self) -> Option<State>;
}
impl Reached for () {
    fn state(&self) -> Option<State> {
        None
    }
}
impl<F: StateType, T: StateType> Reached for Pending<F, T> {
    fn state(&self) -> Option<State> {
        Some(T::STATE)
    }
}

macro_rules! typed_pairs {
    ($pairs:ident: $($state:ident)+) => { $(
        // Once on an execution, and once in the middle of a path.
        typed_pairs!(@events $pairs $state: Execution::<state::$state>::new(row()));
        typed_pairs!(@events $pairs $state: Execution::<state::$state>::new(row()).path());
    )+ };
    (@events $pairs:ident $state:ident: $from:expr) => {
        let step = StepOutcome { step: 0, outcome: Outcome::Succeeded };
        let mut found = |event: EventKind, reached: &dyn Reached| {
            $pairs.push((State::$state, event, reached.state()));
        };
        found(EventKind::StartWorkflow, &$from.start_workflow());
        found(EventKind::WorkflowParsed, &$from.workflow_parsed());
        found(EventKind::ValidationComplete, &$from.validation_complete());
        found(EventKind::DependencyGraphBuilt, &$from.dependency_graph_built());
        found(EventKind::StepsScheduled, &$from.steps_scheduled(1));
        found(EventKind::StepCompleted, &$from.step_completed(step));
        found(EventKind::AllStepsCompleted, &$from.all_steps_completed());
        found(EventKind::CheckpointCreated, &$from.checkpoint_created(CheckpointId::from("c")));
        found(EventKind::CheckpointRestored, &$from.checkpoint_restored());
        found(EventKind::ResultsAggregated, &$from.results_aggregated());
        found(EventKind::Error, &$from.error(String::new()));
        found(EventKind::Pause, &$from.pause());
        found(EventKind::Resume, &$from.resume());
        found(EventKind::Cancel, &$from.cancel());
    };
}

#[test]
fn the_typed_face_agrees_with_the_table_on_every_pair() {
    let mut pairs = Vec::new();
    typed_pairs!(pairs: Idle Parsing ValidatingWorkflow BuildingDependencyGraph SchedulingSteps ExecutingSteps
        AwaitingCompletion CreatingCheckpoint RestoringFromCheckpoint AggregatingResults Completed Failed Paused
        Cancelled);
    assert_eq!(pairs.len(), 2 * 196);
    let table = table();
    for (state, event, reached) in pairs {
        let expected = table.get(&(state.type_name(), event.name())).copied();
        assert_eq!(
            reached.map(State::type_name),
            expected,
            "{state:?} + {event:?}"
        );
    }
}

#[test]
fn the_dynamic_face_agrees_with_the_table_on_every_pair() {
    let table = table();
    assert_eq!(table.len(), 41);
    let mut pairs = 0;
    for &state in State::ALL {
        for &kind in EventKind::ALL {
            let expected = table.get(&(state.type_name(), kind.name())).copied();
            let event = any_event(kind);
            assert_eq!(event.kind(), kind);
            let reached = transition(state, &event);
            assert_eq!(
                reached.ok().map(State::type_name),
                expected,
                "{state:?} + {kind:?}"
            );
            assert_eq!(validate_transition(state, kind), expected.is_some());
            pairs += 1;
        }
    }
    assert_eq!(pairs, 196);
}

#[test]
fn generic_code_sees_the_same_table() {
    fn next<S: On<E>, E>() -> State {
        <S::Next as StateType>::STATE
    }
    assert_eq!(
        next::<state::Paused, event::Resume>(),
        State::RestoringFromCheckpoint
    );
    assert_eq!(
        next::<state::AwaitingCompletion, event::CheckpointCreated>(),
        State::AwaitingCompletion
    );
}

#[test]
fn three_states_are_final_and_only_a_paused_execution_can_be_resumed() {
    let terminal: Vec<_> = State::ALL
        .iter()
        .filter(|state| state.is_terminal())
        .collect();
    assert_eq!(
        terminal,
        [&State::Completed, &State::Failed, &State::Cancelled]
    );
    let resumable: Vec<_> = State::ALL
        .iter()
        .filter(|state| state.can_resume())
        .collect();
    assert_eq!(resumable, [&State::Paused]);
}

#[test]
fn every_state_is_found_by_its_name() {
    for &state in State::ALL {
        assert_eq!(State::parse(state.name()), Some(state));
        assert_eq!(state.to_string(), state.name());
        assert_eq!(AnyExecution::new(state, row()).state(), state);
    }
    assert_eq!(State::parse("Idle"), None);
}

#[test]
fn a_state_is_its_own_type_and_no_other() {
    let any = AnyExecution::new(State::Paused, row());
    let any = Execution::<state::Idle>::try_from(any).expect_err("it is paused, not idle");
    let paused = Execution::<state::Paused>::try_from(any).expect("it is paused");
    assert_eq!(format!("{paused:?}"), "Execution<Paused>(e at revision 0)");
    let pending = paused.resume();
    assert_eq!(pending.state(), State::RestoringFromCheckpoint);
    assert_eq!(
        format!("{pending:?}"),
        "Pending<Paused, RestoringFromCheckpoint>(e)"
    );
    assert_eq!(
        AnyExecution::from(Execution::<state::Failed>::new(row())).row(),
        &row()
    );
}

#[test]
fn an_illegal_event_says_what_is_legal() {
    let error = transition(State::Paused, &Event::Pause).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event `Pause` is not legal in state `Paused`; legal here: `Error`, `Resume`, `Cancel`"
    );
    assert_eq!(
        (error.state(), error.event()),
        (State::Paused, EventKind::Pause)
    );
    let error = transition(State::Failed, &Event::Resume).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event `Resume` is not legal in state `Failed`, which is final"
    );
    assert_eq!(EventKind::Resume.to_string(), "Resume");
}

#[test]
fn the_sql_check_allows_every_state_and_nothing_else() {
    let names: Vec<String> = State::ALL
        .iter()
        .map(|state| format!("state = '{}'", state.name()))
        .collect();
    assert_eq!(STATE_CHECK_SQL, names.join(" OR "));
}

#[test]
fn the_diagram_has_a_line_per_legal_pair() {
    assert_eq!(MERMAID.matches(" --> ").count(), 41);
    assert!(MERMAID.contains("    Paused --> RestoringFromCheckpoint: Resume\n"));
}
