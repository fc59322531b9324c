//! A system that has no room for another program.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
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

#[test]
fn a_system_without_room_for_a_thread_is_told_and_is_no_defect() {
    /// Somebody who runs nothing else: nothing limits the processes of root.
    const USER: u32 = 1_957_342;
    /// The number of processes is `-u` in some shells and `-p` in others.
    const LIMITED: &str =
        "(ulimit -u \"$0\") 2>/dev/null && ulimit -u \"$0\" || ulimit -p \"$0\"; exec \"$@\"";

    let folder = tempfile::tempdir().unwrap();
    let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
    let ax = folder.path().join("ax");
    fs::copy(env!("CARGO_BIN_EXE_ax"), &ax).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "w.yaml",
        "name: W\nsteps: [{ key: a, agent: w, prompt: p }]\n",
    );
    write("agents.yaml", "agents: { w: { command: [cat] } }\n");
    if is_root {
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&ax, Permissions::from_mode(0o755)).unwrap();
        chown(folder.path(), Some(USER), None).unwrap();
    }
    let mut lacked_a_thread = 0;
    for most in 1..8 {
        let id = format!("with-{most}");
        let mut command = Command::new("sh");
        command
            .args(["-c", LIMITED, &most.to_string()])
            .arg(&ax)
            .args(["workflow", "run", "w.yaml", "--id", &id, "--quiet"])
            .current_dir(folder.path());
        if is_root {
            command.uid(USER);
        }
        let run = outcome(&mut command);
        assert!([0, 3, 5].contains(&run.status), "{most}: {run:?}");
        assert!(!run.stderr.contains("defect"), "{most}: {run:?}");
        if run.status != 0 {
            let said = "Resource temporarily unavailable (os error 11)";
            assert!(run.stderr.contains(said), "{most}: {run:?}");
        }
        assert!(!run.stderr.contains("another process holds"), "{run:?}");
        lacked_a_thread += usize::from(run.status == 5);
    }
    assert!(lacked_a_thread > 0, "there was room for every thread");
}
