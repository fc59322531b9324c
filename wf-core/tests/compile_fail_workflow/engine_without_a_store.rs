//! An engine needs a store.
use wf_core::agent::Agents;
use wf_core::engine::Engine;

fn main() {
    let _ = Engine::new(Agents::new());
}
