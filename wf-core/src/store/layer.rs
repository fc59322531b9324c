//! Stores that stand before another one.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionQuery, ExecutionRecord, LoadedExecution,
    NewExecution, Restore, Store, StoreError, WorkflowQuery, WorkflowRecord,
};
use crate::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use crate::usage::Usage;
use crate::value::Json;

/// Declares a layer's methods, each of which passes the call on unless the layer does something else, and makes a
/// [`Store`] of every layer.
macro_rules! layer {
    ($( fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty; )+) => {
        /// A store that stands before another one, and passes on what it does not change: for metrics, encryption, or a
        /// test.
        ///
        /// Every method is that of the same name of [`Store`], and does what that of the [inner](StoreLayer::inner) store
        /// does until it is overridden. What implements this trait is a [`Store`].
        ///
        /// # Examples
        ///
        /// ```
        /// use std::sync::Arc;
        /// use std::sync::atomic::{AtomicU64, Ordering};
        /// use futures::executor::block_on;
        /// use futures::future::BoxFuture;
        /// use wf_core::agent::Agents;
        /// use wf_core::engine::{Engine, RunOptions};
        /// use wf_core::plan::{Inputs, Plan};
        /// use wf_core::store::{Commit, MemoryStore, Store, StoreError, StoreLayer};
        ///
        /// struct Counted {
        ///     inner: Arc<dyn Store>,
        ///     commits: Arc<AtomicU64>,
        /// }
        ///
        /// impl StoreLayer for Counted {
        ///     fn inner(&self) -> &dyn Store {
        ///         &*self.inner
        ///     }
        ///
        ///     fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        ///         self.commits.fetch_add(1, Ordering::Relaxed);
        ///         self.inner.commit(commit)
        ///     }
        /// }
        ///
        /// let plan = Plan::from_yaml("hello.yaml", "
        /// name: Hello
        /// steps: [{ key: greet, agent: echo, prompt: hello }]
        /// ")?;
        /// let commits = Arc::new(AtomicU64::new(0));
        /// let store = Counted { inner: Arc::new(MemoryStore::new()), commits: Arc::clone(&commits) };
        /// let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
        /// let engine = Engine::new(Arc::new(store), agents);
        /// block_on(async { engine.start(&plan, Inputs::new(), RunOptions::default()).await?.finish().await })?;
        /// assert!(commits.load(Ordering::Relaxed) > 0);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        pub trait StoreLayer: Send + Sync + 'static {
            /// Returns the store that calls are passed on to.
            fn inner(&self) -> &dyn Store;

            $(
                #[doc = concat!("Does what [`Store::", stringify!($name), "`] does.")]
                fn $name(&self $(, $argument: $type)*) -> $answer {
                    self.inner().$name($($argument),*)
                }
            )+
        }

        impl<L: StoreLayer> Store for L {
            $(
                fn $name(&self $(, $argument: $type)*) -> $answer {
                    StoreLayer::$name(self $(, $argument)*)
                }
            )+
        }
    };
}

layer! {
    fn identity() -> &str;
    fn largest_result() -> usize;
    fn create(new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>>;
    fn commit(commit: Commit) -> BoxFuture<'_, Result<(), StoreError>>;
    fn claim(claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>>;
    fn renew(owner: &Owner, executions: &[ExecutionId], lease_until: Timestamp) -> BoxFuture<'_, Result<(), StoreError>>;
    fn request_pause(id: &ExecutionId) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>>;
    fn cancel(id: &ExecutionId, at: Timestamp) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>>;
    fn execution(id: &ExecutionId) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>>;
    fn load(id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>>;
    fn context(id: &ExecutionId) -> BoxFuture<'_, Result<Option<Json>, StoreError>>;
    fn workflow(id: &WorkflowId) -> BoxFuture<'_, Result<Option<WorkflowRecord>, StoreError>>;
    fn definition(id: &WorkflowId) -> BoxFuture<'_, Result<Option<Json>, StoreError>>;
    fn durations(workflow: &WorkflowId, most: u32) -> BoxFuture<'_, Result<Vec<(u32, Duration)>, StoreError>>;
    fn usage_of(agents: Vec<String>) -> BoxFuture<'_, Result<Vec<(String, Usage)>, StoreError>>;
    fn workflows() -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>>;
    fn executions() -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>>;
    fn workflows_by(query: WorkflowQuery) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>>;
    fn executions_by(query: ExecutionQuery) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>>;
    fn unfinished() -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>>;
    fn checkpoints(id: &ExecutionId) -> BoxFuture<'_, Result<Vec<CheckpointRecord>, StoreError>>;
    fn checkpoint(id: &CheckpointId) -> BoxFuture<'_, Result<Option<CheckpointRecord>, StoreError>>;
    fn create_checkpoint(execution: &ExecutionId, id: &CheckpointId, at: Timestamp) -> BoxFuture<'_, Result<(), StoreError>>;
    fn restore(restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>>;
    fn delete_checkpoint(id: &CheckpointId) -> BoxFuture<'_, Result<bool, StoreError>>;
    fn prune_checkpoints(before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;
    fn watch(id: &ExecutionId) -> BoxStream<'static, ()>;
}
