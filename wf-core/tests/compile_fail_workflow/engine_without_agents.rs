//! An engine needs a store and agents.
use std::sync::Arc;
use wf_core::engine::Engine;
use wf_core::store::MemoryStore;

fn main() {
    let _ = Engine::new(Arc::new(MemoryStore::new()));
}
