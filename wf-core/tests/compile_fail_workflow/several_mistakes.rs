//! Every mistake is told in one compile.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String, base: String) {
        #[timeout = "soon"]
        step audit: String = ask security "Audit {diff}";
        step audit: String = ask security "Audit {diff}";
        step later: usize = end.len();
        step unknown: String = ask security "Audit {dif}";
        step = ask;
        step end: String = ask "prompt";
    }
}

fn main() {}
