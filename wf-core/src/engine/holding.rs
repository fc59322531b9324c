//! Which executions an engine drives, and whose turn it is to renew their leases.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::id::ExecutionId;

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
    pub(super) fn renews(&self, now: Duration, every: Duration) -> bool {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = renewed.is_zero() || now.saturating_sub(*renewed) >= every;
        if due {
            *renewed = now;
        }
        due
    }
}

/// Marks an execution as driven by this engine, as long as it lives.
pub(super) struct Holding {
    active: Arc<Active>,
    pub(super) id: ExecutionId,
}

impl Holding {
    /// Marks it, unless it is marked.
    pub(super) fn new(active: &Arc<Active>, id: &ExecutionId) -> Option<Self> {
        let marked = active.runs().insert(id.clone());
        marked.then(|| Holding {
            active: Arc::clone(active),
            id: id.clone(),
        })
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.active.runs().remove(&self.id);
    }
}
