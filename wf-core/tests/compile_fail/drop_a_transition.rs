//! A transition that is never committed is a mistake.
#![deny(unused_must_use)]
use wf_core::lifecycle::{Execution, state};

fn pause(running: Execution<state::ExecutingSteps>) {
    running.pause();
}

fn main() {}
