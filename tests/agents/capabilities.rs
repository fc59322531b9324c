//! Steps that ask for an ability: one agent that is broken does not take the others' work with it.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

/// Runs twenty steps that ask `@x`, with three attempts each; gives what `--json` says.
fn run(agents: &str) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let mut workflow = String::from("name: Many\nconfig: { onFailure: continue }\nsteps:\n");
    for step in 0..20 {
        let policy = "retryPolicy: { maxAttempts: 3, initialDelay: 1ms }";
        writeln!(
            workflow,
            "  - {{ key: s{step}, agent: '@x', prompt: p, {policy} }}"
        )
        .unwrap();
    }
    fs::write(folder.path().join("many.yaml"), workflow).unwrap();
    fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ax"))
        .args(["workflow", "run", "many.yaml", "--json", "--quiet"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout);
    (output.status.code(), said.unwrap())
}

/// Who made the last attempt at each step.
fn made_by(document: &Value) -> Vec<&str> {
    let steps = document["steps"].as_object().unwrap().values();
    let attempts = steps.map(|step| step["usage"]["attempts"].as_array().unwrap());
    attempts
        .map(|attempts| attempts.last().unwrap()["usage"]["agent"].as_str().unwrap())
        .collect()
}

#[test]
fn an_agent_that_fails_at_once_does_not_draw_all_work_to_itself() {
    let (status, document) = run("agents:
  broken: { command: [sh, -c, 'exit 1'], capabilities: [x] }
  well: { command: [sh, -c, 'sleep 0.3; echo done'], capabilities: [x] }
");
    assert_eq!(status, Some(0), "{document:#}");
    assert_eq!(made_by(&document), ["well"; 20]);
}

#[test]
fn an_attempt_that_fails_says_whose_it_was() {
    let (status, document) = run("agents:
  broken: { command: [sh, -c, 'echo no >&2; exit 1'], capabilities: [x] }
");
    assert_eq!(status, Some(1), "{document:#}");
    let error = document["steps"]["s0"]["error"].as_str().unwrap();
    assert_eq!(error, "`broken`: `sh` exited with status 1: no");
}

#[cfg(feature = "openai")]
#[test]
fn a_model_that_is_down_pauses_nothing_while_another_agent_is_well() {
    // Nobody listens on a port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let (status, document) = run(&format!(
        "agents:
  away: {{ openai: {{ baseUrl: 'http://{address}/v1', model: m }}, breaker: 2, capabilities: [x] }}
  well: {{ command: [sh, -c, 'sleep 0.1; echo done'], capabilities: [x] }}
"
    ));
    assert_eq!(status, Some(0), "{document:#}");
    assert_eq!(made_by(&document), ["well"; 20]);
}
