//! `pause`, `resume` and `cancel`, also of an execution that another process drives.

use serde_json::json;

use crate::workbench::{Workbench, end};

const RUN: [&str; 4] = ["run", "stepwise.yaml", "--id", "x"];

#[test]
fn a_pause_from_another_process_lets_the_running_step_end() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&RUN);
    workbench.hear("up");
    let paused = workbench.workflow(&["pause", "x"]).assert_status(0);
    assert_eq!(
        paused.stdout,
        "pausing x: it is paused when its running steps have ended\n"
    );
    workbench.until_pausing("x");
    workbench.tell("go", "ok");
    let run = end(run).assert_status(3);
    assert_eq!(run.stdout, "x\n");
    run.assert_says("paused; continue with: ax workflow resume x\n");
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(status["state"], "paused");
    assert_eq!(
        status["steps"]["first"],
        json!({ "state": "completed", "attempts": 1, "result": "one" })
    );
    assert_eq!(
        status["steps"]["second"],
        json!({ "state": "pending", "attempts": 0 })
    );
    let again = workbench.workflow(&["pause", "x"]).assert_status(0);
    assert_eq!(again.stdout, "paused x\n");

    let resumed = workbench.start(&["resume", "x"]);
    workbench.hear("up");
    workbench.tell("go", "ok");
    let resumed = end(resumed).assert_status(0);
    assert_eq!(resumed.told(), "two\n");
    assert!(!resumed.stderr.contains("first"), "{resumed:?}");
}

#[test]
fn a_paused_run_is_over_with_its_running_steps_and_ends_as_if_it_had_not_been() {
    let workbench = Workbench::stepwise();
    let step = || {
        workbench.hear("up");
        workbench.tell("go", "ok");
    };
    let unpaused = workbench.start(&["run", "stepwise.yaml", "--id", "y"]);
    step();
    step();
    end(unpaused).assert_status(0);

    let run = workbench.start(&RUN);
    workbench.hear("up");
    workbench.workflow(&["pause", "x"]).assert_status(0);
    workbench.until_pausing("x");
    workbench.tell("go", "ok");
    end(run).assert_status(3);
    let resumed = workbench.start(&["resume", "x"]);
    step();
    end(resumed).assert_status(0);
    let status = |id| workbench.workflow(&["status", id, "--json"]).json();
    let (paused, unpaused) = (status("x"), status("y"));
    for key in ["state", "steps", "result"] {
        assert_eq!(paused[key], unpaused[key]);
    }
}

#[test]
fn a_cancel_from_another_process_kills_the_agents() {
    let workbench = Workbench::stepwise();
    // The program keeps its end of this pipe open for as long as it lives.
    workbench.write(
        "agents.yaml",
        "agents: { worker: { command: [sh, -c, 'exec 9>held; echo up >up; exec sleep 1000'] } }\n",
    );
    workbench.pipe("held");
    let held = std::thread::spawn({
        let held = workbench.path("held");
        move || std::fs::read(held).unwrap()
    });
    let run = workbench.start(&RUN);
    workbench.hear("up");
    let cancelled = workbench
        .workflow(&["cancel", "x", "--json"])
        .assert_status(0)
        .json();
    assert_eq!(cancelled["state"], "cancelled");
    let run = end(run)
        .assert_status(4)
        .assert_says("error: the execution was cancelled\n");
    assert_eq!(run.stdout, "x\n");
    assert_eq!(held.join().unwrap(), b"");
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(status["steps"]["second"]["state"], "cancelled");
    assert_eq!(
        workbench.workflow(&["cancel", "x"]).assert_status(0).stdout,
        "cancelled x\n"
    );
}

#[test]
fn what_the_state_does_not_allow_exits_2_and_says_so() {
    let workbench = Workbench::greeting();
    workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=x", "--id", "x"])
        .assert_status(0);
    for (command, asked) in [("pause", "paused"), ("cancel", "cancelled")] {
        let refused = workbench.workflow(&[command, "x"]).assert_status(2);
        assert_eq!(refused.stdout, "");
        refused
            .assert_says(&format!(
                "execution `x` is `completed`, which is final: it cannot be {asked}; go on from one of its"
            ))
            .assert_says(
                "checkpoints with `ax workflow restore`, or start anew with `ax workflow run`\n",
            );
    }
}

#[test]
fn resuming_what_has_ended_reports_the_end_and_runs_nothing() {
    let workbench = Workbench::greeting();
    let run = ["run", "greeting.yaml", "--input", "name=x", "--id", "x"];
    let completed = workbench.workflow(&run).assert_status(0);
    let resumed = workbench.workflow(&["resume", "x"]).assert_status(0);
    assert_eq!(format!("x\n{}", resumed.stdout), completed.stdout);
    assert!(!resumed.stderr.contains("started"), "{resumed:?}");
    resumed
        .assert_says("execution `x` is `completed`, which is final: nothing is run")
        .assert_says("`ax workflow restore`");
    let json = |command: &str| workbench.workflow(&[command, "x", "--json"]).json();
    assert_eq!(json("resume"), json("status"));

    workbench.write(
        "fails.yaml",
        "name: F\nsteps: [{ key: a, agent: bad, prompt: p }]\n",
    );
    workbench.write("agents.yaml", "agents: { bad: { command: ['false'] } }\n");
    workbench
        .workflow(&["run", "fails.yaml", "--id", "y"])
        .assert_status(1);
    // Neither agents nor their file are needed.
    std::fs::remove_file(workbench.path("agents.yaml")).unwrap();
    let resumed = workbench.workflow(&["resume", "y"]).assert_status(1);
    resumed.assert_says("error: the execution failed: ");
    let attempts = workbench.workflow(&["status", "y", "--json"]).json();
    assert_eq!(attempts["steps"]["a"]["attempts"], 1);
}

#[test]
fn resuming_what_a_living_process_drives_exits_2() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&RUN);
    workbench.hear("up");
    workbench
        .workflow(&["resume", "x"])
        .assert_status(2)
        .assert_says("pause or cancel it, or wait for its end");
    workbench.tell("go", "ok");
    workbench.hear("up");
    workbench.tell("go", "ok");
    end(run).assert_status(0);
}

#[test]
fn a_run_says_that_another_pauses_it_and_resuming_it_has_to_wait() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&RUN);
    workbench.hear("up");
    workbench.workflow(&["pause", "x"]).assert_status(0);
    workbench.until_pausing("x");
    for text in ["status", "executions"] {
        let arguments: &[&str] = if text == "status" {
            &["status", "x"]
        } else {
            &["executions"]
        };
        let shown = workbench.workflow(arguments).stdout;
        assert!(shown.contains("pausing"), "{shown}");
        assert!(!shown.contains("creating_checkpoint"), "{shown}");
    }
    workbench
        .workflow(&["resume", "x"])
        .assert_status(2)
        .assert_says("execution `x` is being paused by the process that drives it; resume it when its running steps have ended");
    workbench.tell("go", "ok");
    end(run)
        .assert_status(3)
        .assert_says("pausing when the running steps have ended\n")
        .assert_says("continue with: ax workflow resume x\n");
}

#[test]
fn a_paused_execution_can_be_cancelled() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&RUN);
    workbench.hear("up");
    workbench.workflow(&["pause", "x"]).assert_status(0);
    workbench.until_pausing("x");
    workbench.tell("go", "ok");
    end(run).assert_status(3);
    workbench.workflow(&["cancel", "x"]).assert_status(0);
    assert_eq!(workbench.state("x"), "cancelled");
    workbench
        .workflow(&["resume", "x"])
        .assert_status(4)
        .assert_says("`cancelled`");
}

#[test]
fn an_execution_whose_process_died_is_resumed_at_once() {
    let workbench = Workbench::stepwise();
    let mut run = workbench.start(&RUN);
    workbench.hear("up");
    workbench.tell("go", "ok");
    workbench.hear("up");
    run.kill().unwrap();
    run.wait().unwrap();
    let status = workbench.workflow(&["status", "x"]).assert_status(0);
    assert!(
        status.stdout.contains("the process that drove it is gone"),
        "{status:?}"
    );
    assert!(
        status.stdout.contains("ax workflow resume x\n"),
        "{status:?}"
    );
    assert!(status.stdout.contains("interrupted"), "{status:?}");
    let listed = workbench.workflow(&["executions"]).assert_status(0);
    assert!(
        listed.stdout.contains("the process that drove it is gone"),
        "{listed:?}"
    );
    assert!(listed.stdout.contains("interrupted"), "{listed:?}");
    let json = |arguments: &[&str]| workbench.workflow(arguments).json();
    assert_eq!(json(&["status", "x", "--json"])["interrupted"], true);
    assert_eq!(json(&["executions", "--json"])[0]["interrupted"], true);
    let resumed = workbench.start(&["resume", "x"]);
    workbench.hear("up");
    workbench.tell("go", "ok");
    let resumed = end(resumed).assert_status(0);
    assert_eq!(resumed.told(), "two\n");
    let listed = workbench.workflow(&["executions"]).assert_status(0);
    assert!(!listed.stdout.contains("gone"), "{listed:?}");
    assert!(resumed.stderr.starts_with("second: "), "{resumed:?}");
}

#[test]
fn an_execution_whose_process_died_is_paused_at_once() {
    let workbench = Workbench::stepwise();
    let mut run = workbench.start(&RUN);
    workbench.hear("up");
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(
        workbench.workflow(&["pause", "x"]).assert_status(0).stdout,
        "paused x\n"
    );
    assert_eq!(workbench.state("x"), "paused");
}

#[test]
fn resume_takes_the_agents_and_the_folder_that_the_run_was_started_with() {
    let workbench = Workbench::new();
    workbench.write(
        "park.yaml",
        "name: Park\nconfig: { onFailure: pause }\nsteps: [{ key: a, agent: w, prompt: p }]\n",
    );
    workbench.write(
        "agents.yaml",
        "agents: { w: { command: [sh, -c, 'test -e mended && basename $PWD'] } }\n",
    );
    workbench
        .workflow(&["run", "park.yaml", "--id", "x"])
        .assert_status(3);
    workbench.write("mended", "");
    let elsewhere = tempfile::tempdir().unwrap();
    let database = workbench.path(".ax/ax.db");
    let mut command = workbench.command(&[
        "workflow",
        "resume",
        "x",
        "--db",
        database.to_str().unwrap(),
    ]);
    let resumed = crate::workbench::outcome(command.current_dir(elsewhere.path())).assert_status(0);
    let folder = workbench
        .path("")
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(resumed.told(), format!("{folder}\n"));
}

#[test]
fn resume_takes_other_agents_when_told_to() {
    let workbench = Workbench::new();
    workbench.write(
        "park.yaml",
        "name: Park\nconfig: { onFailure: pause }\nsteps: [{ key: a, agent: w, prompt: p }]\n",
    );
    workbench.write("agents.yaml", "agents: { w: { command: ['false'] } }\n");
    workbench
        .workflow(&["run", "park.yaml", "--id", "x"])
        .assert_status(3);
    std::fs::remove_file(workbench.path("agents.yaml")).unwrap();
    workbench
        .workflow(&["resume", "x"])
        .assert_status(2)
        .assert_says("agents.yaml`, which is not there any more; name it where it is now with `--agents FILE`");
    workbench.write("other.yaml", "agents: { w: { builtin: echo } }\n");
    let resumed = workbench
        .workflow(&["resume", "x", "--agents", "other.yaml"])
        .assert_status(0);
    assert_eq!(resumed.told(), "p\n");
}
