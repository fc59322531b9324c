//! Typed workflows: what `workflow!` expands to, and how a host runs it.
//!
//! A [`Workflow`] is a struct of inputs with a static [`Spec`]: its definition, and for each step the code that
//! does it and the [`Codec`] of its output. [`Plan::of`](crate::plan::Plan::of) makes the plan of it, so that the
//! same engine runs it; [`Engine::run`](crate::engine::Engine::run) gives its outputs by type.
//!
//! Values are typed, JSON, or both, each made at most once: a step's output is written as JSON when it is
//! stored, an agent's reply is read as its type when it arrives, and what comes out of a store is read when a
//! step or the host needs it.
//!
//! Everything here has a name, so a host can keep an [`Engine<Team>`](crate::engine::Engine), a [`RunOf`] or a
//! [`PausedRun`] in a field of its own.
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//! use wf_core::agent::Agents;
//! use wf_core::engine::Engine;
//! use wf_core::store::MemoryStore;
//!
//! wf_core::workflow! {
//!     workflow Review(diff: String) {
//!         step lines: usize = diff.lines().count();
//!         step audit: String = ask security "Audit {lines} lines: {diff}";
//!     }
//! }
//!
//! let agents = Agents::new().with("security", |prompt: String| async move { prompt });
//! let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
//! let run = engine.run(Review { diff: "+ one".to_owned() });
//! let output = futures::executor::block_on(run)?;
//! assert_eq!(output.audit(), "Audit 1 lines: + one");
//! # Ok::<(), wf_core::typed::RunError>(())
//! ```

mod agents;
mod codec;
mod context;
mod difference;
mod failure;
mod feature;
mod finite;
mod host;
#[cfg(any(test, feature = "testing"))]
pub(crate) use host::given;
mod misplaced;
mod outputs;
mod run;
mod spec;
#[cfg(test)]
mod tests;

/// A boxed future that can be sent between threads.
pub use futures::future::BoxFuture;

pub use agents::{AgentSet, NamedAgents, Provides, Tag, agent_name_hash};
pub use codec::{Boxed, Codec, StepOutput, Typed, boxed};
pub use context::{Shown, ShownOptional, StepContext, Value};
pub use failure::{Cause, StepFailure};
pub use feature::{Available, OutputSchema};
pub use misplaced::{AnotherStep, DeclaredAbove, Itself, Later};
pub(crate) use outputs::Output;
pub use outputs::Outputs;
pub use run::{Ended, PausedRun, RunError, RunOf};
pub use spec::{AgentStep, Code, NativeStep, RunsOn, Source, Spec, StepSpec, Workflow};

pub(crate) use difference::difference;
pub(crate) use spec::{is_typed, with_output_types};
