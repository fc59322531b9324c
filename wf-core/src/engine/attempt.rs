//! One attempt at one step: a call to an agent or to code, bounded in time, on the host's executor if there is one.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, AbortHandle, BoxFuture, Either};

use super::Parts;
use super::work::Work;
use crate::agent::{Agent, Reply, Request, StepError};
use crate::id::{ExecutionId, Timestamp};
use crate::plan::Plan;
use crate::typed::{StepFailure, Typed};

/// One attempt to be made.
pub(super) struct Call {
    pub(super) execution: ExecutionId,
    pub(super) plan: Arc<Plan>,
    pub(super) step: u32,
    pub(super) number: u32,
    pub(super) work: Work,
}

/// How an attempt ended.
pub(super) struct Attempted {
    pub(super) step: u32,
    pub(super) ended_at: Timestamp,
    pub(super) answer: Result<Answer, StepError>,
}

/// What an attempt gave.
pub(super) struct Answer {
    pub(super) reply: Reply,
    /// The result by type, when it has one.
    pub(super) typed: Option<Typed>,
}

/// The key that every attempt at one step of one execution shares.
pub(super) fn idempotency_key(execution: &ExecutionId, step: &str) -> String {
    format!("{execution}/{step}")
}

impl Call {
    /// Makes the call. Dropping the future ends it, also where it runs as a task of its own.
    pub(super) fn make(self, engine: &Parts) -> BoxFuture<'static, Attempted> {
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

    async fn ask(self) -> Result<Answer, StepError> {
        // The work may also panic before it gives a future.
        let done = AssertUnwindSafe(async { self.done().await });
        done.catch_unwind().await.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
            let who = match self.work {
                Work::Native { .. } => "step",
                Work::Ask { .. } | Work::Render { .. } => "agent",
            };
            Err(StepError::Terminal(format!(
                "the {who} panicked: {}",
                said.unwrap_or_else(|| "no message".into())
            )))
        })
    }

    async fn done(&self) -> Result<Answer, StepError> {
        match &self.work {
            Work::Ask { agent, prompt } => {
                let reply = self.reply(agent, prompt).await?;
                Ok(Answer { reply, typed: None })
            }
            Work::Render {
                agent,
                code,
                context,
            } => {
                let prompt = (code.render)(context).map_err(StepFailure::into_step_error)?;
                let reply = self.reply(agent, &prompt).await?;
                let typed = code.output.decode(&reply.result).map_err(|error| {
                    let (name, kind) = (code.agent, code.output_type);
                    StepError::Retryable(format!(
                        "agent `{name}` answered with what is not a `{kind}`: {error}"
                    ))
                })?;
                Ok(Answer {
                    reply,
                    typed: Some(typed),
                })
            }
            Work::Native { code, context } => {
                let typed = (code.run)(context.clone())
                    .await
                    .map_err(StepFailure::into_step_error)?;
                let json = code.output.encode(&typed).map_err(|error| {
                    StepError::Terminal(format!("the output cannot be written as JSON: {error}"))
                })?;
                Ok(Answer {
                    reply: Reply::json(json),
                    typed: Some(typed),
                })
            }
        }
    }

    async fn reply(&self, agent: &Arc<dyn Agent>, prompt: &str) -> Result<Reply, StepError> {
        let key = self.plan.key(self.step as usize);
        let idempotency_key = idempotency_key(&self.execution, key);
        let request = Request::new(prompt, &self.execution, key, self.number, &idempotency_key);
        agent.call(request).await
    }
}

async fn bounded(
    ask: impl Future<Output = Result<Answer, StepError>> + Send + 'static,
    timeout: Option<(Duration, BoxFuture<'static, ()>)>,
) -> Result<Answer, StepError> {
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
