//! Agents at the limit of a subscription.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::workbench::Workbench;

const FILE: &str = "name: w\nsteps:\n  - { key: a, agent: paid, prompt: p }\n";

/// Writes an agent that says at its first attempt that its limit is lifted in so many seconds, and a script for it.
fn limited(workbench: &Workbench, seconds: u64, rest: &str) {
    let script = "#!/bin/sh\ncat >/dev/null\nif [ -e asked ]; then echo '{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"yes\"}'; exit; fi\n\
                  touch asked\nat=$(($(date +%s) + DELAY))\n\
                  echo \"{\\\"type\\\":\\\"result\\\",\\\"is_error\\\":true,\\\"result\\\":\\\"Claude AI usage limit reached|$at\\\"}\"\nexit 1\n";
    workbench.write("script", script.replace("DELAY", &seconds.to_string()));
    let agents =
        format!("agents:\n  paid: {{ preset: claude, command: [sh, script], flags: []{rest} }}\n");
    workbench.write("agents.yaml", &agents);
    workbench.write("w.yaml", FILE);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the program names a moment of the machine's clock"
)]
fn a_limit_pauses_the_run_until_it_is_lifted() {
    let workbench = Workbench::new();
    limited(&workbench, 7200, "");
    let run = workbench
        .workflow(&["run", "w.yaml", "--id", "x"])
        .assert_status(3);
    assert!(
        run.stderr.contains("its limit is lifted at 2"),
        "{}",
        run.stderr
    );
    let executions = workbench
        .workflow(&["executions", "--json"])
        .assert_status(0)
        .json();
    let at = executions[0]["resume_at"].as_str().unwrap().to_owned();
    let moment: jiff::Timestamp = at.parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let left = moment.as_second() - i64::try_from(now.as_secs()).unwrap();
    assert!((3600..=7200).contains(&left), "{at}");
    let reason = executions[0]["error"].as_str().unwrap();
    assert!(reason.contains(&at[..19]), "{reason}");
    // It has used up no retry.
    workbench.workflow(&["resume", "x"]).assert_status(0);
    let executions = workbench
        .workflow(&["executions", "--json"])
        .assert_status(0)
        .json();
    assert_eq!(executions[0]["resume_at"], Value::Null);
}

#[test]
fn a_limit_is_waited_for_where_the_file_says_so() {
    let workbench = Workbench::new();
    limited(&workbench, 2, ", waitForReset: true");
    let run = workbench.workflow(&["run", "w.yaml"]).assert_status(0);
    assert!(run.stdout.contains("yes"), "{}", run.stdout);
}

#[test]
fn a_paid_answer_counts_although_its_time_is_over() {
    let workbench = Workbench::new();
    let result =
        "{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"yes\",\"total_cost_usd\":5.57}";
    let agents =
        "agents:\n  paid: { preset: claude, command: [sh, script], flags: [], timeout: 5s }\n";
    workbench.write("agents.yaml", agents);
    let cut = "{\"type\":\"step_finish\",\"part\":{\"reason\":\"tool-calls\",\"cost\":1.5}}";
    let more = "  cut: { preset: opencode, command: [sh, cut], flags: [], timeout: 5s }\n";
    workbench.write("agents.yaml", format!("{agents}{more}"));
    workbench.write(
        "script",
        format!("echo x >>asked\necho '{result}'\nsleep 1000\n"),
    );
    workbench.write("cut", format!("echo '{cut}'\nsleep 1000\n"));
    let file = "name: w\nconfig: { budget: { cost: 6 } }\nsteps:\n  - { key: a, agent: AGENT, prompt: p, retryPolicy: { maxAttempts: 5 } }\n";
    workbench.write("w.yaml", file.replace("AGENT", "paid"));
    let run = workbench
        .workflow(&["run", "w.yaml", "--json"])
        .assert_status(0);
    assert_eq!(run.json()["steps"]["a"]["usage"]["cost"], 5.57);
    assert_eq!(
        std::fs::read_to_string(workbench.path("asked")).unwrap(),
        "x\n"
    );
    // What broke off has cost what is known of it.
    workbench.write(
        "v.yaml",
        file.replace("AGENT", "cut")
            .replace("maxAttempts: 5", "maxAttempts: 1")
            .replace("name: w", "name: v"),
    );
    let run = workbench
        .workflow(&["run", "v.yaml", "--json"])
        .assert_status(1);
    assert_eq!(run.json()["steps"]["a"]["usage"]["cost"], 1.5);
}
