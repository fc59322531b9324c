//! One attempt at one step: a call to an agent, bounded in time, on the host's executor if there is one.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, AbortHandle, BoxFuture, Either};

use super::Engine;
use crate::agent::{Agent, Reply, Request, StepError};
use crate::id::{ExecutionId, Timestamp};
use crate::plan::Plan;

/// What is asked of an agent.
pub(super) struct Call {
    pub(super) execution: ExecutionId,
    pub(super) plan: Arc<Plan>,
    pub(super) step: u32,
    pub(super) number: u32,
    pub(super) agent: Arc<dyn Agent>,
    pub(super) prompt: String,
}

/// How an attempt ended.
pub(super) struct Attempted {
    pub(super) step: u32,
    pub(super) ended_at: Timestamp,
    pub(super) answer: Result<Reply, StepError>,
}

/// The key that every attempt at one step of one execution shares.
pub(super) fn idempotency_key(execution: &ExecutionId, step: &str) -> String {
    format!("{execution}/{step}")
}

impl Call {
    /// Makes the call. Dropping the future ends it, also where it runs as a task of its own.
    pub(super) fn make(self, engine: &Engine) -> BoxFuture<'static, Attempted> {
        let clock = Arc::clone(&engine.clock);
        let step = self.step;
        let limit = self
            .plan
            .steps()
            .get(step as usize)
            .and_then(|step| step.timeout);
        let timeout = limit.map(|limit| (limit, clock.sleep(limit)));
        let answer = bounded(self.ask(), timeout);
        let Some(spawner) = engine.spawner.as_deref() else {
            return Box::pin(async move {
                let answer = answer.await;
                Attempted {
                    step,
                    ended_at: clock.now(),
                    answer,
                }
            });
        };
        let (done, awaited) = oneshot::channel();
        let (task, abort) = future::abortable(answer);
        spawner.spawn(Box::pin(async move {
            if let Ok(answer) = task.await {
                // Nobody waits for an attempt whose run was dropped.
                let _ = done.send(answer);
            }
        }));
        let abort = AbortOnDrop(abort);
        Box::pin(async move {
            let answer = awaited.await;
            drop(abort);
            let dropped = |_| Err(StepError::retryable("the executor dropped the step's task"));
            Attempted {
                step,
                ended_at: clock.now(),
                answer: answer.unwrap_or_else(dropped),
            }
        })
    }

    async fn ask(self) -> Result<Reply, StepError> {
        let key = self.plan.key(self.step as usize);
        let idempotency_key = idempotency_key(&self.execution, key);
        let request = Request::new(
            &self.prompt,
            &self.execution,
            key,
            self.number,
            &idempotency_key,
        );
        // The call itself may panic before there is a future to poll.
        let called = std::panic::catch_unwind(AssertUnwindSafe(|| self.agent.call(request)));
        let answer = match called {
            Ok(call) => AssertUnwindSafe(call).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        answer.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(StepError::Terminal(format!(
                "the agent panicked: {}",
                said.unwrap_or_else(|| "no message".into())
            )))
        })
    }
}

async fn bounded(
    ask: impl Future<Output = Result<Reply, StepError>> + Send + 'static,
    timeout: Option<(Duration, BoxFuture<'static, ()>)>,
) -> Result<Reply, StepError> {
    let Some((limit, over)) = timeout else {
        return ask.await;
    };
    match future::select(Box::pin(ask), over).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(StepError::Retryable(format!(
            "no answer within {}",
            wf_model::format_duration(limit)
        ))),
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
