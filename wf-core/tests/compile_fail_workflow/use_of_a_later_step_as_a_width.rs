//! A prompt uses a later step in a way in which the compiler cannot point at it: the whole text is marked.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step audit: String = ask security "Audit {diff:>width$}";
        step width: usize = diff.len();
    }
}

fn main() {}
