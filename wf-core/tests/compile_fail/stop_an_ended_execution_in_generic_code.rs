//! Generic code is told which event is not legal in which state.
use wf_core::lifecycle::{Execution, On, event, state};

fn stop<S: On<event::Cancel>>(_: Execution<S>) {}

fn stop_completed(completed: Execution<state::Completed>) {
    stop(completed);
}

fn main() {}
