//! An execution comes from a store; its state cannot be made up.
use wf_core::lifecycle::{AnyExecution, Row, State};

fn forge(row: Row) -> AnyExecution {
    AnyExecution::new(State::Paused, row)
}

fn main() {}
