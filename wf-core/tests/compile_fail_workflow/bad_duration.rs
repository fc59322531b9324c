//! A timeout that is no duration.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        #[timeout = "1 minute"]
        step audit: String = ask security "Audit {diff}";
    }
}

fn main() {}
