//! What any agent can be given: a time limit, and a bound on how many attempts it makes at once.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use wf_core::agent::{Agent, Reply, Request, StepError};

/// Bounds how long an attempt of an agent takes, and how many of its attempts run at once.
///
/// Needs a tokio runtime with its timer enabled where a time limit is set. An attempt that waits for its
/// turn is not yet running: its time limit begins when its turn comes.
pub struct Limited<A> {
    agent: A,
    timeout: Option<Duration>,
    turns: Option<Semaphore>,
}

impl<A: Agent> Limited<A> {
    /// The agent without a limit.
    pub const fn new(agent: A) -> Self {
        Limited {
            agent,
            timeout: None,
            turns: None,
        }
    }

    /// The same, where an attempt that takes longer than `timeout` is stopped and fails, retryably.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same, where at most `attempts` run at once, of whatever execution, and further ones wait.
    ///
    /// Zero is taken as one: an agent that may do nothing would wait for ever.
    #[must_use]
    pub fn max_concurrent(mut self, attempts: usize) -> Self {
        self.turns = Some(Semaphore::new(attempts.clamp(1, Semaphore::MAX_PERMITS)));
        self
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Reply, StepError> {
        let waiting = request.waiting();
        let _turn = match &self.turns {
            Some(turns) => Some(turns.acquire().await.map_err(StepError::terminal)?),
            None => None,
        };
        drop(waiting);
        let Some(timeout) = self.timeout else {
            return self.agent.call(request).await;
        };
        match tokio::time::timeout(timeout, self.agent.call(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(StepError::retryable(format_args!(
                "no answer within {}, the agent's `timeout`",
                wf_model::format_duration(timeout),
            ))),
        }
    }
}

impl<A: Agent> Agent for Limited<A> {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(self.attempt(request))
    }
}

impl<A: fmt::Debug> fmt::Debug for Limited<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited")
            .field("agent", &self.agent)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
