//! A model behind an endpoint: what is sent, what is read, and what every kind of trouble becomes.

use std::time::Duration;

use ax::agents::{OpenAiAgent, Prices};
use serde_json::json;
use wf_core::agent::{Agent, Request, StepError};
use wf_core::id::ExecutionId;

use crate::server::{Act, Server, answer, delta, finish, stream_head, streamed};
use crate::{ask, watch};

const KEY: &str = "sk-test-0123456789abcdef";

fn agent(server: &Server) -> OpenAiAgent {
    OpenAiAgent::new(&server.url, "m").unwrap()
}

async fn failure(act: Act) -> StepError {
    let server = Server::start([act]).await;
    ask(&agent(&server), "hello").await.unwrap_err()
}

#[tokio::test]
async fn an_answer_is_streamed_shown_and_recorded_with_its_usage() {
    let server = Server::start([streamed(&["Hel", "lo ", "wörld"])]).await;
    let agent = agent(&server).key(KEY).unwrap().prices(Prices {
        input: 3.0,
        output: 15.0,
    });
    let (reply, shown) = watch(&agent, "greet").await;
    let reply = reply.unwrap();
    assert_eq!(reply.result.as_str(), r#""Hello wörld""#);
    assert_eq!(shown.concat(), "Hello wörld");
    assert!(shown.len() > 1, "{shown:?}");
    assert_eq!(
        reply.usage.unwrap(),
        json!({"input_tokens": 1000, "output_tokens": 200, "total_tokens": 1200, "cost": 0.006,
            "model": "m-2026"})
    );
    let asked = &server.asked()[0];
    assert!(
        asked
            .head
            .starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{}",
        asked.head
    );
    for header in [
        "authorization: Bearer sk-test-0123456789abcdef",
        "x-ax-execution-id: run-1",
        "x-ax-step-key: step",
        "x-ax-attempt: 1",
        "x-ax-idempotency-key: run-1/step",
        "content-type: application/json",
    ] {
        assert!(
            asked.head.lines().any(|line| line == header),
            "`{header}` is not in {}",
            asked.head
        );
    }
    assert_eq!(
        asked.body,
        json!({"model": "m", "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "greet"}]})
    );
}

#[tokio::test]
async fn an_answer_as_a_whole_is_read_even_where_a_stream_was_asked_for() {
    let body = json!({"model": "m-2026", "choices": [{"message": {"content": "{\"ok\": true}"},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
    let act = answer("200 OK", "", &body.to_string());
    let server = Server::start([act]).await;
    for stream in [true, false] {
        let (reply, shown) = watch(&agent(&server).stream(stream), "p").await;
        let reply = reply.unwrap();
        assert_eq!(reply.result.as_str(), r#"{"ok":true}"#);
        assert_eq!(shown, ["{\"ok\": true}"]);
        assert_eq!(reply.usage.unwrap()["total_tokens"], 10);
    }
    assert_eq!(server.asked()[1].body["stream"], false);
}

#[tokio::test]
async fn nothing_in_a_prompt_or_an_answer_is_interpreted() {
    let text = "{{secret}} $(rm -rf .) `touch x` \u{1b}[2J \"\\ \u{0}";
    let server = Server::start([streamed(&[text])]).await;
    let reply = ask(&agent(&server), text).await.unwrap();
    assert_eq!(reply.result.as_str(), serde_json::to_string(text).unwrap());
    assert_eq!(server.asked()[0].body["messages"][0]["content"], text);
}

#[tokio::test]
async fn statuses_are_retryable_by_the_contract() {
    for (status, is_retryable) in [
        ("400 Bad Request", false),
        ("401 Unauthorized", false),
        ("403 Forbidden", false),
        ("404 Not Found", false),
        ("408 Request Timeout", true),
        ("409 Conflict", false),
        ("422 Unprocessable Content", false),
        ("429 Too Many Requests", true),
        ("500 Internal Server Error", true),
        ("503 Service Unavailable", true),
        ("529 Overloaded", true),
    ] {
        let error = failure(answer(status, "", r#"{"error":{"message":"because"}}"#)).await;
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
        let said = error.to_string();
        assert!(
            said.contains(&status[..3]) && said.ends_with(r#"{"error":{"message":"because"}}"#),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_honoured() {
    let wait = |error: StepError| error.failure().retry_after;
    let error = failure(answer("429 Too Many Requests", "retry-after: 7\r\n", "")).await;
    assert_eq!(wait(error), Some(Duration::from_secs(7)));
    let headers =
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:07 GMT\r\n";
    let error = failure(answer("503 Service Unavailable", headers, "")).await;
    assert_eq!(wait(error), Some(Duration::from_secs(30)));
    let error = failure(answer("400 Bad Request", "retry-after: 7\r\n", "")).await;
    assert_eq!(wait(error), None);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start([streamed(&["caught"])]).await;
    let location = format!("location: {}/chat/completions\r\n", elsewhere.url);
    let server = Server::start([answer("307 Temporary Redirect", &location, "")]).await;
    let error = ask(&agent(&server).key(KEY).unwrap(), "p")
        .await
        .unwrap_err();
    assert!(!error.is_retryable());
    assert!(
        error.to_string().contains("a key is not sent elsewhere"),
        "{error}"
    );
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_connection_that_is_cut_is_retryable_and_what_had_come_is_told() {
    let cut = Act::Write(vec![stream_head(), delta("half an ans")]);
    let error = failure(cut).await;
    assert!(error.is_retryable());
    assert!(
        error
            .to_string()
            .ends_with("broke off; what had come ends: half an ans"),
        "{error}"
    );
    // In the midst of an announced body, and before any of the answer.
    let short = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
        .to_vec();
    assert!(failure(Act::Write(vec![short])).await.is_retryable());
    assert!(failure(Act::Write(vec![Vec::new()])).await.is_retryable());
    assert!(
        failure(Act::Write(vec![b"no http\r\n\r\n".to_vec()]))
            .await
            .is_retryable()
    );
}

#[tokio::test]
async fn nobody_at_the_address_is_retryable() {
    let server = Server::start([]).await;
    let closed = server.url.clone();
    // The server ends with its first connection, which frees the port.
    let _ = ask(&agent(&server), "p").await;
    let error = ask(&OpenAiAgent::new(&closed, "m").unwrap(), "p").await;
    let error = error.unwrap_err();
    assert!(error.is_retryable());
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_its_idle_timeout() {
    for (beginning, end) in [
        (Vec::new(), "no answer within 50ms"),
        (
            [stream_head(), delta("some")].concat(),
            "nothing came for 50ms; what had come ends: some",
        ),
    ] {
        let server = Server::start([Act::Hang(beginning)]).await;
        let agent = agent(&server).idle_timeout(Duration::from_millis(50));
        let error = ask(&agent, "p").await.unwrap_err();
        assert!(error.is_retryable());
        assert!(error.to_string().ends_with(end), "{error}");
    }
}

#[tokio::test]
async fn answers_that_are_no_answers_fail_for_good_with_their_usage() {
    for (reason, said) in [
        (
            "length",
            "cut off at the limit of tokens; raise the agent's `maxTokens`",
        ),
        (
            "content_filter",
            "refuses to answer: its content filter took hold",
        ),
    ] {
        let error = failure(Act::Write(vec![
            stream_head(),
            delta("par"),
            finish(reason),
        ]))
        .await;
        assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(
            error.failure().usage.as_ref().unwrap()["output_tokens"],
            200
        );
    }
    let refused = json!({"choices": [{"delta": {"refusal": "I would rather not"}}]});
    let refused = format!("data: {refused}\n\n").into_bytes();
    let error = failure(Act::Write(vec![stream_head(), refused, finish("stop")])).await;
    assert!(
        error
            .to_string()
            .ends_with("refuses to answer: I would rather not"),
        "{error}"
    );
    let tools = failure(Act::Write(vec![stream_head(), finish("tool_calls")])).await;
    assert!(tools.to_string().contains("asks for a tool"), "{tools}");
    let text = delta("Let me look.");
    let tools = failure(Act::Write(vec![stream_head(), text, finish("tool_calls")])).await;
    assert!(matches!(tools, StepError::Terminal(_)), "{tools:?}");
    assert!(
        tools
            .to_string()
            .ends_with("what had come ends: Let me look."),
        "{tools}"
    );
}

#[tokio::test]
async fn the_last_event_is_shown_also_without_its_empty_line() {
    let last = json!({"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]});
    let last = format!("data: {last}").into_bytes();
    let server = Server::start([Act::Write(vec![stream_head(), delta("hel"), last])]).await;
    let (reply, shown) = watch(&agent(&server), "p").await;
    assert_eq!(reply.unwrap().result.as_str(), r#""hello""#);
    assert_eq!(shown.concat(), "hello");
}

#[tokio::test]
async fn an_answer_that_is_empty_or_cut_in_two_is_retryable() {
    let truncated = r#"{"choices": [{"message": {"content": "hel"#;
    for (body, end) in [
        ("", "/chat/completions` is empty".to_owned()),
        (" \n", "/chat/completions` is empty".to_owned()),
        (
            truncated,
            format!("broke off; what had come begins: {truncated}"),
        ),
    ] {
        let error = failure(answer("200 OK", "", body)).await;
        assert!(error.is_retryable(), "{error:?}");
        assert!(error.to_string().ends_with(&end), "{error}");
    }
    for came in ["", "\n\n", ": ping\n\n", "data: {\"choices\": [{\"del"] {
        let error = failure(Act::Write(vec![stream_head(), came.into()])).await;
        assert!(error.is_retryable(), "{came}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_fails_for_good_and_is_shown() {
    let page = "<!DOCTYPE html>\n<title>Log in</title>";
    let no_choices = r#"{"id":"1","choices":[]}"#;
    let models = r#"{"object":"list","data":[]}"#;
    let elsewhere = "check the agent's `baseUrl`";
    for (media_type, body, hint) in [
        ("text/html; charset=utf-8", page, elsewhere),
        ("application/json", page, elsewhere),
        ("application/json", models, elsewhere),
        ("text/event-stream", models, elsewhere),
        ("application/json", no_choices, "there is no choice in it"),
    ] {
        for stream in [true, false] {
            let server = Server::start([typed(media_type, body)]).await;
            let error = ask(&agent(&server).stream(stream), "p").await.unwrap_err();
            assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
            assert_eq!(
                error.to_string(),
                format!(
                    "what `{}/chat/completions` says is no answer: `{body}`; {hint}",
                    server.url
                )
            );
        }
    }
    let message = r#"{"message":"model not found"}"#;
    for (media_type, body) in [
        ("application/json", message.to_owned()),
        ("text/plain", message.to_owned()),
        ("text/event-stream", message.to_owned()),
        ("text/event-stream", format!("data: {message}\n\n")),
        ("text/plain", "error: model not found".to_owned()),
    ] {
        let error = failure(typed(media_type, &body)).await;
        assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
        let said = error.to_string();
        assert!(
            said.ends_with("` reports an error: model not found"),
            "{said}"
        );
    }
    // Of a long one the beginning, without half of a secret.
    let body = format!("{KEY} {}{KEY}", "x".repeat(1024 - 40));
    let server = Server::start([typed("text/plain", &body)]).await;
    let error = ask(&agent(&server).key(KEY).unwrap(), "p").await;
    let said = error.unwrap_err().to_string();
    assert!(said.contains("`[redacted] xxx"), "{said}");
    assert!(said.contains("xxx…`; check"), "{said}");
}

#[tokio::test]
async fn the_form_of_an_answer_is_known_by_its_media_type_or_by_its_beginning() {
    let whole = json!({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]});
    let whole = whole.to_string();
    let events = [delta("hi"), finish("stop")].concat();
    let events = String::from_utf8(events).unwrap();
    for (media_type, body) in [
        ("Application/JSON", whole.as_str()),
        ("application/json ;charset=UTF-8", &whole),
        ("text/plain", &whole),
        ("", &format!("\r\n{whole}")),
        ("Text/Event-Stream", &events),
        ("application/octet-stream", &events),
        ("", &events),
    ] {
        for stream in [true, false] {
            let server = Server::start([typed(media_type, body)]).await;
            let reply = ask(&agent(&server).stream(stream), "p").await.unwrap();
            assert_eq!(reply.result.as_str(), "\"hi\"", "{media_type}: {body}");
        }
    }
}

/// An answer of that media type.
pub(crate) fn typed(media_type: &str, body: &str) -> Act {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\n");
    let length = body.len();
    let text = format!("{head}content-length: {length}\r\n\r\n{body}");
    Act::Write(vec![text.into_bytes()])
}

#[tokio::test]
async fn an_error_in_the_midst_of_a_stream_is_told() {
    let event = b"data: {\"error\": {\"message\": \"overloaded\", \"code\": 503}}\n\n".to_vec();
    let error = failure(Act::Write(vec![stream_head(), delta("par"), event])).await;
    assert!(error.is_retryable());
    assert!(
        error
            .to_string()
            .ends_with("reports an error: overloaded; what had come ends: par"),
        "{error}"
    );
    let garbage = b"data: <html>\n\n".to_vec();
    let error = failure(Act::Write(vec![stream_head(), delta("par"), garbage])).await;
    assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("is not what it should be: <html>; what had come ends: par"),
        "{error}"
    );
}

#[tokio::test]
async fn a_flood_is_stopped_at_the_limit() {
    let flood = Act::Write(
        std::iter::once(stream_head())
            .chain(std::iter::repeat_n(delta(&"x".repeat(1000)), 1000))
            .collect(),
    );
    let server = Server::start([flood]).await;
    let agent = agent(&server).output_limit(10_000);
    let (answer, shown) = watch(&agent, "p").await;
    let error = answer.unwrap_err();
    assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    assert!(
        error.to_string().contains("more than 10000 bytes"),
        "{error}"
    );
    assert!(shown.concat().len() <= 11_000);
    // Also what is no answer at all: comments without an end.
    let comments = Act::Write(
        std::iter::once(stream_head())
            .chain(std::iter::repeat_n(b":\n".repeat(32 * 1024), 100))
            .collect(),
    );
    let server = Server::start([comments]).await;
    let error = ask(&agent_with_small_limit(&server), "p")
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("the answer is too long"),
        "{error}"
    );
}

#[tokio::test]
async fn a_flood_of_any_form_is_given_up_before_it_fills_the_memory() {
    const LIMIT: u64 = 100_000;
    /// What an answer of that limit can need, and what the sockets on both sides may hold.
    const MOST: usize = 6 * 100_000 + 1024 * 1024 + 16 * 1024 * 1024;
    let json = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{".to_vec();
    let refusal = b"data: {\"choices\":[{\"delta\":{\"refusal\":\"I would rather not. \"}}]}\n\n";
    for (beginning, piece) in [
        (json, vec![b' '; 64 * 1024]),
        (
            [stream_head(), b"data: ".to_vec()].concat(),
            vec![b'x'; 64 * 1024],
        ),
        (stream_head(), refusal.to_vec()),
    ] {
        let server = Server::start([Act::Flood(beginning, piece, 3 * MOST)]).await;
        let error = ask(&agent(&server).output_limit(LIMIT), "p")
            .await
            .unwrap_err();
        assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
        assert!(
            error.to_string().contains("more than 100000 bytes"),
            "{error}"
        );
        assert!(
            error.to_string().len() < 10_000,
            "{}",
            error.to_string().len()
        );
        assert!(server.flooded() < MOST, "{}", server.flooded());
    }
}

fn agent_with_small_limit(server: &Server) -> OpenAiAgent {
    agent(server).output_limit(10)
}

#[tokio::test]
async fn a_key_appears_nowhere_however_the_server_echoes_it() {
    let base64 = "c2stdGVzdC0wMTIzNDU2Nzg5YWJjZGVm";
    let forms = [KEY.to_owned(), format!("\\\"{KEY}\\\""), base64.to_owned()];
    for form in forms {
        let body = format!("bad key {form} sent");
        // In one piece, and split in the midst of the key.
        let head = format!(
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let (first, second) = body.split_at(18);
        let split = [head.as_str(), first, second].map(|piece| piece.as_bytes().to_vec());
        let server = Server::start([Act::Write(split.to_vec())]).await;
        let agent = agent(&server).key(KEY).unwrap();
        let error = ask(&agent, "p").await.unwrap_err();
        let said = format!("{error} {error:?} {agent:?}");
        assert!(
            said.contains("bad key") && said.contains("[redacted]"),
            "{said}"
        );
        assert!(
            !said.contains("0123456789") && !said.contains(base64),
            "{said}"
        );
    }
    // In the answer itself, split over events: neither shown nor recorded.
    let server = Server::start([streamed(&["my key is sk-test-01", "23456789abcdef", "."])]).await;
    let agent = agent(&server).key(KEY).unwrap();
    let (reply, shown) = watch(&agent, "p").await;
    assert_eq!(reply.unwrap().result.as_str(), r#""my key is [redacted].""#);
    assert_eq!(shown.concat(), "my key is [redacted].");
}

#[tokio::test]
async fn where_a_schema_is_wanted_json_between_fences_is_taken_out_of_them() {
    let schema = json!({"type": "object"});
    let server = Server::start([streamed(&["```json\n{\"a\": 1}\n```\n"])]).await;
    let execution = ExecutionId::from("run-1");
    let request = Request::new("p", &execution, "s", 1);
    let reply = agent(&server).call(request.with_schema(&schema)).await;
    assert_eq!(reply.unwrap().result.as_str(), r#"{"a":1}"#);
    let system = server.asked()[0].body["messages"][0].clone();
    assert_eq!(system["role"], "system");
    let reply = agent(&server).call(request).await.unwrap();
    assert!(reply.result.as_str().starts_with("\"```json"));
}

#[tokio::test]
async fn dropping_an_attempt_closes_its_connection() {
    use tokio::io::AsyncReadExt;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let agent = OpenAiAgent::new(&url, "m").unwrap();
    let attempt = tokio::spawn(async move { ask(&agent, "p").await });
    let (mut stream, _) = listener.accept().await.unwrap();
    crate::server::request(&mut stream).await;
    attempt.abort();
    assert!(attempt.await.unwrap_err().is_cancelled());
    // The end of the connection, or word that it was torn down.
    assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
}
