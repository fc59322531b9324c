//! Whether an input is used is told when all that may use it can be read.
use wf_core::workflow;

workflow! {
    workflow Broken(diff: String) {
        step audit: String = ask security "Audit {diff";
    }
}

workflow! {
    workflow Called(diff: String) {
        step audit: String = security.ask("Audit {diff}");
    }
}

workflow! {
    workflow Text(diff: String) {
        step audit: String = "Audit {diff}".to_owned();
    }
}

fn main() {}
