//! Two steps of a workflow that is declared for a set ask an agent that the set lacks.
use wf_core::{AgentSet, workflow};

type Echo = fn(String) -> std::future::Ready<String>;

#[derive(AgentSet)]
struct Team {
    security: Echo,
}

workflow! {
    workflow Review(diff: String) for Team {
        step audit: String = ask quality "Audit {diff}";
        step report: String = ask quality "Report {audit}";
    }
}

fn main() {}
