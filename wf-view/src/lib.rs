//! What people see of workflows and executions: drawings, and text that is safe to show.

pub mod graph;
pub mod printable;
