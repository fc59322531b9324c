//! One attempt at one step: a call to an agent or to code, bounded in time, on the host's executor if there is one.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, AbortHandle, BoxFuture};

use super::recall::Recalled;
use super::trace::Within;
use super::{Notice, Observer, Parts};
use crate::agent::{Agent, Allowance, Interim, InterimSlot, Queued, Reply, Request, StepError};
use crate::clock::Clock;
use crate::id::{ExecutionId, Timestamp};
use crate::plan::Plan;
use crate::schema::Schema;
use crate::typed::{AgentStep, NativeStep, StepContext, StepFailure, Typed};

/// How much of what an agent has shown stands in the message when its time is over, in bytes.
const TOLD: usize = 4 << 10;

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
}

/// When an attempt started, on both clocks.
#[derive(Clone, Copy)]
pub(super) struct Started {
    pub(super) at: Timestamp,
    pub(super) elapsed: Duration,
}

impl Started {
    /// The moment `elapsed` as far after the start as it really is, however the wall clock has jumped since.
    fn moment(self, elapsed: Duration) -> Timestamp {
        self.at.after(elapsed.saturating_sub(self.elapsed))
    }
}

/// What an attempt does.
pub(super) enum Work {
    /// Sends a prompt to an agent.
    Ask {
        agent: Arc<dyn Agent>,
        /// None where it is the step's prompt as it stands in the definition.
        prompt: Option<String>,
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
        recalled: Recalled,
    ) -> BoxFuture<'static, Attempted> {
        let (step, started) = (self.step, self.started);
        let limit = self
            .plan
            .steps()
            .get(step as usize)
            .and_then(|step| step.timeout);
        let bounds = Bounds {
            limit,
            clock: Arc::clone(&engine.clock),
            recalled,
            left: limit.unwrap_or_default(),
            timer: None,
            has_waited: false,
        };
        let observer = engine.observer.clone();
        // Made where it is to be: it is large, and would be moved.
        let Some(spawner) = engine.spawner.as_deref() else {
            return Box::pin(within.run(bounds.keep(self, observer)));
        };
        let (done, awaited) = oneshot::channel();
        let (task, abort) = future::abortable(within.run(bounds.keep(self, observer)));
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

    async fn ask(&self, outside: Outside<'_>) -> Result<Answer, StepError> {
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
            Work::Ask { .. } | Work::Render { .. } => "agent",
        };
        StepError::terminal(format_args!(
            "the {who} panicked: {}",
            said.unwrap_or_else(|| "no message".into())
        ))
    }

    /// The end of an attempt whose time is over: what its agent has left counts, if that is an end.
    fn stopped(&self, over: StepError, interim: Option<&InterimSlot>) -> Result<Answer, StepError> {
        // What the agent has left is its code, which may panic.
        let look = AssertUnwindSafe(|| match interim.and_then(InterimSlot::take) {
            Some(Interim::Ended(ended)) => ended.and_then(|reply| self.accept(reply)),
            Some(Interim::Underway(usage)) => Err(over.with_usage(usage)),
            None => Err(over),
        });
        catch_unwind(look).unwrap_or_else(|panic| Err(self.panicked(panic.as_ref())))
    }

    async fn done(&self, outside: Outside<'_>) -> Result<Answer, StepError> {
        match &self.work {
            Work::Ask { agent, prompt } => {
                let whole = || self.plan.prompt(self.step as usize);
                let prompt = prompt.as_deref().unwrap_or_else(whole);
                self.accept(self.reply(agent, prompt, outside).await?)
            }
            Work::Render {
                agent,
                code,
                context,
            } => {
                let prompt = (code.render)(context).map_err(StepFailure::into_step_error)?;
                self.accept(self.reply(agent, &prompt, outside).await?)
            }
            Work::Native { code, context } => {
                let value = (code.run)(context.clone())
                    .await
                    .map_err(StepFailure::into_step_error)?;
                let typed = code.output.take(value).map_err(StepError::terminal)?;
                let json = code.output.encode(&typed).map_err(|error| {
                    StepError::terminal(format_args!(
                        "the output cannot be written as JSON: {error}"
                    ))
                })?;
                if let Some(schema) = &self.schema {
                    schema.admit(json.clone()).map_err(|misfit| {
                        StepError::terminal(format_args!(
                            "the output does not fit the step's `outputSchema`: {misfit}"
                        ))
                    })?;
                }
                Ok(Answer {
                    reply: Reply::json(json),
                    typed: Some(typed),
                })
            }
        }
    }

    async fn reply(
        &self,
        agent: &Arc<dyn Agent>,
        prompt: &str,
        outside: Outside<'_>,
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
            .with_clock(outside.clock);
        if let Some(interim) = outside.interim {
            request = request.with_interim(interim);
        }
        if let Some(schema) = &self.schema {
            request = request.with_schema(schema.text());
        }
        let Outside { listener, tail, .. } = outside;
        if listener.is_none() && tail.is_none() {
            return agent.call(request).await;
        }
        let tell = |text: &str| {
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
        let mut reply = self.admit(reply)?;
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

    /// The reply, if its result fits the step's schema.
    fn admit(&self, mut reply: Reply) -> Result<Reply, StepError> {
        let Some(schema) = &self.schema else {
            return Ok(reply);
        };
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
}

/// What can end an attempt from outside.
struct Bounds {
    limit: Option<Duration>,
    clock: Arc<dyn Clock>,
    recalled: Recalled,
    /// How much of the limit is left, without what has passed since the timer was set.
    left: Duration,
    /// Since when the attempt is neither over nor waits for its turn, on the clock.
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    has_waited: bool,
}

impl Bounds {
    /// Makes the call within its time. While it waits for its turn, time stands still, and it can be recalled.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would hold what it is given twice"
    )]
    fn keep(
        mut self,
        call: Call,
        listener: Option<Arc<Observer>>,
    ) -> impl Future<Output = Attempted> {
        async move {
            let queued = Queued::default();
            let own = self.limit.map(|_| InterimSlot::default());
            let interim = call.interim.as_ref().or(own.as_ref());
            let clock = Arc::clone(&self.clock);
            let tail = self.limit.map(|_| Tail::default());
            let mut ask = pin!(call.ask(Outside {
                queued: &queued,
                interim,
                clock: &*clock,
                listener: listener.as_ref(),
                tail: tail.as_ref(),
            }));
            let answer = poll_fn(|cx| match ask.as_mut().poll(cx) {
                Poll::Pending => self.poll_over(cx, &queued, tail.as_ref()).map(Err),
                answered => answered.map(Ok),
            })
            .await
            .unwrap_or_else(|over| call.stopped(over, interim));
            Attempted {
                step: call.step,
                ended_at: call.started.moment(self.clock.elapsed()),
                answer,
            }
        }
    }

    /// Waits for what ends an attempt that gives no answer.
    fn poll_over(
        &mut self,
        cx: &mut Context<'_>,
        queued: &Queued,
        tail: Option<&Tail>,
    ) -> Poll<StepError> {
        if queued.is_waiting() {
            if let Some((since, _)) = self.timer.take() {
                let gone = self.clock.elapsed().saturating_sub(since);
                self.left = self.left.saturating_sub(gone);
            }
            self.has_waited = true;
            return self.recalled.poll_unpin(cx).map(|_| StepError::recalled());
        }
        if std::mem::take(&mut self.has_waited) {
            // A clone that has not been polled is woken by nothing.
            self.recalled = self.recalled.clone();
        }
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let (clock, left) = (&self.clock, self.left);
        let (_, over) = self
            .timer
            .get_or_insert_with(|| (clock.elapsed(), clock.sleep(left)));
        over.poll_unpin(cx).map(|()| {
            let limit = wf_model::format_duration(limit);
            let wrote = tail.map(Tail::told).unwrap_or_default();
            StepError::retryable(format_args!("no answer within {limit}{wrote}"))
        })
    }
}

/// What an attempt knows of those who wait for it.
#[derive(Clone, Copy)]
struct Outside<'a> {
    queued: &'a Queued,
    interim: Option<&'a InterimSlot>,
    clock: &'a dyn Clock,
    listener: Option<&'a Arc<Observer>>,
    tail: Option<&'a Tail>,
}

/// The end of what an agent has shown, for the message when its time is over.
#[derive(Default)]
struct Tail(Mutex<String>);

impl Tail {
    fn add(&self, text: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_str(text);
        let over = kept.len().saturating_sub(TOLD);
        if let Some(from) = (over..=kept.len()).find(|at| kept.is_char_boundary(*at)) {
            kept.drain(..from);
        }
    }

    fn told(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.trim() {
            "" => String::new(),
            wrote => format!("; what it wrote ends: {wrote}"),
        }
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
