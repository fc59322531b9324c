//! A prompt refers to something that does not exist; rustc points into the text.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse_changes: String = ask backend "Parse {diff}";
        step audit: String = ask security "Audit these changes: {parse_chnages}";
    }
}

fn main() {}
