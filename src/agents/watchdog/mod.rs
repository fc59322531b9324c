//! A small process that outlives its host, to kill what the host leaves running.

mod keeper;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::Pid;
use wf_core::agent::Request;

pub use self::keeper::keep_watch;

/// Kills the process groups of agents when the host that started them dies without a word, as by `kill -9`.
///
/// It is a process of its own, which is told of each group's beginning and end through a pipe. When the pipe
/// closes, the host is gone: what is left of the groups gets `SIGKILL`. The process starts with the first
/// program, ends with its host, belongs to no terminal, has nothing open but the pipe, and hears no signal that
/// is sent to the host's process group. When it is killed, the next program starts another.
///
/// A host that is killed in the moment between the start of a program and the word about it leaves a program
/// that nobody knows. Where there is a `/proc`, as on Linux, the process finds it by its environment; elsewhere
/// it stays. What leaves its process group on purpose stays everywhere.
///
/// ```no_run
/// use ax::agents::{CommandAgent, Watchdog};
///
/// // A program whose `main` calls `ax::agents::keep_watch` when it is started with this argument.
/// let watchdog = Watchdog::new(std::env::current_exe()?, ["watchdog"]);
/// let agent = CommandAgent::new("git", ["diff"]).watched(watchdog);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Watchdog(Arc<Shared>);

struct Shared {
    program: PathBuf,
    arguments: Vec<OsString>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    last: u64,
    /// What has been told and is not over, by number, for a process that takes another's place.
    told: BTreeMap<u64, Told>,
}

struct Process {
    child: Child,
    pipe: ChildStdin,
}

/// A process group that the watchdog knows, or will know.
struct Told {
    expected: String,
    born: Option<Pid>,
}

/// One process group under watch, until it is dropped.
pub(super) struct Watch {
    watchdog: Watchdog,
    number: u64,
}

impl Watchdog {
    /// A watchdog that is started, with the first program, as `program` with `arguments`, which has to call
    /// [`keep_watch`].
    pub fn new<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Watchdog(Arc::new(Shared {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            state: Mutex::default(),
        }))
    }

    /// Tells that a program is about to be started for this attempt.
    pub(super) fn expect(&self, request: Request<'_>) -> io::Result<Watch> {
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        let attempt = request.attempt.to_string();
        let known = serde_json::to_string(&[request.execution.as_str(), request.step, &attempt])?;
        let told = Told {
            expected: format!("expect {number} {known}\n"),
            born: None,
        };
        let line = told.expected.clone();
        state.told.insert(number, told);
        let watch = Watch {
            watchdog: self.clone(),
            number,
        };
        let answer = self.tell(&mut state, &line);
        // The lock is free before the watch can be dropped.
        drop(state);
        answer.map(|()| watch)
    }

    fn tell(&self, state: &mut State, line: &str) -> io::Result<()> {
        if let Some(process) = &mut state.process
            && process.pipe.write_all(line.as_bytes()).is_ok()
        {
            return Ok(());
        }
        drop(state.process.take());
        let mut process = Process::start(&self.0)?;
        for (number, told) in &state.told {
            process.pipe.write_all(told.expected.as_bytes())?;
            if let Some(group) = told.born {
                process.pipe.write_all(born(*number, group).as_bytes())?;
            }
        }
        state.process = Some(process);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Tells which process group it is.
    pub(super) fn born(&self, group: Pid) -> io::Result<()> {
        let mut state = self.watchdog.lock();
        if let Some(told) = state.told.get_mut(&self.number) {
            told.born = Some(group);
        }
        self.watchdog.tell(&mut state, &born(self.number, group))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.watchdog.lock();
        state.told.remove(&self.number);
        // Another process would not know of this group in the first place.
        if let Some(process) = &mut state.process {
            let _ = writeln!(process.pipe, "end {}", self.number);
        }
    }
}

impl Process {
    fn start(shared: &Shared) -> io::Result<Process> {
        let mut command = Command::new(&shared.program);
        command
            .args(&shared.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn()?;
        match child.stdin.take() {
            Some(pipe) => Ok(Process { child, pipe }),
            None => Err(io::Error::other("the watchdog was started without a pipe")),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended is reaped here; another ends when its pipe closes, and is reaped with the host.
        let _ = self.child.try_wait();
    }
}

fn born(number: u64, group: Pid) -> String {
    format!("born {number} {}\n", group.as_raw_nonzero())
}

impl std::fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watchdog")
            .field("program", &self.0.program)
            .finish_non_exhaustive()
    }
}
