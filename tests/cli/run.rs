//! `run`: what it writes where, and how it ends.

use serde_json::json;

use crate::workbench::{Workbench, outcome};

#[test]
fn the_identifier_comes_first_then_the_result_and_progress_goes_to_standard_error() {
    let workbench = Workbench::greeting();
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=world"])
        .assert_status(0);
    let (id, result) = run.id_and_result();
    assert_eq!(id.len(), 36);
    assert_eq!(result, "hello world, hello world\n");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(
        (lines[0], lines[2], lines[4], lines.len()),
        (
            "greet: started",
            "again: started",
            "hello world, hello world",
            5
        )
    );
    let object = run.stdout.split_once('\n').unwrap().1;
    let expected = serde_json::json!({ "again": "hello world, hello world" });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(object).unwrap(),
        expected
    );
    assert!(
        lines[1].starts_with("greet: completed in ")
            && lines[3].starts_with("again: completed in "),
        "{lines:?}"
    );
}

#[test]
fn several_results_are_one_json_object() {
    let workbench = Workbench::new();
    workbench.write(
        "two.yaml",
        "
name: Two
steps:
  - { key: a, agent: echo, prompt: '{\"size\": 12345678901234567890.5, \"z\": 1, \"a\": []}' }
  - { key: b, agent: echo, prompt: text }
",
    );
    let run = workbench.workflow(&["run", "two.yaml"]).assert_status(0);
    let expected = "{
  \"a\": {
    \"size\": 12345678901234567890.5,
    \"z\": 1,
    \"a\": []
  },
  \"b\": \"text\"
}
";
    assert_eq!(run.id_and_result().1, expected);
}

#[test]
fn with_json_standard_output_is_one_document_and_the_identifier_goes_to_standard_error() {
    let workbench = Workbench::greeting();
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=world", "--json"])
        .assert_status(0);
    let mut document = run.json();
    let id = document["execution_id"].as_str().unwrap().to_owned();
    assert_eq!(run.stderr.lines().next(), Some(id.as_str()));
    for moment in ["started_at", "completed_at"] {
        let text = document[moment].take();
        let text = text.as_str().unwrap();
        assert!(
            text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            "{text}"
        );
    }
    let expected = json!({
        "execution_id": id,
        "workflow": "Greeting",
        "version": "1.0.0",
        "state": "completed",
        "steps": {
            "greet": { "state": "completed", "attempts": 1, "result": "hello world" },
            "again": { "state": "completed", "attempts": 1, "result": "hello world, hello world" },
        },
        "result": { "again": "hello world, hello world" },
        "started_at": null,
        "completed_at": null,
    });
    assert_eq!(document, expected);
}

#[test]
fn quiet_means_no_progress() {
    let workbench = Workbench::greeting();
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=x", "--quiet"])
        .assert_status(0);
    assert_eq!(run.stderr, "");
    assert_eq!(run.id_and_result().1, "hello x, hello x\n");
}

#[test]
fn verbose_tells_the_transitions() {
    let workbench = Workbench::greeting();
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=x", "-v"])
        .assert_status(0);
    run.assert_says("idle → executing_steps (StartWorkflow, ")
        .assert_says(", ResultsAggregated)");
}

#[test]
fn a_failed_execution_exits_1_and_says_why_and_where_to_look() {
    let workbench = Workbench::greeting();
    workbench.write(
        "agents.yaml",
        "agents: { echo: { command: [sh, -c, 'echo no model >&2; exit 7'] } }\n",
    );
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=x"])
        .assert_status(1);
    let id = run.id_and_result().0.to_owned();
    assert_eq!(run.id_and_result().1, "");
    run.assert_says("greet: attempt 1 failed: `sh` exited with status 7: no model\n")
        .assert_says("greet: failed after ")
        .assert_says("error: the execution failed: step `greet` failed: `sh` exited with status 7: no model\n")
        .assert_says("again: skipped\n")
        .assert_says(&format!("ax workflow status {id}\n"));
}

#[test]
fn a_failed_execution_is_a_document_with_json() {
    let workbench = Workbench::greeting();
    workbench.write(
        "agents.yaml",
        "agents: { echo: { command: [sh, -c, 'exit 7'] } }\n",
    );
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=x", "--json"])
        .assert_status(1);
    let document = run.json();
    assert_eq!(document["state"], "failed");
    assert_eq!(
        document["error"],
        "step `greet` failed: `sh` exited with status 7 and wrote nothing"
    );
    assert_eq!(document["steps"]["greet"]["state"], "failed");
    assert_eq!(
        document["steps"]["greet"]["error"],
        "`sh` exited with status 7 and wrote nothing"
    );
    assert_eq!(
        document["steps"]["again"],
        json!({ "state": "skipped", "attempts": 0 })
    );
    assert!(document.get("result").is_none());
}

#[test]
fn a_failed_attempt_is_told_with_when_the_next_one_comes() {
    let workbench = Workbench::new();
    workbench.write(
        "retry.yaml",
        "
name: Retry
steps:
  - key: a
    agent: flaky
    prompt: p
    retryPolicy: { maxAttempts: 3, initialDelay: 1ms, jitter: false }
",
    );
    workbench.write(
        "agents.yaml",
        "agents: { flaky: { command: [sh, -c, 'test $AX_ATTEMPT = 3 && cat || exit 1'] } }\n",
    );
    let run = workbench.workflow(&["run", "retry.yaml"]).assert_status(0);
    assert_eq!(run.id_and_result().1, "p\n");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(
        lines[..5],
        [
            "a: started",
            "a: attempt 1 failed: `sh` exited with status 1 and wrote nothing; retrying in 1 ms",
            "a: attempt 2 started",
            "a: attempt 2 failed: `sh` exited with status 1 and wrote nothing; retrying in 2 ms",
            "a: attempt 3 started",
        ],
    );
    let id = run.id_and_result().0;
    assert_eq!(
        workbench.workflow(&["status", &id, "--json"]).json()["steps"]["a"]["attempts"],
        3
    );
}

#[test]
fn a_pause_on_failure_exits_3_and_resume_runs_the_step_again() {
    let workbench = Workbench::new();
    workbench.write(
        "park.yaml",
        "
name: Park
config: { onFailure: pause }
steps:
  - { key: a, agent: careful, prompt: p }
",
    );
    workbench.write(
        "agents.yaml",
        "agents: { careful: { command: [sh, -c, 'test -e mended && cat'] } }\n",
    );
    let run = workbench
        .workflow(&["run", "park.yaml", "--id", "parked"])
        .assert_status(3);
    run.assert_says("error: step `a` failed: ")
        .assert_says("paused; continue with: ax workflow resume parked\n");
    workbench.write("mended", "");
    let resumed = workbench.workflow(&["resume", "parked"]).assert_status(0);
    assert_eq!(resumed.told(), "p\n");
    resumed.assert_says("a: attempt 2 started");
}

#[test]
fn a_mistake_in_the_definition_exits_2_and_leaves_nothing_behind() {
    let workbench = Workbench::new();
    workbench.write(
        "bad.yaml",
        "name: Bad\nsteps:\n  - { key: a, agent: echo, prompt: x, dependson: [b] }\n  - { key: a, agent: echo, prompt: '{{c}}' }\n",
    );
    let run = workbench.workflow(&["run", "bad.yaml"]).assert_status(2);
    assert_eq!(run.stdout, "");
    run.assert_says("bad.yaml:3:39")
        .assert_says("bad.yaml:4:")
        .assert_says("error: the workflow `bad.yaml` cannot be run");
    let run = workbench
        .workflow(&["run", "bad.yaml", "--json"])
        .assert_status(2);
    let document = run.json();
    assert_eq!(document["error"], "the workflow `bad.yaml` cannot be run");
    let first = &document["diagnostics"][0];
    assert_eq!(
        (&first["line"], &first["column"], &first["file"]),
        (&json!(3), &json!(39), &json!("bad.yaml"))
    );
    assert!(document["diagnostics"].as_array().unwrap().len() > 1);
    assert_eq!(workbench.content(), ["agents.yaml", "bad.yaml"]);
}

#[test]
fn a_missing_file_exits_2() {
    let run = Workbench::new()
        .workflow(&["run", "nowhere.yaml"])
        .assert_status(2);
    run.assert_says("nowhere.yaml").assert_says("No such file");
}

#[test]
fn wrong_usage_exits_2_and_is_a_document_with_json() {
    let workbench = Workbench::new();
    workbench
        .workflow(&["run"])
        .assert_status(2)
        .assert_says("<FILE>");
    workbench
        .workflow(&["walk"])
        .assert_status(2)
        .assert_says("unrecognized subcommand 'walk'");
    let usage = workbench.workflow(&["walk", "--json"]).assert_status(2);
    assert_eq!(
        usage.json(),
        json!({ "error": "unrecognized subcommand 'walk'" })
    );
}

#[test]
fn help_and_version_exit_0() {
    let workbench = Workbench::new();
    let help = workbench.workflow(&["--help"]).assert_status(0);
    for command in [
        "run",
        "list",
        "executions",
        "status",
        "checkpoints",
        "pause",
        "resume",
        "cancel",
        "validate",
        "graph",
    ] {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command}"
        );
    }
    let version = outcome(&mut workbench.command(&["--version"])).assert_status(0);
    assert_eq!(
        version.stdout,
        format!("ax {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_dry_run_shows_each_prompt_and_records_nothing() {
    let workbench = Workbench::new();
    workbench.write(
        "plan.yaml",
        "
name: Plan
steps:
  - { key: a, agent: never, prompt: 'list {{what}}', parallel: false }
  - { key: b, agent: never, prompt: 'take {{a.files.0}}', dependencies: [a] }
  - { key: c, agent: '@see', prompt: 'see {{a}}', dependencies: [a], optional: true }
",
    );
    workbench.write(
        "agents.yaml",
        "agents: { never: { command: [sh, -c, 'touch ran'], capabilities: [see] } }\n",
    );
    let run = workbench
        .workflow(&["run", "plan.yaml", "--dry-run", "--input", "what=files"])
        .assert_status(0);
    let expected = "Plan 1.0.0: a dry run, nothing is recorded

wave 1
  a (agent never; nothing beside it)
    list files

wave 2
  b (agent never; after a)
    take <a.files.0>
  c (agent @see; optional; after a)
    see list files
";
    assert_eq!(run.stdout, expected);
    assert_eq!(workbench.content(), ["agents.yaml", "plan.yaml"]);
    let run = workbench
        .workflow(&[
            "run",
            "plan.yaml",
            "--dry-run",
            "--input",
            "what=files",
            "--json",
        ])
        .assert_status(0);
    let document = run.json();
    assert_eq!(
        (&document["dry_run"], &document["state"]),
        (&json!(true), &json!("completed"))
    );
    assert_eq!(document["steps"]["b"]["prompt"], "take <a.files.0>");
    assert_eq!(
        (
            &document["steps"]["b"]["wave"],
            &document["steps"]["b"]["agent"]
        ),
        (&json!(2), &json!("never"))
    );
    assert_eq!(workbench.content(), ["agents.yaml", "plan.yaml"]);
}

#[test]
fn a_dry_run_checks_the_agents_where_there_is_a_file_of_them() {
    let workbench = Workbench::greeting();
    workbench.write("agents.yaml", "agents: { ecko: { builtin: echo } }\n");
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--dry-run", "--input", "name=x"])
        .assert_status(2);
    run.assert_says("step `greet` asks agent `echo`, which is not there; did you mean `ecko`?");
    std::fs::remove_file(workbench.path("agents.yaml")).unwrap();
    let run = workbench
        .workflow(&["run", "greeting.yaml", "--dry-run", "--input", "name=x"])
        .assert_status(0);
    run.assert_says("the agents are not checked, because there is no agents file");
}

#[test]
fn whoever_reads_only_the_beginning_gets_it_quietly() {
    let workbench = Workbench::greeting();
    let mut child = workbench.start(&["run", "greeting.yaml", "--input", "name=x"]);
    // Nobody reads: every write to standard output fails from now on.
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(!String::from_utf8(ended.stderr).unwrap().contains("error"));
}

#[test]
fn colours_appear_only_where_they_are_asked_for() {
    let workbench = Workbench::new();
    for (arguments, has_colours) in [
        (vec!["validate", "x.yaml"], false),
        (vec!["validate", "x.yaml", "--color", "never"], false),
        (vec!["validate", "x.yaml", "--color", "always"], true),
    ] {
        let validated = workbench.workflow(&arguments).assert_status(2);
        assert_eq!(
            validated.stderr.contains('\u{1b}'),
            has_colours,
            "{arguments:?}"
        );
    }
}
