//! A disk without room, a database that another holds, and a folder that may not be written to.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use serde_json::json;
use wf_core::clock::{Clock, SystemClock};

use crate::workbench::{Outcome, Workbench, end, outcome};

/// A chain of ten steps, each of which answers with 40,000 letters and leaves a line in `journal`.
fn wordy() -> Workbench {
    let workbench = Workbench::new();
    let mut text = "name: Wordy\nsteps:\n  - { key: s0, agent: worker, prompt: p }\n".to_owned();
    for step in 1..10 {
        let before = step - 1;
        text.push_str(&format!(
            "  - {{ key: s{step}, agent: worker, prompt: p, dependencies: [s{before}] }}\n"
        ));
    }
    workbench.write("wordy.yaml", text);
    let script = "echo \"$AX_STEP_KEY\" >>journal; head -c 40000 /dev/zero | tr \"\\\\0\" x";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ worker: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    workbench
}

/// How often each step was run, in the order of the steps.
fn runs(workbench: &Workbench) -> Vec<usize> {
    let journal = fs::read_to_string(workbench.path("journal")).unwrap();
    let of = |step: usize| {
        let key = format!("s{step}");
        journal.lines().filter(|line| *line == key).count()
    };
    (0..10).map(of).collect()
}

/// Asserts that the run was stopped in the middle, and that only the step that could not be written was run again.
#[track_caller]
fn assert_nothing_lost(runs: &[usize]) {
    let again = runs.iter().position(|&runs| runs == 2);
    let again = again.unwrap_or_else(|| panic!("no step was cut off: {runs:?}"));
    assert!(again > 0, "{runs:?}");
    let total: usize = runs.iter().sum();
    assert_eq!(total, runs.len() + 1, "{runs:?}");
}

#[test]
fn a_run_whose_files_may_not_grow_exits_5_and_is_resumed_with_nothing_lost() {
    let workbench = wordy();
    let run = workbench.command(&["workflow", "run", "wordy.yaml", "--id", "x", "--quiet"]);
    // Blocks of 512 bytes.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 500; exec \"$0\" \"$@\""]);
    limited.arg(run.get_program()).args(run.get_args());
    limited.current_dir(workbench.path("")).env_clear();
    limited.envs(
        run.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    outcome(&mut limited)
        .assert_status(5)
        .assert_says("ax.db` works and has room")
        .assert_says("ax workflow resume x; what was recorded is kept, and a step whose end could not be recorded runs again\n");
    workbench.assert_sound();
    workbench
        .workflow(&["resume", "x", "--quiet"])
        .assert_status(0);
    assert_nothing_lost(&runs(&workbench));
    workbench.assert_sound();
}

#[test]
fn a_run_that_fills_its_disk_exits_5_and_is_resumed_with_nothing_lost() {
    let workbench = wordy();
    fs::create_dir(workbench.path("small")).unwrap();
    // A file system of its own, which nobody else sees and which goes away with the script.
    workbench.write(
        "script",
        "mount -t tmpfs -o size=400k small small || exit 77
\"$AX\" workflow run wordy.yaml --id x --quiet --db small/ax.db >out 2>err
echo $? >status
mount -o remount,size=8m small
\"$AX\" workflow resume x --quiet --db small/ax.db >out-again 2>err-again
echo $? >status-again
",
    );
    let ax = workbench.command(&[]);
    let mut script = Command::new("unshare");
    script.args(["--map-root-user", "--mount", "sh", "script"]);
    script.current_dir(workbench.path("")).env_clear();
    script.envs(
        ax.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    script.env("AX", env!("CARGO_BIN_EXE_ax"));
    let said = script.output();
    if !said.as_ref().is_ok_and(|said| said.status.success()) {
        skipped(
            "a disk that is full",
            &format!("no file system can be mounted: {said:?}"),
        );
        return;
    }
    let read = |name: &str| fs::read_to_string(workbench.path(name)).unwrap();
    assert_eq!(read("status"), "5\n", "{}", read("err"));
    assert!(
        read("err")
            .contains("small/ax.db-logs` for example, then try again with: ax workflow resume x"),
        "{}",
        read("err")
    );
    assert_eq!(read("status-again"), "0\n", "{}", read("err-again"));
    assert_nothing_lost(&runs(&workbench));
}

/// Starts the two steps, and ends the first when another has taken the database.
fn held(workbench: &Workbench) -> (std::process::Child, diesel::SqliteConnection) {
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    let mut other = workbench.database();
    other
        .batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE")
        .unwrap();
    workbench.tell("go", "ok");
    (run, other)
}

#[test]
fn a_run_waits_while_another_holds_the_database() {
    let workbench = Workbench::stepwise();
    let (mut run, mut other) = held(&workbench);
    // Whoever reads is not kept waiting, and what is not committed is not told.
    for _ in 0..20 {
        let status = workbench.workflow(&["status", "x", "--json"]).json();
        assert_ne!(status["steps"]["first"]["state"], json!("completed"));
        assert_eq!(status["steps"]["second"]["state"], json!("pending"));
        assert_eq!(run.try_wait().unwrap(), None);
    }
    other.batch_execute("ROLLBACK").unwrap();
    workbench.hear("up");
    workbench.tell("go", "ok");
    end(run).assert_status(0);
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    for step in ["first", "second"] {
        assert_eq!(status["steps"][step]["attempts"], json!(1), "{status}");
    }
    workbench.assert_sound();
}

#[test]
fn a_run_that_waits_too_long_exits_5_and_is_resumed_with_nothing_lost() {
    let workbench = Workbench::stepwise();
    let (run, mut other) = held(&workbench);
    let clock = SystemClock::new();
    end(run)
        .assert_status(5)
        .assert_says("another process holds `")
        .assert_says("try again when it has ended with: ax workflow resume x");
    // It has not given up early, however slow the machine is.
    assert!(clock.elapsed() > Duration::from_secs(10));
    other.batch_execute("ROLLBACK").unwrap();
    workbench.write("agents.yaml", "agents: { worker: { builtin: echo } }\n");
    let resumed = workbench.workflow(&["resume", "x", "--json"]);
    assert_eq!(resumed.assert_status(0).json()["state"], "completed");
    workbench.assert_sound();
}

#[test]
fn control_of_a_database_that_is_held_for_too_long_says_what_to_do() {
    let workbench = Workbench::greeting();
    let run = ["run", "greeting.yaml", "--input", "name=x", "--id", "x"];
    workbench.workflow(&run).assert_status(0);
    let checkpoints = workbench.workflow(&["checkpoints", "x", "--json"]).json();
    let checkpoint = checkpoints[0]["id"].as_str().unwrap();
    let mut other = workbench.database();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let waiting: Vec<_> = [&["cancel", "x"][..], &["restore", checkpoint]]
        .into_iter()
        .map(|arguments| workbench.start(arguments))
        .collect();
    for command in waiting {
        end(command)
            .assert_status(5)
            .assert_says("ax.db`: try again when it has ended\n");
    }
    other.batch_execute("ROLLBACK").unwrap();
}

/// A folder with two runs, of which one is in `.ax/ax.db`; others may read it all, and write nothing.
struct Shared(Workbench);

impl Shared {
    fn new(workbench: Workbench) -> Self {
        let shared = Shared(workbench);
        shared.protect();
        shared
    }

    /// Takes the right to write from all but root, who has it anyway.
    fn protect(&self) {
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for entry in fs::read_dir(self.0.path(".ax")).unwrap() {
            set(&entry.unwrap().path(), 0o444);
        }
        set(&self.0.path(".ax"), 0o555);
        set(&self.0.path(""), 0o755);
    }

    /// Runs a command as somebody who may not write to the folder of the database.
    fn workflow(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.0.command(&[&["workflow"], arguments].concat());
        if rustix::process::geteuid().is_root() {
            let nobody = 65_534;
            // Where this build is, nobody but root may be allowed to look.
            let copy = self.0.path("ax");
            if !copy.exists() {
                // By a process of its own, as `program::write` has it.
                let mut cp = Command::new("cp");
                let cp = cp.arg(env!("CARGO_BIN_EXE_ax")).arg(&copy);
                assert!(cp.status().unwrap().success());
            }
            let mut other = Command::new(copy);
            // Not by the command's own: it may be started by another program.
            other.arg("workflow").args(arguments).env_clear();
            other.envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            other.current_dir(self.0.path("")).uid(nobody).gid(nobody);
            command = other;
        }
        outcome(&mut command)
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path(".ax")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[track_caller]
    fn assert_readable(&self, state: &str) {
        let status = self.workflow(&["status", "x", "--json"]).assert_status(0);
        assert_eq!(status.json()["state"], state);
        for arguments in [
            &["list"][..],
            &["executions"],
            &["status", "x"],
            &["checkpoints", "x"],
            &["graph", "x"],
        ] {
            let read = self.workflow(arguments).assert_status(0);
            assert_ne!(read.stdout.len() + read.stderr.len(), 0, "{arguments:?}");
        }
        let listed = self.workflow(&["executions", "--json"]).json();
        assert_eq!(listed[0]["id"], "x");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The folder is to be deleted.
        let _ = fs::set_permissions(self.0.path(".ax"), fs::Permissions::from_mode(0o755));
    }
}

#[test]
fn a_database_in_a_folder_that_may_not_be_written_to_can_be_read() {
    let workbench = Workbench::greeting();
    let run = ["run", "greeting.yaml", "--input", "name=x", "--id", "x"];
    workbench.workflow(&run).assert_status(0);
    let shared = Shared::new(workbench);
    shared.assert_readable("completed");
    assert_eq!(shared.files(), ["ax.db", "ax.db-logs"]);
    for arguments in [&["cancel", "x"][..], &["prune"], &run] {
        shared
            .workflow(arguments)
            .assert_status(5)
            .assert_says("see that `")
            .assert_says("is a database that you may write to, or name another one with `--db`\n");
    }
    assert_eq!(shared.files(), ["ax.db", "ax.db-logs"]);
}

#[test]
fn a_database_that_another_writes_to_can_be_read_without_the_right_to_write() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    let shared = Shared::new(workbench);
    shared.assert_readable("executing_steps");
    drop(shared.0.database());
    run_to_its_end(&shared.0, run);
    let status = shared.workflow(&["status", "x", "--json"]).json();
    assert_eq!(status["state"], "completed");
}

fn run_to_its_end(workbench: &Workbench, run: std::process::Child) {
    let protected = fs::set_permissions(workbench.path(".ax"), fs::Permissions::from_mode(0o755));
    protected.unwrap();
    workbench.tell("go", "ok");
    workbench.hear("up");
    workbench.tell("go", "ok");
    end(run).assert_status(0);
}

#[test]
fn a_database_whose_process_was_killed_is_read_or_what_is_missing_is_told() {
    let workbench = Workbench::stepwise();
    let mut run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    run.kill().unwrap();
    run.wait().unwrap();
    let shared = Shared::new(workbench);
    assert_eq!(
        shared.files(),
        ["ax.db", "ax.db-logs", "ax.db-shm", "ax.db-wal"]
    );
    shared.assert_readable("executing_steps");
    let writable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(shared.0.path(".ax"), writable).unwrap();
    fs::remove_file(shared.0.path(".ax/ax.db-shm")).unwrap();
    shared.protect();
    shared
        .workflow(&["status", "x"])
        .assert_status(5)
        .assert_says("its log, which the last who wrote to it has left, can be read only where");
}

/// Says so where nobody can miss it: past the harness, which keeps what a passing test prints.
fn skipped(what: &str, why: &str) {
    let said = writeln!(
        std::io::stderr(),
        "\nSKIPPED: {what} is not tested here: {why}"
    );
    said.unwrap();
}

#[test]
fn what_is_stored_and_cannot_be_read_exits_5_and_says_that_a_backup_is_needed() {
    let workbench = Workbench::stepwise();
    let run = &["run", "stepwise.yaml", "--id", "x"];
    let paused = workbench.start(run);
    workbench.hear("up");
    workbench.workflow(&["pause", "x"]).assert_status(0);
    workbench.until_pausing("x");
    workbench.tell("go", "ok");
    end(paused).assert_status(3);
    let damages = [
        "UPDATE workflow_executions SET context = '{\"inputs\":{\"no\":1}}'",
        "UPDATE workflow_step_executions SET attempts = '[{]' WHERE attempts IS NOT NULL",
        "UPDATE workflows SET definition = '{\"name\":'",
    ];
    for damage in damages {
        workbench.database().batch_execute(damage).unwrap();
        workbench
            .workflow(&["resume", "x"])
            .assert_status(5)
            .assert_says("cannot be read")
            .assert_says("put a backup in the place of `.ax/ax.db`");
    }
    for command in ["status", "checkpoints", "graph"] {
        workbench
            .workflow(&[command, "x"])
            .assert_status(5)
            .assert_says("cannot be read");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_in_the_database_still() {
    let workbench = Workbench::greeting();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = [
        "workflow",
        "run",
        "greeting.yaml",
        "--input",
        "name=Ada",
        "--id",
        "x",
        "--json",
    ];
    let run = workbench.command(&run).stdout(full).output().unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(5), "{stderr}");
    assert!(
        stderr.contains("error: failed to write to standard output: "),
        "{stderr}"
    );
    assert!(
        stderr.ends_with(
            "; the execution is `completed`, and what it made is shown by: ax workflow status x --json\n"
        ),
        "{stderr}"
    );
    workbench.workflow(&["status", "x"]).assert_status(0);
}
