//! What programs write as their answer, and what is made of it.

use ax::agents::{Preset, PresetAgent};
use serde_json::{Value, json};
use tempfile::TempDir;
use wf_core::agent::{Reply, StepError};

use crate::ask;
use crate::presets::{claude, on_path, program};

/// What the preset's agent makes of an output.
async fn read(preset: Preset, output: &str, status: u8) -> Result<Reply, StepError> {
    let folder = program(preset, output, status);
    ask(&on_path(PresetAgent::new(preset), folder.path()), "p").await
}

fn claude_with(name: &str, value: Value) -> String {
    let mut result: Value = serde_json::from_str(&claude(false, "All is well.")).unwrap();
    result[name] = value;
    result.to_string()
}

fn claude_stream(reason: Value) -> String {
    let said = json!({"type": "assistant", "message": {"content": [], "stop_reason": reason}});
    format!("{said}\n{}\n", claude(false, "All is well."))
}

fn opencode(reason: &str) -> String {
    let text =
        json!({"type": "text", "sessionID": "o", "part": {"type": "text", "text": "All is well."}});
    let end = json!({"type": "step_finish", "sessionID": "o", "part": {"reason": reason, "cost": 0.25,
        "tokens": {"input": 10, "output": 2, "reasoning": 0, "cache": {"read": 0, "write": 0}}}});
    format!("{text}\n{end}\n")
}

fn gemini_stream(text: &str, end: &[Value]) -> String {
    let mut events = vec![
        json!({"type": "init", "session_id": "g", "model": "pro"}),
        json!({"type": "message", "role": "assistant", "content": text, "delta": true}),
    ];
    events.extend(end.iter().cloned());
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn gemini_end(status: Value) -> Value {
    json!({"type": "result", "status": status, "stats": {"input_tokens": 5, "output_tokens": 4}})
}

fn gemini_whole(response: Value) -> Value {
    json!({"session_id": "g", "response": response,
        "stats": {"models": {"pro": {"tokens": {"prompt": 5, "candidates": 4}}}}})
}

fn codex(text: Value) -> String {
    let events = [
        json!({"type": "thread.started", "thread_id": "t"}),
        json!({"type": "turn.started"}),
        json!({"type": "item.completed", "item": {"type": "agent_message", "text": text}}),
        json!({"type": "turn.completed", "usage": {"input_tokens": 10, "output_tokens": 5}}),
    ];
    events.iter().map(|event| format!("{event}\n")).collect()
}

#[tokio::test]
async fn only_words_that_are_known_as_good_end_an_answer() {
    let whole = |word: &str| {
        let stream = claude_stream(json!(word));
        [
            (Preset::Claude, claude_with("stop_reason", json!(word))),
            (Preset::Claude, stream),
            (Preset::Opencode, opencode(word)),
        ]
    };
    for word in ["stop", "END_TURN", "stop_sequence", "eos", "Stop"] {
        for (preset, output) in whole(word) {
            let reply = read(preset, &output, 0).await.unwrap();
            assert_eq!(reply.result.as_str(), r#""All is well.""#, "{output}");
        }
    }
    for (word, is_retryable, said) in [
        ("", true, "broke off"),
        ("null", true, "broke off: it ended with `null`"),
        ("abort", true, "`abort`"),
        ("error", true, "`error`"),
        ("pause_turn", true, "`pause_turn`"),
        (
            "MAX_TOKENS",
            false,
            "cut off at the limit of tokens (`MAX_TOKENS`)",
        ),
        ("length", false, "cut off at the limit of tokens (`length`)"),
        ("model_context_window_exceeded", false, "cut off"),
        ("refusal", false, "refuses to answer (`refusal`)"),
        ("content-filter", false, "refuses to answer"),
        ("SAFETY", false, "refuses to answer"),
        ("tool_use", false, "asks for a tool"),
        ("tool-calls", false, "asks for a tool"),
    ] {
        for (preset, output) in whole(word) {
            let error = read(preset, &output, 0).await.unwrap_err();
            assert_eq!(error.is_retryable(), is_retryable, "{error}");
            assert!(error.to_string().contains(said), "{error}");
            let usage = error.failure().usage.as_ref().unwrap();
            assert!(usage["cost"].is_number(), "{usage}");
        }
    }
    for output in [
        claude_with("stop_reason", Value::Null),
        claude_stream(Value::Null),
    ] {
        assert!(read(Preset::Claude, &output, 0).await.is_ok(), "{output}");
    }
    // What the model said of an earlier turn, or a helper's, is not how the answer ended.
    let helper = json!({"type": "assistant", "parent_tool_use_id": "t", "message": {"stop_reason": "max_tokens"}});
    let output = format!("{helper}\n{}", claude(false, "All is well."));
    assert!(read(Preset::Claude, &output, 0).await.is_ok());
    let output = claude_stream(json!("tool_use"))
        .replace("\"result\":", "\"stop_reason\":\"end_turn\",\"result\":");
    assert!(read(Preset::Claude, &output, 0).await.is_ok());
}

#[tokio::test]
async fn a_program_that_stopped_the_model_has_broken_off() {
    let warning = |words: &str| json!({"type": "error", "severity": "warning", "message": words});
    let mut whole = gemini_whole(json!("All is"));
    whole["warnings"] = json!(["Loop detected, stopping execution"]);
    for (output, said) in [
        (
            gemini_stream(
                "All is",
                &[
                    warning("Loop detected, stopping execution"),
                    gemini_end(json!("success")),
                ],
            ),
            "Loop detected",
        ),
        (whole.to_string(), "Loop detected"),
        (
            gemini_stream("All is", &[gemini_end(json!("cancelled"))]),
            "`cancelled`",
        ),
        (gemini_stream("All is", &[gemini_end(json!(""))]), "``"),
    ] {
        let error = read(Preset::Gemini, &output, 0).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("broke off") && message.contains(said),
            "{message}"
        );
        assert_eq!(error.failure().usage.as_ref().unwrap()["total_tokens"], 9);
    }
    let harmless = [warning("an extension is old"), gemini_end(json!("success"))];
    let output = gemini_stream("All is well.", &harmless);
    assert!(read(Preset::Gemini, &output, 0).await.is_ok());
}

#[tokio::test]
async fn an_empty_answer_is_no_answer() {
    let mut nothing = gemini_whole(Value::Null);
    nothing.as_object_mut().unwrap().remove("response");
    for (preset, output) in [
        (Preset::Claude, claude(false, "")),
        (Preset::Claude, claude(false, " \n")),
        (Preset::Claude, claude_with("result", Value::Null)),
        (Preset::Codex, codex(json!(""))),
        (Preset::Codex, codex(Value::Null)),
        (Preset::Gemini, gemini_whole(json!("")).to_string()),
        (Preset::Gemini, gemini_whole(Value::Null).to_string()),
        (Preset::Gemini, nothing.to_string()),
        (
            Preset::Gemini,
            gemini_stream("", &[gemini_end(json!("success"))]),
        ),
        (
            Preset::Opencode,
            opencode("stop").replace("All is well.", ""),
        ),
        (
            Preset::Opencode,
            opencode("stop").lines().nth(1).unwrap().to_owned(),
        ),
    ] {
        let error = read(preset, &output, 0).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        let said = format!("the answer of `{}` is empty", preset.name());
        assert!(error.to_string().starts_with(&said), "{error}");
        assert!(error.failure().usage.is_some(), "{output}");
    }
}

#[tokio::test]
async fn an_answer_without_its_end_is_cut() {
    let open = r#"{"type":"step_start","sessionID":"o","part":{}}"#;
    let said =
        json!({"type": "assistant", "message": {"content": [{"type": "text", "text": "All"}]}});
    for (preset, output) in [
        (
            Preset::Opencode,
            opencode("stop").lines().next().unwrap().to_owned(),
        ),
        (Preset::Opencode, format!("{}{open}\n", opencode("stop"))),
        (Preset::Claude, said.to_string()),
        (Preset::Codex, "{\"type\":\"turn.started\"}\n".to_owned()),
        (Preset::Gemini, gemini_stream("All is", &[])),
        // In the midst of the only value.
        (Preset::Claude, claude(false, "x")[..40].to_owned()),
        (
            Preset::Gemini,
            gemini_whole(json!("x")).to_string()[..20].to_owned(),
        ),
        (Preset::Codex, "{\"type\":\"turn.sta".to_owned()),
        (Preset::Opencode, open[..20].to_owned()),
    ] {
        let error = read(preset, &output, 0).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        let said = "ended before its answer was complete";
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn what_comes_after_an_answer_does_not_undo_it() {
    let hook = "{\"continue\": true, \"error\": \"the hook failed\"}";
    let error =
        "{\"type\":\"error\",\"message\":\"cannot save\",\"error\":{\"message\":\"cannot save\"}}";
    let failed = "{\"type\":\"turn.failed\",\"error\":{\"message\":\"cannot save\"}}";
    let again = claude(true, "cannot save");
    let empty = "{\"type\":\"result\"}";
    for preset in Preset::ALL {
        let answer = match preset {
            Preset::Claude => claude(false, "All is well."),
            Preset::Codex => codex(json!("All is well.")),
            Preset::Gemini => gemini_whole(json!("All is well.")).to_string(),
            Preset::Opencode => opencode("stop"),
        };
        let after = [
            hook,
            error,
            failed,
            again.as_str(),
            empty,
            "[1]",
            "{",
            "{\"type\":\"x\"}",
        ];
        for after in after {
            let reply = read(preset, &format!("{answer}\n{after}\n"), 0)
                .await
                .unwrap();
            assert_eq!(
                reply.result.as_str(),
                r#""All is well.""#,
                "{preset:?} {after}"
            );
            assert!(reply.usage.unwrap()["total_tokens"].is_number());
        }
        // Behind other text of its line.
        let behind = answer.replacen('{', "[notice] {x} hook: {", 1);
        let reply = read(preset, &behind, 0).await.unwrap();
        assert_eq!(reply.result.as_str(), r#""All is well.""#, "{behind}");
    }
    let stream = gemini_stream("All is well.", &[gemini_end(json!("success"))]);
    for after in [hook, error, empty] {
        let reply = read(Preset::Gemini, &format!("{stream}{after}\n"), 0)
            .await
            .unwrap();
        assert_eq!(reply.result.as_str(), r#""All is well.""#, "{after}");
        assert_eq!(reply.usage.unwrap()["total_tokens"], 9);
    }
}

#[tokio::test]
async fn an_error_before_the_end_of_an_answer_counts_unless_it_ended_well_after_all() {
    let error = "{\"type\":\"error\",\"error\":{\"data\":{\"message\":\"no credit\"}}}\n";
    let good = format!("{error}{}", opencode("stop"));
    assert!(read(Preset::Opencode, &good, 0).await.is_ok());
    let bad = opencode("stop").replacen('\n', &format!("\n{error}"), 1);
    let (bad, _) = bad.split_once("{\"part\":{\"cost\"").unwrap();
    let error = read(Preset::Opencode, bad, 0).await.unwrap_err();
    assert_eq!(error.to_string(), "`opencode` reports an error: no credit");
}

#[tokio::test]
async fn the_usage_of_a_codex_thread_is_its_last_total() {
    let turn = |input: u64, output: u64| {
        let usage =
            json!({"input_tokens": input, "cached_input_tokens": 1, "output_tokens": output});
        format!(
            "{{\"type\":\"turn.started\"}}\n{}\n",
            json!({"type": "turn.completed", "usage": usage})
        )
    };
    let said = "{\"type\":\"turn.started\"}\n{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"yes\"}}\n";
    let thread = |id: &str| format!("{{\"type\":\"thread.started\",\"thread_id\":\"{id}\"}}\n");
    let one = format!("{}{}{said}{}", thread("t"), turn(10, 5), turn(30, 15));
    let usage = |output: String| async move {
        let usage = read(Preset::Codex, &output, 0)
            .await
            .unwrap()
            .usage
            .unwrap();
        [
            &usage["input_tokens"],
            &usage["output_tokens"],
            &usage["total_tokens"],
        ]
        .map(|count| count.as_u64().unwrap())
    };
    assert_eq!(usage(one.clone()).await, [30, 15, 45]);
    let two = format!("{one}{}{said}{}", thread("u"), turn(7, 1));
    assert_eq!(usage(two).await, [37, 16, 53]);
}

#[tokio::test]
async fn what_is_unreadable_is_not_absent() {
    let halves = r#"{"type":"init","session_id":"g"}
{"type":"message","role":"assistant","content":"a\ud83d"}
{"type":"message","role":"assistant","content":"\ude00b\ud83d"}
{"type":"result","status":"success"}
"#;
    let lone = |output: String| output.replace("All is well.", "a\\ude00b");
    for (preset, output, text) in [
        (Preset::Gemini, halves.to_owned(), "a😀b\u{fffd}"),
        (
            Preset::Claude,
            lone(claude(false, "All is well.")),
            "a\u{fffd}b",
        ),
        (
            Preset::Codex,
            lone(codex(json!("All is well."))),
            "a\u{fffd}b",
        ),
        (Preset::Opencode, lone(opencode("stop")), "a\u{fffd}b"),
        (
            Preset::Gemini,
            lone(gemini_whole(json!("All is well.")).to_string()),
            "a\u{fffd}b",
        ),
        (
            Preset::Claude,
            format!("\u{feff}{}", claude(false, "yes")),
            "yes",
        ),
        (
            Preset::Claude,
            claude_with(
                "result",
                json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
            ),
            "ab",
        ),
    ] {
        let reply = read(preset, &output, 0).await.unwrap();
        assert_eq!(reply.result.to_text(), text, "{output}");
    }
    for (preset, output) in [
        (Preset::Claude, claude_with("result", json!(42))),
        (Preset::Codex, codex(json!(42))),
        (Preset::Gemini, gemini_whole(json!(42)).to_string()),
        (
            Preset::Opencode,
            opencode("stop").replace("\"All is well.\"", "42"),
        ),
        (
            Preset::Gemini,
            gemini_stream("All is well.", &[gemini_end(json!("success"))])
                .replace("\"All is well.\"", "42"),
        ),
    ] {
        let error = read(preset, &output, 0).await.unwrap_err();
        assert!(error.to_string().contains("is a number"), "{error}");
    }
}

#[tokio::test]
async fn digits_and_order_of_structured_output_are_kept() {
    let value = r#"{"z":12345678901234567890123,"a":1.10,"m":[1e400,-0.0],"t":"\ud83d"}"#;
    let output = claude_with("structured_output", json!("HERE")).replace("\"HERE\"", value);
    let reply = read(Preset::Claude, &output.replace("1e400", "1e3"), 0)
        .await
        .unwrap();
    let kept = value.replace("1e400", "1e3").replace("\\ud83d", "\\ufffd");
    assert_eq!(reply.result.as_str(), kept);
    for (value, text) in [(json!("x"), "x"), (json!(42), "42")] {
        let output = claude_with("structured_output", value);
        assert_eq!(
            read(Preset::Claude, &output, 0)
                .await
                .unwrap()
                .result
                .to_text(),
            text
        );
    }
    // It is the input of a tool.
    let mut output: Value =
        serde_json::from_str(&claude_with("structured_output", json!([1]))).unwrap();
    output["stop_reason"] = json!("tool_use");
    output["result"] = json!("");
    let reply = read(Preset::Claude, &output.to_string(), 0).await.unwrap();
    assert_eq!(reply.result.as_str(), "[1]");
}

#[tokio::test]
async fn an_answer_and_its_cost_are_not_lost_where_other_bytes_are_no_text() {
    let folder = program(Preset::Claude, "", 0);
    let mut output = b"caf\xe9\n".to_vec();
    output.extend(claude(false, "All is well.").bytes());
    std::fs::write(folder.path().join("output"), output).unwrap();
    let agent = on_path(PresetAgent::new(Preset::Claude), folder.path());
    assert_eq!(
        ask(&agent, "p").await.unwrap().result.to_text(),
        "All is well."
    );
}

#[tokio::test]
async fn an_exit_status_after_an_answer_fails_the_attempt_and_its_cost_is_recorded() {
    for (preset, output) in [
        (Preset::Claude, claude(false, "All is well.")),
        (Preset::Codex, codex(json!("All is well."))),
        (
            Preset::Gemini,
            gemini_whole(json!("All is well.")).to_string(),
        ),
        (Preset::Opencode, opencode("stop")),
    ] {
        let error = read(preset, &output, 3).await.unwrap_err();
        assert!(error.is_retryable());
        assert!(
            error.to_string().contains("exited with status 3"),
            "{error}"
        );
        let usage = error.failure().usage.as_ref().unwrap();
        assert!(usage["total_tokens"].is_number(), "{usage}");
    }
}

/// A program of the preset's name that writes this and does not end, whatever it does with its pipes.
fn hanging(preset: Preset, output: &str, rest: &str) -> TempDir {
    let folder = program(preset, output, 0);
    let script = format!(
        "#!/bin/sh\ncd '{}'\ncat >prompt\ncat output\n{rest}\n",
        folder.path().display()
    );
    crate::program::write(&folder.path().join(preset.name()), &script);
    folder
}

#[tokio::test]
async fn a_whole_answer_is_taken_from_a_program_that_does_not_end() {
    let whole = claude(false, "All is well.");
    let pretty: Value = serde_json::from_str(&whole).unwrap();
    let forever = "while :; do echo '{\"type\":\"x\"}'; sleep 1; done";
    let outputs = [
        (Preset::Claude, whole.clone(), "sleep 1000"),
        (
            Preset::Claude,
            format!("{pretty:#}"),
            "exec >&- 2>&-; sleep 1000",
        ),
        (Preset::Codex, codex(json!("All is well.")), forever),
        (
            Preset::Gemini,
            gemini_whole(json!("All is well.")).to_string(),
            "sleep 1000 & sleep 1000",
        ),
        (Preset::Opencode, opencode("stop"), "sleep 1000"),
    ];
    let asked = outputs.map(|(preset, output, rest)| async move {
        let folder = hanging(preset, &output, rest);
        let reply = ask(&on_path(PresetAgent::new(preset), folder.path()), "p").await;
        let reply = reply.unwrap();
        assert_eq!(reply.result.to_text(), "All is well.", "{output}");
        assert!(reply.usage.unwrap()["total_tokens"].is_number());
    });
    futures::future::join_all(asked).await;
    // A failure is known as soon.
    let folder = hanging(Preset::Claude, &claude(true, "no credit"), "sleep 1000");
    let agent = on_path(PresetAgent::new(Preset::Claude), folder.path());
    let error = ask(&agent, "p").await.unwrap_err();
    assert_eq!(error.to_string(), "`claude` reports an error: no credit");
    assert_eq!(error.failure().usage.as_ref().unwrap()["cost"], 0.0125);
}

#[tokio::test]
async fn what_was_used_is_recorded_where_the_output_is_too_large() {
    let more = "yes '{\"type\":\"text\",\"part\":{\"text\":\"more\"}}'";
    let folder = hanging(Preset::Opencode, &opencode("tool-calls"), more);
    let agent = on_path(PresetAgent::new(Preset::Opencode), folder.path());
    let agent = agent.with(|program| program.output_limit(100_000));
    let error = ask(&agent, "p").await.unwrap_err();
    assert!(
        error.to_string().contains("more than 100000 bytes"),
        "{error}"
    );
    assert_eq!(error.failure().usage.as_ref().unwrap()["cost"], 0.25);
}
