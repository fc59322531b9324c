//! A host that loads a workflow file at run time, with Rust closures as its agents: no runtime needed.
//!
//! Run with `cargo run --example embed_yaml`, then again: each run is one more in `target/embed.db`.

use std::error::Error;
use std::sync::Arc;

use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::plan::{Inputs, Plan};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

fn main() -> Result<(), Box<dyn Error>> {
    let plan = Plan::from_file("examples/code-review.yaml")?;
    let agents = Agents::new()
        .with("backend", |prompt: String| async move {
            format!("{} lines changed", prompt.lines().count())
        })
        .with("security", |prompt: String| async move {
            if prompt.contains("password") {
                "a secret"
            } else {
                "nothing"
            }
        })
        .with("quality", |prompt: String| async move {
            format!("{} words read", prompt.split_whitespace().count())
        })
        .with("product", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(SqliteStore::open("target/embed.db")?), agents);

    let inputs = Inputs::from([(
        "git_diff".to_owned(),
        Json::string(&std::fs::read_to_string("examples/change.diff")?),
    )]);
    let status = futures::executor::block_on(async {
        let run = engine.start(&plan, inputs, RunOptions::default()).await?;
        run.finish().await
    })?;
    println!("{} is {}", status.execution.id, status.state());
    println!(
        "{}",
        status
            .result
            .map_or("no result".into(), |result| result.to_string())
    );
    Ok(())
}
