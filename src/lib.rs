//! The `ax` command, and the agents that it runs, for hosts that want the same.
//!
//! - [`agents`]: agents that are programs, and the file that names them;
//! - [`cli`]: the command itself, as a function from arguments to an exit status.

pub mod agents;
pub mod cli;
mod graph;
