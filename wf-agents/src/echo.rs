//! The agent that answers with its prompt.

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Allowance, Reply, Request, StepError};

use super::fault::Diagnose;

/// Answers with its prompt, read as the output of a program would be: `builtin: echo`.
///
/// A prompt that is a JSON object or array is therefore a JSON result, and any other a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EchoAgent;

impl Agent for EchoAgent {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { Ok(Reply::read(request.prompt)) })
    }

    fn bound(&self, _: Request<'_>) -> Allowance {
        Allowance::NOTHING
    }
}

impl Diagnose for EchoAgent {}

/// Answers like [`EchoAgent`], with so many bytes at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoundedEcho {
    pub(super) limit: u64,
}

impl Agent for BoundedEcho {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        let limit = self.limit;
        if u64::try_from(request.prompt.len()).is_ok_and(|bytes| bytes <= limit) {
            return EchoAgent.call(request);
        }
        let error = StepError::terminal(format_args!(
            "the prompt is longer than the {limit} bytes that this agent answers with; raise its `outputLimit`"
        ));
        Box::pin(async move { Err(error) })
    }

    fn bound(&self, _: Request<'_>) -> Allowance {
        Allowance::NOTHING
    }
}

impl Diagnose for BoundedEcho {}

#[cfg(test)]
mod tests {
    use wf_core::id::ExecutionId;

    use super::*;

    async fn answer(prompt: &str) -> String {
        let execution = ExecutionId::from("run");
        let reply = EchoAgent
            .call(Request::new(prompt, &execution, "step", 1))
            .await;
        reply.unwrap().result.as_str().to_owned()
    }

    #[tokio::test]
    async fn a_prompt_beyond_the_limit_fails_for_good() {
        let execution = ExecutionId::from("run");
        let ask = |prompt| BoundedEcho { limit: 3 }.call(Request::new(prompt, &execution, "s", 1));
        assert_eq!(ask("abc").await, Ok(Reply::text("abc")));
        let error = ask("abcd").await.unwrap_err();
        assert!(!error.is_retryable() && error.to_string().contains("`outputLimit`"));
    }

    #[tokio::test]
    async fn a_text_comes_back_as_text() {
        assert_eq!(answer("say \"hello\"").await, r#""say \"hello\"""#);
    }

    #[tokio::test]
    async fn an_object_comes_back_as_an_object() {
        assert_eq!(answer("{\"files\": [1]}").await, r#"{"files":[1]}"#);
    }
}
