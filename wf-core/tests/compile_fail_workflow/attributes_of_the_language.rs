//! A workflow and its steps take settings, and no attributes of the language.
use wf_core::workflow;

workflow! {
    #[derive(Clone)]
    workflow Review(diff: String) {
        #[cfg(feature = "audit")]
        step audit: String = ask security "Audit {diff}";
        #[allow(clippy::unwrap_used)]
        #[serde::skip]
        step length: usize = diff.len();
    }
}

fn main() {}
