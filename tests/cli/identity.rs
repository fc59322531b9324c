//! `run --id`: one execution, however often it is asked for.

use crate::workbench::{Workbench, end};

const RUN: [&str; 6] = ["run", "greeting.yaml", "--input", "name=x", "--id", "once"];
const STEPWISE: [&str; 4] = ["run", "stepwise.yaml", "--id", "once"];

#[test]
fn a_second_run_reports_the_first_when_that_has_ended() {
    let workbench = Workbench::greeting();
    let first = workbench.workflow(&RUN).assert_status(0);
    assert_eq!(first.told(), "once\nhello x, hello x\n");
    let second = workbench.workflow(&RUN).assert_status(0);
    assert_eq!(second.stdout, first.stdout);
    // No step is told of again: what is said is the result.
    assert_eq!(second.stderr, "hello x, hello x\n");
    assert_eq!(
        workbench
            .workflow(&["executions", "--json"])
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_second_run_of_a_failed_execution_exits_1_again() {
    let workbench = Workbench::greeting();
    workbench.write(
        "agents.yaml",
        "agents: { echo: { command: [sh, -c, 'echo >>ran; exit 1'] } }\n",
    );
    workbench.workflow(&RUN).assert_status(1);
    workbench
        .workflow(&RUN)
        .assert_status(1)
        .assert_says("error: the execution failed: step `greet` failed");
    assert_eq!(
        std::fs::read_to_string(workbench.path("ran")).unwrap(),
        "\n"
    );
}

#[test]
fn a_second_run_of_a_paused_execution_exits_3_and_leaves_it_so() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&STEPWISE);
    workbench.hear("up");
    workbench.workflow(&["pause", "once"]).assert_status(0);
    workbench.until_pausing("once");
    workbench.tell("go", "ok");
    end(run).assert_status(3);
    workbench
        .workflow(&STEPWISE)
        .assert_status(3)
        .assert_says("ax workflow resume once");
    assert_eq!(workbench.state("once"), "paused");
}

#[test]
fn a_second_run_of_a_cancelled_execution_exits_4() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&STEPWISE);
    workbench.hear("up");
    workbench.workflow(&["cancel", "once"]).assert_status(0);
    end(run).assert_status(4);
    workbench
        .workflow(&STEPWISE)
        .assert_status(4)
        .assert_says("cancelled");
}

#[test]
fn a_second_run_follows_the_first_while_it_goes_on() {
    let workbench = Workbench::stepwise();
    let first = workbench.start(&STEPWISE);
    workbench.hear("up");
    let second = workbench.start(&STEPWISE);
    workbench.tell("go", "ok");
    workbench.hear("up");
    workbench.tell("go", "ok");
    let (first, second) = (end(first).assert_status(0), end(second).assert_status(0));
    assert_eq!(first.told(), "once\ntwo\n");
    assert_eq!(second.stdout, first.stdout);
    assert!(!second.stderr.contains("started"), "{second:?}");
}

#[test]
fn a_second_run_drives_on_what_a_dead_process_has_left() {
    let workbench = Workbench::stepwise();
    let mut first = workbench.start(&STEPWISE);
    workbench.hear("up");
    workbench.tell("go", "ok");
    workbench.hear("up");
    first.kill().unwrap();
    first.wait().unwrap();
    let second = workbench.start(&STEPWISE);
    workbench.hear("up");
    workbench.tell("go", "ok");
    let second = end(second).assert_status(0);
    assert_eq!(second.told(), "once\ntwo\n");
    assert!(second.stderr.starts_with("second: "), "{second:?}");
}

#[test]
fn a_second_run_pauses_what_was_to_be_paused_when_its_process_died() {
    let workbench = Workbench::stepwise();
    let mut first = workbench.start(&STEPWISE);
    workbench.hear("up");
    workbench.workflow(&["pause", "once"]).assert_status(0);
    workbench.until_pausing("once");
    first.kill().unwrap();
    first.wait().unwrap();
    let second = workbench.workflow(&STEPWISE).assert_status(3);
    assert_eq!(second.stdout, "once\n");
    second.assert_says("paused; continue with: ax workflow resume once\n");
}

#[test]
fn another_definition_or_other_inputs_are_an_error() {
    let workbench = Workbench::greeting();
    workbench.workflow(&RUN).assert_status(0);
    let other = workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=y", "--id", "once"])
        .assert_status(2);
    let other = other.assert_says("error: there is an execution `once` already, which has other inputs; choose another `--id`");
    assert_eq!(other.stdout, "");
    workbench.write(
        "greeting.yaml",
        crate::workbench::GREETING.replace("twice", "again"),
    );
    workbench
        .workflow(&RUN)
        .assert_status(2)
        .assert_says("which runs another definition");
}

#[test]
fn an_identifier_must_be_one_word() {
    let workbench = Workbench::greeting();
    for id in ["", "two words", "line\nbreak", &"x".repeat(201)] {
        let refused = workbench
            .workflow(&["run", "greeting.yaml", "--input", "name=x", "--id", id])
            .assert_status(2);
        refused.assert_says("error: the identifier given with `--id` ");
    }
    assert_eq!(workbench.content(), ["agents.yaml", "greeting.yaml"]);
}
