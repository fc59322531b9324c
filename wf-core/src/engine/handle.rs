//! Control of a run from elsewhere than where it is driven.

use std::fmt;

use futures::future::BoxFuture;

use super::{Engine, EngineError, Parts, Status};
use crate::id::{CheckpointId, ExecutionId};
use crate::store::ExecutionRecord;

/// Controls one execution, wherever its run is driven: from a field of a struct, another task, another thread.
///
/// Cheap to clone. It neither drives the run nor keeps it alive, and stays good after the run's end: it then tells how
/// the execution stands, and is refused what an end does not allow. Each method does what that of the same name of
/// [`Engine`] does, with the same errors.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use futures::executor::block_on;
/// use wf_core::agent::Agents;
/// use wf_core::engine::{Engine, RunHandle, RunOptions};
/// use wf_core::lifecycle::State;
/// use wf_core::plan::{Inputs, Plan};
/// use wf_core::store::MemoryStore;
///
/// struct Service {
///     review: RunHandle,
/// }
///
/// let plan = Plan::from_yaml("review.yaml", "
/// name: Review
/// steps:
///   - { key: read, agent: reader, prompt: read }
///   - { key: judge, agent: reader, prompt: 'judge {{read}}', dependencies: [read] }
/// ")?;
/// let agents = Agents::new().with("reader", |prompt: String| async move { prompt });
/// let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
/// let run = block_on(engine.start(&plan, Inputs::new(), RunOptions::default()))?;
/// let service = Service { review: run.handle() };
///
/// let driven = std::thread::spawn(move || block_on(run.finish()));
/// // Another thread drives it now; here it is only watched and controlled.
/// match block_on(service.review.pause()) {
///     Ok(_) => println!("it pauses, or is paused"),
///     Err(error) => assert!(error.is_illegal(), "it was over before"),
/// }
/// let status = driven.join().unwrap()?;
/// assert_eq!(block_on(service.review.status())?.state(), status.state());
/// # assert!([State::Paused, State::Completed].contains(&status.state()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RunHandle {
    engine: Engine,
    id: ExecutionId,
}

impl RunHandle {
    pub(super) fn new(parts: Parts, id: ExecutionId) -> Self {
        RunHandle {
            engine: Engine::of(parts),
            id,
        }
    }

    /// The execution.
    pub const fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// Asks for a pause: running steps end, no further one starts, and the run ends `paused`.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::pause`].
    ///
    /// # Cancellation
    ///
    /// As for [`Engine::pause`].
    pub fn pause(&self) -> BoxFuture<'_, Result<ExecutionRecord, EngineError>> {
        self.engine.pause(&self.id)
    }

    /// Cancels the execution for good: the calls to its agents are dropped, and the run ends `cancelled`.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::cancel`].
    ///
    /// # Cancellation
    ///
    /// As for [`Engine::cancel`].
    pub fn cancel(&self) -> BoxFuture<'_, Result<ExecutionRecord, EngineError>> {
        self.engine.cancel(&self.id)
    }

    /// Writes a checkpoint of all that is recorded so far, and returns its identifier; the run is not disturbed.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::checkpoint`].
    ///
    /// # Cancellation
    ///
    /// As for [`Engine::checkpoint`].
    pub fn checkpoint(&self) -> BoxFuture<'_, Result<CheckpointId, EngineError>> {
        self.engine.checkpoint(&self.id)
    }

    /// Reads how the execution stands.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::status`].
    pub fn status(&self) -> BoxFuture<'_, Result<Status, EngineError>> {
        self.engine.status(&self.id)
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunHandle").field(&self.id).finish()
    }
}
