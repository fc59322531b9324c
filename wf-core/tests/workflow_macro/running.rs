//! A workflow runs on a host's agents and gives its outputs by type.

use std::sync::Arc;

use futures::executor::block_on;
use serde::{Deserialize, Serialize};
use wf_core::agent::{Agents, StepError};
use wf_core::engine::{Engine, RunOptions};
use wf_core::store::MemoryStore;
use wf_core::typed::{PausedRun, RunError, RunOf, Workflow};
use wf_core::{AgentSet, workflow};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Changes {
    files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lint {
    warnings: u32,
}

async fn lint(changes: &Changes) -> Result<Lint, std::io::Error> {
    let warnings = u32::try_from(changes.files.len()).map_err(std::io::Error::other)?;
    Ok(Lint { warnings })
}

workflow! {
    /// Reviews a change.
    #[name = "Code Review"]
    #[version = "2.1.0"]
    pub workflow CodeReview(
        /// The change.
        git_diff: String,
        depth: u32,
    ) for Team {
        /// What was changed.
        step parse_changes: Changes = ask backend "Parse {git_diff}";
        step lint: Lint = lint(parse_changes).await?;
        #[retry(attempts = 3, delay = "1ms", jitter = false)]
        #[timeout = "60s"]
        step audit: String = ask security "Audit {n} files at depth {depth}: {parse_changes}", n = parse_changes.files.len();
        #[after(audit)]
        #[parallel = false]
        step report: String = format!("{} warnings, {git_diff}", lint.warnings);
        #[key = "the-end"]
        step end: String = ask backend "{report} | {audit}";
    }
}

#[derive(AgentSet)]
struct Team {
    backend: Backend,
    security: Echo,
}

struct Backend;
pub(super) struct Echo;

impl wf_core::agent::Agent for Backend {
    fn call<'a>(
        &'a self,
        request: wf_core::agent::Request<'a>,
    ) -> futures::future::BoxFuture<'a, Result<wf_core::agent::Reply, StepError>> {
        let reply = match request.step {
            "parse-changes" => r#"{ "files": ["a.rs", "b.rs"] }"#,
            _ => request.prompt,
        };
        let reply = wf_core::agent::Reply::read(reply);
        Box::pin(async move { Ok(reply) })
    }
}

impl wf_core::agent::Agent for Echo {
    fn call<'a>(
        &'a self,
        request: wf_core::agent::Request<'a>,
    ) -> futures::future::BoxFuture<'a, Result<wf_core::agent::Reply, StepError>> {
        Box::pin(async move { Ok(wf_core::agent::Reply::text(request.prompt)) })
    }
}

/// A host names every type that it holds.
struct Host {
    engine: Engine<Team>,
    running: Option<RunOf<CodeReview>>,
    parked: Option<PausedRun<CodeReview>>,
}

fn review() -> CodeReview {
    CodeReview {
        git_diff: "diff".to_owned(),
        depth: 2,
    }
}

fn engine() -> Engine<Team> {
    let team = Team {
        backend: Backend,
        security: Echo,
    };
    Engine::new(Arc::new(MemoryStore::new()), team)
}

#[test]
fn a_workflow_runs_and_gives_every_output_by_type() {
    let mut host = Host {
        engine: engine(),
        running: None,
        parked: None,
    };
    let output = block_on(async {
        let run = host
            .engine
            .start_as(review(), RunOptions::default())
            .await?;
        host.running = Some(run);
        match host.running.take() {
            Some(run) => run.finish().await?.completed(),
            None => unreachable!(),
        }
    })
    .unwrap();
    assert!(host.parked.is_none());
    assert_eq!(output.parse_changes().files, ["a.rs", "b.rs"]);
    assert_eq!(*output.lint(), Lint { warnings: 2 });
    assert_eq!(
        output.end(),
        r#"2 warnings, diff | Audit 2 files at depth 2: {"files":["a.rs","b.rs"]}"#
    );
}

#[test]
fn the_definition_is_what_a_file_would_hold() {
    assert_eq!(
        CodeReview::to_definition().to_yaml(),
        "name: Code Review
description: Reviews a change.
version: 2.1.0
inputs:
  git_diff:
    type: string
    description: The change.
  depth:
    type: integer
steps:
- key: parse-changes
  agent: backend
  prompt: Parse {{git_diff}}
- key: lint
  agent: native:lint
  prompt: ''
  dependencies:
  - parse-changes
- key: audit
  agent: native:security
  prompt: 'Audit native:n files at depth {{depth}}: {{parse-changes.result}}'
  dependencies:
  - parse-changes
  timeout: 1m
  retryPolicy:
    maxAttempts: 3
    initialDelay: 1ms
    jitter: false
- key: report
  agent: native:report
  prompt: ''
  dependencies:
  - lint
  - audit
  parallel: false
- key: the-end
  agent: backend
  prompt: '{{report.result}} | {{audit.result}}'
  dependencies:
  - report
  - audit
"
    );
}

#[test]
fn agents_chosen_at_run_time_are_checked_before_anything_runs() {
    let agents = Agents::new().with("backend", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let error = block_on(engine.run(review())).unwrap_err();
    let RunError::Engine(error) = error else {
        panic!("{error}");
    };
    assert!(error.is_agent());
    assert_eq!(
        error.to_string(),
        "step `audit` asks agent `security`, which is not there; the agents are: `backend`"
    );
}
