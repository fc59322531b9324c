//! Files of other users, and files that everybody may write to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use crate::workbench::Workbench;

const RUN: [&str; 6] = ["run", "greeting.yaml", "--input", "name=x", "--id", "x"];

/// Another user than the one of these tests, and no user of this machine.
const STRANGER: u32 = 12_345;

/// Whether another user's files can be made.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED in part: only root can make the files of another user");
    }
    is_root
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder with a run in its database, and the files that SQLite leaves beside one that is in use.
fn used() -> Workbench {
    let workbench = Workbench::greeting();
    workbench.workflow(&RUN).assert_status(0);
    workbench
}

/// Asserts that the commands refuse the file, and use it with `--trust-files`.
#[track_caller]
fn assert_refused(workbench: &Workbench, status: i32, commands: &[&[&str]], words: &[&str]) {
    for command in commands {
        let mut refused = workbench.workflow(command).assert_status(status);
        assert_eq!(refused.stdout, "", "{refused:?}");
        for word in words {
            refused = refused.assert_says(word);
        }
        refused.assert_says("or use it all the same with `--trust-files`");
        let trusting = [*command, &["--trust-files"]].concat();
        workbench.workflow(&trusting).assert_status(0);
    }
}

const OF_DATABASE: [&[&str]; 4] = [&["status", "x"], &["executions"], &["logs", "x"], &RUN];

#[test]
fn a_database_that_everybody_may_write_to_is_refused() {
    let workbench = used();
    for (name, usual, open) in [
        (".ax", 0o700, 0o777),
        (".ax/ax.db", 0o600, 0o602),
        (".ax/ax.db-logs", 0o700, 0o777),
        (".ax/ax.db-logs", 0o700, 0o1777),
    ] {
        let path = workbench.path(name);
        mode(&path, open);
        let mend = format!("`chmod o-w {name}`");
        assert_refused(
            &workbench,
            5,
            &OF_DATABASE,
            &["everybody may write to", &mend],
        );
        mode(&path, usual);
    }
    // What a group may do is its own business, and in a sticky folder nobody takes the file away.
    mode(&workbench.path(".ax/ax.db"), 0o660);
    mode(&workbench.path(".ax"), 0o1777);
    workbench.workflow(&RUN).assert_status(0);
}

#[test]
fn a_database_of_another_user_is_refused() {
    if !is_root() {
        return;
    }
    let workbench = used();
    for name in [".ax", ".ax/ax.db", ".ax/ax.db-logs"] {
        chown(workbench.path(name), Some(STRANGER), None).unwrap();
        let mend = format!("`chown 0 {name}`");
        let words = [
            "belongs to user 12345, and neither to this user nor to root",
            &mend,
        ];
        assert_refused(&workbench, 5, &OF_DATABASE, &words);
        chown(workbench.path(name), Some(0), None).unwrap();
    }
    workbench.workflow(&RUN).assert_status(0);
}

#[test]
fn a_log_that_somebody_has_laid_beside_a_database_is_refused() {
    let workbench = used();
    for name in [".ax/ax.db-wal", ".ax/ax.db-shm", ".ax/ax.db-journal"] {
        let path = workbench.path(name);
        fs::write(&path, "").unwrap();
        mode(&path, 0o666);
        let refused = workbench.workflow(&["status", "x"]).assert_status(5);
        refused.assert_says(&format!("`chmod o-w {name}`"));
        mode(&path, 0o600);
        if is_root() {
            chown(&path, Some(STRANGER), None).unwrap();
            let refused = workbench.workflow(&["status", "x"]).assert_status(5);
            refused.assert_says(&format!("`chown 0 {name}`"));
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_agents_file_or_secret_file_that_others_may_change_is_refused() {
    let workbench = Workbench::greeting();
    let agents = "agents: { echo: { command: [cat], env: { KEY: 'file:key' } } }\n";
    workbench.write("agents.yaml", agents);
    workbench.write("key", "sk-0123456789");
    let run: [&[&str]; 2] = [
        &["run", "greeting.yaml", "--input", "name=x"],
        &["run", "greeting.yaml", "--input", "name=x", "--dry-run"],
    ];
    for name in ["agents.yaml", "key"] {
        let path = workbench.path(name);
        mode(&path, 0o646);
        assert_refused(
            &workbench,
            2,
            &run,
            &["everybody may write to", "`chmod o-w "],
        );
        mode(&path, 0o664);
        workbench.workflow(run[0]).assert_status(0);
        if is_root() {
            chown(&path, Some(STRANGER), None).unwrap();
            assert_refused(&workbench, 2, &run, &["belongs to user 12345", "`chown 0 "]);
            chown(&path, Some(0), None).unwrap();
        }
    }
    mode(&workbench.path(""), 0o777);
    assert_refused(
        &workbench,
        2,
        &run,
        &["everybody may write to the folder of the agents file"],
    );
    mode(&workbench.path(""), 0o1777);
    workbench.workflow(run[0]).assert_status(0);
    if is_root() {
        // A link of somebody else's leads wherever they like.
        fs::rename(workbench.path("agents.yaml"), workbench.path("mine.yaml")).unwrap();
        symlink("mine.yaml", workbench.path("agents.yaml")).unwrap();
        workbench.workflow(run[0]).assert_status(0);
        let link = workbench.path("agents.yaml");
        std::os::unix::fs::lchown(link, Some(STRANGER), None).unwrap();
        assert_refused(
            &workbench,
            2,
            &run,
            &["belongs to user 12345", "`chown -h 0 "],
        );
    }
    mode(&workbench.path(""), 0o700);
}

/// Runs with something laid in the place of the journal, and returns what the command has said.
fn with_journal(lay: impl FnOnce(&Workbench, &Path)) -> (Workbench, String) {
    let workbench = Workbench::greeting();
    fs::create_dir(workbench.path(".ax")).unwrap();
    fs::create_dir(workbench.path(".ax/ax.db-logs")).unwrap();
    workbench.write("profile", "mine\n");
    lay(&workbench, &workbench.path(".ax/ax.db-logs/x.jsonl"));
    let run = workbench.workflow(&RUN).assert_status(0);
    assert_eq!(
        run.stderr.matches("`ax workflow logs` will lack").count(),
        1,
        "{run:?}"
    );
    let profile = fs::read_to_string(workbench.path("profile")).unwrap();
    assert_eq!(profile, "mine\n");
    let logs = workbench.workflow(&["logs", "x"]).assert_status(0);
    assert!(logs.stdout.contains("greet: completed\n"), "{logs:?}");
    logs.assert_says("what the agents wrote is not shown: ");
    (workbench, run.stderr)
}

#[test]
fn a_journal_is_not_kept_through_a_link() {
    let (_, said) = with_journal(|workbench, journal| {
        symlink(workbench.path("profile"), journal).unwrap();
    });
    assert!(said.contains("x.jsonl` is a symbolic link"), "{said}");
    let (_, said) = with_journal(|workbench, journal| {
        fs::hard_link(workbench.path("profile"), journal).unwrap();
    });
    assert!(said.contains("has another name"), "{said}");
    let (workbench, said) = with_journal(|workbench, journal| {
        fs::create_dir(workbench.path("elsewhere")).unwrap();
        fs::remove_dir(journal.parent().unwrap()).unwrap();
        symlink(workbench.path("elsewhere"), journal.parent().unwrap()).unwrap();
    });
    assert!(said.contains("ax.db-logs` is a symbolic link"), "{said}");
    assert_eq!(
        fs::read_dir(workbench.path("elsewhere")).unwrap().count(),
        0
    );
}

#[test]
fn a_journal_is_a_regular_file_of_ours() {
    let (_, said) = with_journal(|workbench, _| workbench.pipe(".ax/ax.db-logs/x.jsonl"));
    assert!(said.contains("is no regular file"), "{said}");
    let forged = r#"{"at":"2026-01-01T00:00:00Z","step":"greet","attempt":1,"event":"output","text":"forged\n"}"#;
    let (_, said) = with_journal(|_, journal| {
        fs::write(journal, format!("{forged}\n")).unwrap();
        mode(journal, 0o666);
    });
    assert!(
        said.contains("everybody may write to the journal"),
        "{said}"
    );
    if !is_root() {
        return;
    }
    let (workbench, said) = with_journal(|_, journal| {
        fs::write(journal, format!("{forged}\n")).unwrap();
        chown(journal, Some(STRANGER), None).unwrap();
    });
    assert!(
        said.contains("the journal `") && said.contains("belongs to user 12345"),
        "{said}"
    );
    let trusting = workbench.workflow(&["logs", "x", "--trust-files"]);
    assert!(
        trusting
            .assert_status(0)
            .stdout
            .contains("greet | forged\n")
    );
}

#[test]
fn no_journal_is_kept_through_a_link_however_much_is_trusted() {
    let workbench = Workbench::greeting();
    fs::create_dir_all(workbench.path(".ax/ax.db-logs")).unwrap();
    workbench.write("profile", "mine\n");
    symlink(
        workbench.path("profile"),
        workbench.path(".ax/ax.db-logs/x.jsonl"),
    )
    .unwrap();
    let run = workbench.workflow(&[&RUN[..], &["--trust-files"]].concat());
    run.assert_status(0).assert_says("is a symbolic link");
    assert_eq!(
        fs::read_to_string(workbench.path("profile")).unwrap(),
        "mine\n"
    );
}

/// A database that came from elsewhere chooses the agents file, and the folder.
#[test]
fn what_resume_and_restore_take_from_the_database_is_said_before_it_runs() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\nconfig: { onFailure: pause }\nsteps: [{ key: a, agent: a, prompt: p }, { key: b, agent: b, prompt: p, dependencies: [a] }]\n",
    );
    let script = "echo ran >>ran; test -e well";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ a: {{ builtin: echo }}, b: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    workbench
        .workflow(&["run", "w.yaml", "--id", "x"])
        .assert_status(3);
    // It chooses what would be chosen here without it: nothing needs to be said.
    let resumed = workbench.workflow(&["resume", "x"]).assert_status(3);
    assert!(
        !resumed.stderr.contains("as the database records"),
        "{resumed:?}"
    );
    // Somebody gives it to another user, with an agents file of theirs.
    let elsewhere = Workbench::new();
    fs::create_dir(elsewhere.path(".ax")).unwrap();
    fs::copy(workbench.path(".ax/ax.db"), elsewhere.path(".ax/ax.db")).unwrap();
    let folder = fs::canonicalize(workbench.path("")).unwrap();
    let folder = folder.display();
    let said = format!(
        "going on with the agents file `{folder}/agents.yaml` and programs in `{folder}`, as the database records\n"
    );
    let resumed = elsewhere
        .workflow(&["resume", "x", "--quiet"])
        .assert_status(3);
    assert!(resumed.stderr.starts_with(&said), "{resumed:?}");
    let checkpoints = elsewhere.workflow(&["checkpoints", "x", "--json"]).json();
    let checkpoint = checkpoints[0]["id"].as_str().unwrap();
    let restored = elsewhere
        .workflow(&["restore", checkpoint])
        .assert_status(3);
    assert!(restored.stderr.starts_with(&said), "{restored:?}");
    // Whoever names a file knows it; of the folder that is not so.
    let agents = "agents: { a: { builtin: echo }, b: { builtin: echo } }\n";
    elsewhere.write("other.yaml", agents);
    let named = elsewhere
        .workflow(&["resume", "x", "--agents", "other.yaml"])
        .assert_status(0);
    let said = format!("going on with programs in `{folder}`, as the database records\n");
    assert!(named.stderr.starts_with(&said), "{named:?}");
}

#[test]
fn a_database_cannot_name_an_agents_file_by_where_it_happens_to_be() {
    use diesel::connection::SimpleConnection;

    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W\nconfig: { onFailure: pause }\nsteps: [{ key: a, agent: a, prompt: p }]\n",
    );
    workbench.write("agents.yaml", "agents: { a: { command: ['false'] } }\n");
    workbench
        .workflow(&["run", "w.yaml", "--id", "x"])
        .assert_status(3);
    let change = "UPDATE workflow_executions SET agents_file = 'agents.yaml'";
    workbench.database().batch_execute(change).unwrap();
    let refused = workbench.workflow(&["resume", "x"]).assert_status(2);
    refused.assert_says("name it with `--agents FILE`");
}
