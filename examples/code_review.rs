//! The code review of `code-review.yaml`, typed: four agents, and a step in Rust that counts what they found.
//!
//! Run it with `cargo run --example code_review`, from the folder above. The agents are the programs in
//! `examples/agents/`; each run is recorded in `target/code_review.db`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wf_agents::CommandAgent;
use wf_core::engine::Engine;
use wf_core::store::Store;
use wf_core::typed::RunError;
use wf_core::{AgentSet, workflow};
use wf_diesel::SqliteStore;

workflow! {
    /// Multi-agent code review with quality checks.
    #[version = "1.0.0"]
    pub(crate) workflow CodeReview(git_diff: String) for Team {
        #[parallel = false]
        step parse_changes: Changes = ask backend "Parse git diff and extract changed files: {git_diff}";
        #[timeout = "60s"]
        step security_audit: Report = ask security "Audit these {n} files for vulnerabilities: {parse_changes}", n = parse_changes.files.len();
        #[retry(attempts = 3)] #[timeout = "60s"]
        step quality_check: Report = ask quality "Run tests and check code quality: {parse_changes}";
        /// How many findings there are in each file.
        step findings_by_file: BTreeMap<String, usize> = count_by_file(&[security_audit, quality_check]);
        #[parallel = false]
        step aggregate_results: String = ask product "Aggregate results: security={security_audit}, quality={quality_check}";
    }
}

/// The agents, by the names under which the workflow asks them.
#[derive(AgentSet)]
struct Team {
    backend: CommandAgent,
    security: CommandAgent,
    quality: CommandAgent,
    product: CommandAgent,
}

/// What the agent `backend` answers, as far as the steps in Rust read it: the prompts insert all of it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Changes {
    files: Vec<File>,
}

#[derive(Serialize, Deserialize)]
struct File {
    path: String,
}

/// What the agents `security` and `quality` answer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    findings: Vec<Finding>,
}

#[derive(Serialize, Deserialize)]
struct Finding {
    file: String,
    severity: String,
}

fn count_by_file(reports: &[&Report]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for finding in reports.iter().flat_map(|report| &report.findings) {
        *counts.entry(finding.file.clone()).or_default() += 1;
    }
    counts
}

/// Reviews a diff; what was done is in the store, whatever happens.
///
/// # Errors
///
/// When an agent fails for good, or the store does.
pub(crate) async fn review(
    store: Arc<dyn Store>,
    git_diff: String,
) -> Result<CodeReviewOutput, RunError> {
    let agent = |program: &str| {
        let none: [&str; 0] = [];
        CommandAgent::new(format!("./{program}"), none).beside("examples/agents")
    };
    let team = Team {
        backend: agent("parse-changes"),
        security: agent("security-audit"),
        quality: agent("quality-check"),
        product: agent("aggregate-results"),
    };
    Engine::new(store, team).run(CodeReview { git_diff }).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(SqliteStore::open("target/code_review.db")?);
    let git_diff = std::fs::read_to_string("examples/change.diff")?;
    let output = review(store, git_diff).await?;
    println!("{}", output.aggregate_results());
    println!("{} files were changed", output.parse_changes().files.len());
    let urgent = |finding: &&Finding| finding.severity == "critical";
    let urgent = output.security_audit().findings.iter().filter(urgent);
    println!("{} findings are critical", urgent.count());
    for (file, count) in output.findings_by_file() {
        println!("{file}: {count}");
    }
    Ok(())
}
