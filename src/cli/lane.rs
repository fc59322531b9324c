//! Work that may block for as long as it likes: a queue of jobs, and a thread that does them one after the other.
//!
//! What drives a run only queues. A terminal that was stopped with Ctrl-S, a pipe that nobody reads and a disk that
//! hangs hold up such a thread, and no lease, timeout or signal.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

type Job = Box<dyn FnOnce() + Send>;

/// How much may wait for it before more of a kind is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// What agents write while they run: 4 MiB of all that waits.
    Live,
    /// What happens to steps: 16 MiB.
    Progress,
    /// What is written down: 64 MiB.
    Record,
    /// Results, identifiers and errors, which are never left out.
    Kept,
}

impl Weight {
    const fn room(self) -> usize {
        match self {
            Weight::Live => 4 << 20,
            Weight::Progress => 16 << 20,
            Weight::Record => 64 << 20,
            Weight::Kept => usize::MAX,
        }
    }
}

/// A queue of jobs and its thread, which starts with the first job and lives as long as the process.
pub(crate) struct Lane {
    name: &'static str,
    state: Mutex<State>,
    filled: Condvar,
    idle: Notify,
}

struct State {
    jobs: VecDeque<(usize, Job)>,
    /// The size of all that is queued or being done.
    size: usize,
    has_thread: bool,
}

impl Lane {
    pub(crate) const fn new(name: &'static str) -> Self {
        Lane {
            name,
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                size: 0,
                has_thread: false,
            }),
            filled: Condvar::new(),
            idle: Notify::const_new(),
        }
    }

    /// Queues a job of that many bytes, unless too much waits already: then it answers `false`.
    pub(crate) fn queue(
        &'static self,
        weight: Weight,
        size: usize,
        job: impl FnOnce() + Send + 'static,
    ) -> bool {
        let mut state = self.lock();
        if state.size > weight.room() {
            return false;
        }
        if !state.has_thread {
            let thread = std::thread::Builder::new().name(self.name.to_owned());
            state.has_thread = thread.spawn(move || self.work()).is_ok();
            if !state.has_thread {
                drop(state);
                // Better late than never.
                job();
                return true;
            }
        }
        // A job weighs something even when its text is empty.
        let size = size.saturating_add(64);
        state.size = state.size.saturating_add(size);
        state.jobs.push_back((size, Box::new(job)));
        self.filled.notify_one();
        true
    }

    /// Waits until all that is queued is done.
    pub(crate) async fn done(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.lock().size == 0 {
                return;
            }
            idle.await;
        }
    }

    fn work(&self) {
        loop {
            let (size, job) = {
                let mut state = self.lock();
                loop {
                    match state.jobs.pop_front() {
                        Some(next) => break next,
                        None => {
                            state = self
                                .filled
                                .wait(state)
                                .unwrap_or_else(PoisonError::into_inner);
                        }
                    }
                }
            };
            job();
            let mut state = self.lock();
            state.size = state.size.saturating_sub(size);
            if state.size == 0 {
                self.idle.notify_waiters();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_lane_that_is_held_up_takes_what_is_kept_and_leaves_out_the_rest() {
        static LANE: Lane = Lane::new("test");
        let (release, held) = channel::<()>();
        let (done, order) = channel();
        assert!(LANE.queue(Weight::Live, 5 << 20, move || {
            let _ = held.recv();
        }));
        assert!(!LANE.queue(Weight::Live, 1, || ()));
        let progress = done.clone();
        assert!(LANE.queue(Weight::Progress, 20 << 20, move || {
            let _ = progress.send(1);
        }));
        assert!(!LANE.queue(Weight::Progress, 1, || ()));
        assert!(LANE.queue(Weight::Kept, 1, move || {
            let _ = done.send(2);
        }));
        drop(release);
        futures::executor::block_on(LANE.done());
        assert_eq!(order.try_iter().collect::<Vec<_>>(), [1, 2]);
        assert!(LANE.queue(Weight::Live, 1, || ()));
    }
}
