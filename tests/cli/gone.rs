//! The database is taken away from under a run.

use std::fs;

use crate::workbench::{Workbench, end};

#[test]
fn a_run_whose_database_is_deleted_exits_5_and_says_so() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    fs::remove_dir_all(workbench.path(".ax")).unwrap();
    // Its step would wait for ever: it is told at once.
    end(run)
        .assert_status(5)
        .assert_says("ax.db` was deleted or moved while it was in use")
        .assert_says("put a backup in its place, or run the workflow again\n");
    assert!(!workbench.path(".ax/ax.db").exists());
}

#[test]
fn a_run_whose_log_is_deleted_exits_5_and_says_so() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    fs::remove_file(workbench.path(".ax/ax.db-wal")).unwrap();
    fs::remove_file(workbench.path(".ax/ax.db-shm")).unwrap();
    end(run)
        .assert_status(5)
        .assert_says("ax.db` lost its log while it was in use")
        .assert_says("put a backup in its place, or run the workflow again\n");
}

#[test]
fn a_run_whose_folder_is_renamed_goes_on_there() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    workbench.tell("go", "ok");
    workbench.hear("up");
    fs::rename(workbench.path(".ax"), workbench.path("moved")).unwrap();
    end(run)
        .assert_status(5)
        .assert_says("or name where it is with `--db`, and go on with `ax workflow resume`");
    let db = ["--db", "moved/ax.db"];
    let resume = workbench.start(&[&["resume", "x", "--json"][..], &db].concat());
    workbench.hear("up");
    workbench.tell("go", "ok");
    let document = end(resume).assert_status(0).json();
    assert_eq!(document["state"], "completed");
    assert_eq!(document["steps"]["first"]["attempts"], 1);
}

#[test]
fn a_run_whose_database_is_replaced_exits_5_and_writes_nothing_to_the_other() {
    let workbench = Workbench::stepwise();
    workbench.write(
        "other.yaml",
        "name: Other\nsteps: [{ key: a, agent: echo, prompt: p }]\n",
    );
    workbench.write("echo.yaml", "agents: { echo: { builtin: echo } }\n");
    let other = [
        "run",
        "other.yaml",
        "--agents",
        "echo.yaml",
        "--db",
        "other.db",
    ];
    workbench.workflow(&other).assert_status(0);
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    fs::rename(workbench.path("other.db"), workbench.path(".ax/ax.db")).unwrap();
    end(run)
        .assert_status(5)
        .assert_says("ax.db` was replaced by another file while it was in use");
}
