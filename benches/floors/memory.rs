//! Runs in memory, beside the agents' futures polled once each where they stand.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::executor::block_on;
use wf_core::agent::{Agent, Agents, Reply, Request};
use wf_core::engine::{Engine, RunOptions, Status};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::scheduler::Scheduler;
use wf_core::step::Outcome;
use wf_core::store::MemoryStore;

use crate::growth::{POLLS, alone};
use crate::measure::{Goal, Pair, Report, pairs, side_by_side};
use crate::workloads::Shape;

pub(crate) fn measure(report: &mut Report) {
    for (steps, goal) in [
        (1_000, Goal::Open),
        (10_000, Goal::Open),
        (100_000, Goal::Times(2.5)),
    ] {
        let what = format!("run of {steps} random steps");
        if report.wants(&what) {
            let pairs = pairs(|| Pair {
                ours: alone("run in memory", steps),
                floor: alone(POLLS, steps),
            });
            report.pairs(&what, steps, "step", &pairs, goal);
        }
    }
    for steps in [1_000, 10_000, 100_000] {
        let what = format!("scheduler alone, {steps} random steps");
        if report.wants(&what) {
            let plan = Shape::random(steps).plan();
            let pairs = side_by_side(|| schedule(&plan), || kahn(&plan));
            report.pairs(&what, steps, "step", &pairs, Goal::Open);
        }
    }
    for steps in [100, 1_000, 10_000] {
        let what = format!("two placeholders in each of {steps} prompts");
        if report.wants(&what) {
            let (filled, plain) = (prompts(steps, true), prompts(steps, false));
            let pairs = side_by_side(|| run(&filled), || run(&plain));
            report.pairs(&what, steps, "step", &pairs, Goal::Open);
        }
    }
}

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

/// Kahn's algorithm on the plan's own adjacency.
fn kahn(plan: &Plan) -> Vec<u32> {
    let mut order = Vec::with_capacity(plan.graph().len());
    each_when_ready(plan, |at| order.push(at as u32));
    order
}

fn each_when_ready(plan: &Plan, mut visit: impl FnMut(usize)) {
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

/// What the engine asks of the scheduler in a run in which whatever starts has ended at once.
fn schedule(plan: &Arc<Plan>) -> Scheduler {
    let mut scheduler = Scheduler::new(Arc::clone(plan));
    let mut ended = Vec::new();
    while !scheduler.is_done() {
        scheduler.release();
        while let Some(step) = scheduler.start_next() {
            scheduler.vacate(step, true);
            ended.push(step);
        }
        for step in ended.drain(..) {
            scheduler.settle(step, Outcome::Succeeded);
        }
    }
    scheduler
}

/// A run whose prompts are as long with placeholders as without.
fn prompts(steps: usize, filled: bool) -> Arc<Plan> {
    let part = "x".repeat(50);
    let prompt = if filled {
        "{{first}}{{second}}".to_owned()
    } else {
        part.repeat(2)
    };
    let mut text = format!(
        r#"{{"name":"prompts","steps":[{{"key":"first","agent":"echo","prompt":"{part}"}},{{"key":"second","agent":"echo","prompt":"{part}"}}"#
    );
    for step in 2..steps {
        text += &format!(
            r#",{{"key":"s{step}","agent":"echo","prompt":"{prompt}","dependencies":["first","second"]}}"#
        );
    }
    text.push_str("]}");
    Plan::from_json("prompts.json", &text).unwrap_or_else(|report| panic!("{report}"))
}
