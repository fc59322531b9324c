//! What the SQLite store promises beyond the trait: the tables, the file, shared transactions, and what happens when
//! something goes wrong.

mod concurrency;
mod faults;
mod fixtures;
mod opening;
mod processes;
mod schema;
