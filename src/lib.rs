//! The `ax` command, and the agents that it runs, for hosts that want the same.
//!
//! - [`agents`]: agents that are programs, and the file that names them;
//! - [`cli`]: the command itself, as a function from arguments to an exit status.
//!
//! Programs are run in process groups, so the crate needs a Unix system.

#[cfg(not(unix))]
compile_error!("`ax` runs agents in Unix process groups, and this is no Unix system");

pub mod agents;
pub mod cli;
mod graph;
mod ownership;
mod printable;
mod shell;
