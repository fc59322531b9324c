//! A folder with a workflow and agents in it, and the command to run there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Two steps that echo.
pub(crate) const GREETING: &str = "
name: Greeting
description: Greets somebody twice
inputs: { name: { type: string } }
steps:
  - { key: greet, agent: echo, prompt: 'hello {{name}}' }
  - { key: again, agent: echo, prompt: '{{greet}}, {{greet}}', dependencies: [greet] }
";

/// A folder of a user.
pub(crate) struct Workbench {
    folder: TempDir,
}

/// What a command has left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workbench {
    /// A folder with an agents file that has only `echo`.
    pub(crate) fn new() -> Self {
        let workbench = Workbench {
            folder: tempfile::tempdir().unwrap(),
        };
        workbench.write("agents.yaml", "agents: { echo: { builtin: echo } }\n");
        workbench
    }

    /// The same with the workflow that greets.
    pub(crate) fn greeting() -> Self {
        let workbench = Workbench::new();
        workbench.write("greeting.yaml", GREETING);
        workbench
    }

    /// A folder with a workflow of the two steps `first` and `second`, both done by the same program.
    ///
    /// Each attempt writes a line to the pipe `up` and ends when it has read one from the pipe `go`.
    pub(crate) fn stepwise() -> Self {
        let workbench = Workbench::new();
        workbench.write(
            "stepwise.yaml",
            "
name: Stepwise
steps:
  - { key: first, agent: worker, prompt: one }
  - { key: second, agent: worker, prompt: two, dependencies: [first] }
",
        );
        let script = "echo up >up; read -r word <go; test \"$word\" = ok || exit 1; cat";
        workbench.write(
            "agents.yaml",
            format!("agents: {{ worker: {{ command: [sh, -c, '{script}'] }} }}\n"),
        );
        workbench.pipe("up");
        workbench.pipe("go");
        workbench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn pipe(&self, name: &str) {
        assert!(
            Command::new("mkfifo")
                .arg(self.path(name))
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until a program writes to the pipe, and returns what it writes.
    pub(crate) fn hear(&self, pipe: &str) -> String {
        fs::read_to_string(self.path(pipe)).unwrap()
    }

    /// Writes a line to the pipe, once a program reads from it.
    pub(crate) fn tell(&self, pipe: &str, line: &str) {
        fs::write(self.path(pipe), format!("{line}\n")).unwrap();
    }

    /// The names of what is in the folder, sorted.
    pub(crate) fn content(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The command, to be run in the folder with next to no environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let ax = env!("CARGO_BIN_EXE_ax");
        let mut command = if hangup_is_ignored() {
            // What started these tests would have `ax` ignore it as well.
            let mut command = Command::new("env");
            command.args(["--default-signal=HUP", ax]);
            command
        } else {
            Command::new(ax)
        };
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear();
        command
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path());
        // Where a build that measures coverage writes what it has seen.
        if let Some(profile) = std::env::var_os("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", profile);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs `ax workflow …` to its end.
    pub(crate) fn workflow(&self, arguments: &[&str]) -> Outcome {
        outcome(&mut self.command(&[&["workflow"], arguments].concat()))
    }

    /// Runs `ax workflow …` with a text on standard input.
    pub(crate) fn workflow_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.command(&[&["workflow"], arguments].concat());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        end(child)
    }

    /// Starts `ax workflow …` and returns while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(&[&["workflow"], arguments].concat());
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits until the process that drives the execution has taken note of a request to pause it.
    pub(crate) fn until_pausing(&self, id: &str) {
        while self.state(id) != "creating_checkpoint" {
            std::thread::yield_now();
        }
    }

    /// The state of the execution, as `status` tells it.
    pub(crate) fn state(&self, id: &str) -> String {
        self.workflow(&["status", id, "--json"]).json()["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl Outcome {
    /// Standard output as the one JSON document that it is.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The identifier that `run` has printed, and the one text of the result after it.
    pub(crate) fn id_and_result(&self) -> (String, String) {
        let told = self.told();
        let (id, result) = told.split_once('\n').unwrap();
        (id.to_owned(), result.to_owned())
    }

    /// Standard output with the one text that the result's object holds in the object's place,
    /// if there is one.
    pub(crate) fn told(&self) -> String {
        let at = self.stdout.find('{').unwrap_or(self.stdout.len());
        let (before, result) = self.stdout.split_at(at);
        let texts: Result<BTreeMap<String, String>, _> = serde_json::from_str(result);
        match texts.unwrap_or_default().into_values().collect::<Vec<_>>() {
            texts if texts.len() == 1 => format!("{before}{}\n", texts[0].trim_end_matches('\n')),
            _ => self.stdout.clone(),
        }
    }

    #[track_caller]
    pub(crate) fn assert_status(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless standard error says so.
    #[track_caller]
    pub(crate) fn assert_says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in {self:?}");
        self
    }
}

/// Runs the command to its end.
pub(crate) fn outcome(command: &mut Command) -> Outcome {
    end(command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap())
}

/// Waits for the end of a command.
pub(crate) fn end(mut child: Child) -> Outcome {
    drop(child.stdin.take());
    let mut stderr = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    let stderr = errors.join().unwrap().unwrap();
    Outcome {
        status: child.wait().unwrap().code().unwrap_or(-1),
        stdout,
        stderr,
    }
}

/// Whether these tests were started with the loss of the terminal ignored, as by `nohup`.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(ignored.unwrap_or("0").trim(), 16).unwrap_or(0);
    mask & 1 != 0
}
