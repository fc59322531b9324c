//! A workflow that is declared for a set asks an agent by a name that no field can have, and the set lacks it.
use wf_core::{AgentSet, workflow};

type Echo = fn(String) -> std::future::Ready<String>;

#[derive(AgentSet)]
struct Team {
    security: Echo,
}

workflow! {
    workflow Review(diff: String) for Team {
        step audit: String = ask "security-expert" "Audit {diff}";
    }
}

fn main() {}
