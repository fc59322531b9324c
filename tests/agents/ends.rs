//! How programs end that are given up.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::Command;
use std::time::Duration;

use ax::agents::{AgentsFile, CommandAgent, programs_ended};
use wf_core::agent::{Agent, Request, StepError};
use wf_core::id::ExecutionId;

use crate::ask;

/// Starts an attempt in the folder, and gives it up once the program has made the file `up`.
async fn give_up(agent: &CommandAgent, folder: &Path, execution: &str) {
    let execution = ExecutionId::from(execution);
    let mut attempt: Pin<Box<dyn Future<Output = _> + Send>> =
        agent.call(Request::new("p", &execution, "s", 1));
    let up = async {
        while !folder.join("up").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        ended = &mut attempt => panic!("{ended:?}"),
        () = up => {}
    }
}

fn held(folder: &Path) -> std::thread::JoinHandle<String> {
    let held = folder.join("held");
    assert!(
        Command::new("mkfifo")
            .arg(&held)
            .status()
            .unwrap()
            .success()
    );
    std::thread::spawn(move || fs::read_to_string(held).unwrap())
}

fn shell(folder: &Path, script: &str) -> CommandAgent {
    CommandAgent::new("sh", ["-c", script]).directory(folder)
}

#[tokio::test]
async fn a_program_and_its_children_may_clean_up_before_they_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let held = held(folder.path());
    // The program itself ends at once, and its child needs a while.
    let child = "trap \"sleep 0.2; echo clean >clean; exit\" TERM; echo up >up; while :; do sleep 0.05; done";
    let script = format!("exec 9>held; sh -c '{child}' & wait");
    give_up(&shell(folder.path(), &script), folder.path(), "a").await;
    programs_ended().await;
    assert_eq!(
        fs::read_to_string(folder.path().join("clean")).unwrap(),
        "clean\n"
    );
    assert_eq!(held.join().unwrap(), "");
}

#[tokio::test]
async fn what_does_not_end_is_killed_after_its_grace() {
    for grace in [Duration::ZERO, Duration::from_millis(100)] {
        let folder = tempfile::tempdir().unwrap();
        let held = held(folder.path());
        let script = "exec 9>held; trap '' TERM; (trap '' TERM; sleep 1000) & echo up >up; while :; do wait; done";
        let agent = shell(folder.path(), script).kill_grace(grace);
        give_up(&agent, folder.path(), "b").await;
        programs_ended().await;
        assert_eq!(held.join().unwrap(), "");
    }
}

#[tokio::test]
async fn an_attempt_begins_when_nothing_is_left_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap 'sleep 0.2; echo first >>order; exit' TERM; [ -e up ] && { echo second >>order; exit; }; echo up >up; while :; do sleep 0.05; done";
    let agent = shell(folder.path(), script);
    give_up(&agent, folder.path(), "c").await;
    let execution = ExecutionId::from("c");
    agent
        .call(Request::new("p", &execution, "s", 2))
        .await
        .unwrap();
    let order = fs::read_to_string(folder.path().join("order")).unwrap();
    assert_eq!(order, "first\nsecond\n");
}

#[tokio::test]
async fn a_folder_that_is_not_there_makes_the_agent_unavailable() {
    let error = ask(&shell(Path::new("/no/such/folder"), "exit"), "p").await;
    let error = error.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("`/no/such/folder`, which is not a folder"),
        "{error}"
    );
}

#[tokio::test]
async fn each_fallback_is_asked_once_in_an_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let agents: String = (0..18)
        .map(|number| {
            let fallback = match number {
                17 => String::new(),
                16 => "fallback: [a17],".to_owned(),
                _ => format!("fallback: [a{}, a{}],", number + 1, number + 2),
            };
            format!(
                "  a{number}: {{ command: [sh, -c, 'echo a{number} >>asked; exit 1'], {fallback} capabilities: [x] }}\n"
            )
        })
        .collect();
    let file = folder.path().join("agents.yaml");
    fs::write(&file, format!("agents:\n{agents}")).unwrap();
    let agents = AgentsFile::read(&file, folder.path())
        .unwrap()
        .into_agents();
    let asked = || {
        let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
        fs::remove_file(folder.path().join("asked")).unwrap();
        asked.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let names: Vec<String> = (0..18).map(|number| format!("a{number}")).collect();
    let error = ask(&*agents.agent("a0").unwrap(), "p").await.unwrap_err();
    assert!(matches!(error, StepError::Retryable(_)), "{error:?}");
    assert_eq!(asked(), names);
    ask(&*agents.agent("@x").unwrap(), "p").await.unwrap_err();
    let mut once = asked();
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all);
}
