//! `kill -9` of the command at moments drawn from a seed: nothing that was committed is run again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::journal::Entry;
use crate::workbench::{Workbench, end};

/// How often the command is killed, unless `AX_KILLS` says otherwise.
const KILLS: u32 = 8;
const WIDTH: usize = 10;
const DEPTH: usize = 10;
/// No more attempts than this are written to the journal between two kills.
const LONGEST: usize = 24;
/// How long agents may outlive the command.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one execution went through.
struct Survival {
    kills: u32,
    attempts: usize,
}

#[test]
fn what_was_committed_is_never_run_again_however_often_the_command_is_killed() {
    let kills = std::env::var("AX_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut killed, mut runs, mut attempts) = (0, 0, 0);
    while killed < kills {
        let survival = survive(&mut random, kills - killed);
        killed += survival.kills;
        attempts += survival.attempts;
        runs += 1;
    }
    println!(
        "{killed} kills in {runs} runs of {} steps: {attempts} attempts, {} of them again; no committed step among them",
        WIDTH * DEPTH,
        attempts - runs * WIDTH * DEPTH
    );
}

/// Runs the workflow to its end, killing the command at most that often.
fn survive(random: &mut Random, kills: u32) -> Survival {
    let workbench = Workbench::new();
    workbench.keep_journal();
    workbench.write("lattice.yaml", lattice());
    let mut done = BTreeSet::new();
    let mut round = 0;
    loop {
        let arguments = match done.len() {
            0 => &["workflow", "run", "lattice.yaml", "--id", "x", "--quiet"][..],
            _ => &["workflow", "resume", "x", "--quiet"],
        };
        let mut command = workbench.command(arguments);
        command.env("ROUND", round.to_string());
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = workbench.journal().len() + random.below(LONGEST);
        let ended = if round < kills {
            kill_after(child, &workbench, lines, random.below(4096))
        } else {
            Some(end(child).assert_status(0).stdout)
        };
        let journal = workbench.journal();
        assert_not_again(&journal, round, &done);
        if workbench.path(".ax/ax.db").exists() {
            workbench.assert_sound();
        }
        if let Some(result) = ended {
            assert_complete(&workbench, &result);
            return Survival {
                kills: round.min(kills),
                attempts: journal.len(),
            };
        }
        assert_no_agents(&workbench);
        let now = workbench.committed("x");
        assert!(now.is_superset(&done), "{done:?} became {now:?}");
        done = now;
        round += 1;
    }
}

/// Kills the command some turns after the journal has that many lines; its output if it was faster.
fn kill_after(
    mut child: Child,
    workbench: &Workbench,
    lines: usize,
    turns: usize,
) -> Option<String> {
    while workbench.journal().len() < lines && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    for _ in 0..turns {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    let outcome = end(child);
    // Only what a signal has ended has no status.
    (outcome.status != -1).then(|| outcome.assert_status(0).stdout)
}

/// Fails when a step was run in this round whose end was committed before it.
#[track_caller]
fn assert_not_again(journal: &[Entry], round: u32, done: &BTreeSet<String>) {
    for entry in journal.iter().filter(|entry| entry.round == round) {
        assert!(!done.contains(&entry.step), "{entry:?} was done: {done:?}");
    }
}

#[track_caller]
fn assert_complete(workbench: &Workbench, result: &str) {
    assert_eq!(workbench.state("x"), "completed");
    assert_eq!(workbench.committed("x").len(), WIDTH * DEPTH);
    let result: serde_json::Value =
        serde_json::from_str(result.strip_prefix("x\n").unwrap_or(result)).unwrap();
    let result = result.as_object().unwrap();
    assert_eq!(result.len(), WIDTH);
    assert!(result.iter().all(|(key, value)| value == key), "{result:?}");
}

/// Waits until no process of an agent is left; fails when the watchdog has left one.
#[track_caller]
pub(crate) fn assert_no_agents(workbench: &Workbench) {
    let begin = Instant::now();
    loop {
        let left = agents(workbench);
        if left.is_empty() {
            return;
        }
        if begin.elapsed() > PATIENCE {
            for process in &left {
                let _ = kill_process(*process, Signal::KILL);
            }
            panic!("{left:?} have outlived the command");
        }
        std::thread::yield_now();
    }
}

/// The processes of agents that run in this folder.
fn agents(workbench: &Workbench) -> Vec<Pid> {
    let folder = workbench.path("").canonicalize().unwrap();
    let is_agent = |process: &Path| {
        // What is dead and not yet buried has neither a folder nor an environment.
        std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
            && std::fs::read(process.join("environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable.starts_with(b"AX_STEP_KEY="))
            })
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            is_agent(&entry.path()).then(|| Pid::from_raw(id))?
        })
        .collect()
}

/// Layers of steps, each of which needs three of the layer before.
fn lattice() -> String {
    let mut text = String::from("name: Lattice\nsteps:\n");
    for layer in 0..DEPTH {
        for column in 0..WIDTH {
            let needs = match layer.checked_sub(1) {
                None => String::new(),
                Some(before) => (0..3)
                    .map(|offset| format!("s{before}-{}", (column + offset) % WIDTH))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            let _ = writeln!(
                text,
                "  - {{ key: s{layer}-{column}, agent: worker, prompt: p, dependencies: [{needs}] }}"
            );
        }
    }
    text
}

/// Numbers that are the same in every run: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
