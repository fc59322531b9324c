//! A field of a set is no agent, another answers with what is none.
use wf_core::AgentSet;

struct Backend;

#[derive(AgentSet)]
struct Team {
    backend: Backend,
    security: Box<dyn wf_core::agent::Agent>,
    product: fn(String) -> std::future::Ready<Backend>,
}

#[derive(AgentSet)]
struct Empty;

#[derive(AgentSet)]
struct Unnamed(fn(String) -> std::future::Ready<String>);

fn main() {}
