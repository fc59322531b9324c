//! Two steps have one name.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse_changes: String = ask backend "Parse {diff}";
        step parse_changes: String = ask security "Audit {diff}";
    }
}

fn main() {}
