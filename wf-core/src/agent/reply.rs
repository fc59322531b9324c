//! What an agent answers.

use super::StepError;
use crate::value::Json;

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
        let json = output.strip_prefix('\u{feff}').unwrap_or(output);
        if json.trim_start().starts_with(['{', '['])
            && let Ok(result) = Json::parse(output)
        {
            return Reply::json(result);
        }
        let text = output.strip_suffix('\n').unwrap_or(output);
        Reply::text(text.strip_suffix('\r').unwrap_or(text))
    }

    /// Adds what the attempt used.
    #[must_use]
    pub fn with_usage(mut self, usage: serde_json::Value) -> Self {
        self.usage = Some(usage);
        self
    }
}

/// Turns what a closure returns into an agent's answer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent's answer",
    label = "an answer is a `String`, a `&str`, a JSON `Value`, a `Reply`, or a `Result` of one"
)]
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
}
