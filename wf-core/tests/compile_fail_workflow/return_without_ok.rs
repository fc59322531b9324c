//! A `return` gives the value as it is: it ends the step as it would end an `async` function, with a `Result`.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step length: usize = {
            if diff.is_empty() {
                return 0;
            }
            diff.len()
        };
    }
}

fn main() {}
