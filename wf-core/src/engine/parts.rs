//! What the clones and the runs of an engine share.

use std::sync::Arc;
use std::time::Duration;

use super::Notice;
use super::lease::Active;
use crate::agent::Agents;
use crate::clock::Clock;
use crate::id::Owner;
use crate::progress::Now;
use crate::spawn::Spawn;
use crate::store::Store;

/// What an engine is made of, whatever its set of agents.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) agents: Arc<Agents>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) spawner: Option<Arc<dyn Spawn>>,
    pub(super) observer: Option<Arc<Observer>>,
    pub(super) owner: Owner,
    pub(super) lease: Duration,
    pub(super) gone: Option<Arc<Gone>>,
    pub(super) active: Arc<Active>,
}

impl Parts {
    /// The present, on both clocks.
    pub(super) fn now(&self) -> Now {
        Now {
            wall: self.clock.now(),
            elapsed: self.clock.elapsed(),
        }
    }
}

pub(super) type Observer = dyn Fn(&Notice<'_>) + Send + Sync;
pub(super) type Gone = dyn Fn(&Owner) -> bool + Send + Sync;
