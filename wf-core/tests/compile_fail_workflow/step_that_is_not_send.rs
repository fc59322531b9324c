//! A step keeps a value across an await that cannot be sent to another thread.
use wf_core::workflow;

async fn rest() {}

workflow! {
    workflow Review(diff: String) {
        step length: usize = {
            let shared = std::rc::Rc::new(diff.len());
            rest().await;
            *shared
        };
    }
}

fn main() {}
