//! A host that loads a workflow file at run time, with Rust closures as its agents: no runtime needed.
//!
//! Run it with `cargo run --example embed_yaml`. Each run is recorded in `target/embed.db`.

use std::sync::Arc;

use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::plan::{Inputs, Plan};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = Plan::from_file("examples/code-review.yaml")?;
    let count = |text: String| async move { format!("{} lines", text.lines().count()) };
    let echo = |text: String| async move { text };
    let agents = Agents::new()
        .with("backend", count)
        .with("security", echo)
        .with("quality", echo)
        .with("product", echo);
    let store = Arc::new(SqliteStore::open("target/embed.db")?);
    let engine = Engine::new(store, agents);

    let diff = std::fs::read_to_string("examples/change.diff")?;
    let inputs = Inputs::from([("git_diff".into(), Json::string(&diff))]);
    let status = futures::executor::block_on(async {
        let run = engine.start(&plan, inputs, RunOptions::default());
        run.await?.finish().await
    })?;
    println!("{} is {}", status.execution.id, status.state());
    println!("{}", status.result.unwrap_or_else(Json::null));
    Ok(())
}
