//! Two agents of a set have one name, another has none.
use wf_core::AgentSet;

#[derive(AgentSet)]
struct Team<A: wf_core::agent::Agent + 'static> {
    security: A,
    #[agent(name = "security")]
    expert: A,
    #[agent(name = "")]
    nobody: A,
}

fn main() {}
