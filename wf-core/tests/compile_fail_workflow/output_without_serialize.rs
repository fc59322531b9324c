//! An output cannot be stored.
use wf_core::workflow;

struct Half {
    length: usize,
}

workflow! {
    workflow Review(diff: String) {
        step half: Half = Half { length: diff.len() };
        step length: usize = half.length;
    }
}

fn main() {}
