//! What the user's own code cannot reach is told, as everywhere in Rust.
#![deny(unreachable_code)]
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step length: usize = {
            return Ok(diff.len());
            diff.len()
        };
        step lint: usize = {
            panic!("{length}");
            *length
        };
    }
}

fn main() {}
