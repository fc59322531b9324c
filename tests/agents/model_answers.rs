//! What endpoints are reported to say: an answer counts when it is known to be whole, streamed or not.

use std::time::Duration;

use ax::agents::{Limited, OpenAiAgent};
use serde_json::{Value, json};
use wf_core::agent::{Interim, InterimSlot, Reply, StepError};

use crate::ask;
use crate::openai::typed;
use crate::server::{Act, Server, answer, stream_head};

/// What a case is to come to.
#[derive(Clone, Copy)]
enum Want<'a> {
    Text(&'a str),
    /// A failure that another attempt may get over, with this in its message.
    Again(&'a str),
    /// A failure for good.
    Never(&'a str),
}

use Want::{Again, Never, Text};

async fn asked(act: Act) -> Result<Reply, StepError> {
    let server = Server::start([act]).await;
    ask(&OpenAiAgent::new(&server.url, "m").unwrap(), "p").await
}

fn check(case: &str, answered: Result<Reply, StepError>, want: Want<'_>) {
    match (answered, want) {
        (Ok(reply), Text(text)) => {
            let expected = serde_json::to_string(text).unwrap();
            assert_eq!(reply.result.as_str(), expected, "{case}");
        }
        (Err(error), Again(part)) => {
            assert!(error.is_retryable(), "{case}: {error:?}");
            assert!(error.to_string().contains(part), "{case}: {error}");
        }
        (Err(error), Never(part)) => {
            assert!(matches!(error, StepError::Terminal(_)), "{case}: {error:?}");
            assert!(error.to_string().contains(part), "{case}: {error}");
        }
        (other, _) => panic!("{case}: {other:?}"),
    }
}

/// A stream of these events, and `[DONE]`; what is a text stands as it is.
fn stream(events: &[Value]) -> Vec<u8> {
    let mut bytes = stream_head();
    for event in events {
        match event {
            Value::String(text) => bytes.extend(text.bytes()),
            event => bytes.extend(format!("data: {event}\n\n").bytes()),
        }
    }
    bytes
}

fn done(events: &[Value]) -> Act {
    Act::Write(vec![stream(events), b"data: [DONE]\n\n".to_vec()])
}

fn whole(body: &Value) -> Act {
    answer("200 OK", "", &body.to_string())
}

fn piece(text: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
}

fn end(word: impl Into<Value>) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": word.into()}], "usage": used()})
}

fn used() -> Value {
    json!({"prompt_tokens": 7, "completion_tokens": 3})
}

fn message(message: Value, word: impl Into<Value>) -> Value {
    json!({"choices": [{"index": 0, "message": message, "finish_reason": word.into()}], "usage": used()})
}

#[tokio::test]
async fn an_answer_counts_when_its_end_is_known_to_be_good() {
    let words = |words: &'static str| words.split_whitespace();
    let mut cases: Vec<(Value, Want<'_>)> = Vec::new();
    let good = "stop STOP Stop eos eos_token end_turn stop_sequence";
    cases.extend(words(good).map(|word| (word.into(), Text("hello"))));
    let cut = "length max_tokens MAX_TOKENS model_length token_limit";
    cases.extend(words(cut).map(|word| (word.into(), Never("was cut off at the limit"))));
    let refused =
        "content_filter SAFETY RECITATION sensitive BLOCKLIST blocklist prohibited_content refusal";
    cases.extend(words(refused).map(|word| (word.into(), Never("refuses to answer"))));
    let tools = "tool_calls function_call tool_use";
    cases.extend(words(tools).map(|word| (word.into(), Never("asks for a tool"))));
    let unknown = "null abort error other weird unexpected_state";
    cases.extend(words(unknown).map(|word| (word.into(), Again(word))));
    cases.push(("".into(), Again("broke off: it ended without saying how")));
    cases.push((Value::Null, Again("broke off")));
    cases.push((42.into(), Again("`42`")));
    for (word, want) in cases {
        let case = format!("{word}");
        let events = [piece("hel"), piece("lo"), end(word.clone())];
        check(&case, asked(done(&events)).await, want);
        check(&case, asked(Act::Write(vec![stream(&events)])).await, want);
        let body = message(json!({"content": "hello"}), word);
        check(&case, asked(whole(&body)).await, want);
    }
}

#[tokio::test]
async fn what_goes_wrong_after_the_first_piece_counts() {
    let text = |text: &str| Value::from(text.to_owned());
    for (event, want) in [
        (
            text("error: {\"code\":500,\"message\":\"context shift is disabled\"}\n\n"),
            Again("reports an error: context shift is disabled"),
        ),
        (
            json!({"object": "error", "message": "CUDA out of memory", "code": 500}),
            Again("CUDA out of memory"),
        ),
        (
            text(
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Busy\"}}\n\n",
            ),
            Again("Busy"),
        ),
        (
            text("event: error\ndata: it went away\n\n"),
            Again("it went away"),
        ),
        (
            text("{\"error\":{\"message\":\"no frame\",\"code\":400}}\n"),
            Never("no frame"),
        ),
        (json!({"error": "words alone"}), Again("words alone")),
        (
            json!({"error": {"message": "bad", "code": 400}}),
            Never("bad"),
        ),
        (
            json!({"error": {"message": "bad", "type": "invalid_request_error"}}),
            Never("bad"),
        ),
        (json!({"detail": "worker died"}), Again("worker died")),
        (
            json!({"code": 1302, "msg": "rate limit reached"}),
            Again("rate limit reached"),
        ),
        (json!({"code": "400", "msg": "wrong"}), Never("wrong")),
        (
            json!({"message": "slow down", "type": "rate_limit_error"}),
            Again("slow down"),
        ),
        (
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "error",
                "error": {"code": 502, "message": "upstream is gone"}}]}),
            Again("upstream is gone"),
        ),
    ] {
        let events = [piece("Hel"), event.clone()];
        check(&event.to_string(), asked(done(&events)).await, want);
        // What comes after the end does not undo the answer.
        if event.get("choices").is_none() {
            let events = [piece("Hel"), end("stop"), event.clone()];
            check(&event.to_string(), asked(done(&events)).await, Text("Hel"));
        }
    }
}

#[tokio::test]
async fn an_error_by_itself_fails_with_its_words_and_by_its_code() {
    for (body, want) in [
        (
            json!({"code": 1302, "msg": "rate limit reached"}),
            Again("rate limit reached"),
        ),
        (
            json!({"code": 1305, "message": "model overloaded"}),
            Again("model overloaded"),
        ),
        (
            json!({"code": 1002, "msg": "invalid token"}),
            Never("invalid token"),
        ),
        (json!({"code": 503, "msg": "later"}), Again("later")),
        (
            json!({"error": {"message": "in it", "code": 404}}),
            Never("in it"),
        ),
        (
            json!([{"error": {"message": "in a list", "status": "UNAVAILABLE"}}]),
            Again("in a list"),
        ),
        (
            json!({"choices": null, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}}),
            Again("rate limit"),
        ),
    ] {
        let answered = asked(whole(&body)).await;
        let said = answered.as_ref().unwrap_err().to_string();
        assert!(!said.contains("baseUrl"), "{said}");
        check(&body.to_string(), answered, want);
    }
}

#[tokio::test]
async fn an_empty_answer_is_no_answer() {
    let tool = json!([{"id": "a", "function": {"name": "f", "arguments": "{}"}}]);
    for (words, want) in [
        (json!({"content": ""}), Again("is empty")),
        (json!({"content": null}), Again("is empty")),
        (json!({"content": " \n"}), Again("is empty")),
        (json!({}), Again("is empty")),
        (json!({"reasoning_content": "hm"}), Again("only reasoned")),
        (
            json!({"content": "", "reasoning": "hm"}),
            Again("only reasoned"),
        ),
        (json!({"thinking": "hm"}), Again("only reasoned")),
        (
            json!({"content": [{"type": "thinking", "thinking": []}]}),
            Again("only reasoned"),
        ),
        (
            json!({"tool_calls": tool.clone()}),
            Never("asks for a tool"),
        ),
        (
            json!({"content": "Let me look.", "tool_calls": tool}),
            Never("asks for a tool"),
        ),
        (
            json!({"function_call": {"name": "f"}}),
            Never("asks for a tool"),
        ),
        (
            json!({"refusal": "I won't"}),
            Never("refuses to answer: I won't"),
        ),
    ] {
        let case = words.to_string();
        let event = json!({"choices": [{"index": 0, "delta": words.clone()}]});
        check(&case, asked(done(&[event, end("stop")])).await, want);
        check(&case, asked(whole(&message(words, "stop"))).await, want);
    }
}

#[tokio::test]
async fn words_are_read_from_where_they_are_and_what_is_no_text_is_named() {
    let choice = |choice: Value| json!({"choices": [choice]});
    for (case, act, want) in [
        (
            "message",
            done(&[choice(
                json!({"message": {"content": "hello"}, "finish_reason": "stop"}),
            )]),
            Text("hello"),
        ),
        (
            "text",
            done(&[
                choice(json!({"text": "hel"})),
                choice(json!({"text": "lo", "finish_reason": "stop"})),
            ]),
            Text("hello"),
        ),
        (
            "whole delta",
            whole(&choice(
                json!({"delta": {"content": "hello"}, "finish_reason": "stop"}),
            )),
            Text("hello"),
        ),
        (
            "whole text",
            whole(&choice(json!({"text": "hello", "finish_reason": "stop"}))),
            Text("hello"),
        ),
        (
            "repeated",
            done(&[
                piece("hello"),
                choice(
                    json!({"delta": {}, "message": {"content": "hello"}, "finish_reason": "stop"}),
                ),
            ]),
            Text("hello"),
        ),
        (
            "number",
            done(&[choice(json!({"delta": {"content": 42}})), end("stop")]),
            Never("its `content` is a number"),
        ),
        (
            "whole number",
            whole(&message(json!({"content": 42}), "stop")),
            Never("its `content` is a number"),
        ),
        (
            "parts",
            whole(&message(
                json!({"content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]}),
                "stop",
            )),
            Text("hello"),
        ),
        (
            "image",
            whole(&message(
                json!({"content": [{"type": "image_url", "image_url": {}}]}),
                "stop",
            )),
            Never("a part that is no text"),
        ),
        (
            "two choices",
            done(&[
                piece("hel"),
                choice(json!({"index": 1, "delta": {"content": "XX"}, "finish_reason": "length"})),
                json!({"choices": [{"index": 1, "delta": {"content": "X"}}, {"index": 0, "delta": {"content": "lo"}}]}),
                end("stop"),
            ]),
            Text("hello"),
        ),
        (
            "whole two choices",
            whole(&json!({"choices": [
                {"index": 1, "message": {"content": "X"}, "finish_reason": "length"},
                {"index": 0, "message": {"content": "hello"}, "finish_reason": "stop"}]})),
            Text("hello"),
        ),
    ] {
        check(case, asked(act).await, want);
    }
    let half = |text: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let halves = [
        half(r"a\ud83d").into(),
        half(r"\ude00b").into(),
        end("stop"),
    ];
    check("halves", asked(done(&halves)).await, Text("a😀b"));
    let alone = [half(r"a\ud83d").into(), piece("b"), end("stop")];
    check("alone", asked(done(&alone)).await, Text("a\u{fffd}b"));
    let last = [half(r"a\ud83d").into(), end("stop")];
    check("last", asked(done(&last)).await, Text("a\u{fffd}"));
    let body = r#"{"choices":[{"message":{"content":"a\ud83db"},"finish_reason":"stop"}]}"#;
    check(
        "whole",
        asked(answer("200 OK", "", body)).await,
        Text("a\u{fffd}b"),
    );
}

#[tokio::test]
async fn a_mark_of_the_byte_order_is_skipped_and_what_is_compressed_is_said_to_be() {
    let body = message(json!({"content": "hello"}), "stop").to_string();
    let events = format!("data: {}\n\ndata: {}\n\n", piece("hello"), end("stop"));
    for text in [&body, &events] {
        for media_type in ["application/json", "text/event-stream", "text/plain"] {
            if media_type == "text/event-stream" && text == &body {
                continue;
            }
            let act = typed(media_type, &format!("\u{feff}{text}"));
            check(media_type, asked(act).await, Text("hello"));
        }
    }
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab];
    for headers in [
        "content-encoding: gzip\r\n",
        "",
        "content-type: text/event-stream\r\n",
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n",
            gzip.len()
        );
        let act = Act::Write(vec![[head.as_bytes(), &gzip].concat()]);
        check(headers, asked(act).await, Never("is compressed (`gzip`)"));
    }
    let act = answer("200 OK", "content-encoding: br\r\n", &body);
    check("br", asked(act).await, Never("is compressed (`br`)"));
}

/// A whole answer without a word on its length, over a connection that stays open.
fn unfinished(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn a_whole_answer_is_taken_although_nobody_hangs_up() {
    let body = message(json!({"content": "hello"}), "stop").to_string();
    for beginning in [
        stream(&[piece("hello"), end("stop")]),
        stream(&[
            piece("hello"),
            json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
        ]),
        unfinished(&body),
    ] {
        let case = String::from_utf8_lossy(&beginning).into_owned();
        check(
            &case,
            asked(Act::Hang(beginning.clone())).await,
            Text("hello"),
        );
        // The time of the agent, or for which nothing may come, may be over before the grace is.
        let server = Server::start([Act::Hang(beginning)]).await;
        let agent = OpenAiAgent::new(&server.url, "m").unwrap();
        let hasty = agent.clone().idle_timeout(Duration::from_millis(300));
        check(&case, ask(&hasty, "p").await, Text("hello"));
        let hasty = Limited::new(agent).timeout(Duration::from_millis(300));
        check(&case, ask(&hasty, "p").await, Text("hello"));
    }
}

#[tokio::test]
async fn what_was_used_is_recorded_however_the_attempt_ended() {
    let event = json!({"choices": [{"delta": {"content": "hel"}}], "usage": used()});
    let error = json!({"error": {"message": "no", "code": 500}});
    let cases = [
        Act::Hang(stream(std::slice::from_ref(&event))),
        Act::Write(vec![stream(std::slice::from_ref(&event))]),
        done(&[event.clone(), error]),
        done(&[event.clone(), end("length")]),
        done(&[event.clone(), end("weird")]),
        done(&[event.clone(), "data: <html>\n\n".into()]),
        whole(&message(json!({"content": 42}), "stop")),
        whole(&message(json!({"content": ""}), "stop")),
    ];
    for (number, act) in cases.into_iter().enumerate() {
        let server = Server::start([act]).await;
        let agent = OpenAiAgent::new(&server.url, "m").unwrap();
        let agent = agent.idle_timeout(Duration::from_millis(400));
        for timeout in [200, 10_000] {
            let limited = Limited::new(agent.clone()).timeout(Duration::from_millis(timeout));
            let error = ask(&limited, "p").await.unwrap_err();
            let usage = error.failure().usage.clone().unwrap_or_default();
            assert_eq!(usage["total_tokens"], 10, "{number}: {error}");
        }
    }
}

#[tokio::test]
async fn what_an_attempt_has_come_to_is_there_for_whoever_stops_it() {
    let interim = async |act: Act| {
        let server = Server::start([act]).await;
        let agent = OpenAiAgent::new(&server.url, "m").unwrap();
        let (slot, execution) = (
            InterimSlot::default(),
            wf_core::id::ExecutionId::from("run"),
        );
        let (shown, seen) = tokio::sync::mpsc::unbounded_channel();
        let listener = move |text: &str| drop(shown.send(text.to_owned()));
        let request = wf_core::agent::Request::new("p", &execution, "s", 1)
            .with_interim(&slot)
            .with_output(&listener);
        let mut seen = seen;
        tokio::select! {
            biased;
            _ = wf_core::agent::Agent::call(&agent, request) => panic!("it ended by itself"),
            _ = seen.recv() => {}
        }
        slot.take()
    };
    let event = json!({"choices": [{"delta": {"content": "hello"}}], "usage": used()});
    let Some(Interim::Underway(usage)) = interim(Act::Hang(stream(&[event]))).await else {
        panic!("the answer is under way");
    };
    assert_eq!(usage["total_tokens"], 10);
    let last = json!({"choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]});
    let Some(Interim::Ended(Ok(reply))) = interim(Act::Hang(stream(&[last]))).await else {
        panic!("the answer is whole");
    };
    assert_eq!(reply.result.as_str(), "\"hello\"");
}

#[tokio::test]
async fn a_key_in_the_words_of_an_error_is_masked_wherever_it_is_cut() {
    let key = "sk-test-0123456789abcdef";
    for before in (1000..1060).chain(4050..4130) {
        let words = format!(
            "{}{key}{}",
            "x".repeat(before),
            "y".repeat(4090 - before % 64)
        );
        let error = json!({"code": 503, "msg": words});
        let garbage = format!("data: <{words}>\n\n");
        let server = Server::start([
            whole(&error),
            done(&[piece("Hel"), garbage.into()]),
            typed("text/plain", &words),
        ])
        .await;
        let agent = OpenAiAgent::new(&server.url, "m")
            .unwrap()
            .key(key)
            .unwrap();
        for _ in 0..3 {
            let said = ask(&agent, "p").await.unwrap_err().to_string();
            // The server's port is a number that the key may contain.
            let said = said.replace(&server.url, "URL");
            for part in ["0123", "4567", "89ab", "cdef", "sk-te"] {
                assert!(!said.contains(part), "{before}: {part} in {said}");
            }
        }
    }
}
