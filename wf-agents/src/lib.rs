//! Agents that are programs or models behind HTTP, and the file that names them, for hosts of `wf-core`.
//!
//! [`AgentsFile`] reads `agents.yaml` and gives the [`Agents`](wf_core::agent::Agents) of a run. What it
//! can name are [`CommandAgent`], which runs a program for each attempt; [`PresetAgent`], which does so with
//! one of the agent programs whose arguments and output it knows; `OpenAiAgent`, which asks an
//! endpoint that speaks OpenAI's chat protocol (feature `openai`); and [`EchoAgent`]. Around each of them are
//! [`Limited`], with what every agent can be given, and [`Fallback`], where others are asked when it fails.
//! A host that does not want a file uses them directly:
//!
//! ```
//! use wf_agents::{CommandAgent, Limited, RateLimit};
//! use std::time::Duration;
//! use wf_core::agent::Agents;
//!
//! let diff = CommandAgent::new("git", ["diff", "--stat"]);
//! let diff = Limited::new(diff).timeout(Duration::from_secs(60)).max_concurrent(2);
//! let agents = Agents::new().with("backend", diff);
//! assert!(agents.agent("backend").is_some());
//! ```

#[cfg(not(unix))]
compile_error!("`wf-agents` runs programs in Unix process groups, and this is no Unix system");

mod aside;
mod capture;
mod captured;
mod command;
mod echo;
mod ending;
mod fallback;
mod fault;
mod file;
mod group;
mod limits;
mod live;
#[cfg(feature = "openai")]
mod openai;
pub mod ownership;
mod presets;
mod processes;
mod program;
mod reset;
mod secrets;
pub mod shell;
mod shortage;
mod structured;
mod watchdog;

pub use command::{CommandAgent, KILL_GRACE, OUTPUT_LIMIT};
pub use echo::EchoAgent;
pub use fallback::Fallback;
pub use fault::{Blame, Diagnose, Fault};
pub use file::AgentsFile;
pub use group::{kill_programs, programs_ended};
pub use limits::{BREAKER, BREAKER_RESET, BREAKER_UNREACHED, Limited, RateLimit};
#[cfg(feature = "openai")]
pub use openai::{BadEndpoint, OpenAiAgent, Prices};
pub use ownership::trust_files;
pub use presets::{Preset, PresetAgent};
pub use shortage::open_many_files;
pub use watchdog::{Watchdog, keep_watch};

/// No agent may be given an output limit above this many bytes, 900 MiB: SQLite takes no value that is much larger.
pub const LARGEST_OUTPUT: usize = 900 << 20;
