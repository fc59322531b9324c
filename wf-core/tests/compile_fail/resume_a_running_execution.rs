//! Only a paused execution can be resumed.
use wf_core::lifecycle::{Execution, state};

fn resume(running: Execution<state::ExecutingSteps>) {
    let _ = running.resume();
}

fn main() {}
