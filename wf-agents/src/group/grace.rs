//! Programs that were asked to end, and have a while to do so before they are killed.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::process::Child;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::time::Instant;

use crate::processes::processes;
use crate::shortage::Running;
use crate::watchdog::Watch;

/// How often is looked whether they have ended.
const LOOK: Duration = Duration::from_millis(20);

/// A process group that was asked to end. Its leader is reaped last, so that its number names no other group.
pub(super) struct Ending {
    pub(super) leader: Child,
    pub(super) id: Pid,
    pub(super) watch: Option<Watch>,
    _running: Running,
    /// When it is killed.
    pub(super) until: Instant,
    /// Names the step that it was started for.
    pub(super) key: String,
    /// Where it may still write to: a broken pipe would end it before it has cleaned up.
    pub(super) pipes: Vec<File>,
    is_killed: bool,
}

static ENDING: Mutex<State> = Mutex::new(State {
    groups: Vec::new(),
    has_thread: false,
});

static CHANGED: Condvar = Condvar::new();

struct State {
    groups: Vec<Ending>,
    has_thread: bool,
}

impl Ending {
    pub(super) fn new(
        leader: Child,
        id: Pid,
        watch: Option<Watch>,
        running: Running,
        pipes: Vec<File>,
        key: String,
    ) -> Self {
        Ending {
            leader,
            id,
            watch,
            _running: running,
            until: Instant::now(),
            key,
            pipes,
            is_killed: false,
        }
    }

    /// Asks the group to end, and kills what is left of it after the grace; returns at once.
    pub(super) fn begin(mut self, grace: Duration) {
        if grace.is_zero() {
            self.kill();
        } else {
            let now = Instant::now();
            self.until = now.checked_add(grace).unwrap_or(now);
            // They fail only when nothing of the group is left. What is stopped hears nothing before it goes on.
            let _ = kill_process_group(self.id, Signal::TERM);
            let _ = kill_process_group(self.id, Signal::CONT);
        }
        if self.is_over(None, Instant::now()) {
            return;
        }
        let mut state = lock();
        state.groups.push(self);
        if state.has_thread {
            return;
        }
        let thread = std::thread::Builder::new().name("ax-reaper".into());
        match thread.spawn(attend) {
            Ok(_) => state.has_thread = true,
            // Without a thread nobody would kill it later; its leader stays a zombie until this process ends.
            Err(_) => {
                state.groups.iter_mut().for_each(Ending::kill);
                state.groups.clear();
            }
        }
    }

    fn kill(&mut self) {
        // It fails only when nothing of the group is left, which is what is wanted.
        let _ = kill_process_group(self.id, Signal::KILL);
        self.is_killed = true;
    }

    /// Kills the group when its time is over, or when nobody else is left in it than the leader, which has ended; tells
    /// whether it is gone. `alive` are the groups with processes in them, if that is known.
    fn is_over(&mut self, alive: Option<&HashSet<Pid>>, now: Instant) -> bool {
        let ended = self.leader_has_ended();
        let alone = alive.is_some_and(|alive| !alive.contains(&self.id));
        if !self.is_killed && (now >= self.until || (ended && alone)) {
            self.kill();
        }
        if !self.is_killed || !ended {
            return false;
        }
        // Before its number can come to name another group.
        self.watch = None;
        let _ = self.leader.try_wait();
        true
    }

    /// Forgets what it has written.
    fn drain(&mut self) {
        let mut buffer = [0; 16 * 1024];
        for pipe in &mut self.pipes {
            // Others are to have their turn.
            for _ in 0..64 {
                if !matches!(pipe.read(&mut buffer), Ok(1..)) {
                    break;
                }
            }
        }
    }

    fn leader_has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(waitid(WaitId::Pid(self.id), options), Ok(None))
    }
}

fn lock() -> MutexGuard<'static, State> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks after the groups until none is left.
fn attend() {
    let mut state = lock();
    loop {
        let groups = &mut state.groups;
        groups.iter_mut().for_each(Ending::drain);
        let alive = groups
            .iter()
            .any(|group| !group.is_killed && group.leader_has_ended())
            .then(alive)
            .flatten();
        let now = Instant::now();
        groups.retain_mut(|group| !group.is_over(alive.as_ref(), now));
        if groups.is_empty() {
            state.has_thread = false;
            return;
        }
        let waited = CHANGED.wait_timeout(state, LOOK);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// The process groups with a process in them that has not ended; none where the system does not tell.
fn alive() -> Option<HashSet<Pid>> {
    let processes = processes();
    if processes.is_empty() {
        return None;
    }
    let alive = processes.iter().filter(|process| !process.has_ended);
    Some(alive.map(|process| process.group).collect())
}

/// Waits until no program is left that was started for the step of that key.
///
/// # Cancellation
///
/// Dropping the future changes nothing.
pub(super) async fn over(key: &str) {
    while lock().groups.iter().any(|group| group.key == key) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until no program is left of the attempts that were given up, by a timeout or because their run was dropped: each has
/// its [grace](super::super::CommandAgent::kill_grace) to end.
///
/// A host that ends sooner leaves them to its [`Watchdog`](super::super::Watchdog), which kills them at once.
///
/// # Cancellation
///
/// Dropping the future changes nothing.
pub async fn programs_ended() {
    while !lock().groups.is_empty() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Kills at once the programs that have a while to end, as those that [`programs_ended`] waits for.
pub fn kill_programs() {
    let mut state = lock();
    let groups = state.groups.iter_mut();
    groups
        .filter(|group| !group.is_killed)
        .for_each(Ending::kill);
    CHANGED.notify_all();
}
