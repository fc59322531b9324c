//! The smallest typed workflow: a step in Rust, two that ask agents. Run it with `cargo run --example review`.

use wf_core::{AgentSet, agent::Agent, engine::Engine, workflow};

workflow! {
    workflow Review(diff: String) {
        step lines: usize = diff.lines().count();
        step audit: String = ask expert "Audit these {lines} lines: {diff}";
        step report: String = ask expert "Summarise: {audit}";
    }
}

#[derive(AgentSet)]
struct Team<A: Agent + 'static> {
    expert: A,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let echo = |prompt: String| async move { prompt };
    let store = std::sync::Arc::new(wf_diesel::SqliteStore::open("target/review.db")?);
    let engine = Engine::new(store, Team { expert: echo });
    let diff = std::fs::read_to_string("examples/change.diff")?;
    let output = futures::executor::block_on(engine.run(Review { diff }))?;
    println!("{} lines: {}", output.lines(), output.report());
    Ok(())
}
