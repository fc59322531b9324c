//! What to do when the system has no room for another program: wait until one of this process's ends.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Notify;
use wf_core::agent::Request;

/// The programs of this process that have not ended.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Says that a program has ended.
static ENDED: Notify = Notify::const_new();

/// How soon a start is tried again when no program ends: others may have made room.
const AGAIN: Duration = Duration::from_secs(1);

/// A program that runs, until it is dropped.
#[derive(Debug)]
pub(super) struct Running(());

impl Running {
    pub(super) fn new() -> Self {
        RUNNING.fetch_add(1, Ordering::SeqCst);
        Running(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        ENDED.notify_waiters();
    }
}

/// Whether the system lacked what another program needs: files, processes or memory.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    let short = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    short
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Starts something; where the system is short of what that needs, again when a program of this process has ended. With none
/// running, the shortage is the answer.
///
/// The step's time stands still meanwhile.
pub(super) async fn when_there_is_room<T, E>(
    request: Request<'_>,
    mut start: impl FnMut() -> Result<T, E>,
    cause: impl Fn(&E) -> &io::Error,
) -> Result<T, E> {
    let mut waiting = None;
    loop {
        // Listens first, so that no end is missed.
        let ended = ENDED.notified();
        let started = start();
        match &started {
            Err(error) if is_shortage(cause(error)) && RUNNING.load(Ordering::SeqCst) > 0 => {
                waiting.get_or_insert_with(|| request.waiting());
            }
            _ => return started,
        }
        let _ = tokio::time::timeout(AGAIN, ended).await;
    }
}

/// As many open files as are asked for where the system sets no limit.
const MOST_FILES: u64 = 1 << 20;

/// The limit of open files as it was before it was raised.
static BEFORE: OnceLock<Option<Rlimit>> = OnceLock::new();

/// Lets this process have as many files open as the system allows it, for the pipes of its programs. These get the limit that
/// was there before.
pub fn open_many_files() {
    BEFORE.get_or_init(|| {
        let before = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: before.maximum.or(Some(MOST_FILES)),
            maximum: before.maximum,
        };
        let is_raised = before
            .current
            .is_some_and(|before| Some(before) < raised.current)
            && setrlimit(Resource::Nofile, raised).is_ok();
        is_raised.then_some(before)
    });
}

/// The limit of open files that programs are to have, where this process has another.
pub(super) fn limit_of_programs() -> Option<Rlimit> {
    BEFORE.get().cloned().flatten()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::poll;
    use wf_core::id::ExecutionId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_for_the_end_of_a_program_and_not_where_none_runs() {
        let execution = ExecutionId::from("e");
        let request = Request::new("p", &execution, "s", 1);
        let starts = Cell::new(0);
        let start = |errno: Errno| {
            let starts = &starts;
            move || -> Result<(), io::Error> {
                starts.set(starts.get() + 1);
                Err(io::Error::from_raw_os_error(errno.raw_os_error()))
            }
        };
        let same = |error: &io::Error| error.raw_os_error();
        for errno in [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM] {
            let running = Running::new();
            starts.set(0);
            let mut started = std::pin::pin!(when_there_is_room(request, start(errno), |e| e));
            assert!(poll!(&mut started).is_pending(), "{errno}");
            assert_eq!(starts.get(), 1);
            drop(running);
            let error = started.await.unwrap_err();
            assert_eq!(same(&error), Some(errno.raw_os_error()));
            // Other tests of this process may run programs.
            assert!(starts.get() >= 2, "{errno}");
        }
        // What no end of a program changes is not waited for.
        let _running = Running::new();
        starts.set(0);
        let started = when_there_is_room(request, start(Errno::ACCESS), |e| e).await;
        assert_eq!(
            same(&started.unwrap_err()),
            Some(Errno::ACCESS.raw_os_error())
        );
        assert_eq!(starts.get(), 1);
    }
}
