//! A store that fails when it is told to.

use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::future::BoxFuture;

use super::rng::Rng;
use crate::clock::Clock;
use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp};
use crate::store::{
    Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, NewExecution, Restore, Store,
    StoreError, StoreLayer,
};

/// What goes wrong with one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Another process holds the database for too long: nothing is written.
    Busy,
    /// There is no room left: nothing is written.
    Full,
    /// The disk fails, and nothing is written: the caller cannot know.
    Unwritten,
    /// The write lands, and its answer is lost: the caller cannot know.
    LostAnswer,
    /// The process dies before the write.
    DeathBefore,
    /// The process dies after the write has landed, before it hears of it.
    DeathAfter,
    /// The process is stopped before the write, until [`FaultyStore::wake`]; then the write is made.
    Stall,
}

impl Fault {
    /// Every fault.
    pub const ALL: &'static [Fault] = &[
        Fault::Busy,
        Fault::Full,
        Fault::Unwritten,
        Fault::LostAnswer,
        Fault::DeathBefore,
        Fault::DeathAfter,
        Fault::Stall,
    ];

    /// The faults that the process survives with an error.
    pub const ERRORS: &'static [Fault] = &[
        Fault::Busy,
        Fault::Full,
        Fault::Unwritten,
        Fault::LostAnswer,
    ];
}

/// Stands before another store, and lets chosen writes fail. It stands for one process: what dies with a
/// [death](Fault::DeathBefore) is this store, and never the one behind it.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use futures::executor::block_on;
/// use wf_core::store::{MemoryStore, Store};
/// use wf_core::testing::{Fault, FaultyStore};
///
/// let store = FaultyStore::new(Arc::new(MemoryStore::new())).with_fault(1, Fault::Full);
/// let refused = block_on(store.cancel(&"run".into(), wf_core::id::Timestamp::from_millis(0)));
/// assert!(refused.unwrap_err().is_full());
/// assert_eq!(store.writes(), 1);
/// ```
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    clock: Option<(Arc<dyn Clock>, Duration)>,
    state: Mutex<State>,
}

struct State {
    writes: u64,
    faults: BTreeMap<u64, Fault>,
    /// Errors drawn by chance: one in so many writes.
    chance: Option<(Rng, u64)>,
    latency: Rng,
    process: Process,
    waiting: Vec<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    Alive,
    Stalled,
    Dead,
}

impl FaultyStore {
    /// A store before `inner` that does not fail yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        FaultyStore {
            inner,
            clock: None,
            state: Mutex::new(State {
                writes: 0,
                faults: BTreeMap::new(),
                chance: None,
                latency: Rng::new(0, "latency"),
                process: Process::Alive,
                waiting: Vec::new(),
            }),
        }
    }

    /// Lets that write fail, counted from 1: each creation, commit, claim, renewal, request to pause
    /// and cancellation is one.
    #[must_use]
    pub fn with_fault(self, write: u64, fault: Fault) -> Self {
        self.state().faults.insert(write, fault);
        self
    }

    /// Draws [errors](Fault::ERRORS) from `seed`, at about one in `one_in` of the other writes.
    #[must_use]
    pub fn with_errors(self, seed: u64, one_in: u64) -> Self {
        self.state().chance = Some((Rng::new(seed, "errors"), one_in));
        self
    }

    /// Has writes take their time on `clock`: up to `longest` until they land, and up to `longest`
    /// until they are answered, drawn from `seed`.
    #[must_use]
    pub fn with_latency(mut self, clock: impl Clock, longest: Duration, seed: u64) -> Self {
        self.clock = Some((Arc::new(clock), longest));
        self.state().latency = Rng::new(seed, "latency");
        self
    }

    /// How many writes were asked for.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Whether the process has died.
    pub fn is_dead(&self) -> bool {
        self.state().process == Process::Dead
    }

    /// Lets a process that was [stopped](Fault::Stall) go on.
    pub fn wake(&self) {
        self.change(Process::Stalled, Process::Alive);
    }

    /// Waits until the process has died or is stopped.
    pub fn halted(&self) -> impl Future<Output = ()> + Send + '_ {
        self.until(|process| process != Process::Alive)
    }

    fn write<'a, T: Send + 'a>(
        &'a self,
        write: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T, StoreError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        let (fault, before, after) = self.next();
        Box::pin(async move {
            self.alive().await;
            self.sleep(before).await;
            match fault {
                Some(Fault::Busy) => {
                    return Err(StoreError::busy("the database is held by another process"));
                }
                Some(Fault::Full) => return Err(StoreError::full("the disk is full")),
                Some(Fault::Unwritten) => return Err(StoreError::unanswered("the disk failed")),
                Some(Fault::DeathBefore) => self.change(Process::Alive, Process::Dead),
                Some(Fault::Stall) => self.change(Process::Alive, Process::Stalled),
                Some(Fault::LostAnswer | Fault::DeathAfter) | None => {}
            }
            self.alive().await;
            let answer = write(&*self.inner).await;
            if fault == Some(Fault::DeathAfter) {
                self.change(Process::Alive, Process::Dead);
            }
            self.alive().await;
            self.sleep(after).await;
            if fault == Some(Fault::LostAnswer) {
                return Err(StoreError::unanswered("the answer was lost"));
            }
            answer
        })
    }

    /// What goes wrong with the next write, and how long it takes to land and to be answered.
    fn next(&self) -> (Option<Fault>, Duration, Duration) {
        let mut state = self.state();
        state.writes += 1;
        let write = state.writes;
        let planned = state.faults.get(&write).copied();
        let drawn = state.chance.as_mut().and_then(|(draw, one_in)| {
            let errs = draw.below(*one_in) == 0;
            let kinds = u64::try_from(Fault::ERRORS.len()).unwrap_or(u64::MAX);
            let kind = usize::try_from(draw.below(kinds)).unwrap_or(0);
            errs.then(|| Fault::ERRORS.get(kind).copied()).flatten()
        });
        let mut wait = || {
            let longest = self
                .clock
                .as_ref()
                .map_or(Duration::ZERO, |(_, longest)| *longest);
            let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
            Duration::from_micros(state.latency.below(micros))
        };
        (planned.or(drawn), wait(), wait())
    }

    async fn sleep(&self, duration: Duration) {
        if let Some((clock, _)) = &self.clock {
            clock.sleep(duration).await;
        }
    }

    /// Goes on when the process is alive: at once, later, or never.
    async fn alive(&self) {
        self.until(|process| process != Process::Stalled).await;
        if self.is_dead() {
            pending().await
        }
    }

    async fn until(&self, holds: impl Fn(Process) -> bool + Send) {
        poll_fn(|cx| {
            let mut state = self.state();
            if holds(state.process) {
                return Poll::Ready(());
            }
            state.waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn change(&self, from: Process, to: Process) {
        let mut state = self.state();
        if state.process == from {
            state.process = to;
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for waker in waiting {
            waker.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreLayer for FaultyStore {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn create(&self, new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write(|inner| inner.create(new))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write(|inner| inner.commit(commit))
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        self.write(|inner| inner.claim(claim))
    }

    fn renew(
        &self,
        owner: &Owner,
        executions: &[ExecutionId],
        lease_until: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let (owner, executions) = (owner.clone(), executions.to_vec());
        self.write(move |inner| {
            Box::pin(async move { inner.renew(&owner, &executions, lease_until).await })
        })
    }

    fn request_pause(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        let id = id.clone();
        self.write(move |inner| Box::pin(async move { inner.request_pause(&id).await }))
    }

    fn cancel(
        &self,
        id: &ExecutionId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        let id = id.clone();
        self.write(move |inner| Box::pin(async move { inner.cancel(&id, at).await }))
    }

    fn execution(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>> {
        let id = id.clone();
        Box::pin(async move {
            self.alive().await;
            self.inner.execution(&id).await
        })
    }

    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>> {
        let id = id.clone();
        Box::pin(async move {
            self.alive().await;
            self.inner.load(&id).await
        })
    }

    fn create_checkpoint(
        &self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let (execution, id) = (execution.clone(), id.clone());
        self.write(move |inner| {
            Box::pin(async move { inner.create_checkpoint(&execution, &id, at).await })
        })
    }

    fn restore(&self, restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        self.write(|inner| inner.restore(restore))
    }

    fn delete_checkpoint(&self, id: &CheckpointId) -> BoxFuture<'_, Result<bool, StoreError>> {
        let id = id.clone();
        self.write(move |inner| Box::pin(async move { inner.delete_checkpoint(&id).await }))
    }

    fn prune_checkpoints(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.write(move |inner| inner.prune_checkpoints(before))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;

    use super::*;
    use crate::store::MemoryStore;
    use crate::testing::VirtualClock;

    mod conformance {
        crate::store_conformance!(|| Box::new(crate::testing::FaultyStore::new(
            std::sync::Arc::new(crate::store::MemoryStore::new())
        )));
    }

    fn renewal(store: &FaultyStore) -> BoxFuture<'_, Result<(), StoreError>> {
        Store::renew(store, &"owner".into(), &[], Timestamp::from_millis(0))
    }

    fn faulty(fault: Fault) -> FaultyStore {
        FaultyStore::new(Arc::new(MemoryStore::new())).with_fault(2, fault)
    }

    #[test]
    fn each_error_has_its_kind_and_comes_at_its_write() {
        for &fault in Fault::ERRORS {
            let store = faulty(fault);
            assert!(block_on(renewal(&store)).is_ok());
            let error = block_on(renewal(&store)).unwrap_err();
            let kinds = (error.is_busy(), error.is_full(), error.is_unanswered());
            let expected = match fault {
                Fault::Busy => (true, false, false),
                Fault::Full => (false, true, false),
                _ => (false, false, true),
            };
            assert_eq!(kinds, expected, "{fault:?}");
            assert!(block_on(renewal(&store)).is_ok());
        }
    }

    #[test]
    fn a_dead_process_never_hears_again() {
        let store = faulty(Fault::DeathBefore);
        assert!(store.halted().now_or_never().is_none());
        assert!(renewal(&store).now_or_never().is_some());
        assert!(renewal(&store).now_or_never().is_none());
        assert!(store.is_dead() && store.halted().now_or_never().is_some());
        assert!(renewal(&store).now_or_never().is_none());
        assert!(Store::load(&store, &"run".into()).now_or_never().is_none());
        store.wake();
        assert!(store.is_dead());
    }

    #[test]
    fn a_stopped_process_goes_on_when_it_is_woken() {
        let store = faulty(Fault::Stall);
        assert!(renewal(&store).now_or_never().is_some());
        let mut stopped = renewal(&store);
        assert!((&mut stopped).now_or_never().is_none());
        assert!(store.halted().now_or_never().is_some());
        store.wake();
        assert!(block_on(stopped).is_ok());
    }

    #[test]
    fn writes_take_their_time_and_errors_come_by_chance() {
        let clock = VirtualClock::new();
        let longest = Duration::from_millis(50);
        let store = FaultyStore::new(Arc::new(MemoryStore::new()))
            .with_errors(3, 4)
            .with_latency(clock.clone(), longest, 3);
        let failed = (0..200)
            .filter(|_| {
                clock
                    .run(renewal(&store))
                    .is_ok_and(|answer| answer.is_err())
            })
            .count();
        assert!((25..80).contains(&failed), "{failed} of 200");
        assert!(clock.elapsed() > longest * 100 && clock.elapsed() < longest * 300);
    }
}
