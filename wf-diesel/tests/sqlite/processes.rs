//! Several processes on one file, and one that dies.

use std::env;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use futures::FutureExt;
use futures::executor::block_on;
use wf_core::store::Store;
use wf_diesel::SqliteStore;

use crate::fixtures::{Scratch, assert_sound, new_execution, result_of, started};

/// Names the database to the process that a test starts of itself.
const DATABASE: &str = "WF_DIESEL_TEST_DATABASE";

/// How many commits are answered before the process dies.
const ANSWERED: u32 = 40;

/// Starts the test of that name in a process of its own.
fn child(test: &str, scratch: &Scratch) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("processes::{test}"), "--nocapture"])
        .env(DATABASE, scratch.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn database_of_the_parent() -> Option<PathBuf> {
    env::var_os(DATABASE).map(PathBuf::from)
}

#[test]
fn what_was_answered_survives_the_death_of_the_process() {
    if let Some(path) = database_of_the_parent() {
        commit_and_die(path);
    }
    let scratch = Scratch::new();
    let status = child(
        "what_was_answered_survives_the_death_of_the_process",
        &scratch,
    )
    .wait()
    .unwrap();
    assert!(!status.success());

    let store = scratch.open();
    let loaded = block_on(store.load(&"e".into())).unwrap().unwrap();
    let steps = u64::try_from(loaded.steps.len()).unwrap();
    // Those that were not answered are there as a whole, or not at all.
    assert!(steps >= u64::from(ANSWERED), "{steps}");
    assert_eq!(loaded.execution.revision, steps + 1);
    assert_sound(&scratch.path());
}

fn commit_and_die(path: PathBuf) -> ! {
    let store = SqliteStore::open(path).unwrap();
    let mut row = started(&store, "e", 100);
    for step in 0..ANSWERED {
        block_on(store.commit(result_of(&row, step, u64::from(step) + 1))).unwrap();
        row.revision += 1;
    }
    for step in ANSWERED..ANSWERED + 20 {
        let _unanswered = store
            .commit(result_of(&row, step, u64::from(step) + 1))
            .now_or_never();
        row.revision += 1;
    }
    std::process::abort();
}

#[test]
fn processes_that_open_a_new_file_at_once_all_succeed() {
    if let Some(path) = database_of_the_parent() {
        let store = SqliteStore::open(path).unwrap();
        block_on(store.create(new_execution(&format!("e{}", std::process::id()), 5))).unwrap();
        return;
    }
    let scratch = Scratch::new();
    let mut children: Vec<_> = (0..6)
        .map(|_| {
            child(
                "processes_that_open_a_new_file_at_once_all_succeed",
                &scratch,
            )
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let store = scratch.open();
    assert_eq!(block_on(store.executions()).unwrap().len(), children.len());
    assert_eq!(block_on(store.workflows()).unwrap().len(), 1);
    assert_sound(&scratch.path());
}
