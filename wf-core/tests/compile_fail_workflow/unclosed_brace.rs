//! A prompt with a brace that is not closed.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse: usize = diff.len();
        step audit: String = ask security "Audit {parse";
    }
}

fn main() {}
