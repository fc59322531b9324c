//! The `ax` command, and the agents that it runs, for hosts that want the same.
//!
//! - [`agents`]: agents that are programs, and the file that names them (the crate `wf-agents`);
//! - [`cli`]: the command itself, as a function from arguments to an exit status.
//!
//! Programs are run in process groups, so the crate needs a Unix system.

#[cfg(not(unix))]
compile_error!("`ax` runs agents in Unix process groups, and this is no Unix system");

pub mod cli;

pub use wf_agents as agents;
