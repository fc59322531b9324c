//! A small process that outlives its host, to kill what the host leaves running.

mod keeper;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use wf_core::agent::Request;

pub use self::keeper::keep_watch;

/// The process's name, which is not its program's: `killall` of the host's name must not hit it.
const NAME: &str = "agent-watchdog";

/// How much a pipe takes in at least before somebody reads it, in bytes.
const SMALLEST_PIPE: usize = 4096;

/// How many milliseconds a new process has to read what a pipe does not hold.
const PATIENCE: u32 = 200;

/// A process that ends sooner than this does so by itself, perhaps; after some of these in a row no other takes
/// its place until the next program starts.
const SOON: Duration = Duration::from_secs(1);
const MOST_SOON: u32 = 8;

/// Kills the process groups of agents when the host that started them dies without a word, as by `kill -9`.
///
/// It is a process of its own, which is told of each group's beginning and end through a pipe. When the pipe
/// closes, the host is gone: what is left of the groups gets `SIGKILL`. The process starts with the first
/// program, ends with its host, belongs to no terminal, has nothing open but the pipe, and hears no signal that
/// is sent to the host's process group. Its name is `agent-watchdog`, so that whoever kills the host by name does not
/// hit it. When it is killed or stopped, another takes its place at once, and knows all that it knew. The host never waits
/// for it.
///
/// A host that is killed in the moment between the start of a program and the word about it leaves a program
/// that nobody knows. Where there is a `/proc`, as on Linux, the process finds it by its environment; elsewhere
/// it stays. What leaves its process group on purpose stays everywhere.
///
/// ```no_run
/// use wf_agents::{CommandAgent, Watchdog};
///
/// // A program whose `main` calls `wf_agents::keep_watch` when it is started with this argument.
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
    /// How many processes in a row have ended soon after their start.
    ended_soon: u32,
    /// What has been told and is not over, by number, for a process that takes another's place.
    told: BTreeMap<u64, Told>,
    /// The processes whose place was taken, until they are reaped.
    replaced: Vec<Child>,
}

struct Process {
    child: Child,
    pipe: PipeWriter,
    began: tokio::time::Instant,
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
        state.ended_soon = 0;
        let number = state.last;
        let attempt = request.attempt.to_string();
        let known = serde_json::to_string(&[request.execution.as_str(), request.step, &attempt])?;
        let told = Told {
            expected: format!("expect {number} {known}\n"),
            born: None,
        };
        let line = told.line(number);
        state.told.insert(number, told);
        let watch = Watch {
            watchdog: self.clone(),
            number,
        };
        let answer = match &state.process {
            Some(process) if process.is_well() => self.tell(&mut state, &line),
            _ => self.replace(&mut state),
        };
        // The lock is free before the watch can be dropped.
        drop(state);
        answer.map(|()| watch)
    }

    /// Tells a line, without waiting for anybody to read it: what has no room for a line is not listening any more.
    fn tell(&self, state: &mut State, line: &str) -> io::Result<()> {
        if let Some(process) = &mut state.process
            && matches!(process.pipe.write(line.as_bytes()), Ok(length) if length == line.len())
        {
            return Ok(());
        }
        self.replace(state)
    }

    /// Starts another process, which knows all that is not over; none where nothing is.
    fn replace(&self, state: &mut State) -> io::Result<()> {
        if let Some(Process { mut child, .. }) = state.process.take() {
            // Before its pipe closes: it would kill what it knows. One that has ended needs it no more.
            let _ = child.kill();
            state.replaced.push(child);
        }
        state
            .replaced
            .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let told = state.told.iter();
        let told: String = told.map(|(number, told)| told.line(*number)).collect();
        if !told.is_empty() {
            state.process = Some(Process::start(&self.0, &told)?);
        }
        Ok(())
    }

    /// Starts another process if the one that there was has ended, or was stopped, and is still needed.
    fn revive(&self) {
        let mut state = self.lock();
        let began = match &state.process {
            Some(process) if process.is_well() => return,
            process => process.as_ref().map(|process| process.began),
        };
        state.ended_soon = match began {
            Some(began) if began.elapsed() >= SOON => 0,
            _ => state.ended_soon.saturating_add(1),
        };
        if state.told.is_empty() || state.ended_soon >= MOST_SOON {
            return;
        }
        // What fails here is tried again, and reported, when the next program starts.
        let _ = self.replace(&mut state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// All that a process has to hear of it.
    fn line(&self, number: u64) -> String {
        match self.born {
            Some(group) => born(number, group),
            None => self.expected.clone(),
        }
    }
}

impl Watch {
    /// Sees to it that somebody watches: to be called when a child of this process has ended.
    pub(super) fn revive(&self) {
        self.watchdog.revive();
    }

    /// Tells which process group it is; where that fails, the next process hears it.
    pub(super) fn born(&self, group: Pid) {
        let mut state = self.watchdog.lock();
        if let Some(told) = state.told.get_mut(&self.number) {
            told.born = Some(group);
        }
        let _ = self.watchdog.tell(&mut state, &born(self.number, group));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.watchdog.lock();
        state.told.remove(&self.number);
        // Another process would not know of this group in the first place.
        if state.process.is_some() {
            let line = format!("end {}\n", self.number);
            let _ = self.watchdog.tell(&mut state, &line);
        }
    }
}

impl Process {
    /// Starts a process that is told these lines before all else.
    fn start(shared: &Shared, told: &str) -> io::Result<Process> {
        let (stdin, mut pipe) = io::pipe()?;
        // As much as the pipe holds is in it before the process exists: the host may die at any moment.
        let early = told.floor_char_boundary(SMALLEST_PIPE);
        let (early, late) = told.split_at(early);
        pipe.write_all(early.as_bytes())?;
        let mut command = Command::new(&shared.program);
        command
            .arg0(NAME)
            .args(&shared.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        ioctl_fionbio(&pipe, true)?;
        let mut child = command.spawn()?;
        // The process alone has the pipe's other end from here on: when it dies, writing fails.
        drop(command);
        if let Err(error) = write_soon(&mut pipe, late.as_bytes()) {
            let _ = child.kill();
            let _ = child.try_wait();
            return Err(error);
        }
        let began = tokio::time::Instant::now();
        Ok(Process { child, pipe, began })
    }

    /// Whether it runs: it has not ended, and nobody has stopped it.
    fn is_well(&self) -> bool {
        let options = WaitIdOptions::EXITED
            | WaitIdOptions::STOPPED
            | WaitIdOptions::NOWAIT
            | WaitIdOptions::NOHANG;
        matches!(
            waitid(WaitId::Pid(Pid::from_child(&self.child)), options),
            Ok(None)
        )
    }
}

/// Writes to a process that has just started, which empties its pipe within moments; not at all where it does not.
fn write_soon(pipe: &mut PipeWriter, mut bytes: &[u8]) -> io::Result<()> {
    for _ in 0..PATIENCE {
        while !bytes.is_empty() {
            match pipe.write(bytes) {
                Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if bytes.is_empty() {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Err(io::Error::from(io::ErrorKind::TimedOut))
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
