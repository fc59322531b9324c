//! The seam to whoever does a step: a program, a model behind HTTP, a Rust function.

mod agents;
mod error;
mod interim;
mod reply;
mod request;
mod routing;

use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;

pub use agents::Agents;
pub use error::{Failure, StepError};
pub use interim::{Interim, InterimAt, InterimSlot};
pub use reply::{IntoReply, Reply};
pub(crate) use request::Queued;
pub use request::{Allowance, Asked, Output, Request, Waiting};

/// Does a step: takes a prompt, gives a reply.
///
/// A closure from a prompt to a future is an agent:
///
/// ```
/// use wf_core::agent::Agents;
///
/// let agents = Agents::new().with("shout", |prompt: String| async move { prompt.to_uppercase() });
/// assert!(agents.agent("shout").is_some());
/// ```
///
/// # Cancellation
///
/// The engine drops the future when the attempt times out or its run is cancelled; whatever the agent has
/// started must end with it. What the attempt has come to by then, an agent leaves with
/// [`Request::interim`]: a whole answer counts although its time is over, and what was used is recorded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "an agent is a closure `Fn(String) -> impl Future`, or a type with `impl Agent`",
    note = "for any agent at all, write `Arc<dyn Agent>`"
)]
pub trait Agent: Send + Sync {
    /// Makes one attempt at a step.
    ///
    /// # Errors
    ///
    /// [`StepError::Retryable`] when another attempt may succeed, [`StepError::Terminal`] when none can, and
    /// [`StepError::Unavailable`] when none can before somebody has acted: the run then pauses.
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>>;

    /// Says what one attempt may use at most, as far as that is certain before it is made.
    ///
    /// A run under a [budget](crate::engine::Budget) sets so much aside before the attempt starts, and nothing at all for an
    /// agent that says [`Allowance::NOTHING`]. What is not said counts as not known. It is asked often, on the task that
    /// drives the run, and must not block; the prompt may be missing from a request that is asked about first.
    fn bound(&self, request: Request<'_>) -> Allowance {
        let _ = request;
        Allowance::UNLIMITED
    }
}

impl<F, Fut> Agent for F
where
    F: Fn(String) -> Fut + Send + Sync,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        let answer = self(request.prompt.to_owned());
        Box::pin(async move { answer.await.into_reply() })
    }
}

impl<A: Agent + ?Sized> Agent for Arc<A> {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        (**self).call(request)
    }

    fn bound(&self, request: Request<'_>) -> Allowance {
        (**self).bound(request)
    }
}
