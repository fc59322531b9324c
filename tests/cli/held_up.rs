//! What holds up one thing holds up nothing else: a reader that never reads, a watchdog that is stopped, an answer that takes
//! long to check. Signals, wishes of other processes, timeouts and leases still count.

use std::fs;
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::Instant;

use crate::workbench::Workbench;

/// What is to happen at once has happened by then, on a machine that does much else. Each thing that is held up would take
/// many times as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// By then a run has come to where something is held up.
const BEGUN: Duration = Duration::from_secs(150);

/// What is held up while the run goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// The program writes more than a pipe takes, and nobody reads what is shown of it.
    Reader,
    /// The watchdog is stopped while the program runs, and another takes its place.
    Watchdog,
    /// The program's answer has 40 MB, and each byte of it is compared in thousands of ways.
    Check,
}

/// A run of `ax` that has come to where something is held up.
struct Run {
    workbench: Workbench,
    child: Child,
    /// The agent's program.
    program: Option<Pid>,
}

/// Nothing is left of the run, whatever becomes of the test: its watchdog sees to its program.
impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Held {
    /// Starts a run, whose step has so many seconds if any are given; none where these are over before anything is held up.
    fn start(self, seconds: Option<u64>) -> Option<Run> {
        let workbench = Workbench::new();
        let script = match self {
            Held::Reader => {
                "head -c 3000000 /dev/zero | tr \"\\\\0\" \"\\n\"; echo $$ >up; exec sleep 1000"
            }
            Held::Watchdog => "echo $$ >up; exec sleep 1000",
            Held::Check => "head -c 40000000 /dev/zero | tr \"\\\\0\" a; echo $$ >up",
        };
        let schema = match self {
            Held::Check => ", outputSchema: { type: string, pattern: '[ab]*a[ab]{5000}c' }",
            Held::Reader | Held::Watchdog => "",
        };
        let timeout = seconds.map_or(String::new(), |seconds| format!(", timeout: {seconds}s"));
        workbench.write(
            "w.yaml",
            format!("name: W\nsteps: [{{ key: a, agent: w, prompt: p{timeout}{schema} }}]\n"),
        );
        workbench.write(
            "agents.yaml",
            format!("agents: {{ w: {{ command: [sh, -c, '{script}'] }} }}\n"),
        );
        let shown = match self {
            Held::Reader => "--verbose",
            Held::Watchdog | Held::Check => "--quiet",
        };
        let child = workbench.start(&["run", "w.yaml", "--id", "x", shown]);
        let mut run = Run {
            workbench,
            child,
            program: None,
        };
        let mut is_over = false;
        until(BEGUN, "something is held up", || {
            run.program = run.program.or_else(|| run.written());
            let is_held = run.program.is_some() && (self != Held::Check || run.is_checking());
            is_over = !is_held && seconds.is_some() && run.has_failed();
            is_held || is_over
        });
        if is_over {
            return None;
        }
        if self == Held::Watchdog {
            let watchdog = run.watchdog()?;
            kill_process(watchdog, Signal::STOP).unwrap();
            until(PATIENCE, "another watchdog has taken its place", || {
                run.watchdog().is_some_and(|now| now != watchdog) || run.has_failed()
            });
        }
        Some(run)
    }

    /// Acts in every way on a run that is held up.
    fn holds_up_nothing(self) {
        self.leaves_leases_and_cancels();
        self.leaves_signals();
        self.leaves_timeouts();
    }

    fn leaves_leases_and_cancels(self) {
        let mut run = self.start(None).unwrap();
        let lease = |run: &Run| run.row().unwrap()["lease_until"].clone();
        let first = lease(&run);
        assert!(first.is_string(), "{first}");
        until(PATIENCE, "the lease is renewed", || lease(&run) != first);
        run.assert_is_held(self);
        run.workbench.workflow(&["cancel", "x"]).assert_status(0);
        assert_eq!(run.row().unwrap()["state"], "cancelled");
        run.until_program_is_gone();
        if self != Held::Reader {
            assert_eq!(run.ended(), Some(4));
        }
    }

    fn leaves_signals(self) {
        let mut run = self.start(None).unwrap();
        run.send(Signal::INT);
        until(PATIENCE, "the run is pausing", || {
            run.workbench.state("x") == "creating_checkpoint"
        });
        run.assert_is_held(self);
        run.send(Signal::INT);
        assert_eq!(run.ended(), Some(130));
        run.until_program_is_gone();
        assert_eq!(run.workbench.state("x"), "creating_checkpoint");
    }

    fn leaves_timeouts(self) {
        // As long as it takes on this machine to come to where something is held up.
        let runs = [4, 16, 64].into_iter();
        let mut runs = runs.filter_map(|seconds| Some((seconds, self.start(Some(seconds))?)));
        let (seconds, mut run) = runs.next().unwrap();
        let patience = PATIENCE + Duration::from_secs(seconds);
        until(patience, "the step has timed out", || run.has_failed());
        assert_eq!(run.row().unwrap()["lease_until"], Value::Null);
        let status = run.workbench.workflow(&["status", "x", "--json"]).json();
        let error = status["steps"]["a"]["error"].as_str().unwrap();
        let said = format!(
            "no answer within {}",
            wf_model::format_duration(Duration::from_secs(seconds))
        );
        assert!(error.contains(&said), "{error}");
        run.until_program_is_gone();
        if self != Held::Reader {
            assert_eq!(run.ended(), Some(1));
        }
    }
}

impl Run {
    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The execution, as another process sees it, once there is one.
    fn row(&self) -> Option<Value> {
        let rows = self.workbench.workflow(&["executions", "--json"]);
        let rows: Value = serde_json::from_str(&rows.stdout).ok()?;
        rows.get(0).cloned()
    }

    fn has_failed(&self) -> bool {
        self.row().is_some_and(|row| row["state"] == "failed")
    }

    /// The agent's program, when it has said who it is.
    fn written(&self) -> Option<Pid> {
        let written = fs::read_to_string(self.workbench.path("up")).ok()?;
        Pid::from_raw(written.strip_suffix('\n')?.parse().ok()?)
    }

    fn ended(&mut self) -> Option<i32> {
        let mut status = None;
        until(PATIENCE, "the process has ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }

    fn until_program_is_gone(&self) {
        until(PATIENCE, "the program is gone", || {
            matches!(self.program.and_then(state_of), None | Some('Z'))
        });
    }

    /// Fails where nothing is held up any more: nothing would be shown then.
    fn assert_is_held(&mut self, held: Held) {
        assert!(self.child.try_wait().unwrap().is_none(), "the run is over");
        let is_held = held != Held::Check || self.is_checking();
        assert!(is_held, "the answer is checked by now");
    }

    /// Whether a thread looks at a large value of the run.
    fn is_checking(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let mut threads = threads.unwrap().filter_map(|thread| {
            let name = thread.ok()?.path().join("comm");
            fs::read_to_string(name).ok()
        });
        threads.any(|name| name.trim() == "wf-work")
    }

    /// The child of the run that is its watchdog.
    fn watchdog(&self) -> Option<Pid> {
        // Each thread has the children that it has started itself.
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let children: String = threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok())
            .collect();
        let is_watchdog = |id: &&str| {
            let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            words.split(|byte| *byte == 0).nth(1) == Some(b"watchdog")
        };
        let found = children.split_whitespace().find(is_watchdog)?;
        Pid::from_raw(found.parse().unwrap())
    }
}

/// What a process does; none where there is none.
fn state_of(process: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything.
    stat.rsplit_once(") ")?.1.chars().next()
}

#[track_caller]
fn until(patience: Duration, what: &str, mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < patience, "it is not so that {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_reader_that_never_reads_holds_up_nothing() {
    Held::Reader.holds_up_nothing();
}

#[test]
fn a_watchdog_that_is_stopped_holds_up_nothing() {
    Held::Watchdog.holds_up_nothing();
}

#[test]
fn an_answer_that_takes_long_to_check_holds_up_nothing() {
    Held::Check.holds_up_nothing();
}
