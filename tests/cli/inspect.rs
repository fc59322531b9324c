//! `list`, `executions`, `status`, `checkpoints`, `validate` and `graph`.

use serde_json::{Value, json};

use crate::workbench::Workbench;

/// A folder in which the greeting was run once, as `run-1`.
fn ran() -> Workbench {
    let workbench = Workbench::greeting();
    workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=x", "--id", "run-1"])
        .assert_status(0);
    workbench
}

fn keys(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[track_caller]
fn assert_is_moment(value: &Value) {
    let text = value.as_str().unwrap();
    assert!(
        text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
        "{text}"
    );
}

#[test]
fn list_shows_the_workflows() {
    let workbench = ran();
    let listed = workbench
        .workflow(&["list", "--json"])
        .assert_status(0)
        .json();
    let workflow = &listed[0];
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let expected = [
        "created_at",
        "definition",
        "description",
        "hash",
        "id",
        "name",
        "updated_at",
        "version",
    ];
    assert_eq!(keys(workflow), expected);
    assert_eq!(workflow["name"], "Greeting");
    assert_eq!(workflow["definition"]["steps"][0]["key"], "greet");
    assert_is_moment(&workflow["created_at"]);
    let table = workbench.workflow(&["list"]).assert_status(0).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("ID ") && lines[0].ends_with(" DESCRIPTION"),
        "{table}"
    );
    assert!(
        lines[1].starts_with(workflow["id"].as_str().unwrap())
            && lines[1].ends_with(" Greets somebody twice")
    );
    assert_eq!(lines[0].find("NAME"), lines[1].find("Greeting"));
}

#[test]
fn executions_shows_the_newest_first() {
    let workbench = ran();
    workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=y", "--id", "run-2"])
        .assert_status(0);
    let listed = workbench
        .workflow(&["executions", "--json"])
        .assert_status(0)
        .json();
    let execution = &listed[0];
    assert_eq!(
        (&execution["id"], &listed[1]["id"]),
        (&json!("run-2"), &json!("run-1"))
    );
    for key in [
        "id",
        "workflow_id",
        "state",
        "context",
        "started_at",
        "completed_at",
        "error",
        "restored_from",
        "resume_at",
    ] {
        assert!(execution.get(key).is_some(), "{key}");
    }
    assert_eq!(execution["state"], "completed");
    assert_eq!(execution["context"], json!({ "inputs": { "name": "y" } }));
    assert_eq!(
        execution["agents_file"],
        workbench.path("agents.yaml").to_str().unwrap()
    );
    assert_is_moment(&execution["started_at"]);
    assert_is_moment(&execution["completed_at"]);
    let table = workbench.workflow(&["executions"]).assert_status(0).stdout;
    assert!(
        table
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("run-2  Greeting  completed  "),
        "{table}"
    );
}

#[test]
fn status_shows_each_step() {
    let workbench = ran();
    let shown = workbench
        .workflow(&["status", "run-1"])
        .assert_status(0)
        .stdout;
    let (header, steps) = shown.split_once("\n\n").unwrap();
    assert!(
        header.starts_with(
            "execution     run-1\nworkflow      Greeting 1.0.0\nstate         completed\n"
        ),
        "{shown}"
    );
    let steps: Vec<Vec<&str>> = steps
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(steps[0], ["STEP", "STATE", "ATTEMPTS", "DURATION", "ERROR"]);
    assert_eq!(steps[1][..3], ["greet", "completed", "1"]);
    assert_eq!(steps[2][..3], ["again", "completed", "1"]);
    let status = workbench
        .workflow(&["status", "run-1", "--json"])
        .assert_status(0)
        .json();
    assert_eq!(status["result"], json!({ "again": "hello x, hello x" }));
}

#[test]
fn checkpoints_name_the_steps_that_they_cover() {
    let workbench = ran();
    let listed = workbench
        .workflow(&["checkpoints", "run-1", "--json"])
        .assert_status(0)
        .json();
    let newest = &listed[0];
    assert_eq!(
        keys(newest),
        [
            "completed_steps",
            "context",
            "created_at",
            "execution_id",
            "id",
            "revision",
            "state"
        ]
    );
    assert_eq!(newest["completed_steps"], json!(["greet", "again"]));
    assert_eq!(
        (&newest["execution_id"], &newest["context"]),
        (&json!("run-1"), &json!({}))
    );
    assert_is_moment(&newest["created_at"]);
    let oldest = listed.as_array().unwrap().last().unwrap();
    assert_eq!(oldest["completed_steps"], json!(["greet"]));
    let table = workbench
        .workflow(&["checkpoints", "run-1"])
        .assert_status(0)
        .stdout;
    assert!(
        table
            .lines()
            .nth(1)
            .unwrap()
            .ends_with("  2 of 2, the last `again`"),
        "{table}"
    );
}

#[test]
fn a_list_has_every_column_of_its_table() {
    let workbench = ran();
    for (list, table) in [
        (&["list"][..], "workflows"),
        (&["executions"], "workflow_executions"),
        (&["checkpoints", "run-1"], "workflow_checkpoints"),
    ] {
        let listed = workbench.workflow(&[list, &["--json"]].concat());
        let listed = listed.assert_status(0).json();
        let keys = keys(&listed[0]);
        let columns = workbench.columns(table);
        assert!(columns.len() > 5);
        for column in columns {
            assert!(
                keys.contains(&column.as_str()),
                "{table}.{column}: {keys:?}"
            );
        }
    }
}

#[test]
fn a_workflow_that_is_run_again_was_used_last() {
    let workbench = ran();
    let before = workbench.workflow(&["list", "--json"]).json()[0].clone();
    assert_eq!(before["created_at"], before["updated_at"]);
    workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=y"])
        .assert_status(0);
    let listed = workbench.workflow(&["list", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let executions = workbench.workflow(&["executions", "--json"]).json();
    assert_eq!(listed[0]["created_at"], before["created_at"]);
    assert_eq!(listed[0]["updated_at"], executions[0]["started_at"]);
}

#[test]
fn an_unknown_execution_exits_2_and_says_how_to_find_others() {
    let workbench = ran();
    for command in ["status", "checkpoints", "pause", "resume", "cancel"] {
        let unknown = workbench.workflow(&[command, "run-9"]).assert_status(2);
        unknown.assert_says("error: there is no execution `run-9`; `ax workflow executions` lists those there are\n");
    }
}

#[test]
fn validate_warns_of_steps_that_only_their_program_can_run() {
    let workbench = Workbench::greeting();
    workbench.write(
        "native.yaml",
        "name: Native\nsteps:\n  - { key: a, agent: 'native:a', prompt: '' }\n",
    );
    let validated = workbench
        .workflow(&["validate", "native.yaml"])
        .assert_status(0);
    validated
        .assert_says("warning: step `a` is code of a program")
        .assert_says("only the program that declares the workflow can run it");
    workbench
        .workflow(&["run", "native.yaml"])
        .assert_status(2)
        .assert_says("only that program can run it");
}

#[test]
fn validate_tells_all_mistakes_of_all_files() {
    let workbench = Workbench::greeting();
    workbench.write(
        "bad.yaml",
        "name: Bad\nsteps:\n  - { key: a, agent: x, prompt: p, dependencies: [a, b] }\n",
    );
    let validated = workbench
        .workflow(&["validate", "greeting.yaml", "bad.yaml"])
        .assert_status(2);
    assert_eq!(validated.stdout, "greeting.yaml: ok (2 steps, 1 input)\n");
    let validated = validated
        .assert_says("bad.yaml:3:")
        .assert_says("^")
        .assert_says("unknown dependency `b`");
    validated.assert_says("error: 1 of 2 workflows are not valid");
    let validated = workbench
        .workflow(&["validate", "greeting.yaml", "bad.yaml", "--json"])
        .assert_status(2);
    let document = validated.json();
    assert_eq!(document["error"], "1 of 2 workflows are not valid");
    assert_eq!(
        document["files"][0],
        json!({ "file": "greeting.yaml", "valid": true, "diagnostics": [] })
    );
    assert_eq!(document["files"][1]["valid"], false);
    assert_eq!(
        document["files"][1]["diagnostics"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let validated = workbench
        .workflow(&["validate", "greeting.yaml", "--json"])
        .assert_status(0);
    assert!(validated.json().get("error").is_none());
    assert_eq!(
        workbench.content(),
        ["agents.yaml", "bad.yaml", "greeting.yaml"]
    );
}

#[test]
fn validate_shows_warnings_and_accepts_the_file() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\ninputs: { unused: {} }\nsteps: [{ key: a, agent: x, prompt: p }]\n",
    );
    let validated = workbench
        .workflow(&["validate", "w.yaml"])
        .assert_status(0)
        .assert_says("warning: ");
    assert_eq!(validated.stdout, "w.yaml: ok (1 step, 1 input)\n");
}

#[test]
fn a_graph_is_drawn_in_every_format_and_of_every_subject() {
    let workbench = ran();
    let workflow = workbench.workflow(&["list", "--json"]).json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for subject in ["greeting.yaml", workflow.as_str(), "run-1"] {
        for (format, beginning) in [
            ("mermaid", "---\ntitle: "),
            ("dot", "digraph "),
            ("svg", "<svg "),
        ] {
            let drawn = workbench
                .workflow(&["graph", subject, "--format", format])
                .assert_status(0)
                .stdout;
            assert!(
                drawn.contains(beginning) && drawn.contains("greet") && drawn.contains("again"),
                "{drawn}"
            );
            assert_eq!(
                drawn.contains("run-1 · completed"),
                subject == "run-1",
                "{drawn}"
            );
        }
    }
    let drawn = workbench
        .workflow(&["graph", "greeting.yaml", "--json"])
        .assert_status(0)
        .json();
    assert_eq!(drawn["format"], "mermaid");
    assert!(drawn["graph"].as_str().unwrap().contains("flowchart TD"));
    workbench
        .workflow(&["graph", "nothing"])
        .assert_status(2)
        .assert_says("no file, no workflow and no execution");
}
