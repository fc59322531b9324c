//! Streams that nobody reads, and a database that another process holds: signals, leases and other processes' wishes
//! still count.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::Duration;

use diesel::Connection;
use diesel::connection::SimpleConnection;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::workbench::{Workbench, end};

/// What is to happen at once has happened by then, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(20);

/// A workflow whose agent writes without end, and never ends by itself.
fn flood(timeout: &str) -> Workbench {
    let workbench = Workbench::new();
    workbench.write(
        "flood.yaml",
        format!("name: Flood\nsteps: [{{ key: a, agent: flood, prompt: p{timeout} }}]\n"),
    );
    // Pipes of programs hold 64 KiB: more than that is written before the pipe is told.
    let script = "head -c 3000000 /dev/zero | tr \"\\\\0\" \"\\\\n\"; echo up >up; exec sleep 1000";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ flood: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    workbench.pipe("up");
    workbench
}

/// Starts `run` with a standard error that is never read.
fn start(workbench: &Workbench) -> Child {
    let run = workbench.start(&["run", "flood.yaml", "--id", "x", "-v"]);
    workbench.hear("up");
    run
}

fn until(mut happened: impl FnMut() -> bool, what: &str) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn ended(child: &mut Child) -> Option<i32> {
    let mut status = None;
    until(
        || {
            status = child.try_wait().unwrap();
            status.is_some()
        },
        "the process has not ended",
    );
    status.unwrap().code()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_second_signal_ends_a_run_whose_standard_error_nobody_reads() {
    let workbench = flood("");
    let mut run = start(&workbench);
    send(&run, Signal::INT);
    workbench.until_pausing("x");
    send(&run, Signal::INT);
    assert_eq!(ended(&mut run), Some(130));
}

#[test]
fn a_cancel_reaches_a_run_whose_standard_error_nobody_reads() {
    let workbench = flood("");
    let run = start(&workbench);
    workbench.workflow(&["cancel", "x"]).assert_status(0);
    let row = || workbench.workflow(&["executions", "--json"]).json()[0].clone();
    assert_eq!(row()["state"], "cancelled");
    // What has not been read yet is there for who comes late, with the end of the story.
    let run = end(run).assert_status(4);
    assert!(
        run.stderr.contains(" lines left out\n"),
        "nothing was left out"
    );
    run.assert_says("error: the execution was cancelled\n");
}

#[test]
fn a_step_times_out_and_the_lease_is_given_back_although_nobody_reads_standard_error() {
    let workbench = flood(", timeout: 2s");
    let run = workbench.start(&["run", "flood.yaml", "--id", "x", "-v"]);
    let status = || workbench.workflow(&["executions", "--json"]).json()[0].clone();
    until(
        || status()["state"] == "failed",
        "the step has not timed out",
    );
    assert_eq!(status()["lease_until"], serde_json::Value::Null);
    end(run).assert_status(1).assert_says("no answer within 2s");
}

#[test]
fn a_result_that_nobody_reads_is_recorded_and_a_signal_ends_the_wait() {
    let workbench = Workbench::new();
    workbench.write(
        "long.yaml",
        "name: Long\nsteps: [{ key: a, agent: long, prompt: p }]\n",
    );
    workbench.write(
        "agents.yaml",
        "agents: { long: { command: [sh, -c, 'head -c 1000000 /dev/zero | tr \"\\\\0\" x'] } }\n",
    );
    let mut run = workbench.start(&["run", "long.yaml", "--id", "x", "--quiet"]);
    // Standard output is open, and is not read beyond the identifier.
    let mut first = String::new();
    let mut stdout = BufReader::with_capacity(1, run.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    assert_eq!(first, "x\n");
    until(
        || workbench.state("x") == "completed",
        "the end is not recorded",
    );
    send(&run, Signal::INT);
    send(&run, Signal::TERM);
    assert_eq!(ended(&mut run), Some(130));
    drop(stdout);
}

#[test]
fn a_reader_that_goes_away_changes_nothing_of_the_run() {
    let workbench = Workbench::greeting();
    let mut run = workbench.start(&["run", "greeting.yaml", "-i", "name=x", "--id", "x", "-v"]);
    drop(run.stderr.take());
    drop(run.stdout.take());
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(workbench.state("x"), "completed");
}

#[test]
fn a_second_signal_ends_a_run_whose_database_another_process_holds() {
    let workbench = Workbench::stepwise();
    let mut run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    let database = workbench.path(".ax/ax.db");
    let mut holder = diesel::SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    holder
        .batch_execute("PRAGMA busy_timeout = 20000; BEGIN EXCLUSIVE")
        .unwrap();
    send(&run, Signal::INT);
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().starts_with("pausing")));
    send(&run, Signal::INT);
    assert_eq!(ended(&mut run), Some(130));
    holder.batch_execute("ROLLBACK").unwrap();
}
