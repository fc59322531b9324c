//! A step mentions itself.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step audit: String = ask security "Audit {diff} {audit}";
    }
}

fn main() {}
