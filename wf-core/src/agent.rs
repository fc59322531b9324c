//! The seam to whoever does a step: a program, a model behind HTTP, a Rust function.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::id::ExecutionId;
use crate::value::Json;

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
/// started must end with it.
pub trait Agent: Send + Sync {
    /// Makes one attempt at a step.
    ///
    /// # Errors
    ///
    /// [`StepError::Retryable`] when another attempt may succeed, [`StepError::Terminal`] when none can.
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>>;
}

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
    /// The same for every attempt at this step of this execution, and for no other.
    pub idempotency_key: &'a str,
}

impl<'a> Request<'a> {
    /// An attempt at `step` of `execution`.
    pub const fn new(
        prompt: &'a str,
        execution: &'a ExecutionId,
        step: &'a str,
        attempt: u32,
        idempotency_key: &'a str,
    ) -> Self {
        Request {
            prompt,
            execution,
            step,
            attempt,
            idempotency_key,
        }
    }
}

/// What an agent answers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The step's result.
    pub result: Json,
    /// What the attempt used (tokens, cost, model), when the agent knows.
    pub usage: Option<serde_json::Value>,
}

impl Reply {
    /// A text, as it is.
    pub fn text(text: &str) -> Self {
        Reply {
            result: Json::string(text),
            usage: None,
        }
    }

    /// A JSON value.
    pub const fn json(result: Json) -> Self {
        Reply {
            result,
            usage: None,
        }
    }

    /// Reads what a program or a model wrote: a JSON object or array is JSON, anything else a text
    /// without its last newline.
    pub fn read(output: &str) -> Self {
        if output.trim_start().starts_with(['{', '['])
            && let Ok(result) = Json::parse(output)
        {
            return Reply::json(result);
        }
        let text = output.strip_suffix('\n').unwrap_or(output);
        Reply::text(text.strip_suffix('\r').unwrap_or(text))
    }

    /// The same with what the attempt used.
    #[must_use]
    pub fn with_usage(mut self, usage: serde_json::Value) -> Self {
        self.usage = Some(usage);
        self
    }
}

/// Turns what a closure returns into an agent's answer.
pub trait IntoReply {
    /// The answer.
    ///
    /// # Errors
    ///
    /// What the closure failed with; a plain error is taken as [retryable](StepError::Retryable).
    fn into_reply(self) -> Result<Reply, StepError>;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Reply, StepError> {
        Ok(self)
    }
}

impl IntoReply for String {
    fn into_reply(self) -> Result<Reply, StepError> {
        Ok(Reply::text(&self))
    }
}

impl IntoReply for &str {
    fn into_reply(self) -> Result<Reply, StepError> {
        Ok(Reply::text(self))
    }
}

impl IntoReply for serde_json::Value {
    fn into_reply(self) -> Result<Reply, StepError> {
        Ok(Reply::json(Json::from_value(&self)))
    }
}

impl<R: IntoReply, E: Into<StepError>> IntoReply for Result<R, E> {
    fn into_reply(self) -> Result<Reply, StepError> {
        self.map_err(Into::into)?.into_reply()
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
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Another attempt may succeed.
    #[error("{0}")]
    Retryable(String),
    /// No further attempt can succeed: none is made.
    #[error("{0}")]
    Terminal(String),
}

impl StepError {
    /// A failure that another attempt may get over.
    pub fn retryable(reason: impl fmt::Display) -> Self {
        StepError::Retryable(reason.to_string())
    }

    /// A failure that every further attempt would meet again.
    pub fn terminal(reason: impl fmt::Display) -> Self {
        StepError::Terminal(reason.to_string())
    }

    /// Whether another attempt may succeed.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, StepError::Retryable(_))
    }
}

/// The agents of a host, by name.
#[derive(Clone, Default)]
pub struct Agents {
    by_name: BTreeMap<String, Registered>,
}

#[derive(Clone)]
struct Registered {
    agent: Arc<dyn Agent>,
    capabilities: Vec<String>,
}

impl Agents {
    /// No agents.
    pub fn new() -> Self {
        Agents::default()
    }

    /// The same with an agent of that name; one of the same name is replaced.
    #[must_use]
    pub fn with(self, name: impl Into<String>, agent: impl Agent + 'static) -> Self {
        self.with_capable(name, Arc::new(agent), Vec::new())
    }

    /// The same with an agent that steps may also ask for by what it can do: `@capability`.
    #[must_use]
    pub fn with_capable(
        mut self,
        name: impl Into<String>,
        agent: Arc<dyn Agent>,
        capabilities: Vec<String>,
    ) -> Self {
        self.by_name.insert(
            name.into(),
            Registered {
                agent,
                capabilities,
            },
        );
        self
    }

    /// The agent that a step's `agent` names: by its name, or with `@capability` the first by name that
    /// lists the capability.
    pub fn agent(&self, wanted: &str) -> Option<&Arc<dyn Agent>> {
        let found = match wanted.strip_prefix('@') {
            Some(capability) => self
                .by_name
                .values()
                .find(|agent| agent.capabilities.iter().any(|can| can == capability)),
            None => self.by_name.get(wanted),
        };
        found.map(|registered| &registered.agent)
    }

    /// The agents' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The capabilities that agents list, sorted, each once.
    pub fn capabilities(&self) -> impl Iterator<Item = &str> {
        let all: std::collections::BTreeSet<&str> = self
            .by_name
            .values()
            .flat_map(|agent| agent.capabilities.iter().map(String::as_str))
            .collect();
        all.into_iter()
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_or_an_array_is_json_and_anything_else_is_text() {
        let read = |output: &str| Reply::read(output).result.as_str().to_owned();
        assert_eq!(read("{\"a\": 1}\n"), r#"{"a":1}"#);
        assert_eq!(read(" [1, 2]"), "[1,2]");
        assert_eq!(read("42\n"), r#""42""#);
        assert_eq!(read("{not json}\n\n"), r#""{not json}\n""#);
        assert_eq!(read("line\r\n"), r#""line""#);
        assert_eq!(read(""), r#""""#);
    }

    #[test]
    fn a_capability_finds_the_first_agent_that_lists_it() {
        let echo = |prompt: String| async move { prompt };
        let agents = Agents::new()
            .with_capable("b", Arc::new(echo), vec!["review".into()])
            .with_capable("a", Arc::new(echo), vec!["review".into(), "write".into()]);
        assert!(Arc::ptr_eq(
            agents.agent("@review").unwrap(),
            agents.agent("a").unwrap()
        ));
        assert!(agents.agent("@fly").is_none());
        assert!(agents.agent("review").is_none());
        assert_eq!(
            agents.capabilities().collect::<Vec<_>>(),
            ["review", "write"]
        );
    }
}
