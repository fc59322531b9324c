//! A paused run has no outputs yet.
use wf_core::typed::Ended;
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step length: usize = diff.len();
    }
}

fn length(ended: Ended<Review>) -> usize {
    match ended {
        Ended::Completed(output) => *output.length(),
        Ended::Paused(paused) => *paused.length(),
        Ended::Failed(_) | Ended::Cancelled(_) => 0,
    }
}

fn main() {}
