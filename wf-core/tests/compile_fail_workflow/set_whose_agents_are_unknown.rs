//! A workflow is declared for what is no set of agents.
use wf_core::workflow;

struct Team;

workflow! {
    workflow Review(diff: String) for Team {
        step audit: String = ask security "Audit {diff}";
    }
}

fn main() {}
