//! Agents that are programs, and the file that names them.
//!
//! [`AgentsFile`] reads `agents.yaml` and gives the [`Agents`](wf_core::agent::Agents) of a run. What it
//! can name are [`CommandAgent`], which runs a program for each attempt, and [`EchoAgent`]. A host that
//! does not want a file uses them directly:
//!
//! ```
//! use ax::agents::{CommandAgent, Limited};
//! use std::time::Duration;
//! use wf_core::agent::Agents;
//!
//! let diff = CommandAgent::new("git", ["diff", "--stat"]);
//! let agents = Agents::new().with("backend", Limited::new(diff).timeout(Duration::from_secs(60)));
//! assert!(agents.agent("backend").is_some());
//! ```

mod capture;
mod command;
mod echo;
mod file;
mod group;
mod limited;
mod program;
mod secrets;

pub use command::{CommandAgent, OUTPUT_LIMIT};
pub use echo::EchoAgent;
pub use file::AgentsFile;
pub use limited::Limited;
