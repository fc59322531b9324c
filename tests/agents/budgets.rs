//! What a run spends when its agents fall back on each other.

use std::fs;
use std::process::Command;

/// Runs ten steps whose agents all fail at a cost of 1; gives the exit status and what was spent.
fn spent(budget: &str) -> (Option<i32>, f64) {
    let folder = tempfile::tempdir().unwrap();
    let failure = r#"{"type": "result", "is_error": true, "result": "no", "total_cost_usd": 1}"#;
    fs::write(folder.path().join("failure"), failure).unwrap();
    let agent = "preset: claude, command: [cat], flags: [failure]";
    let agents = format!(
        "agents:
  a: {{ {agent}, fallback: [b, c] }}
  b: {{ {agent} }}
  c: {{ {agent} }}
"
    );
    fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    let mut workflow =
        format!("name: W\nconfig: {{ onFailure: continue, budget: {{ {budget} }} }}\nsteps:\n");
    for step in 0..10 {
        workflow += &format!("  - {{ key: s{step}, agent: a, prompt: p }}\n");
    }
    fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    fs::write(folder.path().join("failure"), failure).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ax"))
        .args(["workflow", "run", "w.yaml", "--json", "--quiet"])
        .current_dir(folder.path())
        .env("PWD", folder.path())
        .output()
        .unwrap();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    (
        output.status.code(),
        said["usage"]["cost"].as_f64().unwrap(),
    )
}

#[test]
fn fallbacks_do_not_overshoot_the_budget() {
    assert_eq!(spent("cost: 4, perAttempt: { cost: 1 }"), (Some(3), 4.0));
    // A whole chain is paid for.
    assert_eq!(spent("cost: 6, perAttempt: { cost: 3 }"), (Some(3), 6.0));
    assert_eq!(spent("cost: 4"), (Some(3), 3.0));
    assert_eq!(spent("cost: 2"), (Some(3), 2.0));
}
