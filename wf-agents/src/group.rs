//! A program in a process group of its own, which ends with whoever waits for it.

mod dispositions;
mod grace;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::std::{CommandWrap, CommandWrapper, ProcessSession};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

use self::grace::Ending;
pub use self::grace::{kill_programs, programs_ended};
use super::shortage::{Running, limit_of_programs};
use super::watchdog::Watch;

/// A running program and all that it has started in its process group.
///
/// The leader is reaped only after its group was killed: as long as it is not reaped, its number cannot
/// come to name another group. Dropping a group asks it to end, and kills it after its grace.
pub(super) struct Group {
    /// None when it was reaped, or handed to the thread that reaps it.
    leader: Option<(Child, Running)>,
    id: Pid,
    manners: Manners,
    /// The ends of its pipes that stay open when it is given up.
    kept: Vec<File>,
    /// Says that some child of this process has ended; it may have been the leader.
    ended: Signals,
    /// Whoever kills the group when this process cannot.
    watch: Option<Watch>,
}

/// How a group is ended when it is given up.
pub(super) struct Manners {
    /// How long it has from the request to end until it is killed.
    pub(super) grace: Duration,
    /// Names the step that it was started for.
    pub(super) key: String,
}

/// The three ends of a program's pipes.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Group {
    /// Starts the program, with pipes for its input, its output and its errors.
    pub(super) fn start(
        command: &mut Command,
        watch: Option<Watch>,
        manners: Manners,
    ) -> io::Result<(Group, Pipes)> {
        dispositions::restore_defaults();
        let files = limit_of_programs();
        // Listens before the program exists, so that its end cannot be missed.
        let ended = signal(SignalKind::child())?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if has_terminal() {
            // The leader of a session leads a process group as well.
            let nothing = CommandWrap::from(Command::new(""));
            ProcessSession.pre_spawn(command, &nothing)?;
        } else {
            command.process_group(0);
        }
        let mut leader = command.spawn()?;
        let id = Pid::from_child(&leader);
        #[cfg(target_os = "linux")]
        if let Some(files) = files {
            // Some programs go through all files that they could have open. It fails where the program is somebody else's.
            let _ = rustix::process::prlimit(Some(id), rustix::process::Resource::Nofile, files);
        }
        #[cfg(not(target_os = "linux"))]
        drop(files);
        // Without them it may break off when it is given up, no worse.
        let kept = [
            leader.stdout.as_ref().and_then(|pipe| kept(pipe.as_fd())),
            leader.stderr.as_ref().and_then(|pipe| kept(pipe.as_fd())),
        ];
        let kept = kept.into_iter().flatten().collect();
        let pipes = (
            leader.stdin.take(),
            leader.stdout.take(),
            leader.stderr.take(),
        );
        let group = Group {
            leader: Some((leader, Running::new())),
            id,
            manners,
            kept,
            ended,
            watch,
        };
        // Dropping the group, from here on, kills it.
        if let Some(watch) = &group.watch {
            watch.born(id);
        }
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("the program was started without pipes"));
        };
        let pipes = Pipes {
            stdin: ChildStdin::from_std(stdin)?,
            stdout: ChildStdout::from_std(stdout)?,
            stderr: ChildStderr::from_std(stderr)?,
        };
        Ok((group, pipes))
    }

    /// Waits until the leader has ended, without reaping it.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing: the next one looks again.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(self.id), options)?.is_none() {
            self.ended.recv().await;
            // It may have been the watchdog.
            if let Some(watch) = &self.watch {
                watch.revive();
            }
        }
        Ok(())
    }

    /// Kills what is left of the group and says how the leader ended; waits for its end.
    pub(super) fn reap(mut self) -> io::Result<ExitStatus> {
        // It fails only when nothing of the group is left, which is what is wanted.
        let _ = kill_process_group(self.id, Signal::KILL);
        // Before its number can come to name another group.
        self.watch = None;
        match self.leader.take() {
            Some((mut leader, _running)) => leader.wait(),
            None => Err(io::Error::other("the program was reaped before")),
        }
    }

    /// Waits until no program is left of the attempts at that step that were given up.
    pub(super) async fn predecessors_ended(key: &str) {
        grace::over(key).await;
    }
}

/// Another hold on the end of a pipe, from which reading does not wait.
fn kept(pipe: BorrowedFd<'_>) -> Option<File> {
    let pipe = pipe.try_clone_to_owned().ok()?;
    ioctl_fionbio(&pipe, true).ok()?;
    Some(File::from(pipe))
}

/// Whether this process has a terminal that its programs could ask somebody at, and be stopped for it.
///
/// Those that get a session of their own have none, and fail with a message of their own. Without a terminal that would
/// change nothing, and a process group alone is begun in less time: this process need not be forked.
fn has_terminal() -> bool {
    OpenOptions::new().read(true).open("/dev/tty").is_ok()
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some((leader, running)) = self.leader.take() else {
            return;
        };
        let key = std::mem::take(&mut self.manners.key);
        let (watch, kept) = (self.watch.take(), std::mem::take(&mut self.kept));
        Ending::new(leader, self.id, watch, running, kept, key).begin(self.manners.grace);
    }
}
