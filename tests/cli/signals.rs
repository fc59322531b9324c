//! Ctrl-C and its relatives: the first pauses, the second kills.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::workbench::{Workbench, end};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Reads standard error until a line begins so.
fn until_said(child: &mut Child, beginning: &str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().starts_with(beginning)),
        "`{beginning}` was not said"
    );
    // Whatever is still said must find a reader.
    std::thread::spawn(move || lines.for_each(drop));
}

fn ended(mut child: Child) -> Option<i32> {
    child.wait().unwrap().code()
}

#[test]
fn a_first_signal_pauses_and_prints_the_command_that_resumes() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let workbench = Workbench::stepwise();
        let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
        workbench.hear("up");
        send(&run, signal);
        workbench.until_pausing("x");
        workbench.tell("go", "ok");
        let run = end(run).assert_status(3);
        assert_eq!(run.stdout, "x\n");
        run.assert_says("pausing when the running steps have ended; once more kills them\n")
            .assert_says("paused; continue with: ax workflow resume x\n");
        let status = workbench.workflow(&["status", "x", "--json"]).json();
        assert_eq!(status["state"], "paused");
        assert_eq!(status["steps"]["first"]["state"], "completed");
        let checkpoints = workbench.workflow(&["checkpoints", "x", "--json"]).json();
        assert_eq!(
            checkpoints[0]["completed_steps"],
            serde_json::json!(["first"])
        );
    }
}

#[test]
fn a_second_signal_kills_the_agents_and_exits_130_and_the_execution_can_be_resumed() {
    let workbench = Workbench::stepwise();
    // The program keeps its end of this pipe open for as long as it lives, and wants to live.
    let script = "trap \"\" INT TERM HUP; exec 9>held; echo up >up; read -r word <go; cat";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ worker: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    workbench.pipe("held");
    let held = std::thread::spawn({
        let held = workbench.path("held");
        move || std::fs::read(held).unwrap()
    });
    let mut run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    send(&run, Signal::INT);
    until_said(&mut run, "pausing");
    send(&run, Signal::INT);
    assert_eq!(ended(run), Some(130));
    assert_eq!(held.join().unwrap(), b"");

    workbench.write("agents.yaml", "agents: { worker: { builtin: echo } }\n");
    let resumed = workbench.workflow(&["resume", "x"]).assert_status(0);
    assert_eq!(resumed.told(), "two\n");
}

#[test]
fn a_signal_while_following_stops_only_that() {
    let workbench = Workbench::stepwise();
    let arguments = ["run", "stepwise.yaml", "--id", "x"];
    let run = workbench.start(&arguments);
    workbench.hear("up");
    let mut follower = workbench.start(&arguments);
    until_said(&mut follower, "execution `x` is run by another process");
    send(&follower, Signal::INT);
    assert_eq!(ended(follower), Some(130));
    workbench.tell("go", "ok");
    workbench.hear("up");
    workbench.tell("go", "ok");
    end(run).assert_status(0);
}

#[test]
fn the_loss_of_the_terminal_is_ignored_where_the_user_wants_it_so() {
    let workbench = Workbench::stepwise();
    let mut command = std::process::Command::new("nohup");
    command
        .arg(env!("CARGO_BIN_EXE_ax"))
        .args(["workflow", "run", "stepwise.yaml", "--id", "x"]);
    command
        .current_dir(workbench.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    workbench.hear("up");
    send(&run, Signal::HUP);
    workbench.tell("go", "ok");
    workbench.hear("up");
    workbench.tell("go", "ok");
    assert_eq!(end(run).assert_status(0).told(), "x\ntwo\n");
}

#[test]
fn the_failure_of_an_optional_step_is_no_error_of_a_run_that_the_user_pauses() {
    let workbench = Workbench::stepwise();
    let lines = std::fs::read_to_string(workbench.path("stepwise.yaml")).unwrap();
    let extra = "  - { key: extra, agent: bad, prompt: p, optional: true }\n";
    workbench.write("stepwise.yaml", lines + extra);
    let agents = std::fs::read_to_string(workbench.path("agents.yaml")).unwrap();
    let agents = agents.replace("agents: {", "agents: { bad: { command: ['false'] },");
    workbench.write("agents.yaml", agents);
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    while workbench.workflow(&["status", "x", "--json"]).json()["steps"]["extra"]["state"]
        != "failed"
    {
        std::thread::yield_now();
    }
    send(&run, Signal::INT);
    workbench.until_pausing("x");
    workbench.tell("go", "ok");
    let run = end(run).assert_status(3);
    assert!(!run.stderr.contains("error:"), "{run:?}");
    run.assert_says("step `extra` failed: ")
        .assert_says("(it is optional)\n");
}
