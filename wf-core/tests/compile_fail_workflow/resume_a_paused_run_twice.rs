//! A paused run that is resumed is no longer paused.
use wf_core::typed::{PausedRun, Workflow};

async fn resume<W: Workflow>(paused: PausedRun<W>) {
    let _ = paused.resume().await;
    let _ = paused.resume().await;
}

fn main() {}
