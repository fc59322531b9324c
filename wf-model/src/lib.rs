//! The workflow definition: its data, its checker, its templates, and YAML and JSON with positions.
//!
//! Both ways to write a workflow end here. The `workflow!` macro builds a [`Definition`] and [`check`]s it with
//! the spans of its tokens as places; a file is a [`Source`], whose [`read`](Source::read) gives the same
//! [`Checked`] definition, or a [`Report`] of everything that is wrong, each with its line and a caret. A
//! program that builds a definition itself uses [`check_unplaced`].
//!
//! The crate is small on purpose: a procedural macro depends on it.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod agent_ref;
mod budget;
mod canonical;
mod check;
mod definition;
mod duration;
mod graph;
pub mod keys;
mod literal;
mod problem;
mod read;
mod report;
mod source;
mod suggest;
mod template;
pub mod tree;

pub use agent_ref::{AgentRef, NATIVE};
pub use budget::{Budget, PerAttempt};
pub use check::{Checked, Verdict, check, check_unplaced};
pub use definition::{
    Config, DEFAULT_VERSION, Definition, Input, InputKind, OnFailure, RetryPolicy, Step,
};
pub use duration::{DurationError, MAX_DURATION, format_duration, parse_duration};
pub use graph::Graph;
pub use literal::Literal;
pub use problem::{Places, Problem, Severity, StepPlaces};
pub use report::{Diagnostic, Note, Piece, Report, Role};
pub use source::{Format, MAX_LENGTH, SchemaCheck, Source};
pub use suggest::nearest;
pub use template::{Form, Part, Templates, is_name};
