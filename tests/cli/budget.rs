//! Budgets: what a run may use, and going on with more.

use serde_json::json;

use crate::workbench::Workbench;

/// Ten steps that echo, of which four may.
fn four_of_ten() -> Workbench {
    let workbench = Workbench::new();
    let steps: Vec<String> = (0..10)
        .map(|step| format!("  - {{ key: s{step}, agent: echo, prompt: p }}"))
        .collect();
    let head = "name: Wide\nconfig: { budget: { attempts: 4 } }\nsteps:\n";
    workbench.write("wide.yaml", format!("{head}{}\n", steps.join("\n")));
    workbench
}

#[test]
fn a_run_under_a_budget_pauses_at_its_limit_and_goes_on_with_more() {
    let workbench = four_of_ten();
    let run = workbench
        .workflow(&["run", "wide.yaml", "--id", "x"])
        .assert_status(3);
    let run = run.assert_says(
        "the run paused by itself: the run's budget is used up: all of its 4 attempts are made",
    );
    run.assert_says("paused; continue with: ax workflow resume x --budget attempts=+4\n");
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    let completed = status["steps"].as_object().unwrap().values();
    assert_eq!(
        completed
            .filter(|step| step["state"] == "completed")
            .count(),
        4
    );
    assert_eq!(status["budget"], json!({ "attempts": 4 }));

    // As it is, it is used up.
    workbench.workflow(&["resume", "x"]).assert_status(3);
    workbench
        .workflow(&["resume", "x", "--budget", "attempts=+3"])
        .assert_status(3);
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(status["budget"], json!({ "attempts": 7 }));
    let resumed = workbench
        .workflow(&["resume", "x", "--budget", "attempts=10"])
        .assert_status(0);
    assert!(!resumed.stderr.contains("budget"), "{resumed:?}");
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(
        (&status["state"], status.get("error")),
        (&json!("completed"), None)
    );
}

#[test]
fn a_limit_is_lifted_when_the_run_is_resumed() {
    let workbench = four_of_ten();
    workbench
        .workflow(&["run", "wide.yaml", "--id", "x"])
        .assert_status(3);
    workbench
        .workflow(&["resume", "x", "--budget", "attempts=none"])
        .assert_status(0);
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(
        (&status["state"], status.get("budget")),
        (&json!("completed"), None)
    );
}

#[test]
fn a_budget_with_no_room_for_one_attempt_is_refused() {
    let workbench = Workbench::new();
    let limited = |reserved: &str| {
        format!(
            "name: W
config:
  budget: {{ attempts: 1, tokens: 100, cost: 0.5, perAttempt: {reserved} }}
steps:
  - {{ key: a, agent: echo, prompt: p }}
  - {{ key: b, agent: echo, prompt: p }}
"
        )
    };
    workbench.write("w.yaml", limited("{ tokens: 101, cost: 0.6 }"));
    let wrong = workbench.workflow(&["validate", "w.yaml"]).assert_status(2);
    for said in [
        "no attempt could start: `perAttempt` is 101 tokens, and the budget has 100",
        "w.yaml:3:72",
        "no attempt could start: `perAttempt` is a cost of 0.6, and the budget has 0.5",
        "lower it, or raise `cost`",
    ] {
        assert!(wrong.stderr.contains(said), "`{said}` is not in {wrong:?}");
    }
    assert_eq!(wrong.stderr.matches("no attempt").count(), 2, "{wrong:?}");

    workbench.write("w.yaml", limited("{ tokens: 100, cost: 0.5 }"));
    workbench
        .workflow(&["run", "w.yaml", "--id", "x"])
        .assert_status(3);
    let wrong = workbench
        .workflow(&[
            "resume",
            "x",
            "--budget",
            "tokens=99",
            "--budget",
            "attempts=2",
        ])
        .assert_status(2);
    wrong.assert_says(
        "`--budget` cannot be used: no attempt could start: `perAttempt` is 100 tokens, and the budget has 99; \
         raise the limit, or lift it with `none`\n",
    );
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(status["budget"]["tokens"], 100);
}

#[test]
fn a_budget_that_cannot_be_read_changes_nothing() {
    let workbench = four_of_ten();
    workbench
        .workflow(&["run", "wide.yaml", "--id", "x"])
        .assert_status(3);
    let wrong = workbench
        .workflow(&["resume", "x", "--budget", "token=5"])
        .assert_status(2);
    wrong.assert_says(
        "`--budget token=5` cannot be used: there is no limit `token`; did you mean `tokens`?\n",
    );
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(status["budget"], json!({ "attempts": 4 }));
}

#[test]
fn a_budget_with_mistakes_is_refused_with_their_places() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W
config:
  budget: { tokns: 1, attempts: 0, cost: -1, wallTime: soon, perAttempt: { token: 3 } }
steps: [{ key: a, agent: echo, prompt: p }]
",
    );
    let wrong = workbench.workflow(&["validate", "w.yaml"]).assert_status(2);
    for said in [
        "unknown key `tokns`; did you mean `tokens`?",
        "w.yaml:3:33",
        "`cost`",
        "`wallTime` is `soon`",
        "unknown key `token`",
    ] {
        assert!(wrong.stderr.contains(said), "`{said}` is not in {wrong:?}");
    }
}

#[test]
fn an_answer_has_to_fit_the_schema_of_its_step() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W
steps:
  - { key: count, agent: counter, prompt: how many, outputSchema: { type: object, required: [n] } }
",
    );
    // The prompt says why the first answer was refused.
    let script = "grep -q refused && echo \"{\\\"n\\\": 3}\" || echo three";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ counter: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    let run = workbench
        .workflow(&["run", "w.yaml", "--id", "x", "--json"])
        .assert_status(0);
    assert_eq!(
        run.json()["steps"]["count"],
        json!({ "state": "completed", "attempts": 2, "result": { "n": 3 } })
    );
    workbench.write(
        "bad.yaml",
        "name: B\nsteps: [{ key: a, agent: counter, prompt: p, outputSchema: { type: objekt } }]\n",
    );
    let wrong = workbench
        .workflow(&["validate", "bad.yaml"])
        .assert_status(2);
    wrong.assert_says("`outputSchema` is no JSON Schema: ");
}

#[cfg(feature = "openai")]
#[test]
fn a_run_whose_model_may_answer_more_than_is_left_says_what_to_add() {
    let workbench = Workbench::new();
    workbench.write(
        "agents.yaml",
        "agents: { m: { openai: { baseUrl: 'http://127.0.0.1:9/v1', model: m, maxTokens: 5000 } } }\n",
    );
    workbench.write(
        "w.yaml",
        "name: W\nconfig: { budget: { tokens: 100 } }\nsteps:\n  - { key: a, agent: m, prompt: p }\n",
    );
    let run = workbench
        .workflow(&["run", "w.yaml", "--id", "x"])
        .assert_status(3);
    let command = run
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("paused; continue with: ax workflow "))
        .unwrap();
    let (_, added) = command.split_once("--budget tokens=+").unwrap();
    assert!(added.parse::<u64>().unwrap() >= 4900, "{command}");
    // With it the model is asked; nobody listens there.
    let words: Vec<&str> = command.split(' ').collect();
    let resumed = workbench.workflow(&words);
    assert!(!resumed.stderr.contains("budget"), "{resumed:?}");
}
