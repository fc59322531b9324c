//! A prompt that was copied from a workflow file.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse_changes: String = ask backend "Parse {diff}";
        step audit: String = ask security "Audit {{parse-changes.result}}";
    }
}

fn main() {}
