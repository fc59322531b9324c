//! A file of the database is deleted, moved or replaced while it is open.

use std::fs;
use std::path::{Path, PathBuf};

use futures::StreamExt;
use futures::executor::block_on;
use wf_core::lifecycle::{Event, Row, State};
use wf_core::step::{Outcome, StepOutcome};
use wf_core::store::{Commit, Store, StoreError, Writes};
use wf_diesel::SqliteStore;

use crate::fixtures::{Scratch, moment, new_execution, result_of, started};

/// Takes a file away.
type Take = fn(&Path);

/// The ways to take a file away, and what is to be said of each.
const WAYS: &[(Take, &str)] = &[
    (
        |path| fs::remove_file(path).unwrap(),
        "was deleted or moved",
    ),
    (
        |path| fs::rename(path, path.with_extension("old")).unwrap(),
        "was deleted or moved",
    ),
    (
        |path| {
            let folder = path.parent().unwrap();
            fs::rename(folder, folder.with_extension("old")).unwrap();
        },
        "was deleted or moved",
    ),
    (
        |path| {
            let other = path.with_extension("other");
            drop(SqliteStore::open(&other).unwrap());
            fs::rename(other, path).unwrap();
        },
        "was replaced by another file",
    ),
    (
        |path| fs::remove_file(beside(path, "-wal")).unwrap(),
        "lost its log",
    ),
    (
        |path| fs::remove_file(beside(path, "-shm")).unwrap(),
        "lost the index of its log",
    ),
    (
        |path| {
            // As another process that opens it would: it makes a log of its own.
            let log = beside(path, "-wal");
            fs::rename(&log, log.with_extension("old")).unwrap();
            fs::write(&log, "").unwrap();
        },
        "lost its log",
    ),
];

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    path.with_file_name(format!("{name}{suffix}"))
}

/// A store in a folder of its own below the scratch folder.
fn opened(scratch: &Scratch) -> (SqliteStore, PathBuf) {
    let path = scratch.folder().join("kept/ax.db");
    (SqliteStore::open(&path).unwrap(), path)
}

#[track_caller]
fn assert_gone<T: std::fmt::Debug>(answer: Result<T, StoreError>, path: &Path, why: &str) {
    let error = answer.unwrap_err();
    assert!(error.is_gone(), "{error:?}");
    let named = format!(
        "the database `{}` {why} while it was in use",
        path.display()
    );
    assert!(error.to_string().starts_with(&named), "{error}");
}

#[test]
fn every_answer_but_that_to_a_commit_in_the_middle_says_that_the_file_is_gone() {
    for (take_away, why) in WAYS {
        let scratch = Scratch::new();
        let (store, path) = opened(&scratch);
        started(&store, "e", 1);
        take_away(&path);
        assert_gone(block_on(store.create(new_execution("f", 1))), &path, why);
        assert_gone(block_on(store.execution(&"e".into())), &path, why);
        let renewed = store.renew(&"owner".into(), &["e".into()], moment(9));
        assert_gone(block_on(renewed), &path, why);
        assert_gone(block_on(store.cancel(&"e".into(), moment(9))), &path, why);
    }
}

#[cfg(unix)]
#[test]
fn a_log_is_missed_also_by_who_came_by_a_link() {
    let scratch = Scratch::new();
    let link = scratch.folder().join("link.db");
    std::os::unix::fs::symlink("kept/ax.db", &link).unwrap();
    let (_, path) = opened(&scratch);
    let store = SqliteStore::open(&link).unwrap();
    started(&store, "e", 1);
    fs::remove_file(beside(&path, "-wal")).unwrap();
    assert_gone(
        block_on(store.execution(&"e".into())),
        &link,
        "lost its log",
    );
}

#[test]
fn a_run_cannot_end_in_a_file_that_is_gone() {
    for (take_away, why) in WAYS {
        let scratch = Scratch::new();
        let (store, path) = opened(&scratch);
        let row = started(&store, "e", 1);
        take_away(&path);
        // One look per run and not per step.
        let step = result_of(&row, 0, 1);
        block_on(store.commit(step)).unwrap();
        let row = Row { revision: 2, ..row };
        let outcome = StepOutcome {
            step: 0,
            outcome: Outcome::Succeeded,
        };
        let end = vec![
            Event::StepCompleted { step: outcome },
            Event::AllStepsCompleted,
            Event::ResultsAggregated,
        ];
        let end = Commit::new(row, State::ExecutingSteps, end, Writes::new(moment(6), 6)).unwrap();
        assert_gone(block_on(store.commit(end)), &path, why);
    }
}

#[test]
fn who_watches_is_told_when_the_file_is_gone() {
    for (take_away, why) in WAYS {
        let scratch = Scratch::new();
        let (store, path) = opened(&scratch);
        started(&store, "e", 1);
        let mut news = store.watch(&"e".into());
        take_away(&path);
        assert_eq!(block_on(news.next()), Some(()));
        while block_on(store.execution(&"e".into())).is_ok() {
            assert_eq!(block_on(news.next()), Some(()));
        }
        assert_gone(block_on(store.execution(&"e".into())), &path, why);
    }
}

#[test]
fn what_was_recorded_is_in_the_folder_that_was_moved() {
    let scratch = Scratch::new();
    let (store, path) = opened(&scratch);
    let row = started(&store, "e", 1);
    let folder = path.parent().unwrap();
    let moved = folder.with_extension("old");
    fs::rename(folder, &moved).unwrap();
    block_on(store.commit(result_of(&row, 0, 1))).unwrap();
    drop(store);
    let store = SqliteStore::open(moved.join("ax.db")).unwrap();
    let found = block_on(store.load(&"e".into())).unwrap().unwrap();
    assert_eq!(found.steps.len(), 1);
}

#[test]
fn a_file_that_comes_back_is_there() {
    let scratch = Scratch::new();
    let (store, path) = opened(&scratch);
    started(&store, "e", 1);
    let away = path.with_extension("away");
    fs::rename(&path, &away).unwrap();
    assert!(block_on(store.executions()).unwrap_err().is_gone());
    fs::rename(&away, &path).unwrap();
    assert_eq!(block_on(store.executions()).unwrap().len(), 1);
}
