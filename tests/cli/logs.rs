//! `logs`: what happened in a run, and what its agents wrote.

use serde_json::Value;

use crate::workbench::{Workbench, end};

/// A workflow whose agent writes to both streams, and fails at first.
fn talkative() -> Workbench {
    let workbench = Workbench::new();
    workbench.write(
        "talk.yaml",
        "
name: Talk
steps:
  - key: speak
    agent: speaker
    prompt: p
    retryPolicy: { maxAttempts: 2, initialDelay: 1ms, jitter: false }
  - { key: listen, agent: echo, prompt: '{{speak}}', dependencies: [speak] }
",
    );
    let script =
        "test \"$AX_ATTEMPT\" = 2 || { echo thinking >&2; echo no luck >&2; exit 1; }; echo said";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ speaker: {{ command: [sh, -c, '{script}'] }}, echo: {{ builtin: echo }} }}\n"),
    );
    workbench
}

#[test]
fn everything_that_happened_is_shown_in_order() {
    let workbench = talkative();
    workbench
        .workflow(&["run", "talk.yaml", "--id", "x"])
        .assert_status(0);
    let logs = workbench.workflow(&["logs", "x"]).assert_status(0);
    assert_eq!(
        logs.stdout,
        "speak: started
speak | thinking
speak | no luck
speak: attempt 1 failed: `sh` exited with status 1: thinking
no luck; retrying in 1 ms
speak: attempt 2 started
speak | said
speak: completed
listen: started
listen: completed
"
    );
    assert_eq!(logs.stderr, "");
}

#[test]
fn the_log_of_one_step_is_what_its_agent_wrote() {
    let workbench = talkative();
    workbench
        .workflow(&["run", "talk.yaml", "--id", "x"])
        .assert_status(0);
    let logs = workbench
        .workflow(&["logs", "x", "speak", "--quiet"])
        .assert_status(0);
    assert_eq!(logs.stdout, "thinking\nno luck\nsaid\n");
    let wrong = workbench.workflow(&["logs", "x", "speek"]).assert_status(2);
    wrong.assert_says("execution `x` has no step `speek`; did you mean `speak`?\n");
    workbench.workflow(&["logs", "nobody"]).assert_status(2);
}

#[test]
fn as_json_the_log_is_one_document_or_followed_one_per_line() {
    let workbench = talkative();
    workbench
        .workflow(&["run", "talk.yaml", "--id", "x"])
        .assert_status(0);
    let all = workbench
        .workflow(&["logs", "x", "--json"])
        .assert_status(0)
        .json();
    let events: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        events.iter().filter(|event| **event == "started").count(),
        3,
        "{events:?}"
    );
    assert_eq!(events.last(), Some(&"moved"));
    let followed = workbench
        .workflow(&["logs", "x", "--json", "--follow"])
        .assert_status(0);
    let lines: Vec<Value> = followed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(Value::from(lines), all);
}

#[test]
fn a_follower_sees_what_an_agent_writes_while_it_runs_and_ends_with_the_run() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\nsteps: [{ key: slow, agent: slow, prompt: p }]\n",
    );
    let script = "echo first; read -r word <go; echo last";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ slow: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    workbench.pipe("go");
    let run = workbench.start(&["run", "w.yaml", "--id", "x"]);
    // The run is there before its first step writes anything.
    while workbench.workflow(&["status", "x"]).status != 0 {
        std::thread::yield_now();
    }
    let follow = workbench.start(&["logs", "x", "--follow"]);
    while !workbench
        .workflow(&["logs", "x"])
        .stdout
        .contains("slow | first")
    {
        std::thread::yield_now();
    }
    workbench.tell("go", "ok");
    end(run).assert_status(0);
    let followed = end(follow).assert_status(0);
    assert_eq!(
        followed.stdout,
        "slow: started\nslow | first\nslow | last\nslow: completed\n"
    );
}

#[test]
fn a_log_that_a_crash_has_cut_off_is_read_up_to_there_and_gone_on_with() {
    let workbench = talkative();
    workbench
        .workflow(&["run", "talk.yaml", "--id", "x"])
        .assert_status(0);
    let log = workbench.path(".ax/ax.db-logs/x.jsonl");
    let mut text = std::fs::read(&log).unwrap();
    text.truncate(text.len() - 20);
    std::fs::write(&log, &text).unwrap();
    let logs = workbench.workflow(&["logs", "x"]).assert_status(0);
    assert!(logs.stdout.ends_with("listen: completed\n"), "{logs:?}");
}

#[test]
fn without_its_log_a_run_is_told_from_the_database() {
    let workbench = talkative();
    workbench
        .workflow(&["run", "talk.yaml", "--id", "x"])
        .assert_status(0);
    std::fs::remove_dir_all(workbench.path(".ax/ax.db-logs")).unwrap();
    let logs = workbench.workflow(&["logs", "x"]).assert_status(0);
    let logs = logs.assert_says("what the agents wrote was not kept");
    assert!(
        logs.stdout.contains("speak: attempt 1 failed: "),
        "{logs:?}"
    );
    assert!(
        logs.stdout
            .ends_with("listen: started\nlisten: completed\n"),
        "{logs:?}"
    );
}

#[test]
fn a_log_is_its_owners_alone_and_what_steers_a_terminal_is_not_shown() {
    use std::os::unix::fs::PermissionsExt;
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\nsteps: [{ key: a, agent: a, prompt: p }]\n",
    );
    workbench.write(
        "agents.yaml",
        "agents: { a: { command: [printf, 'x\\033[2Jy\\n{{secret}} $(rm -rf .)\\n'] } }\n",
    );
    workbench
        .workflow(&["run", "w.yaml", "--id", "x"])
        .assert_status(0);
    let mode = |path: &str| {
        std::fs::metadata(workbench.path(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode(".ax/ax.db-logs"), mode(".ax/ax.db-logs/x.jsonl")),
        (0o700, 0o600)
    );
    let logs = workbench.workflow(&["logs", "x"]).assert_status(0);
    assert!(
        logs.stdout
            .contains("a | x[2Jy\na | {{secret}} $(rm -rf .)\n"),
        "{logs:?}"
    );
}

#[test]
fn a_follower_ends_when_nobody_reads_any_more_and_when_the_process_is_gone() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\nsteps: [{ key: slow, agent: slow, prompt: p }]\n",
    );
    let script = "echo up >up; while sleep 0.01; do echo tick; done";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ slow: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    workbench.pipe("up");
    let mut run = workbench.start(&["run", "w.yaml", "--id", "x"]);
    workbench.hear("up");
    let mut follow = workbench.start(&["logs", "x", "--follow"]);
    drop(follow.stdout.take());
    assert_eq!(follow.wait().unwrap().code(), Some(0));

    let follow = workbench.start(&["logs", "x", "--follow"]);
    run.kill().unwrap();
    run.wait().unwrap();
    let followed = end(follow).assert_status(0);
    followed
        .assert_says("the process that ran it is gone; `ax workflow resume x` goes on with it\n");
}
