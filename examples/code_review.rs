//! A code review, typed: agents for what needs judgement, a Rust function for what does not.
//!
//! Run it with `cargo run --example code_review`. Each run is recorded in `target/code_review.db`.

use std::future::{Ready, ready};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wf_core::engine::Engine;
use wf_core::{AgentSet, workflow};
use wf_diesel::SqliteStore;

#[derive(Serialize, Deserialize)]
struct Changes {
    files: Vec<String>,
}

workflow! {
    /// Multi-agent code review with quality checks.
    workflow CodeReview(git_diff: String) for Team {
        step parse_changes: Changes = parse(git_diff);
        #[retry(attempts = 3)] #[timeout = "60s"]
        step security_audit: String = ask security "Audit these {n} files: {parse_changes}", n = parse_changes.files.len();
        step quality_check: String = ask quality "Check the quality of: {parse_changes}";
        step aggregate_results: String = ask product "security={security_audit}, quality={quality_check}";
    }
}

/// An agent can be a function; here each only repeats what it was asked.
type Echo = fn(String) -> Ready<String>;

#[derive(AgentSet)]
struct Team {
    security: Echo,
    quality: Echo,
    product: Echo,
}

/// The files that a diff changes.
fn parse(git_diff: &str) -> Changes {
    let files = git_diff
        .lines()
        .filter_map(|line| line.strip_prefix("+++ b/"));
    Changes {
        files: files.map(str::to_owned).collect(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let team = Team {
        security: ready,
        quality: ready,
        product: ready,
    };
    let engine = Engine::new(Arc::new(SqliteStore::open("target/code_review.db")?), team);
    let git_diff = std::fs::read_to_string("examples/change.diff")?;
    let output = futures::executor::block_on(engine.run(CodeReview { git_diff }))?;
    println!("{} files", output.parse_changes().files.len());
    println!("{}", output.aggregate_results());
    Ok(())
}
