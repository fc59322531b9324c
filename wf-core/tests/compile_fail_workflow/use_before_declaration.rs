//! A step uses one that comes later; so a cycle cannot be written.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step audit: String = ask security "Audit {quality_check}";
        step lint: usize = diff.len() + quality_check.len();
        step quality_check: String = ask quality "Check {diff}";
    }
}

fn main() {}
