//! Another that holds the database for too long, and rows that this store has not written.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use futures::executor::block_on;
use wf_core::store::Store;
use wf_diesel::SqliteStore;

use crate::fixtures::{Scratch, assert_sound, moment, new_execution, result_of, revision, started};

#[test]
fn a_database_that_another_holds_is_busy_and_nothing_is_written() {
    let scratch = Scratch::new();
    let store = SqliteStore::options()
        .busy_timeout(Duration::from_millis(50))
        .open(scratch.path())
        .unwrap();
    let row = started(&store, "e", 1);
    let mut other = scratch.connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    assert!(
        block_on(store.create(new_execution("f", 1)))
            .unwrap_err()
            .is_busy()
    );
    assert!(
        block_on(store.commit(result_of(&row, 0, 1)))
            .unwrap_err()
            .is_busy()
    );
    assert!(
        block_on(store.cancel(&"e".into(), moment(9)))
            .unwrap_err()
            .is_busy()
    );
    // Reading goes on.
    assert_eq!(revision(&store, "e"), 1);
    other.batch_execute("ROLLBACK").unwrap();
    block_on(store.commit(result_of(&row, 0, 1))).unwrap();
    assert_eq!(block_on(store.executions()).unwrap().len(), 1);
    assert_sound(&scratch.path());
}

#[test]
fn a_write_waits_for_another_that_is_done_in_time() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut other = scratch.connection();
    other
        .batch_execute("BEGIN IMMEDIATE; CREATE TABLE notes (text TEXT)")
        .unwrap();
    std::thread::scope(|scope| {
        let written = scope.spawn(|| block_on(store.create(new_execution("e", 1))));
        other.batch_execute("COMMIT").unwrap();
        written.join().unwrap().unwrap();
    });
}

#[test]
fn a_row_that_this_store_has_not_written_is_damaged_and_not_a_panic() {
    for (table, change) in [
        ("workflow_step_executions", "attempts = 'nonsense'"),
        ("workflow_step_executions", "attempts = '[{}]'"),
        ("workflow_step_executions", "seq = -1"),
        ("workflow_executions", "revision = -1"),
        ("workflow_executions", "fencing_token = -9"),
        ("workflow_executions", "last_seq = -1"),
    ] {
        let scratch = Scratch::new();
        let store = scratch.open();
        let row = started(&store, "e", 1);
        block_on(store.commit(result_of(&row, 0, 1))).unwrap();
        scratch
            .connection()
            .batch_execute(&format!("UPDATE {table} SET {change}"))
            .unwrap();
        let refused = block_on(store.load(&"e".into())).unwrap_err();
        assert!(refused.is_damaged(), "{change}: {refused:?}");
        assert!(!refused.to_string().contains("nonsense"));
    }
}

#[test]
fn tables_that_are_gone_are_damage() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let row = started(&store, "e", 1);
    scratch
        .connection()
        .batch_execute("PRAGMA foreign_keys = OFF; DROP TABLE workflow_executions")
        .unwrap();
    assert!(
        block_on(store.commit(result_of(&row, 0, 1)))
            .unwrap_err()
            .is_damaged()
    );
    assert!(block_on(store.executions()).unwrap_err().is_damaged());
}

#[test]
fn a_number_that_sqlite_cannot_hold_is_rejected() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let row = started(&store, "e", 1);
    let mut commit = result_of(&row, 0, u64::MAX);
    assert!(
        block_on(store.commit(commit.clone()))
            .unwrap_err()
            .is_rejected()
    );
    commit.writes.steps.clear();
    commit.writes.driven_millis = u64::MAX;
    assert!(block_on(store.commit(commit)).unwrap_err().is_rejected());
    assert_eq!(revision(&store, "e"), 1);
}
