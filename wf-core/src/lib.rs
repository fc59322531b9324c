//! A durable workflow engine that a Rust program links.
//!
//! A workflow is a graph of steps, each done by an agent: a program, a model behind HTTP, a Rust function. It is
//! written in YAML or JSON and checked when it is loaded, or while the host is compiled with `workflow!`. Every
//! completed step is committed to the host's own database before anything depends on it; a run can be paused,
//! killed, resumed, cancelled and taken over, from any process.
//!
//! Data flows one way:
//!
//! 1. a **source** (YAML, JSON, macro tokens) becomes a [`Definition`](plan::Definition), plain data;
//! 2. the definition becomes a [`Plan`](plan::Plan): names resolved, acyclic, indexed; the only gate;
//! 3. the [`Scheduler`](scheduler::Scheduler), which is pure, says which steps may start;
//! 4. the [`Engine`](engine::Engine), one loop, starts them, awaits them, and records what happened;
//! 5. the [`Store`](store::Store) remembers, and [`Execution<S>`](lifecycle::Execution) makes sure that nothing is
//!    acted upon before it does.
//!
//! Four seams, each a small trait: [`Agent`](agent::Agent) does a step, [`Store`](store::Store) remembers,
//! [`Clock`](clock::Clock) tells the time, [`Spawn`](spawn::Spawn) (optional) runs steps as tasks of the host's
//! executor. Closures can be agents and spawners. The engine's futures are `Send`, need no particular executor, and
//! spawn nothing by themselves.
//!
//! See [`Engine`](engine::Engine) for a program to start from, and [`typed`] for workflows written in Rust. The durable store is the crate `wf-diesel`.
//!
//! # Features
//!
//! - `macros` (default): `workflow!` and `#[derive(AgentSet)]`.
//! - `schema`: answers are checked against the `outputSchema` of their step; without it a workflow that has one is
//!   refused.
//! - `tracing`: spans and events for every execution, step and attempt; see [`engine`].
//! - `testing`: virtual time, the conformance suite that every store must pass, a store that fails on demand, and a
//!   simulator that kills a workflow's run wherever it can be killed.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod agent;
pub mod clock;
pub mod engine;
mod hash;
pub mod id;
pub mod lifecycle;
pub mod plan;
mod progress;
mod prompt;
mod schema;
pub mod spawn;
pub mod step;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod typed;
pub mod usage;
pub mod value;

pub use progress::scheduler;

pub use lifecycle::{AnyExecution, Event, Execution, Pending, State, state};
#[cfg(feature = "macros")]
pub use wf_macros::{AgentSet, workflow};
