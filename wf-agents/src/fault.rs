//! Whose fault a failed attempt is: what fallbacks and circuit breakers go by.

use std::sync::Arc;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, IntoReply, Reply, Request, StepError};

/// Who is to blame for a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The agent as a whole, since nobody is there: it was not reached at all.
    Nobody,
    /// The agent as a whole: it does not answer, the key is not accepted, the program is missing. Other attempts
    /// would meet the same.
    Agent,
    /// The agent as a whole, or this attempt: a program ended with a status other than zero. Counts where a breaker is
    /// told to [count that](super::Limited::counting_exits).
    Exit,
    /// This attempt; it says nothing about others.
    Attempt,
    /// What was asked: the agent is well, and would refuse it again.
    Prompt,
}

/// A failed attempt, and who is to blame for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// What the step is told.
    pub error: StepError,
    /// Who is to blame.
    pub blame: Blame,
}

impl Fault {
    /// A failure of which somebody is to blame.
    pub const fn new(error: StepError, blame: Blame) -> Self {
        Fault { error, blame }
    }

    /// A failure that says nothing about other attempts.
    pub const fn attempt(error: StepError) -> Self {
        Fault::new(error, Blame::Attempt)
    }

    /// A failure that other attempts would meet as well.
    pub const fn agent(error: StepError) -> Self {
        Fault::new(error, Blame::Agent)
    }

    /// A failure to reach the agent at all.
    pub const fn nobody(error: StepError) -> Self {
        Fault::new(error, Blame::Nobody)
    }

    /// A failure that only another prompt can avoid.
    pub const fn prompt(error: StepError) -> Self {
        Fault::new(error, Blame::Prompt)
    }
}

/// An agent that can tell whose fault a failure is.
///
/// [`Limited::breaker`](super::Limited::breaker) and [`Fallback`](super::Fallback) go by it. Closures and
/// `dyn Agent` have it, with every failure taken as the attempt's own; a type of your own gets the same with
/// an empty `impl`:
///
/// ```
/// use wf_agents::{Diagnose, Fallback};
/// use futures::future::BoxFuture;
/// use wf_core::agent::{Agent, Reply, Request, StepError};
///
/// struct Oracle;
///
/// impl Agent for Oracle {
///     fn call<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
///         Box::pin(async { Ok(Reply::text("42")) })
///     }
/// }
///
/// impl Diagnose for Oracle {}
///
/// let agent = Fallback::new("oracle", Oracle).or("echo", |prompt: String| async move { prompt });
/// ```
pub trait Diagnose: Agent {
    /// Makes one attempt at a step, as [`Agent::call`] does.
    ///
    /// # Errors
    ///
    /// What [`Agent::call`] fails with, and who is to blame.
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(async move { self.call(request).await.map_err(Fault::attempt) })
    }
}

impl<F, Fut> Diagnose for F
where
    F: Fn(String) -> Fut + Send + Sync,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
}

impl Diagnose for dyn Agent {}

impl<A: Diagnose + ?Sized> Diagnose for Arc<A> {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        (**self).diagnose(request)
    }
}
