//! `checkpoints`, `restore` and `prune`.

use serde_json::{Value, json};

use crate::workbench::{Outcome, Workbench, outcome};

const CHAIN: &str = "
name: Chain
steps:
  - { key: a, agent: worker, prompt: p }
  - { key: b, agent: worker, prompt: p, dependencies: [a] }
  - { key: c, agent: worker, prompt: p, dependencies: [b] }
  - { key: d, agent: worker, prompt: p, dependencies: [c] }
  - { key: e, agent: worker, prompt: p, dependencies: [d] }
";

/// A folder in which the chain was run as `x`, in round 0.
fn ran() -> Workbench {
    let workbench = Workbench::new();
    workbench.keep_journal();
    workbench.write("chain.yaml", CHAIN);
    round(&workbench, 0, &["run", "chain.yaml", "--id", "x"]).assert_status(0);
    workbench
}

fn round(workbench: &Workbench, round: u32, arguments: &[&str]) -> Outcome {
    let mut command = workbench.command(&[&["workflow"], arguments].concat());
    outcome(command.env("ROUND", round.to_string()))
}

fn checkpoints(workbench: &Workbench, id: &str) -> Vec<Value> {
    let listed = workbench.workflow(&["checkpoints", id, "--json"]);
    listed.assert_status(0).json().as_array().unwrap().clone()
}

/// The identifier of the `number`th checkpoint, from 1, the oldest first.
fn checkpoint(workbench: &Workbench, number: usize) -> String {
    let listed = checkpoints(workbench, "x");
    let id = listed[listed.len() - number]["id"].as_str().unwrap();
    id.to_owned()
}

fn steps(workbench: &Workbench, round: u32) -> Vec<String> {
    let journal = workbench.journal();
    let of_round = journal.into_iter().filter(|entry| entry.round == round);
    of_round.map(|entry| entry.step).collect()
}

#[test]
fn restoring_the_third_checkpoint_of_a_finished_run_runs_exactly_the_steps_after_it() {
    let workbench = ran();
    let third = checkpoint(&workbench, 3);
    let listed = checkpoints(&workbench, "x");
    let [.., third_listed, _, _] = &listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(third_listed["completed_steps"], json!(["a", "b", "c"]));

    let before = workbench.workflow(&["status", "x", "--json"]).json();
    let restored = round(&workbench, 1, &["restore", &third]).assert_status(0);
    let (id, result) = restored.id_and_result();
    assert_ne!(id, "x");
    let result: Value = serde_json::from_str(&result).unwrap_or(json!({ "e": result.trim() }));
    assert_eq!(result, before["result"]);
    assert_eq!(steps(&workbench, 1), ["d", "e"]);

    let after = workbench.workflow(&["status", &id, "--json"]).json();
    assert_eq!(after["state"], "completed");
    assert_eq!(after["steps"], before["steps"]);
    assert_eq!(
        workbench.workflow(&["status", "x", "--json"]).json(),
        before
    );
    let executions = workbench.workflow(&["executions", "--json"]).json();
    assert_eq!(
        (&executions[0]["id"], &executions[0]["restored_from"]),
        (&json!(id), &json!(third))
    );
    let shown = workbench.workflow(&["status", &id]).assert_status(0).stdout;
    assert!(
        shown.contains(&format!("restored_from  {third}\n")),
        "{shown}"
    );
}

#[test]
fn restore_writes_one_json_document_and_the_identifier_on_standard_error() {
    let workbench = ran();
    let second = checkpoint(&workbench, 2);
    let restored = round(&workbench, 1, &["restore", &second, "--json"]).assert_status(0);
    let document = restored.json();
    assert_eq!(document["state"], "completed");
    assert_eq!(document["steps"]["e"]["result"], "e");
    let id = document["execution_id"].as_str().unwrap();
    assert!(
        restored.stderr.starts_with(&format!("{id}\n")),
        "{restored:?}"
    );
}

#[test]
fn a_failed_run_is_restored_with_other_agents() {
    let workbench = Workbench::new();
    workbench.write("chain.yaml", CHAIN);
    let script = "test \"$AX_STEP_KEY\" != c";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ worker: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    let failed = ["run", "chain.yaml", "--id", "x"];
    workbench.workflow(&failed).assert_status(1);
    let last = &checkpoints(&workbench, "x")[0];
    assert_eq!(last["completed_steps"], json!(["a", "b"]));
    let last = last["id"].as_str().unwrap();
    // The agents file that the run was started with still fails.
    let again = workbench.workflow(&["restore", last]).assert_status(1);
    assert!(again.stderr.contains("step `c` failed"), "{again:?}");

    let elsewhere = workbench.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    workbench.write(
        "elsewhere/mended.yaml",
        "agents: { worker: { builtin: echo } }\n",
    );
    let mut command = workbench.command(&[
        "workflow",
        "restore",
        last,
        "--agents",
        "mended.yaml",
        "--db",
        "../.ax/ax.db",
        "--json",
    ]);
    let mended = outcome(command.current_dir(&elsewhere)).assert_status(0);
    let id = mended.json()["execution_id"].as_str().unwrap().to_owned();
    let executions = workbench.workflow(&["executions", "--json"]).json();
    let mended = &executions.as_array().unwrap()[0];
    assert_eq!(mended["id"], json!(id));
    assert!(
        mended["agents_file"]
            .as_str()
            .unwrap()
            .ends_with("/elsewhere/mended.yaml")
    );
    assert!(
        !mended["directory"]
            .as_str()
            .unwrap()
            .ends_with("/elsewhere")
    );
}

#[test]
fn a_cancelled_run_can_be_restored() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    workbench.tell("go", "ok");
    workbench.hear("up");
    workbench.workflow(&["cancel", "x"]).assert_status(0);
    crate::workbench::end(run).assert_status(4);
    let last = checkpoint(&workbench, 1);
    workbench.write("agents.yaml", "agents: { worker: { builtin: echo } }\n");
    let restored = workbench.workflow(&["restore", &last]).assert_status(0);
    assert!(!restored.stderr.contains("first"), "{restored:?}");
    assert_eq!(workbench.state("x"), "cancelled");
}

#[test]
fn what_cannot_be_restored_exits_2_and_leaves_no_execution() {
    let workbench = ran();
    let unknown = workbench.workflow(&["restore", "none"]).assert_status(2);
    assert_eq!(unknown.stdout, "");
    unknown.assert_says(
        "there is no checkpoint `none`, or it was pruned; `ax workflow checkpoints EXECUTION-ID` lists those of an execution\n",
    );
    workbench
        .workflow(&["restore", "x"])
        .assert_status(2)
        .assert_says("`x` is an execution, and no checkpoint; `ax workflow checkpoints x` lists");
    let last = checkpoint(&workbench, 1);
    workbench.write("agents.yaml", "agents: { other: { builtin: echo } }\n");
    workbench
        .workflow(&["restore", &last])
        .assert_status(2)
        .assert_says("step `a` asks agent `worker`, which is not there");
    let executions = workbench.workflow(&["executions", "--json"]).json();
    assert_eq!(executions.as_array().unwrap().len(), 1);
    let empty = Workbench::new();
    empty.workflow(&["restore", "none"]).assert_status(2);
    assert_eq!(empty.content(), ["agents.yaml"]);
}

#[test]
fn the_table_of_checkpoints_says_how_to_restore_one() {
    let workbench = ran();
    let listed = workbench.workflow(&["checkpoints", "x"]).assert_status(0);
    let lines: Vec<_> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 6);
    assert!(lines[3].ends_with("  3 of 5, the last `c`"), "{listed:?}");
    listed.assert_says(
        "start a new execution from one of them with: ax workflow restore CHECKPOINT-ID\n",
    );
}

#[test]
fn prune_deletes_old_checkpoints_and_nothing_else() {
    let workbench = ran();
    let count = checkpoints(&workbench, "x").len();
    let kept = workbench.workflow(&["prune"]).assert_status(0);
    assert_eq!(kept.stdout, "deleted 0 checkpoints\n");
    assert_eq!(checkpoints(&workbench, "x").len(), count);
    let before = workbench.workflow(&["status", "x", "--json"]).json();
    let pruned = workbench.workflow(&["prune", "--older-than", "0s", "--json"]);
    assert_eq!(
        pruned.assert_status(0).json(),
        json!({ "deleted_checkpoints": count })
    );
    assert_eq!(checkpoints(&workbench, "x").len(), 0);
    assert_eq!(
        workbench.workflow(&["status", "x", "--json"]).json(),
        before
    );
}

#[test]
fn prune_keeps_the_newest_checkpoint_of_what_is_paused() {
    let workbench = Workbench::stepwise();
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    workbench.workflow(&["pause", "x"]).assert_status(0);
    workbench.until_pausing("x");
    workbench.tell("go", "ok");
    crate::workbench::end(run).assert_status(3);
    let newest = checkpoint(&workbench, checkpoints(&workbench, "x").len());
    workbench
        .workflow(&["prune", "--older-than", "0"])
        .assert_status(0);
    let left = checkpoints(&workbench, "x");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], json!(newest));
}

#[test]
fn prune_keeps_what_a_run_was_restored_from() {
    let workbench = ran();
    let third = checkpoint(&workbench, 3);
    round(&workbench, 1, &["restore", &third]).assert_status(0);
    workbench
        .workflow(&["prune", "--older-than", "0"])
        .assert_status(0);
    let left = checkpoints(&workbench, "x");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], json!(third));
    round(&workbench, 2, &["restore", &third]).assert_status(0);
    assert_eq!(steps(&workbench, 2), ["d", "e"]);
}

#[test]
fn who_wants_to_restore_and_has_no_checkpoint_left_is_told_what_else_there_is() {
    let workbench = ran();
    workbench
        .workflow(&["prune", "--older-than", "0"])
        .assert_status(0);
    workbench
        .workflow(&["checkpoints", "x"])
        .assert_status(0)
        .assert_says("they were pruned; `ax workflow status x` shows what is done\n");
    workbench
        .workflow(&["restore", "x"])
        .assert_status(2)
        .assert_says(
            "`x` is an execution, and has no checkpoint left; `ax workflow resume x` goes on",
        );
}

#[test]
fn prune_wants_a_duration_and_makes_no_database() {
    let workbench = Workbench::new();
    let refused = workbench.workflow(&["prune", "--older-than", "soon"]);
    refused.assert_status(2).assert_says("soon");
    let pruned = workbench.workflow(&["prune"]).assert_status(0);
    assert_eq!(pruned.stdout, "deleted 0 checkpoints\n");
    assert_eq!(workbench.content(), ["agents.yaml"]);
}
