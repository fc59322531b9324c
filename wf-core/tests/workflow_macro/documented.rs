//! The program that the documentation of `workflow!` begins with, as it stands there.

use std::future::{Ready, ready};
use std::sync::Arc;

use futures::executor::block_on;
use serde::{Deserialize, Serialize};
use wf_core::AgentSet;
use wf_core::agent::StepError;
use wf_core::engine::Engine;
use wf_core::store::MemoryStore;
use wf_core::typed::RunError;

type Agent = fn(String) -> Ready<String>;

#[derive(AgentSet)]
struct Team {
    backend: Agent,
    product: Agent,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Changes {
    files: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Lint {
    warnings: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Review {
    text: String,
}

async fn run_clippy(changes: &Changes) -> Result<Lint, StepError> {
    let warnings = changes.files.len();
    Ok(Lint { warnings })
}

wf_core::workflow! {
    /// Multi-agent code review.
    #[version = "1.0.0"]
    pub workflow CodeReview(git_diff: String) for Team {
        step parse_changes: Changes = ask backend "Extract the changed files: {git_diff}";
        step lint: Lint = run_clippy(parse_changes).await?;
        #[retry(attempts = 3)] #[timeout = "60s"]
        step review: Review = ask product "Review {n} files, lint={lint}", n = parse_changes.files.len();
    }
}

async fn review(engine: &Engine<Team>, git_diff: String) -> Result<Review, RunError> {
    let output = engine.run(CodeReview { git_diff }).await?;
    Ok(output.review().clone())
}

#[test]
fn the_documented_program_runs_as_it_is_written() {
    let page = include_str!("../../../wf-macros/workflow.md");
    let program = page
        .split("```text\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    assert!(
        program.is_some_and(|program| include_str!("documented.rs").contains(program)),
        "the documentation of `workflow!` does not begin with the program of this file"
    );
    let team = Team {
        backend: |_| ready(r#"{ "files": ["a.rs"] }"#.to_owned()),
        product: |prompt| ready(serde_json::json!({ "text": prompt }).to_string()),
    };
    let engine = Engine::new(Arc::new(MemoryStore::new()), team);
    let reviewed = block_on(review(&engine, "+ a".to_owned())).unwrap();
    assert_eq!(reviewed.text, r#"Review 1 files, lint={"warnings":1}"#);
}
