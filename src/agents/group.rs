//! A program in a process group of its own, which ends with whoever waits for it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use process_wrap::std::{CommandWrap, CommandWrapper, ProcessSession};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

use super::watchdog::Watch;

/// A running program and all that it has started in its process group.
///
/// The leader is reaped only after its group was killed: as long as it is not reaped, its number cannot
/// come to name another group. Dropping a group kills it at once.
pub(super) struct Group {
    /// None when it was reaped, or handed to a thread that reaps it.
    leader: Option<Child>,
    id: Pid,
    /// Says that some child of this process has ended; it may have been the leader.
    ended: Signals,
    /// Whoever kills the group when this process cannot.
    watch: Option<Watch>,
}

/// The three ends of a program's pipes.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Group {
    /// Starts the program, with pipes for its input, its output and its errors.
    pub(super) fn start(command: &mut Command, watch: Option<Watch>) -> io::Result<(Group, Pipes)> {
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
        let pipes = (
            leader.stdin.take(),
            leader.stdout.take(),
            leader.stderr.take(),
        );
        let group = Group {
            leader: Some(leader),
            id,
            ended,
            watch,
        };
        // Dropping the group, from here on, kills it.
        if let Some(watch) = &group.watch {
            watch.born(id)?;
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
        self.kill();
        // Before its number can come to name another group.
        self.watch = None;
        match self.leader.take() {
            Some(mut leader) => leader.wait(),
            None => Err(io::Error::other("the program was reaped before")),
        }
    }

    fn kill(&self) {
        // It fails only when nothing of the group is left, which is what is wanted.
        let _ = kill_process_group(self.id, Signal::KILL);
    }
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
        let Some(mut leader) = self.leader.take() else {
            return;
        };
        self.kill();
        self.watch = None;
        // A killed process ends within moments, but not before this call returns. Without a thread it
        // stays a zombie until this process ends, which harms nobody.
        if !matches!(leader.try_wait(), Ok(Some(_))) {
            let _ = std::thread::Builder::new()
                .name("ax-reaper".into())
                .spawn(move || leader.wait());
        }
    }
}
