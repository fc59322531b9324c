//! A workflow has no steps: that nothing uses its input goes without saying.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {}
}

fn main() {}
