//! A failed execution is final.
use wf_core::lifecycle::{Execution, state};

fn cancel(failed: Execution<state::Failed>) {
    let _ = failed.cancel();
}

fn main() {}
