//! Several people at once: one winner, and one clear message for each of the others.

use std::process::Child;

use crate::workbench::{Outcome, Workbench, end};

/// An execution `x` whose process has died in its first step, and its program with it.
fn orphaned() -> Workbench {
    let workbench = Workbench::stepwise();
    let mut run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    run.kill().unwrap();
    run.wait().unwrap();
    workbench.write("agents.yaml", "agents: { worker: { builtin: echo } }\n");
    workbench
}

/// An execution `x` that is paused before its second step.
fn paused() -> Workbench {
    let workbench = orphaned();
    workbench.workflow(&["pause", "x"]).assert_status(0);
    workbench
}

/// Starts all the commands before it waits for the first of them.
fn at_once(workbench: &Workbench, commands: &[&str]) -> Vec<Outcome> {
    let started: Vec<Child> = commands
        .iter()
        .map(|command| workbench.start(&[command, "x"]))
        .collect();
    started.into_iter().map(end).collect()
}

/// Fails unless the command ended with one error, of one line: what the execution is, or is about to be.
#[track_caller]
fn assert_one_message(outcome: &Outcome) {
    assert_eq!(outcome.stdout, "", "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    let known = [
        "error: execution `x` is `",
        "error: execution `x` is being paused by the process that drives it",
    ];
    assert!(
        known
            .iter()
            .any(|message| outcome.stderr.starts_with(message)),
        "{outcome:?}"
    );
}

#[test]
fn of_many_who_resume_one_drives_and_the_others_are_told() {
    for workbench in [paused(), orphaned()] {
        let outcomes = at_once(&workbench, &["resume"; 6]);
        let (won, lost): (Vec<_>, Vec<_>) =
            outcomes.iter().partition(|outcome| outcome.status == 0);
        // Those that come when it has ended report its end, and run nothing.
        let drove = won.iter().filter(|won| won.stderr.contains("second: "));
        assert_eq!(drove.count(), 1, "{outcomes:?}");
        assert!(won.windows(2).all(|pair| pair[0].stdout == pair[1].stdout));
        for outcome in lost {
            assert_eq!(outcome.status, 2);
            assert_one_message(outcome);
        }
        assert_eq!(workbench.state("x"), "completed");
        workbench.assert_sound();
    }
}

#[test]
fn of_many_who_pause_what_nobody_drives_all_succeed() {
    let workbench = orphaned();
    for outcome in at_once(&workbench, &["pause"; 6]) {
        let outcome = outcome.assert_status(0);
        assert!(
            [
                "paused x\n",
                "pausing x: it is paused when its running steps have ended\n"
            ]
            .contains(&outcome.stdout.as_str()),
            "{outcome:?}"
        );
    }
    assert_eq!(workbench.state("x"), "paused");
    workbench.workflow(&["resume", "x"]).assert_status(0);
}

#[test]
fn a_cancel_wins_over_all_that_come_with_it() {
    for workbench in [paused(), orphaned()] {
        let commands = ["resume", "cancel", "pause", "cancel", "resume", "pause"];
        let outcomes = at_once(&workbench, &commands);
        let cancelled = outcomes
            .iter()
            .zip(commands)
            .any(|(outcome, command)| command == "cancel" && outcome.status == 0);
        let state = workbench.state("x");
        // Unless the run was over before the cancel came.
        assert_eq!(state, if cancelled { "cancelled" } else { "completed" });
        for (outcome, command) in outcomes.iter().zip(commands) {
            match (command, outcome.status) {
                ("cancel", 0) => assert_eq!(outcome.stdout, "cancelled x\n"),
                ("pause", 0) => assert!(outcome.stdout.starts_with("paus"), "{outcome:?}"),
                // Whoever drove it to its end, to a pause or to the cancellation says so.
                ("resume", 0 | 3 | 4) => {}
                (_, 2) => assert_one_message(outcome),
                _ => panic!("{command}: {outcome:?}"),
            }
        }
        workbench.assert_sound();
    }
}

#[test]
fn a_pause_and_a_cancel_of_a_running_step_end_in_the_cancel() {
    for commands in [["pause", "cancel"], ["cancel", "pause"]] {
        let workbench = Workbench::stepwise();
        let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
        workbench.hear("up");
        let outcomes = at_once(&workbench, &commands);
        end(run)
            .assert_status(4)
            .assert_says("error: the execution was cancelled\n");
        assert_eq!(workbench.state("x"), "cancelled");
        for (outcome, command) in outcomes.iter().zip(commands) {
            match (command, outcome.status) {
                ("pause", 2) => assert_one_message(outcome),
                (_, status) => assert_eq!(status, 0, "{outcome:?}"),
            }
        }
    }
}
