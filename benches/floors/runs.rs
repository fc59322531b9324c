//! A run in memory, and its floor: the agents' futures polled once each where they stand.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use wf_core::agent::{Agent, Agents, Reply, Request};
use wf_core::engine::{Engine, RunOptions, Status};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::store::MemoryStore;

/// A run from its start to its end on an engine of its own, whose store goes with it.
pub(crate) fn run(plan: &Arc<Plan>) -> (Engine, Status) {
    let agents = Agents::new().with("echo", echo);
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let status = block_on(async {
        let run = engine.start(plan, Inputs::new(), RunOptions::default());
        run.await?.finish().await
    })
    .expect("the run goes to its end");
    assert_eq!(status.state(), State::Completed);
    (engine, status)
}

async fn echo(prompt: String) -> String {
    prompt
}

/// The futures that the engine's agent gives, each made when what it needs is done, and polled once.
pub(crate) fn poll_inline(plan: &Plan) -> Vec<Option<Reply>> {
    let agents = Agents::new().with("echo", echo);
    let agent = agents.agent("echo").expect("the agent is there");
    let id = ExecutionId::from("floor");
    let mut cx = Context::from_waker(Waker::noop());
    let mut replies: Vec<Option<Reply>> = vec![None; plan.graph().len()];
    each_when_ready(plan, |at| {
        let step = &plan.steps()[at];
        let request = Request::new(&step.prompt, &id, &step.key, 1);
        let Poll::Ready(reply) = pin!(agent.call(request)).poll(&mut cx) else {
            panic!("the agent answers at once");
        };
        replies[at] = Some(reply.expect("the agent succeeds"));
    });
    replies
}

/// Visits each step after all that it needs.
pub(crate) fn each_when_ready(plan: &Plan, mut visit: impl FnMut(usize)) {
    let graph = plan.graph();
    let mut waits: Vec<u32> = (0..graph.len())
        .map(|step| graph.dependencies(step).len() as u32)
        .collect();
    let mut ready: Vec<u32> = (0_u32..)
        .zip(&waits)
        .filter_map(|(step, waits)| (*waits == 0).then_some(step))
        .collect();
    let mut visited = 0;
    while let Some(step) = ready.pop() {
        visit(step as usize);
        visited += 1;
        for &next in graph.dependents(step as usize) {
            waits[next as usize] -= 1;
            if waits[next as usize] == 0 {
                ready.push(next);
            }
        }
    }
    assert_eq!(visited, graph.len());
}
