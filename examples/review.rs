//! The smallest typed workflow: a step in Rust, two that ask agents. Run it with `cargo run --example review`.

use std::sync::Arc;

use wf_core::{agent::Agents, engine::Engine, workflow};
use wf_diesel::SqliteStore;

workflow! {
    workflow Review(diff: String) {
        step lines: usize = diff.lines().count();
        step audit: String = ask security "Audit these {lines} lines: {diff}";
        step report: String = ask product "Summarise: {audit}";
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let echo = |prompt: String| async move { prompt };
    let agents = Agents::new().with("security", echo).with("product", echo);
    let store = Arc::new(SqliteStore::open("target/review.db")?);
    let engine = Engine::new(store, agents);
    let diff = std::fs::read_to_string("examples/change.diff")?;
    let output = futures::executor::block_on(engine.run(Review { diff }))?;
    println!("{} lines: {}", output.lines(), output.report());
    Ok(())
}
