//! What a commit costs, counted: statements, and bytes written to the log. No test here looks at a clock.

use std::cell::RefCell;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};
use futures::executor::block_on;
use wf_core::id::CheckpointId;
use wf_core::lifecycle::{Event, Row, State};
use wf_core::step::{Outcome, StepOutcome};
use wf_core::store::{Commit, NewCheckpoint, Store, Writes};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

use crate::fixtures::{Scratch, moment, new_execution, result_of, started};

thread_local! {
    /// Counts the statements of the connections that this thread opens, while there is one.
    static COUNTER: RefCell<Option<Arc<AtomicU64>>> = const { RefCell::new(None) };
}

struct Counting(Arc<AtomicU64>);

impl Instrumentation for Counting {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn counting() -> Option<Box<dyn Instrumentation>> {
    let counter = COUNTER.with_borrow(Clone::clone)?;
    Some(Box::new(Counting(counter)))
}

/// A database whose statements and written bytes are counted.
struct Counted {
    scratch: Scratch,
    store: SqliteStore,
    statements: Arc<AtomicU64>,
}

/// What so many commits have cost, all together.
#[derive(Debug, Clone, Copy)]
struct Cost {
    statements: u64,
    bytes: u64,
}

impl Counted {
    fn new() -> Self {
        let (scratch, statements) = (Scratch::new(), Arc::default());
        set_default_instrumentation(counting).unwrap();
        COUNTER.set(Some(Arc::clone(&statements)));
        let store = scratch.open();
        COUNTER.set(None);
        Counted {
            scratch,
            store,
            statements,
        }
    }

    /// What is done costs so much.
    fn cost(&self, act: impl FnOnce()) -> Cost {
        let mut other = self.scratch.connection();
        other
            .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        // Whoever reads keeps the log from being written over from its beginning: its length then says it all.
        let mut reader = self.scratch.connection();
        reader
            .batch_execute("BEGIN; SELECT count(*) FROM workflows")
            .unwrap();
        let before = self.statements.load(Ordering::Relaxed);
        act();
        let log = fs::metadata(self.scratch.folder().join("ax.db-wal")).unwrap();
        assert!(log.len() > 0);
        Cost {
            statements: self.statements.load(Ordering::Relaxed) - before,
            bytes: log.len(),
        }
    }
}

#[track_caller]
fn assert_within(percent: u64, early: Cost, late: Cost) {
    let is_close = |a: u64, b: u64| a.abs_diff(b) * 100 <= a.min(b) * percent;
    assert!(
        is_close(early.statements, late.statements) && is_close(early.bytes, late.bytes),
        "{early:?} and {late:?}"
    );
}

const LONG: u32 = 100_200;

#[test]
fn a_checkpoint_costs_the_same_at_step_100_and_at_step_100_000() {
    let counted = Counted::new();
    let mut row = started(&counted.store, "e", LONG as usize);
    let mut done = 0;
    let mut costs = Vec::new();
    for step in [100, 100_000] {
        row = bring_to(&counted.store, row, &mut done, step);
        let by_itself = counted.cost(|| {
            for _ in 0..50 {
                row = one_step(&counted.store, &row, &mut done, true);
            }
        });
        let by_hand = counted.cost(|| {
            for number in 0..50 {
                let id = CheckpointId::from(format!("{step} {number}"));
                block_on(counted.store.create_checkpoint(&row.id, &id, moment(9))).unwrap();
            }
        });
        costs.push((by_itself, by_hand));
    }
    let [(early, early_by_hand), (late, late_by_hand)] = costs[..] else {
        panic!("{costs:?}");
    };
    println!(
        "50 checkpoints at step 100, then at step 100,000, by themselves and by hand: {costs:?}"
    );
    assert_within(20, early, late);
    assert_within(20, early_by_hand, late_by_hand);
    // Both were counted: five statements for a step with its checkpoint, with those that begin and end the transaction.
    assert!(
        early.statements >= 5 * 50 && early_by_hand.statements >= 4 * 50,
        "{costs:?}"
    );
    assert!(
        early.bytes / 50 < 60_000 && early_by_hand.bytes / 50 < 30_000,
        "{costs:?}"
    );
}

/// Commits steps, many at once, until there are so many.
fn bring_to(store: &SqliteStore, mut row: Row, done: &mut u32, until: u32) -> Row {
    while *done < until {
        let mut commit = result_of(&row, *done, u64::from(*done) + 1);
        for step in *done + 1..until.min(*done + 1000) {
            let more = result_of(&row, step, u64::from(step) + 1).writes.steps;
            commit.writes.steps.extend(more);
        }
        *done += u32::try_from(commit.writes.steps.len()).unwrap();
        block_on(store.commit(commit)).unwrap();
        row.revision += 1;
    }
    row
}

/// Commits one step, perhaps with a checkpoint.
fn one_step(store: &SqliteStore, row: &Row, done: &mut u32, marked: bool) -> Row {
    let seq = u64::from(*done) + 1;
    let mut commit = result_of(row, *done, seq);
    if marked {
        let id = CheckpointId::of(&row.id, row.revision + 1);
        commit.writes.checkpoint = Some(NewCheckpoint::new(id, seq));
    }
    *done += 1;
    block_on(store.commit(commit)).unwrap();
    Row {
        revision: row.revision + 1,
        ..row.clone()
    }
}

#[test]
fn a_commit_of_a_run_with_large_inputs_writes_no_more_than_one_with_small_inputs() {
    let [small, large] = [10, 4 << 20].map(|length| {
        let counted = Counted::new();
        let mut new = new_execution("e", 100);
        new.context = Json::string(&"x".repeat(length));
        block_on(counted.store.create(new)).unwrap();
        let mut row = begun(&counted.store);
        let mut commits = || {
            for at in 0..20 {
                // Past the first numbers, whose own lengths differ.
                row = back_and_forth(&counted.store, &row, 1_000 + at);
            }
        };
        commits();
        counted.cost(&mut commits)
    });
    println!("40 commits with inputs of 10 bytes: {small:?}; of 4 MiB: {large:?}");
    assert_within(20, small, large);
    assert!(large.bytes < 20 * 2 * 20_000, "{large:?}");
}

fn begun(store: &SqliteStore) -> Row {
    let row = Row {
        id: "e".into(),
        token: 1,
        revision: 0,
    };
    let path = vec![
        Event::StartWorkflow,
        Event::WorkflowParsed,
        Event::ValidationComplete,
        Event::DependencyGraphBuilt,
        Event::StepsScheduled { steps: 1 },
    ];
    commit(store, &row, State::Idle, path, 1_000)
}

/// Two commits: to a state whose name has another length, and back.
fn back_and_forth(store: &SqliteStore, row: &Row, driven: u64) -> Row {
    let step = StepOutcome {
        step: 0,
        outcome: Outcome::Succeeded,
    };
    let row = commit(
        store,
        row,
        State::ExecutingSteps,
        vec![Event::StepCompleted { step }],
        driven,
    );
    let path = vec![Event::StepsScheduled { steps: 1 }];
    commit(store, &row, State::AwaitingCompletion, path, driven)
}

fn commit(store: &SqliteStore, row: &Row, from: State, path: Vec<Event>, driven: u64) -> Row {
    let writes = Writes::new(moment(5), driven);
    block_on(store.commit(Commit::new(row.clone(), from, path, writes).unwrap())).unwrap();
    Row {
        revision: row.revision + 1,
        ..row.clone()
    }
}
