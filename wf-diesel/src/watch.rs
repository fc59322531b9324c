//! Who waits for news of an execution, and how the news of other processes comes in.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::task::AtomicWaker;
use wf_core::id::ExecutionId;

/// How often the database is asked whether another process has written to it.
const PROBE_INTERVAL: Duration = Duration::from_millis(200);

/// The watches of one store.
pub(crate) struct Watches {
    registry: Mutex<Registry>,
    changed: Condvar,
}

#[derive(Default)]
struct Registry {
    watches: HashMap<ExecutionId, Vec<Arc<Signal>>>,
    /// Whether a thread probes: there is one while there is somebody to tell.
    probing: bool,
    closed: bool,
}

/// One watch: yields when there may be news, and ends with its store.
pub(crate) struct Watch {
    signal: Arc<Signal>,
    watches: Arc<Watches>,
    id: ExecutionId,
}

/// What one watch is told. News that it has not taken yet stands for all that come after it.
#[derive(Default)]
struct Signal {
    state: AtomicU8,
    waker: AtomicWaker,
}

/// There is nothing to tell.
const QUIET: u8 = 0;
/// There may be news.
const NEWS: u8 = 1;
/// The store is gone.
const OVER: u8 = 2;

impl Watches {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Watches {
            registry: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Registers a watch, and starts to ask whether others have written if nobody does yet.
    pub(crate) fn register(
        self: &Arc<Self>,
        id: &ExecutionId,
        is_there_news: impl Fn() -> bool + Send + 'static,
    ) -> Watch {
        let signal = Arc::new(Signal::default());
        let mut registry = self.lock();
        if registry.closed {
            signal.set(OVER);
        } else {
            registry
                .watches
                .entry(id.clone())
                .or_default()
                .push(Arc::clone(&signal));
            if !registry.probing {
                let watches = Arc::clone(self);
                // Without the thread, news of this process still comes at once.
                registry.probing = std::thread::Builder::new()
                    .name("wf-store-probe".into())
                    .spawn(move || watches.keep_probing(is_there_news))
                    .is_ok();
            }
        }
        drop(registry);
        Watch {
            signal,
            watches: Arc::clone(self),
            id: id.clone(),
        }
    }

    /// Tells those who watch this execution.
    pub(crate) fn wake(&self, id: &ExecutionId) {
        let signals = self.lock().watches.get(id).cloned().unwrap_or_default();
        // Not under the lock: a waker may do anything, even drop a watch.
        for signal in signals {
            signal.set(NEWS);
        }
    }

    /// Ends every watch, and the probing.
    pub(crate) fn close(&self) {
        let mut registry = self.lock();
        registry.closed = true;
        let watches = std::mem::take(&mut registry.watches);
        drop(registry);
        self.changed.notify_all();
        for signal in watches.into_values().flatten() {
            signal.set(OVER);
        }
    }

    fn keep_probing(&self, is_there_news: impl Fn() -> bool) {
        let mut registry = self.lock();
        while !registry.watches.is_empty() {
            drop(registry);
            if is_there_news() {
                let signals: Vec<_> = self.lock().watches.values().flatten().cloned().collect();
                for signal in signals {
                    signal.set(NEWS);
                }
            }
            registry = self.lock();
            if !registry.watches.is_empty() {
                registry = match self.changed.wait_timeout(registry, PROBE_INTERVAL) {
                    Ok((registry, _)) => registry,
                    Err(poisoned) => poisoned.into_inner().0,
                };
            }
        }
        registry.probing = false;
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signal {
    fn set(&self, state: u8) {
        // What is over stays so.
        self.state.fetch_max(state, Ordering::AcqRel);
        self.waker.wake();
    }
}

impl Stream for Watch {
    type Item = ();

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
        self.signal.waker.register(context.waker());
        match self
            .signal
            .state
            .compare_exchange(NEWS, QUIET, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => Poll::Ready(Some(())),
            Err(OVER) => Poll::Ready(None),
            Err(_) => Poll::Pending,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut registry = self.watches.lock();
        if let Some(signals) = registry.watches.get_mut(&self.id) {
            signals.retain(|signal| !Arc::ptr_eq(signal, &self.signal));
            if signals.is_empty() {
                registry.watches.remove(&self.id);
            }
        }
        let idle = registry.watches.is_empty();
        drop(registry);
        if idle {
            self.watches.changed.notify_all();
        }
    }
}
