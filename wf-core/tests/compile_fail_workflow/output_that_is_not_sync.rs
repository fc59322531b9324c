//! An output that cannot be shared between threads.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step length: std::cell::Cell<usize> = std::cell::Cell::new(diff.len());
    }
}

fn main() {}
