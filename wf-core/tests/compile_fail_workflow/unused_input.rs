//! An input is mentioned by no step.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String, base_branch: String) {
        step audit: String = ask security "Audit {diff}";
    }
}

fn main() {}
