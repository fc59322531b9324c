//! The agent that answers with its prompt.

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Reply, Request, StepError};

/// Answers with its prompt, read as the output of a program would be: `builtin: echo`.
///
/// A prompt that is a JSON object or array is therefore a JSON result, and any other a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EchoAgent;

impl Agent for EchoAgent {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { Ok(Reply::read(request.prompt)) })
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use wf_core::id::ExecutionId;

    use super::*;

    fn answer(prompt: &str) -> String {
        let execution = ExecutionId::from("run");
        let reply = block_on(EchoAgent.call(Request::new(prompt, &execution, "step", 1, "run/step")));
        reply.unwrap().result.as_str().to_owned()
    }

    #[test]
    fn a_text_comes_back_as_text() {
        assert_eq!(answer("say \"hello\""), r#""say \"hello\"""#);
    }

    #[test]
    fn an_object_comes_back_as_an_object() {
        assert_eq!(answer("{\"files\": [1]}"), r#"{"files":[1]}"#);
    }
}
