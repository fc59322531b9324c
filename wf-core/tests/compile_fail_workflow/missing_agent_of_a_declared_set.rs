//! A workflow that is declared for a set asks an agent that the set lacks.
use wf_core::{AgentSet, workflow};

type Echo = fn(String) -> std::future::Ready<String>;

#[derive(AgentSet)]
struct Team {
    security: Echo,
}

workflow! {
    workflow Review(diff: String) for Team {
        step audit: String = ask securty "Audit {diff}";
    }
}

fn main() {}
