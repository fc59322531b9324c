//! A typed workflow is given to what takes a plan.
use wf_core::engine::{Engine, RunOptions};
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step audit: String = ask security "Audit {diff}";
    }
}

async fn start(engine: &Engine, diff: String) {
    let _ = engine.start(Review { diff }, RunOptions::default()).await;
}

fn main() {}
