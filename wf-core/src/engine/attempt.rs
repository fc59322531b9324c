//! One attempt at one step: a call to an agent or to code, bounded in time, on the host's executor if there is one.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, AbortHandle, BoxFuture};

use super::begin::{Beginning, Beginnings, Started};
use super::bounds::{Bounds, Tail};
use super::elsewhere::{LARGE, elsewhere, taken};
use super::trace::Within;
use super::withdraw::Withdrawn;
use super::{Notice, Observer, Parts};
use crate::agent::{Agent, Allowance, Interim, InterimSlot, Queued, Reply, Request, StepError};
use crate::clock::Clock;
use crate::id::{ExecutionId, Timestamp};
use crate::plan::Plan;
use crate::prompt::{LONGEST_PROMPT, Rendering, too_long};
use crate::schema::Schema;
use crate::store::Store;
use crate::typed::{AgentStep, NativeStep, StepContext, StepFailure, Typed};
use crate::value::Json;

/// One attempt to be made.
pub(super) struct Call {
    pub(super) execution: ExecutionId,
    pub(super) plan: Arc<Plan>,
    pub(super) step: u32,
    pub(super) number: u32,
    pub(super) started: Started,
    pub(super) work: Work,
    /// What is said below the prompt: why the last answer was refused.
    pub(super) remark: Option<String>,
    pub(super) schema: Option<Arc<Schema>>,
    pub(super) allowance: Allowance,
    /// Where the agent leaves word of what it has come to, if somebody else than the step's timeout may ask.
    pub(super) interim: Option<InterimSlot>,
    pub(super) store: Arc<dyn Store>,
}

/// What an attempt does.
pub(super) enum Work {
    /// Sends a prompt to an agent.
    Ask {
        agent: Arc<dyn Agent>,
        /// None where it is the step's prompt as it stands in the definition.
        prompt: Option<String>,
    },
    /// Sends a prompt to an agent that takes long to render, since what it inserts is large.
    AskLarge {
        agent: Arc<dyn Agent>,
        rendering: Rendering,
    },
    /// Sends a prompt that code makes to an agent, and reads the reply as a type.
    Render {
        agent: Arc<dyn Agent>,
        code: &'static AgentStep,
        context: StepContext,
    },
    /// Runs code.
    Native {
        code: &'static NativeStep,
        context: StepContext,
    },
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

impl Call {
    /// Makes the call. Dropping the future ends it, also where it runs as a task of its own.
    pub(super) fn make(
        self,
        engine: &Parts,
        within: Within,
        recalled: Withdrawn,
        beginnings: Beginnings,
    ) -> BoxFuture<'static, Attempted> {
        let (step, started) = (self.step, self.started);
        let limit = self
            .plan
            .steps()
            .get(step as usize)
            .and_then(|step| step.timeout);
        let bounds = Bounds::new(limit, Arc::clone(&engine.clock), recalled, beginnings);
        let observer = engine.observer.clone();
        // Made where it is to be: it is large, and would be moved.
        let Some(spawner) = engine.spawner.as_deref() else {
            return Box::pin(within.run(self.within(bounds, observer)));
        };
        let (done, awaited) = oneshot::channel();
        let (task, abort) = future::abortable(within.run(self.within(bounds, observer)));
        spawner.spawn(Box::pin(async move {
            if let Ok(attempted) = task.await {
                // Nobody waits for an attempt whose run was dropped.
                let _ = done.send(attempted);
            }
        }));
        let abort = AbortOnDrop(abort);
        let clock = Arc::clone(&engine.clock);
        Box::pin(async move {
            let attempted = awaited.await;
            drop(abort);
            attempted.unwrap_or_else(|_| Attempted {
                step,
                ended_at: started.moment(clock.elapsed()),
                answer: Err(StepError::retryable("the executor dropped the step's task")),
            })
        })
    }

    /// Makes the call within its time. While it waits for its turn, time stands still, and it can be recalled.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would hold what it is given twice"
    )]
    fn within(
        self,
        mut bounds: Bounds,
        listener: Option<Arc<Observer>>,
    ) -> impl Future<Output = Attempted> {
        async move {
            let queued = Queued::default();
            let own = bounds.limit.map(|_| InterimSlot::default());
            let interim = self.interim.as_ref().or(own.as_ref());
            let tail = bounds.limit.map(|_| Tail::default());
            let clock = Arc::clone(&bounds.clock);
            let key = self.plan.key(self.step as usize);
            let attempt = (key, self.number);
            let beginning = Beginning::new(&self.execution, attempt, &queued, listener.as_ref());
            let outside = Outside {
                queued: &queued,
                interim,
                beginning: &beginning,
                clock: &*clock,
                listener: listener.as_ref(),
                tail: tail.as_ref(),
            };
            let mut ask = pin!(self.ask(&outside));
            let answer = poll_fn(|cx| {
                let answered = ask.as_mut().poll(cx);
                beginning.note();
                if bounds.goes_on(answered.is_pending()) && beginning.has_begun() {
                    let at = self.started.moment(bounds.clock.elapsed());
                    bounds.report(self.step, self.number, at);
                }
                match answered {
                    Poll::Pending => bounds.poll_over(cx, &queued, tail.as_ref()).map(Err),
                    answered => answered.map(Ok),
                }
            })
            .await;
            let answer = match answer {
                Ok(answer) => answer,
                // Rare, and large.
                Err(over) => Box::pin(self.stopped(over, interim)).await,
            };
            Attempted {
                step: self.step,
                ended_at: self.started.moment(bounds.clock.elapsed()),
                answer,
            }
        }
    }

    async fn ask(&self, outside: &Outside<'_>) -> Result<Answer, StepError> {
        // The work may also panic before it gives a future.
        let done = AssertUnwindSafe(async { self.done(outside).await });
        let done = done.catch_unwind().await;
        done.unwrap_or_else(|panic| Err(self.panicked(panic.as_ref())))
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> StepError {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        let who = match self.work {
            Work::Native { .. } => "step",
            Work::Ask { .. } | Work::AskLarge { .. } | Work::Render { .. } => "agent",
        };
        StepError::terminal(format_args!(
            "the {who} panicked: {}",
            said.unwrap_or_else(|| "no message".into())
        ))
    }

    /// The end of an attempt whose time is over: what its agent has left counts, if that is an end.
    async fn stopped(
        &self,
        over: StepError,
        interim: Option<&InterimSlot>,
    ) -> Result<Answer, StepError> {
        // What the agent has left is its code, which may panic.
        let look = AssertUnwindSafe(async {
            let left = match interim {
                Some(slot) => taken(slot).await?,
                None => None,
            };
            match left {
                Some(Interim::Ended(ended)) => {
                    let reply = ended?;
                    match self.slow_check(&reply) {
                        Some(schema) => self.accept_large(schema, reply).await,
                        None => self.accept(reply),
                    }
                }
                Some(Interim::Underway(usage)) => Err(over.with_usage(usage)),
                None => Err(over),
            }
        });
        let look = look.catch_unwind().await;
        look.unwrap_or_else(|panic| Err(self.panicked(panic.as_ref())))
    }

    async fn done(&self, outside: &Outside<'_>) -> Result<Answer, StepError> {
        let rendered;
        let (agent, prompt) = match &self.work {
            Work::Ask { agent, prompt } => {
                let whole = || self.plan.prompt(self.step as usize);
                (agent, prompt.as_deref().unwrap_or_else(whole))
            }
            Work::AskLarge { agent, rendering } => {
                let (plan, rendering) = (Arc::clone(&self.plan), rendering.clone());
                rendered = Box::pin(elsewhere(move || rendering.render(&plan))).await?;
                (agent, rendered.as_str())
            }
            Work::Render {
                agent,
                code,
                context,
            } => {
                rendered = (code.render)(context).map_err(StepFailure::into_step_error)?;
                if rendered.len() > LONGEST_PROMPT {
                    return Err(too_long());
                }
                (agent, rendered.as_str())
            }
            Work::Native { code, context } => {
                let value = (code.run)(context.clone())
                    .await
                    .map_err(StepFailure::into_step_error)?;
                let typed = code.output.take(value).map_err(StepError::terminal)?;
                return self.output(code, typed);
            }
        };
        let reply = self.reply(agent, prompt, outside).await?;
        match self.slow_check(&reply) {
            Some(schema) => Box::pin(self.accept_large(schema, reply)).await,
            None => self.accept(reply),
        }
    }

    /// What code has given as the step's answer.
    fn output(&self, code: &NativeStep, typed: Typed) -> Result<Answer, StepError> {
        let json = code.output.encode(&typed).map_err(|error| {
            StepError::terminal(format_args!(
                "the output cannot be written as JSON: {error}"
            ))
        })?;
        let reply = self.storable(Reply::json(json))?;
        if let Some(schema) = &self.schema {
            schema.admit(reply.result.clone()).map_err(|misfit| {
                StepError::terminal(format_args!(
                    "the output does not fit the step's `outputSchema`: {misfit}"
                ))
            })?;
        }
        Ok(Answer {
            reply,
            typed: Some(typed),
        })
    }

    async fn reply(
        &self,
        agent: &Arc<dyn Agent>,
        prompt: &str,
        outside: &Outside<'_>,
    ) -> Result<Reply, StepError> {
        let key = self.plan.key(self.step as usize);
        let remarked = self
            .remark
            .as_ref()
            .map(|remark| format!("{prompt}\n\n{remark}"));
        let prompt = remarked.as_deref().unwrap_or(prompt);
        let mut request =
            Request::new(prompt, &self.execution, key, self.number).with_queued(outside.queued);
        request = request
            .with_allowance(self.allowance)
            .with_store(self.store.identity())
            .with_clock(outside.clock);
        if let Some(interim) = outside.interim {
            request = request.with_interim(interim);
        }
        if let Some(schema) = &self.schema {
            request = request.with_schema(schema.text());
        }
        let Outside {
            beginning,
            listener,
            tail,
            ..
        } = *outside;
        if listener.is_none() && tail.is_none() {
            return agent.call(request).await;
        }
        let tell = |text: &str| {
            beginning.note();
            if let Some(tail) = tail {
                tail.add(text);
            }
            if let Some(listener) = listener {
                listener(&Notice::Output {
                    execution: &self.execution,
                    step: key,
                    attempt: self.number,
                    text,
                });
            }
        };
        agent.call(request.with_output(&tell)).await
    }

    /// An agent's reply as the step's answer, if it is what the step asks for.
    fn accept(&self, reply: Reply) -> Result<Answer, StepError> {
        let reply = self.storable(reply)?;
        let reply = match &self.schema {
            Some(schema) => fitting(schema, reply)?,
            None => reply,
        };
        self.typed(reply)
    }

    /// As [`accept`](Call::accept), where the check would hold up others.
    async fn accept_large(&self, schema: Arc<Schema>, reply: Reply) -> Result<Answer, StepError> {
        let reply = self.storable(reply)?;
        let reply = elsewhere(move || fitting(&schema, reply)).await?;
        self.typed(reply)
    }

    /// The schema that a reply has to fit, if to check it takes long.
    fn slow_check(&self, reply: &Reply) -> Option<Arc<Schema>> {
        let schema = self.schema.as_ref();
        let schema = schema.filter(|_| reply.result.as_str().len() >= LARGE);
        schema.map(Arc::clone)
    }

    /// The reply, if its result has room in the store.
    fn storable(&self, reply: Reply) -> Result<Reply, StepError> {
        let largest = self.store.largest_result();
        if reply.result.as_str().len() <= largest {
            return Ok(reply);
        }
        let error = too_large(&reply.result, largest);
        Err(match reply.usage {
            Some(usage) => error.with_usage(usage),
            None => error,
        })
    }

    /// The reply, read as the type of the step's output.
    fn typed(&self, mut reply: Reply) -> Result<Answer, StepError> {
        let Work::Render { code, .. } = &self.work else {
            return Ok(Answer { reply, typed: None });
        };
        let typed = code.output.decode(&reply.result).map_err(|error| {
            let (name, kind) = (code.agent, code.output_type);
            let failure = StepError::retryable(format_args!(
                "agent `{name}` answered with what is not a `{kind}`: {error}"
            ));
            match reply.usage.take() {
                Some(usage) => failure.with_usage(usage),
                None => failure,
            }
        })?;
        Ok(Answer {
            reply,
            typed: Some(typed),
        })
    }
}

/// The reply, if its result fits the step's schema.
fn fitting(schema: &Schema, mut reply: Reply) -> Result<Reply, StepError> {
    match schema.admit(reply.result) {
        Ok(result) => {
            reply.result = result;
            Ok(reply)
        }
        Err(misfit) => Err(StepError::rejected(
            format_args!("the answer does not fit the step's `outputSchema`: {misfit}"),
            reply.usage,
        )),
    }
}

/// Another attempt would only give as much again.
fn too_large(result: &Json, largest: usize) -> StepError {
    StepError::terminal(format_args!(
        "the result is too large: it has {} bytes of JSON, and the store takes at most {largest}; have the step write it to a file, and answer with its name",
        result.as_str().len()
    ))
}

/// What an attempt knows of those who wait for it.
#[derive(Clone, Copy)]
struct Outside<'a> {
    queued: &'a Queued,
    interim: Option<&'a InterimSlot>,
    beginning: &'a Beginning<'a>,
    clock: &'a dyn Clock,
    listener: Option<&'a Arc<Observer>>,
    tail: Option<&'a Tail>,
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
