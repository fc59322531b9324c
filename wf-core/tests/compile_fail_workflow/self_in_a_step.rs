//! A step is no method.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String, limit: usize) {
        step parse: usize = self.diff.len();
        step audit: String = ask security "Audit {parse} of {limit}", limit = self.limit;
    }
}

fn main() {}
