//! Sets of agents whose names the compiler knows.

use crate::agent::Agents;

/// A host's agents. `#[derive(AgentSet)]` makes one of a struct, each agent named after its field.
///
/// [`Agents`] is a set that is put together at run time: it is taken to have every agent while compiling, and
/// is checked before a run is recorded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of agents",
    note = "add `#[derive(wf_core::AgentSet)]` to `{Self}`, or use `wf_core::agent::Agents`"
)]
pub trait AgentSet {
    /// The agents by name.
    fn into_agents(self) -> Agents;
}

impl AgentSet for Agents {
    fn into_agents(self) -> Agents {
        self
    }
}

/// A set of agents whose names are fields: those for which `workflow!(… for Team …)` checks and completes its agents
/// where they are asked. `#[derive(AgentSet)]` implements it.
#[diagnostic::on_unimplemented(
    message = "the agents of `{Self}` are not known while compiling",
    note = "add `#[derive(wf_core::AgentSet)]` to `{Self}`, or leave out `for`: agents are then checked where the workflow is run"
)]
pub trait NamedAgents: AgentSet {
    /// A struct with a field of the name of each agent, as far as that can be a field's name: for editors.
    type Fields;
    /// The set itself.
    type Set;
}

/// Stands for an agent's name as a type, by its [hash](agent_name_hash).
#[derive(Debug, Clone, Copy)]
pub enum Tag<const HASH: u64> {}

/// Says that a set has the agent that `T`, a [`Tag`], stands for.
pub trait Provides<T> {}

impl<const HASH: u64> Provides<Tag<HASH>> for Agents {}

/// The number that stands for an agent's name in a [`Tag`]: FNV-1a, 64 bits
/// (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>).
pub const fn agent_name_hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = crate::hash::EMPTY;
    let mut at = 0;
    while at < bytes.len() {
        hash = crate::hash::add(hash, bytes[at]);
        at += 1;
    }
    hash
}
