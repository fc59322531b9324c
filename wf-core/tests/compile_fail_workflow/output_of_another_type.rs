//! A step's code gives another type than the step declares.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step length: u32 = diff.len();
    }
}

fn main() {}
