//! The agent programs that are known, played by scripts that write what those write.

use std::fs;
use std::path::Path;

use ax::agents::{Preset, PresetAgent};
use serde_json::{Value, json};
use tempfile::TempDir;
use wf_core::agent::{Agent, Request, StepError};
use wf_core::id::ExecutionId;

use crate::{ask, program, watch};

/// A folder with a program of the preset's name that writes this, and keeps its prompt and its arguments.
pub(crate) fn program(preset: Preset, output: &str, status: u8) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("output"), output).unwrap();
    let script = format!(
        "#!/bin/sh\ncd '{}'\nprintf '%s\\n' \"$@\" >arguments\ncat >prompt\ncat output\nexit {status}\n",
        folder.path().display()
    );
    program::write(&folder.path().join(preset.name()), &script);
    folder
}

pub(crate) fn on_path(agent: PresetAgent, folder: &Path) -> PresetAgent {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    agent.with(|program| program.env("PATH", path))
}

fn kept(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

pub(crate) fn claude(is_error: bool, result: &str) -> String {
    json!({
        "type": "result", "subtype": "success", "is_error": is_error, "duration_ms": 2100, "num_turns": 1,
        "result": result, "session_id": "s-1", "total_cost_usd": 0.0125,
        "usage": {"input_tokens": 3, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 500,
            "output_tokens": 20, "service_tier": "standard"},
        "modelUsage": {"small": {"outputTokens": 2}, "large": {"outputTokens": 18}},
    })
    .to_string()
}

const CODEX: &str = r#"{"type":"thread.started","thread_id":"t-1"}
{"type":"turn.started"}
{"type":"item.completed","item":{"id":"0","type":"reasoning","text":"**Looking**"}}
{"type":"item.started","item":{"id":"1","type":"command_execution","command":"ls","status":"in_progress"}}
{"type":"item.completed","item":{"id":"2","type":"agent_message","text":"I look first."}}
{"type":"item.completed","item":{"id":"3","type":"agent_message","text":"All is well."}}
{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":60,"output_tokens":7}}
"#;

const OPENCODE: &str = r#"{"type":"step_start","timestamp":1,"sessionID":"o-1","part":{"type":"step-start"}}
{"type":"text","timestamp":2,"sessionID":"o-1","part":{"type":"text","text":"Let me see."}}
{"type":"tool_use","timestamp":3,"sessionID":"o-1","part":{"type":"tool","tool":"bash","state":{}}}
{"type":"step_finish","timestamp":4,"sessionID":"o-1","part":{"type":"step-finish","reason":"tool-calls","cost":0.25,"tokens":{"input":10,"output":2,"reasoning":1,"cache":{"read":5,"write":0}}}}
{"type":"text","timestamp":5,"sessionID":"o-1","part":{"type":"text","text":"All is well."}}
{"type":"step_finish","timestamp":6,"sessionID":"o-1","part":{"type":"step-finish","reason":"stop","cost":0.5,"tokens":{"input":20,"output":4,"reasoning":0,"cache":{"read":0,"write":0}}}}
"#;

fn gemini() -> String {
    let whole = json!({
        "session_id": "g-1", "response": "All is well.",
        "stats": {"models": {"gemini-pro": {"api": {"totalRequests": 1},
            "tokens": {"prompt": 30, "candidates": 5, "total": 44, "cached": 12, "thoughts": 9, "tool": 0}}}},
    });
    format!("Loaded cached credentials.\n{whole:#}\n")
}

#[tokio::test]
async fn each_preset_sends_the_prompt_and_reads_answer_and_usage() {
    let claude = claude(false, "All is well.");
    let gemini = gemini();
    for (preset, output, arguments, usage) in [
        (
            Preset::Claude,
            claude.as_str(),
            "-p\n--output-format\njson\n",
            json!({"input_tokens": 543, "output_tokens": 20, "total_tokens": 563, "cached_input_tokens": 500,
                "cost": 0.0125, "model": "large", "session": "s-1"}),
        ),
        (
            Preset::Codex,
            CODEX,
            "exec\n--json\n-\n",
            json!({"input_tokens": 100, "output_tokens": 7, "total_tokens": 107, "cached_input_tokens": 60,
                "session": "t-1"}),
        ),
        (
            Preset::Gemini,
            gemini.as_str(),
            "--output-format\njson\n",
            json!({"input_tokens": 30, "output_tokens": 14, "total_tokens": 44, "cached_input_tokens": 12,
                "model": "gemini-pro", "session": "g-1"}),
        ),
        (
            Preset::Opencode,
            OPENCODE,
            "run\n--format\njson\n",
            json!({"input_tokens": 35, "output_tokens": 7, "total_tokens": 42, "cached_input_tokens": 5,
                "cost": 0.75, "session": "o-1"}),
        ),
    ] {
        let folder = program(preset, output, 0);
        let agent = on_path(PresetAgent::new(preset), folder.path());
        let reply = ask(&agent, "-rf $(ls) {{x}}\n").await.unwrap();
        assert_eq!(reply.result.as_str(), r#""All is well.""#, "{preset:?}");
        assert_eq!(reply.usage.unwrap(), usage, "{preset:?}");
        assert_eq!(kept(&folder, "prompt"), "-rf $(ls) {{x}}\n");
        assert_eq!(kept(&folder, "arguments"), arguments);
    }
}

#[tokio::test]
async fn a_cost_below_nothing_is_not_recorded() {
    let claude = claude(false, "well").replace("0.0125", "-0.0125");
    let opencode = OPENCODE.replace("\"cost\":0.", "\"cost\":-0.");
    for (preset, output) in [(Preset::Claude, claude), (Preset::Opencode, opencode)] {
        assert!(output.contains(":-0."));
        let folder = program(preset, &output, 0);
        let agent = on_path(PresetAgent::new(preset), folder.path());
        let usage = ask(&agent, "p").await.unwrap().usage.unwrap();
        assert_eq!(usage.get("cost"), None, "{usage}");
        assert!(usage["session"].is_string(), "{usage}");
    }
}

#[tokio::test]
async fn what_stands_around_the_json_is_passed_over() {
    let compact = claude(false, "All is well.");
    let whole: Value = serde_json::from_str(&compact).unwrap();
    let list = json!([{"type": "system"}, whole]);
    for (preset, output) in [
        (Preset::Claude, compact.clone()),
        (Preset::Claude, format!("{whole:#}")),
        (Preset::Claude, list.to_string()),
        (Preset::Claude, format!("{list:#}")),
        (Preset::Codex, CODEX.to_owned()),
        (Preset::Gemini, gemini()),
        (Preset::Opencode, OPENCODE.to_owned()),
    ] {
        for around in [
            format!("{output}\nA new version is there.\n"),
            format!("[notice] see {{docs}}\n{{not json}}\n{output}"),
            format!("\u{feff}{output}"),
            format!("{output} done\n").replace("}\n done", "} done"),
            output.replace('\n', "\r\n"),
        ] {
            let folder = program(preset, &around, 0);
            let agent = on_path(PresetAgent::new(preset), folder.path());
            let reply = ask(&agent, "p").await.unwrap();
            assert_eq!(reply.result.as_str(), r#""All is well.""#, "{around}");
            assert!(reply.usage.unwrap()["session"].is_string(), "{around}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let (codex, _) = CODEX.split_once("{\"type\":\"turn.completed\"").unwrap();
    let again = format!("{CODEX}{{\"type\":\"turn.started\"}}\n");
    let gemini = "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"All is\"}\n";
    for (preset, output) in [
        (Preset::Codex, codex),
        (Preset::Codex, &again),
        (Preset::Gemini, gemini),
    ] {
        let folder = program(preset, output, 0);
        let agent = on_path(PresetAgent::new(preset), folder.path());
        let error = ask(&agent, "p").await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains("ended before its answer was complete"),
            "{said}"
        );
        assert!(error.failure().usage.is_some());
    }
}

#[tokio::test]
async fn model_flags_program_and_arguments_can_be_overridden() {
    let folder = program(Preset::Codex, CODEX, 0);
    let agent = PresetAgent::new(Preset::Codex)
        .model("large")
        .arguments(["--sandbox", "workspace-write"]);
    let reply = ask(&on_path(agent, folder.path()), "p").await.unwrap();
    assert_eq!(
        kept(&folder, "arguments"),
        "exec\n--json\n--model\nlarge\n--sandbox\nworkspace-write\n-\n"
    );
    assert_eq!(reply.usage.unwrap()["model"], "large");
    let other = folder.path().join("codex");
    let agent = PresetAgent::run(Preset::Codex, other, ["go"]);
    ask(&agent, "p").await.unwrap();
    assert_eq!(kept(&folder, "arguments"), "go\n-\n");
}

#[tokio::test]
async fn a_result_that_is_json_is_a_json_result() {
    let folder = program(Preset::Claude, &claude(false, "{\"files\": [1]}"), 0);
    let agent = on_path(PresetAgent::new(Preset::Claude), folder.path());
    assert_eq!(
        ask(&agent, "p").await.unwrap().result.as_str(),
        r#"{"files":[1]}"#
    );
}

#[tokio::test]
async fn a_schema_is_told_at_the_end_of_the_prompt() {
    let folder = program(Preset::Claude, &claude(false, "```json\n{\"a\":1}\n```"), 0);
    let agent = on_path(PresetAgent::new(Preset::Claude), folder.path());
    let (execution, schema) = (ExecutionId::from("run-1"), json!({"type": "object"}));
    let request = Request::new("list", &execution, "s", 1).with_schema(&schema);
    assert_eq!(
        agent.call(request).await.unwrap().result.as_str(),
        r#"{"a":1}"#
    );
    let prompt = kept(&folder, "prompt");
    assert!(
        prompt.starts_with("list\n\n") && prompt.ends_with("{\"type\":\"object\"}"),
        "{prompt}"
    );
}

#[tokio::test]
async fn an_error_that_a_program_reports_fails_the_attempt_with_its_usage() {
    let failed =
        |events: &str| format!("{{\"type\":\"thread.started\",\"thread_id\":\"t\"}}\n{events}\n");
    let codex = failed(r#"{"type":"turn.failed","error":{"message":"no credit"}}"#);
    let opencode = r#"{"type":"error","sessionID":"o","error":{"name":"APIError","data":{"message":"no credit"}}}"#;
    let gemini =
        json!({"error": {"type": "ApiError", "message": "no credit", "code": 403}}).to_string();
    for (preset, output) in [
        (Preset::Claude, claude(true, "no credit")),
        (Preset::Codex, codex),
        (Preset::Gemini, gemini),
        (Preset::Opencode, opencode.to_owned()),
    ] {
        let name = preset.name();
        for (status, said) in [
            (0, format!("`{name}` reports an error: no credit")),
            (1, format!("`{name}` exited with status 1: no credit")),
        ] {
            let folder = program(preset, &output, status);
            let error = ask(&on_path(PresetAgent::new(preset), folder.path()), "p").await;
            let error = error.unwrap_err();
            assert!(error.is_retryable());
            assert_eq!(error.to_string(), said);
            let usage = error.failure().usage.as_ref();
            assert!(usage.is_some_and(Value::is_object), "{error:?}");
        }
    }
}

#[tokio::test]
async fn output_that_is_not_what_it_should_be_is_shown_by_its_end() {
    for preset in Preset::ALL {
        for (output, said) in [
            ("Please log in first.\n", "it ends: Please log in first."),
            ("{\"type\":\"hello\"}", "it ends: {\"type\":\"hello\"}"),
            ("[1, 2", "it ends: [1, 2"),
        ] {
            let folder = program(preset, output, 0);
            let error = ask(&on_path(PresetAgent::new(preset), folder.path()), "p").await;
            let error = error.unwrap_err();
            assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
            assert!(error.to_string().contains(said), "{error}");
        }
        // Nothing is an empty answer, which may be another at the next attempt.
        let folder = program(preset, "\n", 0);
        let error = ask(&on_path(PresetAgent::new(preset), folder.path()), "p").await;
        let error = error.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains("wrote nothing, but must write JSON"),
            "{said}"
        );
        let folder = program(preset, "not logged in", 1);
        let error = ask(&on_path(PresetAgent::new(preset), folder.path()), "p").await;
        let said = error.unwrap_err().to_string();
        assert!(said.ends_with("its output ends: not logged in"), "{said}");
    }
}

#[tokio::test]
async fn what_a_program_says_is_shown_and_not_the_events_that_say_it() {
    let folder = program(Preset::Codex, CODEX, 0);
    let (_, shown) = watch(
        &on_path(PresetAgent::new(Preset::Codex), folder.path()),
        "p",
    )
    .await;
    assert_eq!(
        shown.concat(),
        "**Looking**\n$ ls\nI look first.\nAll is well.\n"
    );
    let folder = program(Preset::Opencode, OPENCODE, 0);
    let (_, shown) = watch(
        &on_path(PresetAgent::new(Preset::Opencode), folder.path()),
        "p",
    )
    .await;
    assert_eq!(shown.concat(), "Let me see.\n[bash]\nAll is well.\n");
}

#[tokio::test]
async fn streams_of_claude_and_gemini_are_read_as_well() {
    let said =
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"All is well."}]}}"#;
    let stream = format!(
        "{{\"type\":\"system\"}}\n{said}\n{}\n",
        claude(false, "All is well.")
    );
    let folder = program(Preset::Claude, &stream, 0);
    let agent = on_path(PresetAgent::new(Preset::Claude), folder.path());
    let (reply, shown) = watch(&agent, "p").await;
    assert_eq!(reply.unwrap().result.as_str(), r#""All is well.""#);
    assert_eq!(shown, ["All is well.\n"]);
    let stream = r#"{"type":"init","session_id":"g","model":"pro"}
{"type":"message","role":"user","content":"p"}
{"type":"message","role":"assistant","content":"All is","delta":true}
{"type":"message","role":"assistant","content":" well.","delta":true}
{"type":"result","status":"success","stats":{"total_tokens":9,"input_tokens":5,"output_tokens":4}}
"#;
    let folder = program(Preset::Gemini, stream, 0);
    let reply = ask(
        &on_path(PresetAgent::new(Preset::Gemini), folder.path()),
        "p",
    )
    .await;
    let reply = reply.unwrap();
    assert_eq!(reply.result.as_str(), r#""All is well.""#);
    assert_eq!(reply.usage.unwrap()["total_tokens"], 9);
}

#[tokio::test]
async fn a_program_that_is_not_installed_is_an_error_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let agent = PresetAgent::new(Preset::Claude).with(|program| program.env("PATH", folder.path()));
    let error = ask(&agent, "p").await.unwrap_err();
    assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with("there is no program `claude`"),
        "{error}"
    );
}
