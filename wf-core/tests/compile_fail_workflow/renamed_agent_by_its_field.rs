//! An agent of a set is asked by its name, which is not that of its field.
use wf_core::{AgentSet, workflow};

type Echo = fn(String) -> std::future::Ready<String>;

#[derive(AgentSet)]
struct Team {
    #[agent(name = "security_expert")]
    security: Echo,
}

workflow! {
    workflow Review(diff: String) for Team {
        step audit: String = ask security "Audit {diff}";
    }
}

fn main() {}
