//! A path takes only the events that are legal where it has come to.
use wf_core::lifecycle::{Execution, state};

fn skip_validation(idle: Execution<state::Idle>) {
    let _ = idle.start_workflow().validation_complete();
}

fn main() {}
