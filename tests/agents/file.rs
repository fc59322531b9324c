//! What an agents file gives: its agents as they behave, and its mistakes with their places.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ax::agents::AgentsFile;
use tempfile::TempDir;
use wf_core::agent::{Agents, StepError};

use crate::{ask, program};

fn written(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("agents.yaml"), text).unwrap();
    folder
}

fn read(folder: &Path) -> Result<Agents, String> {
    let file = AgentsFile::read(&folder.join("agents.yaml"), folder);
    file.map(AgentsFile::into_agents)
        .map_err(|report| report.to_string())
}

async fn answer(agents: &Agents, name: &str) -> Result<String, StepError> {
    let reply = ask(&*agents.agent(name).unwrap(), "p").await?;
    Ok(reply.result.as_str().to_owned())
}

/// The messages of a file's mistakes, with their lines.
#[track_caller]
fn mistakes(text: &str) -> Vec<(String, usize)> {
    let folder = written(text);
    let file = AgentsFile::read(&folder.path().join("agents.yaml"), folder.path());
    let report = file.unwrap_err();
    let found = report.diagnostics().iter();
    found
        .map(|found| (found.message.clone(), found.line))
        .collect()
}

#[tokio::test]
async fn fallbacks_are_asked_in_turn_with_their_own() {
    let folder = written(
        "agents:
  a: { command: [no-such-program], fallback: [b, d] }
  b: { command: [sh, -c, 'exit 3'], fallback: [c] }
  c: { command: [sh, -c, 'exit 4'] }
  d: { builtin: echo }
  e: { command: [no-such-program], fallback: [c] }
",
    );
    let agents = read(folder.path()).unwrap();
    assert_eq!(answer(&agents, "a").await.unwrap(), r#""p""#);
    let error = answer(&agents, "e").await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let said = error.to_string();
    assert!(
        said.contains("`e`: there is no program")
            && said.contains("`c`: `sh` exited with status 4"),
        "{said}"
    );
}

#[test]
fn fallbacks_that_lead_nowhere_or_round_in_circles_are_mistakes() {
    let found = mistakes(
        "agents:
  fast: { builtin: echo, fallback: [slwo] }
  slow: { builtin: echo, fallback: [safe] }
  safe: { builtin: echo, fallback: [other] }
  other: { builtin: echo, fallback: [slow] }
  self: { builtin: echo, fallback: [self, '@x'] }
",
    );
    let expected = [
        (
            "agent `fast` falls back on `slwo`, which is not there; did you mean `slow`?",
            2,
        ),
        (
            "agents fall back on each other: `slow → safe → other → slow`",
            5,
        ),
        (
            "agent `self` falls back on `@x`, which is not there; name agents here, not capabilities",
            6,
        ),
        ("agents fall back on each other: `self → self`", 6),
    ];
    for (message, line) in expected {
        assert!(
            found.contains(&(message.into(), line)),
            "{message} in {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[tokio::test]
async fn a_long_chain_of_fallbacks_is_no_problem() {
    let chain: String = (0..2000)
        .map(|number| {
            format!(
                "  a{number}: {{ builtin: echo, fallback: [a{}] }}\n",
                number + 1
            )
        })
        .collect();
    let folder = written(&format!("agents:\n{chain}  a2000: {{ builtin: echo }}\n"));
    let agents = read(folder.path()).unwrap();
    assert_eq!(answer(&agents, "a0").await.unwrap(), r#""p""#);
}

#[tokio::test]
async fn a_secret_file_is_read_and_masked() {
    let folder = written(
        "agents: { a: { command: [sh, -c, 'echo $KEY; exit 1'], env: { KEY: 'file:keys/one' } } }",
    );
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("keys/one"), "sk-0123456789\n").unwrap();
    let error = answer(&read(folder.path()).unwrap(), "a")
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with("its output ends: [redacted]"),
        "{error}"
    );
}

#[test]
fn mistakes_of_limits_and_references_have_their_places() {
    let found = mistakes(
        "agents:
  a: { builtin: echo, rateLimit: fast, outputLimit: 10XB }
  b: { builtin: echo, breaker: -1, breakerReset: 0s }
  c: { builtin: echo, env: { KEY: 'file:missing', ROOM: 'file:' } }
  d: { preset: cloud }
  e: { command: [x], args: [y], model: m, flags: [] }
  f: { preset: claude, command: [], rateLimt: 1/s }
  g: { builtin: echo, rateLimit: 10 }
",
    );
    for (message, line) in [
        ("`rateLimit` is `fast`, which is no rate", 2),
        ("`outputLimit` is `10XB`, which is no size", 2),
        (
            "`breaker` is -1, but must be a whole number of at least 0",
            3,
        ),
        ("`breakerReset` is zero, so nothing could ever finish", 3),
        ("`file:` names no file", 4),
        (
            "`preset` is `cloud`, which is none of its values; did you mean `claude`?",
            5,
        ),
        ("`args` is for a preset, and agent `e` has none", 6),
        ("`model` is for a preset, and agent `e` has none", 6),
        ("`flags` is for a preset, and agent `e` has none", 6),
        ("`command` names no program", 7),
        ("unknown key `rateLimt`; did you mean `rateLimit`?", 7),
        ("`rateLimit` is a number, but must be a string", 8),
    ] {
        assert!(
            found.contains(&(message.into(), line)),
            "{message} in {found:#?}"
        );
    }
    assert!(
        found
            .iter()
            .any(|(message, _)| message.contains("keys/../missing")
                || message
                    .ends_with("missing` cannot be read: No such file or directory (os error 2)")),
        "{found:#?}"
    );
    assert_eq!(found.len(), 13, "{found:#?}");
}

#[test]
fn a_reference_to_what_is_empty_or_no_file_is_a_mistake_and_waits_for_nobody() {
    let folder = written(
        "agents:
  a: { builtin: echo, env: { KEY: 'file:empty', ROOM: 'file:pipe' } }
  b: { builtin: echo, env: { KEY: 'file:folder', ROOM: 'file:/dev/zero' } }
  c: { preset: claude, model: '' }
",
    );
    let at = |name: &str| folder.path().join(name);
    fs::write(at("empty"), "\n").unwrap();
    fs::create_dir(at("folder")).unwrap();
    let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    let said = read(folder.path()).unwrap_err();
    for mistake in [
        "what `file:empty` names is empty",
        "pipe` is a pipe or a device, and no file with a content",
        "folder` is a folder",
        "zero` is a pipe or a device, and no file with a content",
        "`model` is empty",
    ] {
        assert!(said.contains(mistake), "{mistake} in {said}");
    }
}

#[cfg(feature = "openai")]
#[test]
fn mistakes_of_a_model_have_their_places() {
    let found = mistakes(
        "agents:
  a: { openai: { baseUrl: 'localhost:80/v1', model: m } }
  b: { openai: { model: m, temprature: 1 } }
  c: { openai: { baseUrl: 'http://x/v1' } }
  d: { openai: { baseUrl: 'http://x/v1', model: m, apiKeyEnv: AX_TEST_NOT_SET, apiKeyFile: missing } }
  e: { openai: { baseUrl: 'http://x/v1', model: m, headers: { Host: y, 'a b': z } } }
  f: { openai: { baseUrl: 'http://x/v1', model: m, options: { model: n, seed: 1 }, prices: { inptu: 1 } } }
  g: { openai: { baseUrl: 'http://x/v1', model: m, maxTokens: 0, stream: 'yes', idleTimeout: 0 } }
  h: { openai: { baseUrl: 'http://x/v1', model: m }, model: n }
  i: { openai: { baseUrl: 'http://x/v1', model: ' ' } }
",
    );
    for (message, line) in [
        ("`localhost:80/v1` is not a URL", 2),
        ("missing key `baseUrl`", 3),
        ("unknown key `temprature`; did you mean `temperature`?", 3),
        ("missing key `model`", 4),
        ("the environment variable `AX_TEST_NOT_SET` is not set", 5),
        ("the key is given twice; `apiKeyFile` is the second", 5),
        ("the header `Host` is set by the agent itself", 6),
        ("`a b` is not the name of a header", 6),
        ("`model` is no option", 7),
        ("unknown key `inptu`; did you mean `input`?", 7),
        (
            "`maxTokens` is 0, but must be a whole number of at least 1",
            8,
        ),
        ("`stream` is a string, but must be `true` or `false`", 8),
        ("`idleTimeout` is zero, so nothing could ever finish", 8),
        ("`model` is for a preset, and agent `h` has none", 9),
        ("`model` is empty", 10),
    ] {
        assert!(
            found.contains(&(message.into(), line)),
            "{message} in {found:#?}"
        );
    }
}

#[cfg(not(feature = "openai"))]
#[test]
fn a_build_without_models_says_so() {
    let found = mistakes("agents:\n  a: { openai: { baseUrl: 'http://x/v1', model: m } }\n");
    assert_eq!(
        found,
        [("this build of `ax` has no `openai`".to_owned(), 2)]
    );
}

#[tokio::test]
async fn a_preset_of_a_file_runs_its_program_with_the_overrides() {
    let folder = written(
        "agents:
  plain: { preset: claude, env: { PATH: HERE } }
  other: { preset: claude, command: [bin/mine, -x], model: large, args: [--more] }
  bare: { preset: claude, command: [bin/mine], flags: [] }
",
    );
    let file = folder.path().join("agents.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let here = folder.path().display().to_string();
    fs::write(&file, text.replace("HERE", &here)).unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    let script =
        "#!/bin/sh\nprintf '{\"type\":\"result\",\"is_error\":false,\"result\":\":%s\"}' \"$*\"\n";
    for name in ["claude", "bin/mine"] {
        program::write(&folder.path().join(name), script);
    }
    let agents = read(folder.path()).unwrap();
    for (name, arguments) in [
        ("plain", r#"":-p --output-format json""#),
        (
            "other",
            r#"":-x -p --output-format json --model large --more""#,
        ),
        ("bare", r#"":""#),
    ] {
        assert_eq!(answer(&agents, name).await.unwrap(), arguments, "{name}");
    }
}

#[tokio::test]
async fn the_output_limit_holds_for_programs() {
    let folder = written("agents: { a: { command: [echo, 0123456789], outputLimit: 10B } }");
    let error = answer(&read(folder.path()).unwrap(), "a")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("more than 10 bytes"), "{error}");
}

#[test]
fn the_limits_of_a_file_hold_over_a_fan_out() {
    const STEPS: usize = 200;
    const CONCURRENT: usize = 5;
    const RATE: usize = 20;
    const WINDOW: Duration = Duration::from_millis(200);
    let folder = written(&format!(
        "agents:
  a:
    command: [sh, -c, 'began=$(date +%s%N); sleep 0.01; echo $began $(date +%s%N) >>times']
    maxConcurrent: {CONCURRENT}
    rateLimit: {RATE}/200ms
"
    ));
    let steps: String = (0..STEPS)
        .map(|step| format!("  - {{ key: s{step}, agent: a, prompt: p }}\n"))
        .collect();
    let workflow = format!("name: W\nconfig: {{ maxParallel: 64 }}\nsteps:\n{steps}");
    fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    let began = tokio::time::Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_ax"))
        .args(["workflow", "run", "w.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let took = began.elapsed();
    assert!(output.status.success(), "{output:?}");
    // The last start has to wait for all windows but its own.
    assert!(
        took >= WINDOW * u32::try_from(STEPS / RATE - 1).unwrap(),
        "{took:?}"
    );
    let times = fs::read_to_string(folder.path().join("times")).unwrap();
    let mut ran: Vec<(u128, u128)> = times
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(began, ended)| (began.parse().unwrap(), ended.parse().unwrap()))
        .collect();
    ran.sort_unstable();
    assert_eq!(ran.len(), STEPS);
    for (at, (start, _)) in ran.iter().enumerate() {
        let at_once = ran[..=at].iter().filter(|(_, end)| end > start).count();
        assert!(at_once <= CONCURRENT, "{at_once} at {start}");
        // A program says when it runs; it was let through a moment before. So those that were on their way when
        // the window began may fall into it, which are no more than may run at once.
        let within = ran[at..]
            .iter()
            .take_while(|(later, _)| later - start < WINDOW.as_nanos())
            .count();
        assert!(within <= RATE + CONCURRENT, "{within} from {start}");
    }
}
