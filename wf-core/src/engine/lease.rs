//! The leases of the executions that an engine drives: which these are, and when they are renewed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Parts;
use crate::id::ExecutionId;
use crate::progress::Now;
use crate::store::StoreError;

/// What the runs of one engine share.
#[derive(Default)]
pub(super) struct Active {
    runs: Mutex<HashSet<ExecutionId>>,
    /// When the leases of this engine were last renewed, on its clock.
    renewed: Mutex<Duration>,
}

impl Active {
    pub(super) fn runs(&self) -> MutexGuard<'_, HashSet<ExecutionId>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is this caller's turn to renew the leases of all runs.
    fn renews(&self, now: Duration, every: Duration) -> bool {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = renewed.is_zero() || now.saturating_sub(*renewed) >= every;
        if due {
            *renewed = now;
        }
        due
    }
}

/// An execution's lease. As long as it lives the execution counts as driven by this engine.
pub(super) struct Holding {
    active: Arc<Active>,
    pub(super) id: ExecutionId,
    renews_at: Duration,
    renewal: Option<BoxFuture<'static, Result<(), StoreError>>>,
}

impl Holding {
    /// Holds the lease, unless this engine holds it already.
    pub(super) fn new(engine: &Parts, id: &ExecutionId) -> Option<Self> {
        let is_new = engine.active.runs().insert(id.clone());
        is_new.then(|| Holding {
            active: Arc::clone(&engine.active),
            id: id.clone(),
            renews_at: engine.clock.elapsed() + engine.lease / 3,
            renewal: None,
        })
    }

    /// When the lease is to be renewed, on the engine's clock.
    pub(super) const fn renews_at(&self) -> Duration {
        self.renews_at
    }

    /// Renews the leases of all that this engine drives, when it is this run's turn.
    pub(super) fn renew(&mut self, engine: &Parts, now: Now, cx: &mut Context<'_>) {
        let Now { wall, elapsed: now } = now;
        if self.renews_at <= now {
            let every = engine.lease / 3;
            self.renews_at = now + every;
            if self.active.renews(now, every) {
                let (store, owner) = (Arc::clone(&engine.store), engine.owner.clone());
                let runs: Vec<_> = self.active.runs().iter().cloned().collect();
                let until = wall.after(engine.lease);
                self.renewal = Some(Box::pin(
                    async move { store.renew(&owner, &runs, until).await },
                ));
            }
        }
        // A renewal that fails is tried again in time; if the lease is lost, the next commit says so.
        if let Some(renewal) = &mut self.renewal
            && renewal.poll_unpin(cx).is_ready()
        {
            self.renewal = None;
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.active.runs().remove(&self.id);
    }
}
