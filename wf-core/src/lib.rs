//! A durable workflow engine that a Rust program links.

pub mod agent;
pub mod clock;
pub mod engine;
pub mod id;
pub mod lifecycle;
pub mod plan;
mod prompt;
mod retry;
pub mod scheduler;
pub mod spawn;
pub mod step;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod value;

#[cfg(feature = "macros")]
pub use wf_macros::workflow;
