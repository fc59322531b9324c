//! Who does a step, read from what its `agent` says.

/// What the `agent` of a step begins with when the step, or what its prompt is made of, is code of a program.
///
/// `workflow!` prints such steps. Only the program that declares the workflow can run them.
pub const NATIVE: &str = "native:";

/// What the `agent` of a step begins with when any agent may do it that lists a capability.
const CAPABILITY: char = '@';

/// Who does a step.
///
/// ```
/// use wf_model::AgentRef;
///
/// assert_eq!(AgentRef::of("claude"), AgentRef::Named("claude"));
/// assert_eq!(AgentRef::of("@review"), AgentRef::Capability("review"));
/// assert_eq!(AgentRef::of("native:count"), AgentRef::Native("count"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentRef<'a> {
    /// The agent of that name.
    Named(&'a str),
    /// Any agent that lists the capability.
    Capability(&'a str),
    /// Code of the program that declares the workflow.
    Native(&'a str),
}

impl<'a> AgentRef<'a> {
    /// Reads what the `agent` of a step says.
    pub fn of(agent: &'a str) -> Self {
        if let Some(capability) = agent.strip_prefix(CAPABILITY) {
            return AgentRef::Capability(capability);
        }
        match agent.strip_prefix(NATIVE) {
            Some(code) => AgentRef::Native(code),
            None => AgentRef::Named(agent),
        }
    }

    /// Returns the name or the capability, without what tells one from the other.
    pub const fn word(self) -> &'a str {
        match self {
            AgentRef::Named(word) | AgentRef::Capability(word) | AgentRef::Native(word) => word,
        }
    }

    /// Returns the capability, where one is asked for.
    pub const fn capability(self) -> Option<&'a str> {
        match self {
            AgentRef::Capability(capability) => Some(capability),
            AgentRef::Named(_) | AgentRef::Native(_) => None,
        }
    }

    /// Whether the step is code.
    pub const fn is_native(self) -> bool {
        matches!(self, AgentRef::Native(_))
    }
}
