//! What a program does as an agent, seen from the engine's side.

#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::path::Path;
use std::time::Duration;

use ax::agents::{CommandAgent, Limited};
use wf_core::agent::{Agent, Reply, Request, StepError};
use wf_core::id::ExecutionId;

/// A shell is the program here; the prompt never reaches it but through a pipe.
fn sh(script: &str) -> CommandAgent {
    CommandAgent::new("/bin/sh", ["-c", script])
}

async fn ask(agent: &impl Agent, prompt: &str) -> Result<Reply, StepError> {
    let execution = ExecutionId::from("run-1");
    agent
        .call(Request::new(prompt, &execution, "audit", 2))
        .await
}

async fn answer(agent: &impl Agent, prompt: &str) -> String {
    ask(agent, prompt)
        .await
        .expect("an answer")
        .result
        .as_str()
        .to_owned()
}

async fn failure(agent: &impl Agent, prompt: &str) -> StepError {
    ask(agent, prompt).await.expect_err("a failure")
}

/// Waits until nothing holds the pipe any more: its other end was inherited by every process of a group.
async fn until_gone(fifo: &Path) {
    let fifo = fifo.to_owned();
    tokio::task::spawn_blocking(move || fs::read(fifo))
        .await
        .expect("a thread")
        .expect("a pipe");
}

fn fifo(folder: &Path) -> std::path::PathBuf {
    let fifo = folder.join("held");
    let made = std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    fifo
}

#[tokio::test]
async fn the_prompt_goes_in_and_the_output_comes_out() {
    assert_eq!(answer(&sh("cat"), "two\nlines\n").await, r#""two\nlines""#);
}

#[tokio::test]
async fn an_object_in_the_output_is_a_json_result() {
    assert_eq!(
        answer(&sh("cat"), r#"{"files": ["a", "b"]}"#).await,
        r#"{"files":["a","b"]}"#
    );
}

#[tokio::test]
async fn nothing_in_a_prompt_is_interpreted() {
    let folder = tempfile::tempdir().unwrap();
    let prompt = "$(touch x); `touch x` ; touch x && rm -rf . | \"'\\ %s \u{0} \u{1b}[2J";
    let agent = CommandAgent::new("cat", ["-"]).directory(folder.path());
    let expected = serde_json::to_string(prompt).unwrap();
    assert_eq!(answer(&agent, prompt).await, expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_prompt_larger_than_any_pipe_passes_through() {
    let prompt = "0123456789abcdef".repeat(128 * 1024);
    assert_eq!(answer(&sh("cat"), &prompt).await.len(), prompt.len() + 2);
}

#[tokio::test]
async fn a_program_need_not_read_its_prompt() {
    let prompt = "x".repeat(1024 * 1024);
    assert_eq!(
        answer(&sh("exec 0<&-; echo done"), &prompt).await,
        r#""done""#
    );
    assert_eq!(answer(&sh("echo done"), &prompt).await, r#""done""#);
}

#[tokio::test]
async fn a_status_other_than_zero_is_retryable_and_shows_the_end_of_the_errors() {
    let error = failure(
        &sh("echo first >&2; echo 'cannot reach the model' >&2; exit 3"),
        "",
    )
    .await;
    assert_eq!(
        error,
        StepError::retryable("`/bin/sh` exited with status 3: first\ncannot reach the model")
    );
}

#[tokio::test]
async fn a_failure_without_a_word_on_standard_error_shows_the_output() {
    let error = failure(&sh("echo 'not logged in'; exit 1"), "").await;
    let expected = "`/bin/sh` exited with status 1 and wrote nothing to its standard error; its output ends: not logged in";
    assert_eq!(error, StepError::retryable(expected));
    assert_eq!(
        failure(&sh("exit 1"), "").await,
        StepError::retryable("`/bin/sh` exited with status 1 and wrote nothing")
    );
}

#[tokio::test]
async fn death_by_a_signal_is_retryable() {
    let error = failure(&sh("kill -KILL $$"), "").await;
    assert_eq!(
        error,
        StepError::retryable("`/bin/sh` was killed by signal 9 and wrote nothing")
    );
}

#[tokio::test]
async fn a_flood_of_errors_does_not_block_the_program() {
    let error = failure(
        &sh("yes error | head -c 3000000 >&2; echo last >&2; exit 1"),
        "",
    )
    .await;
    assert!(error.is_retryable());
    let said = error.to_string();
    assert!(said.ends_with("error\nlast") && said.len() < 5000, "{said}");
}

#[tokio::test]
async fn a_flood_of_output_is_stopped_at_the_limit() {
    let error = failure(&sh("yes").output_limit(1_000_000), "").await;
    assert!(!error.is_retryable());
    assert!(
        error
            .to_string()
            .starts_with("`/bin/sh` wrote more than 1000000 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn output_of_exactly_the_limit_is_taken() {
    assert_eq!(
        answer(&sh("printf 12345").output_limit(5), "").await,
        r#""12345""#
    );
    assert!(
        failure(&sh("printf 123456").output_limit(5), "")
            .await
            .to_string()
            .contains("more than 5 bytes")
    );
}

#[tokio::test]
async fn output_that_is_not_utf_8_is_an_error_for_good() {
    let error = failure(&sh(r"printf 'ok\377'"), "").await;
    let expected = "the output of `/bin/sh` is not UTF-8 (from byte 2 on); make the program write UTF-8; \
                    it ends: ok\u{fffd}";
    assert_eq!(error, StepError::terminal(expected));
}

#[tokio::test]
async fn errors_that_are_not_utf_8_are_shown_as_well_as_can_be() {
    let error = failure(&sh(r"printf 'bad \377' >&2; exit 1"), "").await;
    assert_eq!(
        error,
        StepError::retryable("`/bin/sh` exited with status 1: bad \u{fffd}")
    );
}

#[tokio::test]
async fn nul_bytes_survive_in_both_directions() {
    assert_eq!(answer(&sh("cat"), "a\0b").await, r#""a\u0000b""#);
}

#[tokio::test]
async fn a_child_left_in_the_group_is_killed_and_does_not_hold_up_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let held = fifo(folder.path());
    let reader = tokio::spawn({
        let held = held.clone();
        async move { until_gone(&held).await }
    });
    let script = format!("exec 9>'{}'; sleep 1000 & echo done", held.display());
    assert_eq!(answer(&sh(&script), "").await, r#""done""#);
    reader.await.unwrap();
}

#[tokio::test]
async fn a_child_that_left_the_group_does_not_hold_up_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let up = fifo(folder.path());
    let up = up.display();
    // The program ends only when its child is in a session of its own, with the pipes still open.
    let script = format!(
        "setsid sh -c 'echo up >\"{up}\"; exec sleep 5' & read word <'{up}'; echo \"done $word\""
    );
    assert_eq!(answer(&sh(&script), "").await, r#""done up""#);
}

#[tokio::test]
async fn dropping_an_attempt_kills_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let held = fifo(folder.path());
    let script = format!(
        "exec 9>'{}'; trap '' TERM INT HUP; sleep 1000 & sleep 1000 & echo up; wait",
        held.display()
    );
    let agent = sh(&script);
    let mut attempt = Box::pin(ask(&agent, ""));
    // The reader's open returns once the program has opened the other end.
    let opened = tokio::task::spawn_blocking({
        let held = held.clone();
        move || fs::File::open(held)
    });
    let file = tokio::select! {
        _ = &mut attempt => panic!("the program ended"),
        file = opened => file.unwrap().unwrap(),
    };
    drop(attempt);
    let rest = tokio::task::spawn_blocking(move || std::io::read_to_string(file))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest, "");
}

#[tokio::test]
async fn a_missing_program_is_an_error_for_good_that_says_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let name = "no-such-agent";
    let agent = CommandAgent::new(name, ["-x"])
        .beside(folder.path())
        .env("PATH", "/nowhere:/usr/nowhere");
    let expected = format!(
        "there is no program `{name}`; looked in `/nowhere`, `/usr/nowhere`; install it, or say in the agent's `command` where it is",
    );
    assert_eq!(failure(&agent, "").await, StepError::terminal(expected));
}

#[tokio::test]
async fn a_script_without_its_interpreter_is_an_error_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let file = folder.path().join(name);
        program::write(&file, text);
        CommandAgent::new(file, [""; 0])
    };
    let error = failure(&script("lost", "#!/nowhere/perl\n"), "").await;
    assert!(!error.is_retryable());
    assert!(
        error
            .to_string()
            .contains("the interpreter `/nowhere/perl` that its first line names is missing"),
        "{error}"
    );
    let error = failure(&script("plain", "echo hello\n"), "").await;
    assert!(!error.is_retryable());
    assert!(
        error
            .to_string()
            .ends_with("a script needs a first line such as `#!/bin/sh`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_to_start_in_that_is_missing_makes_the_agent_unavailable() {
    let error = failure(&sh("true").directory("/nowhere"), "").await;
    let expected = "`/bin/sh` cannot be started in `/nowhere`, which is not a folder; make it again, or correct the agent's `cwd`";
    assert_eq!(error, StepError::unavailable(expected));
}

#[tokio::test]
async fn the_environment_is_the_allow_list_what_was_added_and_the_attempt() {
    let agent = CommandAgent::new("env", [""; 0])
        .env("MODE", "fast")
        .env("PATH", "/usr/bin:/bin");
    let output = answer(&agent, "").await;
    let output: String = serde_json::from_str(&output).unwrap();
    let mut names: Vec<&str> = output
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    let inherited = ["HOME", "LANG", "PATH", "TMPDIR", "USER"];
    names.retain(|name| !inherited.contains(name) && !name.starts_with("LC_"));
    assert_eq!(
        names,
        [
            "AX_ATTEMPT",
            "AX_EXECUTION_ID",
            "AX_IDEMPOTENCY_KEY",
            "AX_STEP_KEY",
            "MODE"
        ]
    );
    for line in [
        "MODE=fast",
        "AX_EXECUTION_ID=run-1",
        "AX_STEP_KEY=audit",
        "AX_ATTEMPT=2",
        "AX_IDEMPOTENCY_KEY=run-1/audit",
    ] {
        assert!(
            output.lines().any(|found| found == line),
            "{line} in {output}"
        );
    }
}

#[tokio::test]
async fn a_secret_reaches_the_program_and_no_message() {
    let agent = sh("printf %s \"$TOKEN\"").secret("TOKEN", "hunter2");
    assert_eq!(answer(&agent, "").await, r#""hunter2""#);
    let agent = sh("echo \"the token $TOKEN is not valid\" >&2; exit 1").secret("TOKEN", "hunter2");
    let expected = "`/bin/sh` exited with status 1: the token [redacted] is not valid";
    assert_eq!(failure(&agent, "").await, StepError::retryable(expected));
    assert!(!format!("{agent:?}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_beyond_the_agents_timeout_is_stopped_and_retryable() {
    let agent =
        Limited::new(|_: String| std::future::pending::<String>()).timeout(Duration::from_secs(90));
    let error = failure(&agent, "").await;
    assert_eq!(
        error,
        StepError::retryable("no answer within 90s, the agent's `timeout`")
    );
}

#[tokio::test]
async fn no_more_attempts_run_at_once_than_allowed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let agent = Limited::new(move |_: String| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            String::from("done")
        }
    })
    .max_concurrent(2);
    let answers = futures::future::join_all((0..10).map(|_| answer(&agent, ""))).await;
    assert_eq!(answers.len(), 10);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_program_may_answer_nothing() {
    assert_eq!(answer(&sh("true"), "").await, r#""""#);
}
