//! Two inputs have one name.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String, diff: String) {
        step audit: String = ask security "Audit {diff}";
    }
}

fn main() {}
