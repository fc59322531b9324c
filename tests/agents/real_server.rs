//! A run against a server that this project did not write: fakellm from PyPI, which speaks OpenAI's protocol and needs
//! no model. Between it and the agents stands a proxy that makes trouble.
//!
//! `.ci/run` installs it under `target/fakellm`. Where it is missing the test is skipped; in CI (`CI=true`) it fails.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ax::agents::AgentsFile;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wf_core::engine::{Engine, RunOptions, Status};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::step::Attempt;
use wf_core::store::MemoryStore;
use wf_model::Source;

use crate::server::request;

/// What the proxy does to an attempt instead of passing it on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// 429, and to come back in a second.
    Busy,
    /// 500.
    Broken,
    /// Silence.
    Hang,
    /// The beginning of the real answer, and then the end of the connection.
    Cut,
}

/// What happened to an attempt: the status it got, and the real answer's body as far as it got that.
type Seen = BTreeMap<(String, u32), (u16, String)>;

/// The troubles of each step's attempts, from the first on; then it is left alone.
const TROUBLES: [(&str, &[Trouble]); 6] = [
    ("calm", &[]),
    ("whole", &[]),
    ("busy", &[Trouble::Busy]),
    ("broken", &[Trouble::Broken, Trouble::Broken]),
    ("hung", &[Trouble::Hang]),
    ("cut", &[Trouble::Cut, Trouble::Busy]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_completes_whatever_happens_on_the_way_to_a_real_server() {
    let Some(program) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = RealServer::start(&program, folder.path());
    let seen = Arc::new(Mutex::new(Seen::new()));
    let proxy = proxy(server.address.clone(), Arc::clone(&seen)).await;

    let status = run(folder.path(), &proxy).await;
    assert_eq!(
        status.state(),
        State::Completed,
        "{:?}",
        status.execution.error
    );
    let seen = seen.lock().unwrap();
    for (key, troubles) in TROUBLES {
        let record = &status.step(key).unwrap().record;
        let attempts = &record.attempts;
        assert_eq!(attempts.len(), troubles.len() + 1, "{key}: {attempts:#?}");
        for (attempt, trouble) in attempts.iter().zip(troubles) {
            assert_failed_by(*trouble, key, attempt, attempts);
        }
        let last = attempts.last().unwrap();
        assert_eq!(last.error, None, "{key}");
        let (got, body) = &seen[&(key.to_owned(), last.number)];
        assert_eq!(*got, 200, "{key}");
        let result = record.result.as_ref().unwrap().as_str();
        let text: String = serde_json::from_str(result).unwrap();
        let usage = last.usage.clone().unwrap();
        if key == "whole" {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(text, body["choices"][0]["message"]["content"], "{key}");
            assert_eq!(usage, as_recorded(&body["usage"]), "{key}");
        } else {
            // The server tells no usage when it streams.
            assert_eq!(text, streamed_text(body), "{key}");
            assert_eq!(usage, json!({"model": "test-model"}), "{key}");
        }
        assert!(text.starts_with("[mock response for test-model"), "{text}");
    }
    let all: usize = TROUBLES
        .iter()
        .map(|(_, troubles)| troubles.len() + 1)
        .sum();
    assert_eq!(seen.len(), all);
}

#[track_caller]
fn assert_failed_by(trouble: Trouble, key: &str, attempt: &Attempt, attempts: &[Attempt]) {
    let error = attempt.error.as_deref().unwrap();
    let said = match trouble {
        Trouble::Busy => "answered 429 Too Many Requests",
        Trouble::Broken => "answered 500 Internal Server Error: {\"error\": \"in the proxy\"}",
        Trouble::Hang => "no answer within 400ms",
        Trouble::Cut => "broke off",
    };
    assert!(error.contains(said), "{key}: {error}");
    if trouble == Trouble::Busy {
        let next = attempts
            .iter()
            .find(|next| next.number == attempt.number + 1);
        let waited = next.unwrap().started_at.since(attempt.ended_at.unwrap());
        assert!(waited >= Duration::from_secs(1), "{key}: {waited:?}");
    }
}

/// Runs a workflow of all the steps at once.
async fn run(folder: &Path, proxy: &str) -> Status {
    let agents = format!(
        "agents:
  streams: {{ openai: {{ baseUrl: '{proxy}', model: test-model, idleTimeout: 400ms }} }}
  waits: {{ openai: {{ baseUrl: '{proxy}', model: test-model, stream: false }} }}
"
    );
    std::fs::write(folder.join("agents.yaml"), agents).unwrap();
    let agents = AgentsFile::read(&folder.join("agents.yaml"), folder).unwrap();
    let steps: Vec<String> = TROUBLES
        .iter()
        .map(|(key, _)| {
            let agent = if *key == "whole" { "waits" } else { "streams" };
            format!("  - {{ key: {key}, agent: {agent}, prompt: 'Tell me about {key}' }}\n")
        })
        .collect();
    let retry = "retryPolicy: { maxAttempts: 4, initialDelay: 10ms, jitter: false }";
    let workflow = format!(
        "name: Real\nconfig: {{ {retry} }}\nsteps:\n{}",
        steps.concat()
    );
    let (plan, _) = Plan::from_source(&Source::yaml("real.yaml", workflow.as_str())).unwrap();
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents.into_agents());
    let run = engine.start(&plan, Inputs::default(), RunOptions::default());
    run.await.unwrap().finish().await.unwrap()
}

/// Usage as the server tells it, under the names that are recorded.
fn as_recorded(usage: &Value) -> Value {
    json!({
        "input_tokens": usage["prompt_tokens"],
        "output_tokens": usage["completion_tokens"],
        "total_tokens": usage["total_tokens"],
        "model": "test-model",
    })
}

/// The text of a streamed answer, read in another way than the agent does.
fn streamed_text(body: &str) -> String {
    let events = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = events.filter_map(|event| serde_json::from_str::<Value>(event).ok());
    events
        .filter_map(|event| Some(event["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect()
}

/// Passes requests on to the real server, except for the troubles; returns its base URL.
async fn proxy(server: String, seen: Arc<Mutex<Seen>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pass_on(stream, server.clone(), Arc::clone(&seen)));
        }
    });
    url
}

async fn pass_on(mut client: TcpStream, server: String, seen: Arc<Mutex<Seen>>) {
    let (head, body) = request(&mut client).await;
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| *known == name);
        found.next().unwrap().1.to_owned()
    };
    let (key, number) = (
        header("x-ax-step-key"),
        header("x-ax-attempt").parse().unwrap(),
    );
    let note = |status: u16, body: &str| {
        let attempt = (key.clone(), number);
        let first = seen
            .lock()
            .unwrap()
            .insert(attempt, (status, body.to_owned()));
        assert!(first.is_none(), "attempt {number} at `{key}` came twice");
    };
    let troubles = TROUBLES.iter().find(|(step, _)| *step == key).unwrap().1;
    let trouble = usize::try_from(number - 1)
        .ok()
        .and_then(|at| troubles.get(at));
    let refusal = match trouble {
        Some(Trouble::Busy) => {
            note(429, "");
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
        }
        Some(Trouble::Broken) => {
            note(500, "");
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 25\r\n\r\n{\"error\": \"in the proxy\"}\n"
        }
        Some(Trouble::Hang) => {
            note(0, "");
            // Until the client hangs up.
            let _ = client.read(&mut [0]).await;
            return;
        }
        Some(Trouble::Cut) | None => "",
    };
    if !refusal.is_empty() {
        client.write_all(refusal.as_bytes()).await.unwrap();
        return;
    }
    let answer = answer_of(&server, &head, &body).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    if trouble == Some(&Trouble::Cut) {
        // In the midst of the words.
        let half = text.find("response").unwrap();
        note(200, "");
        client.write_all(&answer[..half]).await.unwrap();
        return;
    }
    note(
        text[9..12].parse().unwrap(),
        text.split_once("\r\n\r\n").unwrap().1,
    );
    client.write_all(&answer).await.unwrap();
    client.shutdown().await.unwrap();
}

/// What the real server answers, to the end of the connection.
async fn answer_of(server: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let mut upstream = TcpStream::connect(server).await.unwrap();
    // The answer ends with the connection, without chunks.
    let head = head
        .replacen("HTTP/1.1", "HTTP/1.0", 1)
        .replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    upstream.write_all(head.as_bytes()).await.unwrap();
    upstream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// The server's program.
fn installed() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fakellm/bin/fakellm");
    if program.exists() {
        return Some(program);
    }
    let program = program.display();
    let install = "`.ci/run` installs it";
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "there is no `{program}`; {install}"
    );
    eprintln!("SKIPPED, because there is no `{program}`; {install}");
    None
}

/// The real server, until it is dropped.
struct RealServer {
    process: Child,
    address: String,
}

impl RealServer {
    fn start(program: &Path, folder: &Path) -> Self {
        std::fs::write(folder.join("fakellm.yaml"), "version: 1\nrules: []\n").unwrap();
        let mut process = Command::new(program)
            .args(["serve", "--port", "0"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = told
                .next()
                .expect("the server says where it listens")
                .unwrap();
            if let Some((_, rest)) = line.split_once("running on http://") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        // What it says from now on is of no interest, but must go somewhere.
        std::thread::spawn(move || told.count());
        RealServer { process, address }
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
