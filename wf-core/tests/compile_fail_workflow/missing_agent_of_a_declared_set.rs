//! A workflow that is declared for a set asks an agent that the set lacks.
use wf_core::workflow;

struct Team {
    security: (),
}

workflow! {
    workflow Review(diff: String) for Team {
        step audit: String = ask securty "Audit {diff}";
    }
}

fn main() {}
