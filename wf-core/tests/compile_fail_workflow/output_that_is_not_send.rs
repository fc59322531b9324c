//! An output that cannot be sent to another thread.
use serde::{Deserialize, Serialize};
use wf_core::workflow;

#[derive(Serialize, Deserialize)]
struct Shared {
    name: String,
    #[serde(skip)]
    count: std::rc::Rc<u32>,
}

workflow! {
    workflow Review(diff: String) {
        step shared: Shared = Shared { name: diff.clone(), count: Default::default() };
        step name: String = shared.name.clone();
    }
}

fn main() {}
