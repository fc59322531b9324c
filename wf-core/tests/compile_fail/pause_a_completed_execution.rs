//! A completed execution is final.
use wf_core::lifecycle::{Execution, state};

fn pause(completed: Execution<state::Completed>) {
    let _ = completed.pause();
}

fn main() {}
