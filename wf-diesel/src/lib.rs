//! The durable store of wf-core: workflows, executions, steps and checkpoints in five SQLite tables.
//!
//! ```
//! use futures::executor::block_on;
//! use wf_core::store::Store;
//! use wf_diesel::SqliteStore;
//!
//! let folder = tempfile::tempdir()?;
//! let store = SqliteStore::open(folder.path().join(".ax/ax.db"))?;
//! assert!(block_on(store.executions())?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it writes
//!
//! One thread owns the connection that writes. It takes what has queued, applies it in one `BEGIN IMMEDIATE`
//! transaction, and answers each caller after the commit: a thousand steps that end together cost a handful of
//! `fsync`s, and what was answered survives a power cut. A write that fails is rolled back alone. Every write is an
//! insert or a compare-and-set. Another thread reads, from a snapshot, so that no future of the
//! store blocks its executor.
//!
//! # The tables
//!
//! | table | one row per |
//! |---|---|
//! | `workflows` | stored definition, by content |
//! | `workflow_steps` | step of a stored definition |
//! | `workflow_executions` | run |
//! | `workflow_step_executions` | step of a run |
//! | `workflow_checkpoints` | checkpoint: a mark in the order in which the steps of a run were committed |
//!
//! Identifiers that users see are text, moments are milliseconds since the Unix epoch, and values are JSON text.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod checkpoints;
mod connection;
mod error;
mod executions;
mod insert;
mod place;
mod reader;
mod schema;
mod step_executions;
mod store;
mod watch;
mod workflow_steps;
mod workflows;
mod writer;
mod writes;

pub use store::{LARGEST_RESULT, SqliteOptions, SqliteStore};
