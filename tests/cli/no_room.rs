//! A system that has no room for another program.

use std::process::Command;

use serde_json::{Value, json};

use crate::workbench::{Workbench, outcome};

/// From the fewest with which the system starts a program at all, to those with which everything runs.
const OPEN_FILES: std::ops::Range<u32> = 4..200;

#[test]
fn a_run_pauses_when_no_program_can_start_and_none_is_running() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\nsteps: [{ key: a, agent: w, prompt: p }]\n",
    );
    workbench.write("agents.yaml", "agents: { w: { command: [cat] } }\n");
    let state = |id: &str| {
        let all = workbench.workflow(&["executions", "--json"]);
        let all = all.assert_status(0).json();
        let mut all = all.as_array().unwrap().iter();
        all.find(|row| row["id"] == id).cloned()
    };
    let mut paused = Vec::new();
    for most in OPEN_FILES {
        let id = format!("with-{most}");
        let ax = workbench.command(&["workflow", "run", "w.yaml", "--id", &id, "--quiet"]);
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -n \"$0\"; exec \"$@\"", &most.to_string()])
            .arg(ax.get_program())
            .args(ax.get_args())
            .current_dir(workbench.path(""))
            .env_clear()
            .envs(
                ax.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        let run = outcome(&mut command);
        let Some(row) = state(&id) else {
            // It could not even begin.
            assert_eq!(run.status, 5, "{most}: {run:?}");
            assert_eq!(paused, [""; 0], "{most}: {run:?}");
            run.assert_says(
                "`ax` needs 16 to begin with (Too many open files (os error 24)); raise the limit",
            );
            continue;
        };
        if row["state"] == "completed" {
            assert_eq!(run.status, 0, "{run:?}");
            break;
        }
        assert_eq!(row["state"], "paused", "{row} {run:?}");
        let reason = row["error"].as_str().unwrap();
        for part in [
            "step `a`: `",
            "cannot be started: Too many open files",
            "no program of this run is left whose end would make room",
        ] {
            assert!(reason.contains(part), "{reason}");
        }
        assert_eq!(run.status, 3, "{most}: {run:?}");
        run.assert_says(&format!("the run paused by itself: {reason}"));
        paused.push(id);
    }
    assert_ne!(paused, [""; 0], "no limit has paused a run");
    for id in paused {
        workbench.workflow(&["resume", &id]).assert_status(0);
        let status = workbench.workflow(&["status", &id, "--json"]).json();
        assert_eq!(status["result"], json!({ "a": "p" }));
        assert_eq!(status["error"], Value::Null);
    }
}
