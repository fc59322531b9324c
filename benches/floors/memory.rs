//! Runs in memory and the scheduler alone, beside their floors.

use std::sync::Arc;

use wf_core::plan::Plan;
use wf_core::scheduler::Scheduler;
use wf_core::step::Outcome;

use crate::growth::{POLLS, alone};
use crate::measure::{Goal, Pair, Report, pairs, side_by_side};
use crate::runs::{each_when_ready, run};
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

/// Kahn's algorithm on the plan's own adjacency.
fn kahn(plan: &Plan) -> Vec<u32> {
    let mut order = Vec::with_capacity(plan.graph().len());
    each_when_ready(plan, |at| order.push(at as u32));
    order
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
