//! The output of a step can be stored, but not be read back.
use wf_core::workflow;

#[derive(serde::Serialize)]
struct Half {
    length: usize,
}

workflow! {
    workflow Review(diff: String) {
        step half: Half = Half { length: diff.len() };
    }
}

fn main() {}
