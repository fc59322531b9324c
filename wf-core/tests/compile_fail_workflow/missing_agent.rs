//! A workflow asks an agent that the host's set lacks.
use wf_core::engine::Engine;
use wf_core::{AgentSet, workflow};

workflow! {
    workflow Review(diff: String) {
        step audit: String = ask security "Audit {diff}";
    }
}

#[derive(AgentSet)]
struct Team {
    backend: fn(String) -> std::future::Ready<String>,
}

fn run(engine: &Engine<Team>) {
    let _ = engine.run(Review { diff: String::new() });
}

fn main() {}
