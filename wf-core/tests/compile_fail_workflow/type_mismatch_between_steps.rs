//! A step's code is given an output of another type.
use wf_core::workflow;

fn count(files: &Vec<String>) -> usize {
    files.len()
}

workflow! {
    workflow Review(diff: String) {
        step audit: String = ask security "Audit {diff}";
        step count: usize = count(audit);
    }
}

fn main() {}
