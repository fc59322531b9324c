//! A transition that is not written down cannot be acted upon.
use wf_core::lifecycle::{Execution, state};

fn pause(running: Execution<state::ExecutingSteps>) -> Execution<state::CreatingCheckpoint> {
    running.pause()
}

fn main() {}
