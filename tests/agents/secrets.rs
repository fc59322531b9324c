//! A key that is given to an agent: looked for in everything that a run leaves behind.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::server::{Act, Server, answer, finish, stream_head, streamed};

const KEY: &str = "sk-live/Zx81-0123456789abcdef";
/// The key in base64, as an `Authorization` might come back.
const IN_BASE64: &str = "c2stbGl2ZS9aeDgxLTAxMjM0NTY3ODlhYmNkZWY";
/// A secret that is a number.
const NUMBER: &str = "20261122";

/// A workflow whose steps have the key said by a program that succeeds, by one that fails, and by a model that does both.
fn folder(model: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let agents = format!(
        "agents:
  talks: {{ command: [sh, -c, 'echo \"my key is $KEY\"; echo \"again $KEY\" >&2'], env: {{ KEY: env:SECRET }} }}
  fails: {{ command: [sh, -c, 'printf %s \"$KEY\" | base64 >&2; echo \"$KEY\" >&2; exit 1'], env: {{ KEY: 'file:key' }} }}
  model: {{ openai: {{ baseUrl: '{model}', model: m, apiKeyEnv: SECRET, headers: {{ X-Also: env:SECRET }} }} }}
"
    );
    let workflow = "
name: Secrets
config: { onFailure: continue }
steps:
  - { key: talks, agent: talks, prompt: p }
  - { key: fails, agent: fails, prompt: p, retryPolicy: { maxAttempts: 2, initialDelay: 1ms } }
  - { key: echoes, agent: model, prompt: p, dependencies: [talks] }
  - { key: refuses, agent: model, prompt: p, dependencies: [echoes] }
";
    for (name, text) in [
        ("agents.yaml", agents.as_str()),
        ("secrets.yaml", workflow),
        ("key", KEY),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn ax(folder: &Path, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ax"))
        .args(arguments)
        .current_dir(folder)
        .env("SECRET", KEY)
        .env("NUMBER", NUMBER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().flush().unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn assert_absent(what: &str, content: &[u8]) {
    let with_slash = KEY.replace('/', r"\/");
    for secret in [
        KEY,
        "0123456789abcdef",
        IN_BASE64,
        &with_slash,
        &by_number(KEY),
    ] {
        let found = content
            .windows(secret.len())
            .position(|window| window == secret.as_bytes());
        if let Some(at) = found {
            let around = &content[at.saturating_sub(80)..(at + 80).min(content.len())];
            panic!("the key is in {what}: {}", String::from_utf8_lossy(around));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_in_no_table_no_message_and_no_document() {
    let echo = format!("your key is {KEY}, or {IN_BASE64}=");
    let refusal =
        format!("{{\"error\": {{\"message\": \"Incorrect API key: {KEY} ({IN_BASE64}=)\"}}}}");
    let server = Server::start([
        streamed(&["it ends ", &echo[..20], &echo[20..]]),
        answer("401 Unauthorized", "", &refusal),
    ])
    .await;
    let folder = folder(&server.url);
    let path = folder.path().to_owned();
    let outputs = tokio::task::spawn_blocking(move || {
        let all: [&[&str]; 10] = [
            &["workflow", "run", "secrets.yaml", "--id", "x", "-v"],
            &["workflow", "status", "x"],
            &["workflow", "status", "x", "--json"],
            &["workflow", "executions", "--json"],
            &["workflow", "checkpoints", "x", "--json"],
            &["workflow", "graph", "x"],
            &["workflow", "logs", "x"],
            &["workflow", "logs", "x", "talks", "--json"],
            &["workflow", "run", "secrets.yaml", "--dry-run", "--json"],
            &["workflow", "run", "secrets.yaml", "--id", "x", "--json"],
        ];
        all.map(|arguments| (arguments, ax(&path, arguments)))
    });
    let outputs = outputs.await.unwrap();
    // It was really sent and really said.
    assert!(server.asked()[0].head.contains(KEY));
    let run = &outputs[0].1;
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    let status = String::from_utf8_lossy(&outputs[2].1.stdout).into_owned();
    assert_eq!(status.matches("[redacted]").count(), 9, "{status}");
    for (arguments, output) in &outputs {
        assert_absent(&format!("the output of {arguments:?}"), &output.stdout);
        assert_absent(&format!("the errors of {arguments:?}"), &output.stderr);
    }
    let files = files(&folder.path().join(".ax"));
    assert!(files.len() > 1, "{files:?}");
    for file in files {
        assert_absent(&file.display().to_string(), &fs::read(&file).unwrap());
    }
}

/// Every letter by its number, as in a JSON string.
fn by_number(text: &str) -> String {
    let letters = text.bytes().map(|byte| format!("\\u{byte:04x}"));
    letters.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_hides_neither_in_escapes_nor_in_usage_and_json_stays_json() {
    let said = serde_json::json!({"model": KEY, "choices": [{"delta": {"content": "hi"}}]});
    let said = format!("data: {said}\n\n").into_bytes();
    let server = Server::start([Act::Write(vec![stream_head(), said, finish("stop")])]).await;
    let folder = tempfile::tempdir().unwrap();
    let agents = format!(
        "agents:
  escapes: {{ command: [cat, escaped], env: {{ KEY: env:SECRET }} }}
  number: {{ command: [cat, number], env: {{ NUMBER: env:NUMBER }} }}
  claude: {{ preset: claude, command: [cat, said], flags: [], env: {{ KEY: env:SECRET }} }}
  model: {{ openai: {{ baseUrl: '{}', model: m, apiKeyEnv: SECRET }} }}
  echo: {{ builtin: echo }}
",
        server.url
    );
    let workflow = "
name: Secrets
steps:
  - { key: escapes, agent: escapes, prompt: p }
  - { key: number, agent: number, prompt: p }
  - { key: claude, agent: claude, prompt: p }
  - { key: model, agent: model, prompt: p }
  - { key: echo, agent: echo, dependencies: [escapes, number], prompt: '{{escapes.slash}} {{escapes.all.0}} {{number.date}} {{number.left}}' }
";
    let (slash, all) = (KEY.replace('/', r"\/"), by_number(KEY));
    let escaped = format!(r#"{{"slash": "<{slash}>", "all": ["{all}"], "{all}": 1}}"#);
    let claude = serde_json::json!({"type": "result", "result": "well", "session_id": KEY});
    for (name, text) in [
        ("agents.yaml", agents.as_str()),
        ("secrets.yaml", workflow),
        ("escaped", &escaped),
        ("number", r#"{"date": 20261122, "left": 7}"#),
        ("said", &claude.to_string()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().to_owned();
    let outputs = tokio::task::spawn_blocking(move || {
        let all: [&[&str]; 4] = [
            &["workflow", "run", "secrets.yaml", "--id", "x", "-v"],
            &["workflow", "status", "x", "--json"],
            &["workflow", "checkpoints", "x", "--json"],
            &["workflow", "logs", "x"],
        ];
        all.map(|arguments| (arguments, ax(&path, arguments)))
    });
    let outputs = outputs.await.unwrap();
    for (arguments, output) in &outputs {
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert_absent(&format!("the output of {arguments:?}"), &output.stdout);
        assert_absent(&format!("the errors of {arguments:?}"), &output.stderr);
    }
    let status = String::from_utf8_lossy(&outputs[1].1.stdout).into_owned();
    let said = "<[redacted]> [redacted] [redacted] 7";
    assert!(status.contains(said), "{status}");
    let mut recorded = Vec::new();
    for file in files(&folder.path().join(".ax")) {
        let content = fs::read(&file).unwrap();
        assert_absent(&file.display().to_string(), &content);
        recorded.extend(content);
    }
    let recorded = String::from_utf8_lossy(&recorded);
    for member in ["model", "session"] {
        let usage = format!(r#""{member}":"[redacted]""#);
        assert!(recorded.contains(&usage), "{usage}");
    }
}

/// A folder with an agent that has the key, and one that has not and runs `script`.
fn folder_with(script: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let agents = format!(
        "agents:
  owner: {{ command: [cat], env: {{ KEY: env:SECRET, PIN: env:PIN }} }}
  other: {{ command: [sh, -c, {}] }}
",
        serde_json::Value::from(script)
    );
    let workflow = "
name: Two
steps:
  - { key: other, agent: other, prompt: p, retryPolicy: { maxAttempts: 2, initialDelay: 1ms } }
";
    fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    fs::write(folder.path().join("two.yaml"), workflow).unwrap();
    fs::write(folder.path().join("key"), KEY).unwrap();
    folder
}

#[test]
fn what_an_agent_says_of_the_key_of_another_is_masked() {
    let script = r#"cat key >&2; echo " said" >&2; test $AX_ATTEMPT = 2 || exit 1; printf '{"k": "%s", "pin": "me-1"}' "$(cat key)""#;
    let folder = folder_with(script);
    let run = Command::new(env!("CARGO_BIN_EXE_ax"))
        .args(["workflow", "run", "two.yaml", "--id", "x", "-v"])
        .current_dir(folder.path())
        // A short one is a word to those to whom it is no secret.
        .envs([("SECRET", KEY), ("PIN", "me-1")])
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let result = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        result.contains(r#""k": "[redacted]""#) && result.contains(r#""pin": "me-1""#),
        "{result}"
    );
    let logs = ax(folder.path(), &["workflow", "logs", "x"]);
    let status = ax(folder.path(), &["workflow", "status", "x", "--json"]);
    let shown = String::from_utf8_lossy(&logs.stdout).into_owned();
    assert!(shown.contains("[redacted] said"), "{shown}");
    for output in [&run, &logs, &status] {
        assert_absent("the output", &output.stdout);
        assert_absent("the errors", &output.stderr);
    }
    for file in files(&folder.path().join(".ax")) {
        assert_absent(&file.display().to_string(), &fs::read(&file).unwrap());
    }
}

/// The variables of `ax` itself, also those that are no secret of anybody.
#[cfg(target_os = "linux")]
#[test]
fn no_agent_can_read_the_environment_of_the_command() {
    use std::os::unix::fs::chown;
    use std::os::unix::process::CommandExt;

    let script =
        r"{ tr '\0' '\n' < /proc/$PPID/environ; } 2>&1; tr '\0' '\n' < /proc/self/environ; true";
    let folder = folder_with(script);
    let program = folder.path().join("ax");
    fs::copy(env!("CARGO_BIN_EXE_ax"), &program).unwrap();
    let mut command = Command::new(&program);
    command
        .args(["workflow", "run", "two.yaml", "--id", "x"])
        .current_dir(folder.path())
        .envs([("SECRET", KEY), ("PIN", "me-1"), ("CANARY", "tweet-tweet")]);
    // Nothing is hidden from the superuser.
    if rustix::process::geteuid().is_root() {
        for path in [folder.path(), &folder.path().join("key")] {
            chown(path, Some(65_534), Some(65_534)).unwrap();
        }
        command.uid(65_534).gid(65_534);
    }
    let run = command.output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let result = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(result.contains("Permission denied"), "{result}");
    // What it was given it can see.
    assert!(result.contains("AX_STEP_KEY=other"), "{result}");
    assert!(
        !result.contains("tweet") && !result.contains("CANARY"),
        "{result}"
    );
}

/// How many bytes a program writes before the key.
const FILLER: usize = 200;

/// The key in each of the forms in which it may come back.
fn forms() -> [String; 5] {
    let digits = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent = KEY.replace('/', "%2F");
    [
        KEY.to_owned(),
        IN_BASE64.to_owned(),
        percent,
        KEY.replace('/', r"\/"),
        digits,
    ]
}

/// Programs whose output is cut at a limit, or which are cut off themselves, after each byte of the key.
#[test]
fn no_part_of_the_key_is_left_at_any_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (mut agents, mut steps) = (String::new(), String::new());
    for (number, form) in forms().iter().enumerate() {
        let text = format!("{}{form} and more\n", "x".repeat(FILLER));
        fs::write(folder.path().join(format!("said{number}")), &text).unwrap();
        for cut in 1..=form.len() {
            let length = FILLER + cut;
            let key = format!("s{number}-{cut}");
            agents.push_str(&format!(
                "  {key}-o: {{ command: [cat, said{number}], outputLimit: {length} }}
  {key}-e: {{ command: [sh, -c, 'head -c {length} said{number} >&2; exit 1'] }}
"
            ));
            for kind in ["o", "e"] {
                steps.push_str(&format!(
                    "  - {{ key: {key}-{kind}, agent: {key}-{kind}, prompt: p }}\n"
                ));
            }
        }
    }
    let agents =
        format!("agents:\n  keeper: {{ command: [cat], env: {{ KEY: env:SECRET }} }}\n{agents}");
    let workflow =
        format!("name: Cuts\nconfig: {{ onFailure: continue, maxParallel: 8 }}\nsteps:\n{steps}");
    fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    fs::write(folder.path().join("cuts.yaml"), workflow).unwrap();
    let all: [&[&str]; 4] = [
        &["workflow", "run", "cuts.yaml", "--id", "x", "-v"],
        &["workflow", "status", "x"],
        &["workflow", "status", "x", "--json"],
        &["workflow", "logs", "x"],
    ];
    let outputs = all.map(|arguments| (arguments, ax(folder.path(), arguments)));
    assert_eq!(outputs[0].1.status.code(), Some(1), "{:?}", outputs[0].1);
    let status = String::from_utf8_lossy(&outputs[2].1.stdout).into_owned();
    assert!(status.matches("xx[redacted]").count() > 300, "{status}");
    for (arguments, output) in &outputs {
        assert_no_part(&format!("the output of {arguments:?}"), &output.stdout);
        assert_no_part(&format!("the errors of {arguments:?}"), &output.stderr);
    }
    for file in files(&folder.path().join(".ax")) {
        assert_no_part(&file.display().to_string(), &fs::read(&file).unwrap());
    }
}

/// Fails where 8 bytes of the key in any form stand together.
#[track_caller]
fn assert_no_part(what: &str, content: &[u8]) {
    let parts: std::collections::HashSet<Vec<u8>> = forms()
        .iter()
        .flat_map(|form| form.as_bytes().windows(8).map(<[u8]>::to_vec))
        .collect();
    if let Some(at) = content.windows(8).position(|window| parts.contains(window)) {
        let around = &content[at.saturating_sub(80)..(at + 80).min(content.len())];
        panic!(
            "a part of the key is in {what}: {}",
            String::from_utf8_lossy(around)
        );
    }
}

/// The files in a folder and below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let entries = entries.map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}
