//! An error in a box that can be sent is no error by itself.
use std::error::Error;
use wf_core::workflow;

fn lint(diff: &str) -> Result<usize, Box<dyn Error + Send + Sync>> {
    Ok(diff.len())
}

workflow! {
    workflow Review(diff: String) {
        step lint: usize = lint(diff)?;
    }
}

fn main() {}
