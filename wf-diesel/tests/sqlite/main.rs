//! What the SQLite store promises beyond the trait: the tables, the file, shared transactions, and what happens when
//! something goes wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod concurrency;
mod cost;
mod faults;
mod fixtures;
mod gone;
mod opening;
mod processes;
mod schema;
