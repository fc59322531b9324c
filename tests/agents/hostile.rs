//! Programs that mean harm, or do it by accident: contained, reported, and nothing left running.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ax::agents::{CommandAgent, Limited};
use wf_core::agent::StepError;

use crate::{ask, watch};

/// A shell is the program here; the prompt never reaches it but through a pipe.
fn sh(script: &str) -> CommandAgent {
    CommandAgent::new("/bin/sh", ["-c", script])
}

/// A named pipe, whose reader gets to its end when nothing that opened it for writing is left.
fn fifo(folder: &Path) -> PathBuf {
    let fifo = folder.join("held");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    fifo
}

#[tokio::test]
async fn a_program_that_prints_a_gigabyte_is_stopped_and_its_end_is_told() {
    let agent = sh("yes 'all work and no play' | head -c 1000000000").output_limit(10_000_000);
    let (answer, shown) = watch(&agent, "p").await;
    let error = answer.unwrap_err();
    assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("more than 10000000 bytes"), "{said}");
    assert!(
        said.contains("its output ends: …") && said.contains("no play"),
        "{said}"
    );
    assert!(said.len() < 6000, "{}", said.len());
    assert!(shown.concat().len() <= 16 * 1024 * 1024 + 100);
}

#[tokio::test]
async fn a_gigabyte_of_complaints_is_read_and_let_go() {
    let agent = sh("yes complaint | head -c 1000000000 >&2; echo done");
    let reply = ask(&agent, "p").await.unwrap();
    assert_eq!(reply.result.as_str(), r#""done""#);
}

#[tokio::test]
async fn a_flood_starves_nobody() {
    // The one that floods ends only when it is told to, which the other does when it has ended.
    let folder = tempfile::tempdir().unwrap();
    let stop = fifo(folder.path());
    let stop = stop.display();
    let flood = sh(&format!(
        "yes flood >&2 & read word <'{stop}'; kill $!; echo flooded"
    ));
    let quiet = sh(&format!("cat; echo stop >'{stop}'"));
    let (flooded, answer) = futures::join!(ask(&flood, ""), ask(&quiet, "calm"));
    assert_eq!(answer.unwrap().result.as_str(), r#""calm""#);
    assert_eq!(flooded.unwrap().result.as_str(), r#""flooded""#);
}

#[tokio::test]
async fn what_forks_and_ignores_signals_is_gone_after_a_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let held = fifo(folder.path());
    let script = format!(
        "exec 9>'{}'; trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & (sleep 1000 & sleep 1000) & echo up; wait",
        held.display()
    );
    let reader = tokio::task::spawn_blocking(move || fs::read(held));
    let agent = Limited::new(sh(&script)).timeout(Duration::from_millis(300));
    let error = ask(&agent, "p").await.unwrap_err();
    assert_eq!(
        error,
        StepError::retryable(
            "no answer within 300ms, the agent's `timeout`; what it wrote ends: up"
        )
    );
    // Every process of the group held the pipe.
    assert_eq!(reader.await.unwrap().unwrap(), b"");
}

#[tokio::test]
async fn invalid_utf_8_is_reported_and_shown_as_well_as_can_be() {
    let (answer, shown) = watch(&sh(r"printf 'ok\377\n'"), "p").await;
    let error = answer.unwrap_err();
    assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    assert!(
        error.to_string().contains("is not UTF-8 (from byte 2 on)"),
        "{error}"
    );
    assert_eq!(shown, ["ok\u{fffd}\n"]);
}

#[tokio::test]
async fn an_answer_that_looks_like_code_is_text() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kept"), "").unwrap();
    let text = "{{secret}} $(rm -rf .) `rm -rf .` ; rm -rf .";
    let agent = CommandAgent::new("cat", [""; 0]).directory(folder.path());
    let reply = ask(&agent, text).await.unwrap();
    assert_eq!(reply.result.as_str(), serde_json::to_string(text).unwrap());
    assert!(folder.path().join("kept").exists());
}

#[tokio::test]
async fn what_a_program_writes_is_shown_while_it_runs() {
    // The program ends when it is told to, which happens when its first line was seen.
    let folder = tempfile::tempdir().unwrap();
    let go = fifo(folder.path());
    let script = format!(
        "echo first; echo trouble >&2; read word <'{}'; echo last",
        go.display()
    );
    let agent = sh(&script);
    let seen = std::sync::Mutex::new(String::new());
    let (tell, told) = std::sync::mpsc::channel();
    let listener = |text: &str| {
        let mut seen = seen.lock().unwrap();
        seen.push_str(text);
        if seen.contains("first\n") && seen.contains("trouble\n") {
            let _ = tell.send(());
        }
    };
    let teller = std::thread::spawn(move || {
        told.recv().unwrap();
        fs::write(go, "go\n").unwrap();
    });
    let execution = wf_core::id::ExecutionId::from("run-1");
    let request = wf_core::agent::Request::new("", &execution, "s", 1);
    let reply = wf_core::agent::Agent::call(&agent, request.with_output(&listener)).await;
    assert_eq!(reply.unwrap().result.as_str(), r#""first\nlast""#);
    teller.join().unwrap();
    assert!(seen.lock().unwrap().ends_with("last\n"));
}

#[tokio::test]
async fn a_secret_is_masked_in_what_is_shown_in_errors_and_in_results() {
    let secret = "sk-live-0123456789";
    let split = "printf 'key sk-live-01'; printf 23456789; echo; echo \"$KEY\" >&2; exit $STATUS";
    let agent = sh(split).secret("KEY", secret);
    let (answer, shown) = watch(&agent.clone().env("STATUS", "0"), "p").await;
    assert_eq!(answer.unwrap().result.as_str(), r#""key [redacted]""#);
    assert!(!shown.concat().contains("0123"), "{shown:?}");
    assert_eq!(shown.concat().matches("[redacted]").count(), 2);
    let (answer, _) = watch(&agent.env("STATUS", "1"), "p").await;
    let error = answer.unwrap_err().to_string();
    assert!(error.ends_with("status 1: [redacted]"), "{error}");
}
