//! An attribute that steps do not have.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        #[retries(attempts = 3)]
        step audit: String = ask security "Audit {diff}";
    }
}

fn main() {}
