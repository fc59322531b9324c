//! Programs that ask somebody at the terminal: nobody answers, and they hear so at once.

use std::fs;
use std::process::{Command, Stdio};

/// Runs one step with the script on a terminal of its own; gives all that is seen there.
fn on_a_terminal(script: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let script = serde_json::Value::from(script);
    let agents = format!("agents: {{ a: {{ command: [sh, -c, {script}], timeout: 60s }} }}");
    fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    let workflow = "{ name: T, steps: [{ key: s, agent: a, prompt: p }] }";
    fs::write(folder.path().join("t.yaml"), workflow).unwrap();
    let ax = env!("CARGO_BIN_EXE_ax");
    // It gives what it runs a controlling terminal, and its exit status.
    let output = Command::new("script")
        .args([
            "-qec",
            &format!("'{ax}' workflow run t.yaml --json"),
            "/dev/null",
        ])
        .current_dir(folder.path())
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), seen)
}

#[test]
fn who_reads_the_terminal_fails_at_once_instead_of_being_stopped() {
    let (status, seen) = on_a_terminal("read answer </dev/tty");
    assert_eq!(status, Some(1), "{seen}");
    assert!(seen.contains("exited with status 2"), "{seen}");
    assert!(seen.contains("/dev/tty"), "{seen}");
}

#[test]
fn nobody_writes_to_the_terminal_past_the_command() {
    let script = r"printf '\033]0;mine\007' >/dev/tty; ps -o pid= -o pgid= -o sid= -p $$ | tr -s ' ' '\n' | sort -u | grep -c .";
    let (status, seen) = on_a_terminal(script);
    assert_eq!(status, Some(0), "{seen}");
    assert!(!seen.contains("mine"), "{seen}");
    // The program, its group and its session have one number.
    assert!(seen.contains(r#""result": "1""#), "{seen}");
}
