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
    async fn a_text_comes_back_as_text() {
        assert_eq!(answer("say \"hello\"").await, r#""say \"hello\"""#);
    }

    #[tokio::test]
    async fn an_object_comes_back_as_an_object() {
        assert_eq!(answer("{\"files\": [1]}").await, r#"{"files":[1]}"#);
    }
}
