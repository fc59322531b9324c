//! One attempt at a step, as an agent sees it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::id::ExecutionId;

/// One attempt at a step, as an agent sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The rendered prompt.
    pub prompt: &'a str,
    /// The execution that the step belongs to.
    pub execution: &'a ExecutionId,
    /// The step's key.
    pub step: &'a str,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Where the agent may show what it writes while it writes it.
    pub output: Output<'a>,
    /// The JSON Schema that the result has to fit: the step's `outputSchema`. The engine checks it; an
    /// agent may pass it on to a model.
    pub schema: Option<&'a serde_json::Value>,
    queued: Option<&'a Queued>,
}

impl<'a> Request<'a> {
    /// An attempt at `step` of `execution`.
    pub const fn new(
        prompt: &'a str,
        execution: &'a ExecutionId,
        step: &'a str,
        attempt: u32,
    ) -> Self {
        Request {
            prompt,
            execution,
            step,
            attempt,
            output: Output(None),
            schema: None,
            queued: None,
        }
    }

    /// The same, where what the agent shows goes to `listener`.
    #[must_use]
    pub const fn with_output(mut self, listener: &'a (dyn Fn(&str) + Send + Sync)) -> Self {
        self.output = Output(Some(listener));
        self
    }

    /// The same with a JSON Schema that the result has to fit.
    #[must_use]
    pub const fn with_schema(mut self, schema: &'a serde_json::Value) -> Self {
        self.schema = Some(schema);
        self
    }

    pub(crate) const fn with_queued(mut self, queued: &'a Queued) -> Self {
        self.queued = Some(queued);
        self
    }

    /// The same for every attempt at this step of this execution, and for no other: `EXECUTION/STEP`.
    pub fn idempotency_key(&self) -> String {
        idempotency_key(self.execution, self.step)
    }

    /// Says that the attempt waits for its turn (a rate limit, a bound on how many run at once): the step's
    /// timeout stands still until the guard is dropped.
    ///
    /// ```
    /// use wf_core::agent::{Reply, Request, StepError};
    ///
    /// async fn call(request: Request<'_>, turns: &futures::lock::Mutex<()>) -> Result<Reply, StepError> {
    ///     let waiting = request.waiting();
    ///     let turn = turns.lock().await;
    ///     drop(waiting);
    ///     # drop(turn);
    ///     Ok(Reply::text("done"))
    /// }
    /// ```
    pub fn waiting(&self) -> Waiting<'a> {
        if let Some(queued) = self.queued {
            queued.0.fetch_add(1, Ordering::Relaxed);
        }
        Waiting(self.queued)
    }
}

/// The key that every attempt at one step of one execution shares.
pub(crate) fn idempotency_key(execution: &ExecutionId, step: &str) -> String {
    [execution.as_str(), "/", step].concat()
}

/// Where an agent shows what it writes while it writes it.
///
/// The engine passes it on to its observer as [`Notice::Output`](crate::engine::Notice::Output); without an
/// observer it is dropped.
#[derive(Clone, Copy)]
pub struct Output<'a>(Option<&'a (dyn Fn(&str) + Send + Sync)>);

impl Output<'_> {
    /// Whether anybody listens: what is costly to prepare need not be prepared otherwise.
    pub const fn is_heard(&self) -> bool {
        self.0.is_some()
    }

    /// Shows a piece of text, of any length, as it came: pieces follow each other without a break.
    ///
    /// Secrets must have been taken out.
    pub fn write(&self, text: &str) {
        if let Some(listener) = self.0
            && !text.is_empty()
        {
            listener(text);
        }
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("is_heard", &self.is_heard())
            .finish()
    }
}

/// An attempt that waits for its turn, until it is dropped.
#[derive(Debug)]
#[must_use = "the step's timeout stands still only while this lives"]
pub struct Waiting<'a>(Option<&'a Queued>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(queued) = self.0 {
            queued.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// How many waits of an attempt are under way. The agent and the engine look at it on the same task.
#[derive(Debug, Default)]
pub(crate) struct Queued(AtomicUsize);

impl Queued {
    pub(crate) fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}
