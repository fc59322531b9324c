//! Where the database is, who may read it, and what happens when it cannot be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::workbench::{Workbench, outcome};

const RUN: [&str; 4] = ["run", "greeting.yaml", "--input", "name=x"];

fn mode(workbench: &Workbench, name: &str) -> u32 {
    fs::metadata(workbench.path(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn the_default_is_a_private_folder_under_the_current_one() {
    let workbench = Workbench::greeting();
    workbench.workflow(&RUN).assert_status(0);
    assert_eq!(
        (mode(&workbench, ".ax"), mode(&workbench, ".ax/ax.db")),
        (0o700, 0o600)
    );
}

#[test]
fn the_option_comes_before_the_environment_which_comes_before_the_default() {
    let workbench = Workbench::greeting();
    let mut command = workbench.command(&["workflow", "run", "greeting.yaml", "--input", "name=x"]);
    outcome(command.env("AX_DATABASE_URL", "sqlite:environment.db")).assert_status(0);
    assert_eq!(mode(&workbench, "environment.db"), 0o600);
    let mut command = workbench.command(&[
        "--db",
        "option.db",
        "workflow",
        "run",
        "greeting.yaml",
        "--input",
        "name=x",
    ]);
    outcome(command.env("AX_DATABASE_URL", "sqlite:other.db")).assert_status(0);
    assert!(workbench.path("option.db").exists());
    assert!(!workbench.path("other.db").exists() && !workbench.path(".ax").exists());
}

#[test]
fn reading_from_a_database_that_is_not_there_makes_none() {
    let workbench = Workbench::new();
    for command in ["list", "executions"] {
        assert_eq!(
            workbench
                .workflow(&[command, "--json"])
                .assert_status(0)
                .json(),
            json!([])
        );
        assert_eq!(workbench.workflow(&[command]).assert_status(0).stdout, "");
    }
    for command in [
        "status",
        "checkpoints",
        "pause",
        "resume",
        "cancel",
        "graph",
    ] {
        let unknown = workbench
            .workflow(&[command, "nobody", "--json"])
            .assert_status(2);
        assert!(
            unknown.json()["error"]
                .as_str()
                .unwrap()
                .contains("`nobody`"),
            "{unknown:?}"
        );
    }
    assert_eq!(workbench.content(), ["agents.yaml"]);
}

#[test]
fn another_kind_of_database_is_wrong_usage() {
    let workbench = Workbench::greeting();
    let run = workbench
        .workflow(&[&RUN[..], &["--db", "postgres://localhost/x"]].concat())
        .assert_status(2);
    run.assert_says("error: this build of `ax` stores in SQLite only");
}

#[test]
fn a_store_that_fails_exits_5() {
    let workbench = Workbench::greeting();
    workbench.write(
        "junk.db",
        "this is no database, and long enough to be seen as none".repeat(20),
    );
    for arguments in [&RUN[..], &["list"][..], &["status", "x"][..]] {
        let failed = workbench
            .workflow(&[arguments, &["--db", "junk.db", "--json"]].concat())
            .assert_status(5);
        assert!(
            failed.json()["error"].as_str().unwrap().contains("junk.db"),
            "{failed:?}"
        );
    }
    fs::create_dir(workbench.path("folder")).unwrap();
    workbench
        .workflow(&[&RUN[..], &["--db", "folder"]].concat())
        .assert_status(5)
        .assert_says("folder");
}

#[test]
fn what_to_do_next_names_the_database_that_was_given() {
    let workbench = Workbench::stepwise();
    workbench.write(
        "stepwise.yaml",
        "name: Fails\nsteps: [{ key: a, agent: f, prompt: p }]\n",
    );
    workbench.write("agents.yaml", "agents: { f: { command: ['false'] } }\n");
    let run = workbench
        .workflow(&["run", "stepwise.yaml", "--id", "x", "--db", "my runs.db"])
        .assert_status(1);
    run.assert_says("ax workflow status x --db 'my runs.db'\n");
}
