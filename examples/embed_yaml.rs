//! A host that loads a workflow file at run time, with Rust closures as its agents: no runtime needed.
//!
//! Run it with `cargo run --example embed_yaml`. Each run is recorded in `target/embed.db`.

use std::error::Error;
use std::sync::Arc;

use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::plan::{Inputs, Plan};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

fn main() -> Result<(), Box<dyn Error>> {
    let plan = Plan::from_file("examples/code-review.yaml")?;
    let store = Arc::new(SqliteStore::open("target/embed.db")?);
    let agents = Agents::new()
        .with("backend", |diff: String| async move { count(&diff) })
        .with("security", |changes: String| async move { changes })
        .with("quality", |changes: String| async move { changes })
        .with("product", |findings: String| async move { findings });
    let engine = Engine::new(store, agents);

    let diff = std::fs::read_to_string("examples/change.diff")?;
    let inputs = Inputs::from([("git_diff".into(), Json::string(&diff))]);
    let review = async {
        engine
            .start(&plan, inputs, RunOptions::default())
            .await?
            .finish()
            .await
    };
    let status = futures::executor::block_on(review)?;
    println!(
        "{} is {}: {:?}",
        status.execution.id,
        status.state(),
        status.result
    );
    Ok(())
}

fn count(diff: &str) -> String {
    let added = diff.lines().filter(|line| line.starts_with('+')).count();
    format!("{added} lines added")
}
