//! A paused run is resumed first.
use wf_core::typed::{PausedRun, Workflow};

async fn finish<W: Workflow>(paused: PausedRun<W>) {
    let _ = paused.finish().await;
}

fn main() {}
