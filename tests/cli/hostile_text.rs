//! Names, answers and errors that would steer a terminal: none of them reaches it.

use diesel::connection::SimpleConnection;

use crate::workbench::{Outcome, Workbench, outcome};

/// What sets the title of a terminal, clears it, and turns text around.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}2J\u{9d}\r\u{8}\u{61c}\u{202e}\u{2066}";

/// Fails where anything but a colour of ours steers.
#[track_caller]
fn assert_harmless(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            assert_plain(before, outcome);
            let end = after
                .find(|letter: char| !letter.is_ascii_digit() && letter != ';')
                .unwrap();
            assert!(after[end..].starts_with('m'), "{outcome:?}");
            rest = &after[end + 1..];
        }
        assert_plain(rest, outcome);
    }
}

#[track_caller]
fn assert_plain(text: &str, outcome: &Outcome) {
    let steers = |letter: char| {
        (letter.is_control() && letter != '\n' && letter != '\t')
            || "\u{61c}\u{202e}\u{2066}".contains(letter)
    };
    assert!(!text.contains(steers), "{outcome:?}");
}

/// A database in which every text is hostile.
fn hostile() -> Workbench {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\ndescription: d\nconfig: { onFailure: pause }\nsteps:\n  - { key: a, agent: a, prompt: p }\n",
    );
    workbench.write("agents.yaml", "agents: { a: { command: ['false'] } }\n");
    workbench
        .workflow(&["run", "w.yaml", "--id", "x"])
        .assert_status(3);
    let sql = format!(
        "PRAGMA foreign_keys = OFF;
         UPDATE workflow_executions SET id = 'x{HOSTILE}', error = 'e{HOSTILE}', agents_file = '/nowhere/{HOSTILE}';
         UPDATE workflow_step_executions SET execution_id = 'x{HOSTILE}', error = 'e{HOSTILE}';
         UPDATE workflow_checkpoints SET execution_id = 'x{HOSTILE}', id = 'c{HOSTILE}';
         UPDATE workflows SET name = 'n{HOSTILE}', description = 'd{HOSTILE}', version = '1{HOSTILE}';"
    );
    workbench.database().batch_execute(&sql).unwrap();
    workbench
}

#[test]
fn nothing_from_a_database_steers_the_terminal() {
    let workbench = hostile();
    let (id, checkpoint) = (format!("x{HOSTILE}"), format!("c{HOSTILE}"));
    for (arguments, status) in [
        (&["list"][..], 0),
        (&["executions"], 0),
        (&["status", &id], 0),
        (&["checkpoints", &id], 0),
        (&["logs", &id], 0),
        (&["graph", &id], 0),
        (&["graph", &id, "--format", "dot"], 0),
        (&["graph", &id, "--format", "svg"], 0),
        (&["resume", &id], 2),
        (&["restore", &checkpoint], 2),
        (&["pause", &id], 0),
        (&["cancel", &id], 0),
        (&["status", &checkpoint], 2),
        (&["list", &id], 2),
        (&[&id], 2),
    ] {
        for more in [&["--color", "always"][..], &["--json"]] {
            let arguments = [&["workflow"], arguments, more].concat();
            let done = outcome(&mut workbench.command(&arguments));
            assert_harmless(&done);
            assert!(
                done.status == status || done.status == 2,
                "{arguments:?}: {done:?}"
            );
            if more == ["--json"] {
                done.json();
            }
        }
    }
}

#[test]
fn json_is_escaped_and_means_the_same() {
    let workbench = hostile();
    let id = format!("x{HOSTILE}");
    let status = workbench
        .workflow(&["status", &id, "--json"])
        .assert_status(0);
    assert_harmless(&status);
    assert_eq!(status.json()["execution_id"], id);
}

#[test]
fn a_journal_that_was_tampered_with_steers_nothing() {
    let workbench = Workbench::greeting();
    let run = ["run", "greeting.yaml", "--input", "name=x", "--id", "x"];
    workbench.workflow(&run).assert_status(0);
    let path = ".ax/ax.db-logs/x.jsonl";
    let entry = serde_json::json!({
        "at": "2026-01-01T00:00:00Z", "step": format!("s{HOSTILE}"), "attempt": 1, "event": "output",
        "text": format!("t{HOSTILE}\n"),
    });
    let failed = serde_json::json!({
        "at": "2026-01-01T00:00:00Z", "step": format!("s{HOSTILE}"), "attempt": 1, "event": "failed",
        "error": format!("e{HOSTILE}\n"),
    });
    workbench.write(path, format!("{entry}\n{failed}\n"));
    for more in [&[][..], &["--json"], &["--json", "--follow"], &["--follow"]] {
        let logs = workbench.workflow(&[&["logs", "x"], more].concat());
        assert_harmless(&logs);
        assert!(logs.stdout.contains("owned"), "{logs:?}");
    }
}

#[test]
fn an_identifier_that_steers_is_refused_without_being_repeated() {
    let workbench = Workbench::greeting();
    for id in ["a\u{202e}b", "a\u{61c}b", "a\u{9b}b"] {
        let run = workbench
            .workflow(&["run", "greeting.yaml", "--input", "name=x", "--id", id])
            .assert_status(2);
        assert_harmless(&run);
    }
}
