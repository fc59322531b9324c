//! What is asked.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http_body_util::Full;
use serde_json::{Map, Value, json};
use wf_core::agent::Request;

use super::bad_endpoint::BadEndpoint;
use super::endpoint::Endpoint;
use crate::structured::demand;

/// Who asks.
pub(super) const USER_AGENT: &str = concat!("ax/", env!("CARGO_PKG_VERSION"));

/// What the agent sets itself.
const OWN: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::PROXY_AUTHORIZATION,
];

/// The name of a header that a user gives.
pub(super) fn name(name: &str) -> Result<HeaderName, BadEndpoint> {
    let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        BadEndpoint(format!(
            "`{}` is not the name of a header",
            name.escape_debug()
        ))
    })?;
    if OWN.contains(&known) || known.as_str().starts_with("x-ax-") {
        return Err(BadEndpoint(format!(
            "the header `{name}` is set by the agent itself; leave it out"
        )));
    }
    Ok(known)
}

/// The value of a header that a user gives.
pub(super) fn value(
    name: &HeaderName,
    value: &str,
    is_secret: bool,
) -> Result<HeaderValue, BadEndpoint> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        BadEndpoint(format!(
            "the value of the header `{name}` has a character in it that no header can hold"
        ))
    })?;
    value.set_sensitive(is_secret);
    Ok(value)
}

/// The body of the request.
pub(super) fn body(
    model: &str,
    system: Option<&str>,
    stream: bool,
    options: &Map<String, Value>,
    request: Request<'_>,
) -> Vec<u8> {
    let mut body = Map::new();
    if stream {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    for (name, value) in options {
        match value {
            Value::Null => body.remove(name),
            value => body.insert(name.clone(), value.clone()),
        };
    }
    let mut messages = Vec::new();
    let system: Vec<String> = system
        .map(str::to_owned)
        .into_iter()
        .chain(request.schema.map(demand))
        .collect();
    if !system.is_empty() {
        messages.push(json!({"role": "system", "content": system.join("\n\n")}));
    }
    messages.push(json!({"role": "user", "content": request.prompt}));
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages.into());
    body.insert("stream".into(), stream.into());
    Value::Object(body).to_string().into_bytes()
}

/// The request itself.
pub(super) fn message(
    endpoint: &Endpoint,
    headers: &[(HeaderName, HeaderValue)],
    body: Vec<u8>,
    request: Request<'_>,
) -> http::Request<Full<Bytes>> {
    let mut message = http::Request::new(Full::new(Bytes::from(body)));
    *message.method_mut() = http::Method::POST;
    // The target was taken from a URL that was read.
    *message.uri_mut() = endpoint.target().parse().unwrap_or_default();
    let all = message.headers_mut();
    let (attempt, idempotency_key) = (request.attempt.to_string(), request.idempotency_key());
    for (name, text) in [
        (header::HOST, endpoint.authority()),
        (header::CONTENT_TYPE, "application/json"),
        (header::ACCEPT, "text/event-stream, application/json"),
        // What is compressed is not read.
        (header::ACCEPT_ENCODING, "identity"),
        (header::USER_AGENT, USER_AGENT),
        (
            HeaderName::from_static("x-ax-execution-id"),
            request.execution.as_str(),
        ),
        (HeaderName::from_static("x-ax-step-key"), request.step),
        (HeaderName::from_static("x-ax-attempt"), attempt.as_str()),
        (
            HeaderName::from_static("x-ax-idempotency-key"),
            idempotency_key.as_str(),
        ),
    ] {
        if let Ok(value) = HeaderValue::from_str(&visible(text)) {
            all.insert(name, value);
        }
    }
    for (name, value) in headers {
        all.insert(name.clone(), value.clone());
    }
    message
}

/// Makes it a request to a proxy that sends it on.
pub(super) fn forward(
    message: &mut http::Request<Full<Bytes>>,
    endpoint: &Endpoint,
    credentials: Option<&HeaderValue>,
) {
    let url = format!("http://{}{}", endpoint.authority(), endpoint.target());
    if let Ok(url) = url.parse() {
        *message.uri_mut() = url;
    }
    if let Some(credentials) = credentials {
        let headers = message.headers_mut();
        headers.insert(header::PROXY_AUTHORIZATION, credentials.clone());
    }
}

/// The text with what is not visible in ASCII, and `%`, percent-encoded where there is any such.
fn visible(text: &str) -> String {
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte);
    if text.bytes().all(is_plain) {
        return text.to_owned();
    }
    text.bytes().fold(String::new(), |mut out, byte| {
        if is_plain(byte) && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use wf_core::id::ExecutionId;

    use super::*;

    fn sent(system: Option<&str>, stream: bool, options: Value, schema: Option<&Value>) -> Value {
        let execution = ExecutionId::from("run-1");
        let mut request = Request::new("hello", &execution, "s", 1);
        if let Some(schema) = schema {
            request = request.with_schema(schema);
        }
        let options = options.as_object().cloned().unwrap_or_default();
        serde_json::from_slice(&body("m", system, stream, &options, request)).unwrap()
    }

    #[test]
    fn the_body_has_the_messages_and_the_options_as_they_are() {
        assert_eq!(
            sent(
                Some("Be brief."),
                true,
                json!({"temperature": 0.5, "seed": 7}),
                None
            ),
            json!({
                "model": "m",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "hello"},
                ],
                "stream": true,
                "stream_options": {"include_usage": true},
                "temperature": 0.5,
                "seed": 7,
            })
        );
    }

    #[test]
    fn null_takes_out_what_would_be_there() {
        let body = sent(None, true, json!({"stream_options": null}), None);
        assert!(body.get("stream_options").is_none());
        assert!(
            sent(None, false, json!({}), None)
                .get("stream_options")
                .is_none()
        );
    }

    #[test]
    fn a_schema_is_told_beside_the_system_and_leaves_the_prompt_alone() {
        let schema = json!({"type": "object"});
        let body = sent(Some("Be brief."), true, json!({}), Some(&schema));
        let system = body["messages"][0]["content"].as_str().unwrap();
        assert!(system.starts_with("Be brief.\n\n"), "{system}");
        assert!(system.ends_with(r#"{"type":"object"}"#), "{system}");
        assert_eq!(body["messages"][1]["content"], "hello");
    }

    #[test]
    fn headers_that_the_agent_sets_itself_cannot_be_given() {
        for wrong in ["Host", "x-ax-attempt", "content-length", "a b", ""] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        assert!(name("api-key").is_ok());
        let said = value(&header::ACCEPT, "a\nb", true)
            .unwrap_err()
            .to_string();
        assert!(!said.contains("a\nb"), "{said}");
    }

    #[test]
    fn what_a_header_cannot_hold_is_percent_encoded() {
        assert_eq!(visible("run 100%"), "run 100%");
        assert_eq!(visible("läuft\n100%"), "l%C3%A4uft%0A100%25");
    }
}
