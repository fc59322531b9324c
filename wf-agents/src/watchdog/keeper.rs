//! The watchdog's own side: listens, and kills when nobody speaks any more.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgid, getpid, getppid, kill_process_group, setpgid, setsid};

use super::NAME;
use crate::processes::{process, processes};

/// How often, and how long apart, programs are looked for that were about to start when the host died: what was
/// forked by then needs a moment until it can be recognised, on a busy machine a long one. Ten seconds in all.
const LOOKS: [(u32, Duration); 2] = [
    (100, Duration::from_millis(10)),
    (90, Duration::from_millis(100)),
];

/// Does the work of a [`Watchdog`](super::Watchdog): listens on standard input to its end, then kills the process
/// groups that are left, and returns.
///
/// Meant to be all that a program does which is started for this purpose.
pub fn keep_watch() -> ExitCode {
    // Whoever kills the host by its name is not to hit this process; it matters where there is a `/proc` alone.
    let _ = std::fs::write("/proc/self/comm", NAME);
    let host = getppid();
    let host_group = host.and_then(group_of);
    leave_session(host_group);
    let mut groups = Groups::default();
    for line in io::stdin().lock().lines() {
        // What cannot be read is as good as the end.
        let Ok(line) = line else { break };
        groups.hear(&line);
    }
    groups.kill();
    groups.find(host, host_group);
    ExitCode::SUCCESS
}

/// Begins a session of its own, so that no terminal has a hold on this process, nor it on a terminal.
///
/// It was started as the leader of a process group, safe from signals to the host's; as such it cannot begin a
/// session, so it goes back to the host's group for an instant. Where that fails, it stays where it is.
fn leave_session(host_group: Option<Pid>) {
    if let Some(group) = host_group
        && setpgid(None, Some(group)).is_ok()
        && setsid().is_err()
    {
        let _ = setpgid(None, None);
    }
}

/// The process groups that the host has, by number.
#[derive(Default)]
struct Groups(BTreeMap<u64, Group>);

struct Group {
    /// The execution, the step and the attempt.
    attempt: [String; 3],
    /// None while it is about to start.
    leader: Option<Pid>,
}

impl Groups {
    /// Takes one line in; what makes no sense is passed over.
    fn hear(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let (Some(verb), Some(Ok(number))) = (words.next(), words.next().map(str::parse)) else {
            return;
        };
        let rest = words.next().unwrap_or_default();
        match verb {
            "expect" => {
                if let Ok(attempt) = serde_json::from_str(rest) {
                    let leader = None;
                    self.0.insert(number, Group { attempt, leader });
                }
            }
            "born" => {
                // Of those that another process was told before, only this is told.
                let attempt = Default::default();
                let leader = None;
                let group = self.0.entry(number).or_insert(Group { attempt, leader });
                group.leader = rest.parse().ok().and_then(Pid::from_raw);
            }
            "end" => {
                self.0.remove(&number);
            }
            _ => {}
        }
    }

    /// Kills the groups that are known, and forgets them.
    fn kill(&mut self) {
        self.0.retain(|_, group| match group.leader {
            Some(leader) => {
                // It fails only when nothing of the group is left.
                let _ = kill_process_group(leader, Signal::KILL);
                false
            }
            None => true,
        });
    }

    /// Looks for the programs that were about to start, and kills those that did.
    ///
    /// Looks on when it has found them: an execution elsewhere may have the same name, and an orphan of its own.
    fn find(&self, host: Option<Pid>, host_group: Option<Pid>) {
        if self.0.is_empty() {
            return;
        }
        // What has joined one of these is out of reach; the first would mean everybody.
        let spared = [Some(Pid::INIT), host_group, group_of(getpid())];
        let (_never, wait) = mpsc::channel::<()>();
        for (looks, between) in LOOKS {
            for _ in 0..looks {
                // Orphans of one host have one parent: the host, and a moment later whoever takes them in.
                let parents = [host, getppid()];
                let orphans = processes().into_iter();
                for process in orphans.filter(|process| parents.contains(&process.parent)) {
                    // The program itself may have ended already, and what it has started is still in its group.
                    if !spared.contains(&Some(process.group)) && self.knows(process.id) {
                        // It fails only when nothing of the group is left.
                        let _ = kill_process_group(process.group, Signal::KILL);
                    }
                }
                let _ = wait.recv_timeout(between);
            }
        }
    }

    /// Whether the process was started for one of these attempts, by its environment.
    fn knows(&self, process: Pid) -> bool {
        let Ok(environment) = std::fs::read(format!("/proc/{process}/environ")) else {
            return false;
        };
        let has = |name: &str, value: &str| {
            environment
                .split(|byte| *byte == 0)
                .filter_map(|variable| variable.strip_prefix(name.as_bytes()))
                .filter_map(|rest| rest.strip_prefix(b"="))
                .any(|found| found == value.as_bytes())
        };
        self.0.values().any(|group| {
            let [execution, step, attempt] = &group.attempt;
            has("AX_EXECUTION_ID", execution)
                && has("AX_STEP_KEY", step)
                && has("AX_ATTEMPT", attempt)
        })
    }
}

/// The process group of a process. Where there is a `/proc`, from there: the group may lie outside of what this
/// process can see, as in a container, and has no number then.
fn group_of(id: Pid) -> Option<Pid> {
    match process(id.as_raw_nonzero().get()) {
        Some(known) => Some(known.group),
        None if cfg!(target_os = "linux") => None,
        None => getpgid(Some(id)).ok(),
    }
}
