//! A run that is finished is gone.
use wf_core::typed::{RunOf, Workflow};

async fn finish<W: Workflow>(run: RunOf<W>) {
    let _ = run.finish().await;
    let _ = run.finish().await;
}

fn main() {}
