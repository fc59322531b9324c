//! The `ax` command, and the agents that it runs, for hosts that want the same.

pub mod agents;
