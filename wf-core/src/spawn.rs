//! The seam to an executor: optional.

use futures::future::BoxFuture;

/// Runs a future as a task of the host's executor.
///
/// Without one, all steps of an execution share the task that drives it, which is right for agents that
/// wait (programs, models). With one, steps that compute can use more than one core. A closure is a
/// spawner:
///
/// ```
/// use futures::executor::ThreadPool;
/// use futures::future::BoxFuture;
/// use wf_core::spawn::Spawn;
///
/// let pool = ThreadPool::new()?;
/// let spawner: Box<dyn Spawn> = Box::new(move |task: BoxFuture<'static, ()>| pool.spawn_ok(task));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Spawn: Send + Sync + 'static {
    /// Runs the task to its end, or drops it.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

impl<F: Fn(BoxFuture<'static, ()>) + Send + Sync + 'static> Spawn for F {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self(task);
    }
}
