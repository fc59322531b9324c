//! From a text to a plan, beside serde_yaml alone and a bare pass over the graph.

use std::collections::HashMap;

use serde::Deserialize;
use wf_core::plan::{Definition, Plan, Source};
use wf_model::check_unplaced;

use crate::measure::{Goal, Pair, Report, pairs, side_by_side, time};
use crate::workloads::Shape;

pub(crate) fn measure(report: &mut Report) {
    for steps in [10, 1_000, 10_000] {
        let what = format!("YAML of {steps} steps to a checked definition");
        if report.wants(&what) {
            let text = Shape::random(steps).yaml();
            let pairs = side_by_side(|| read(&text), || parse(&text));
            report.pairs(&what, steps, "step", &pairs, Goal::Times(1.3));
        }
    }
    for steps in [10, 1_000, 10_000, 100_000] {
        let what = format!("JSON of {steps} steps to a checked definition");
        if report.wants(&what) {
            let text = Shape::random(steps).json();
            let pairs = side_by_side(
                || {
                    Source::json("bench.json", text.as_str())
                        .read()
                        .map(|(checked, _)| checked)
                },
                || serde_json::from_str::<File>(&text).expect("the text is right"),
            );
            report.pairs(&what, steps, "step", &pairs, Goal::Open);
        }
    }
    for steps in [10, 1_000, 10_000, 100_000] {
        let what = format!("checking {steps} random steps, names and all");
        if report.wants(&what) {
            let definition = Shape::random(steps).definition();
            let goal = if steps == 100_000 {
                Goal::Times(2.0)
            } else {
                Goal::Open
            };
            report.pairs(&what, steps, "step", &check(&definition), goal);
        }
        let what = format!("plan of {steps} checked steps, hash and all");
        if report.wants(&what) {
            let definition = Shape::random(steps).definition();
            report.pairs(&what, steps, "step", &plan(&definition), Goal::Open);
        }
    }
}

pub(crate) fn read(text: &str) -> wf_model::Checked {
    let read = Source::yaml("bench.yaml", text).read();
    read.unwrap_or_else(|report| panic!("{report}")).0
}

/// What a definition is when nothing is checked.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is dropped")]
pub(crate) struct File {
    name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is dropped")]
struct Step {
    key: String,
    agent: String,
    prompt: String,
    dependencies: Vec<String>,
}

pub(crate) fn parse(text: &str) -> File {
    serde_yaml::from_str(text).expect("the text is right")
}

/// The checker, beside Kahn's algorithm with the names resolved and the adjacency built.
fn check(definition: &Definition) -> Vec<Pair> {
    pairs(|| {
        let given = definition.clone();
        let (ours, checked) = time(|| check_unplaced(given));
        let (floor, order) = time(|| kahn(definition));
        assert_eq!(
            checked.expect("the definition is right").0.graph.len(),
            order.len()
        );
        Pair { ours, floor }
    })
}

fn plan(definition: &Definition) -> Vec<Pair> {
    pairs(|| {
        let checked = check_unplaced(definition.clone())
            .expect("the definition is right")
            .0;
        let (ours, plan) = time(|| Plan::new(checked));
        let (floor, order) = time(|| kahn(definition));
        assert_eq!(plan.graph().len(), order.len());
        Pair { ours, floor }
    })
}

pub(crate) fn kahn(definition: &Definition) -> Vec<u32> {
    let steps = &definition.steps;
    let numbers: HashMap<&str, u32> = (0..)
        .zip(steps)
        .map(|(at, step)| (step.key.as_str(), at))
        .collect();
    let mut waits = vec![0_u32; steps.len()];
    let mut edges = Vec::new();
    let mut starts = vec![0_u32; steps.len() + 1];
    for (at, step) in (0_u32..).zip(steps) {
        for need in &step.dependencies {
            let need = numbers[need.as_str()];
            edges.push((need, at));
            starts[need as usize + 1] += 1;
            waits[at as usize] += 1;
        }
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut place = starts.clone();
    let mut dependents = vec![0_u32; edges.len()];
    for (need, step) in edges {
        dependents[place[need as usize] as usize] = step;
        place[need as usize] += 1;
    }
    let mut order: Vec<u32> = (0..steps.len() as u32)
        .filter(|at| waits[*at as usize] == 0)
        .collect();
    let mut next = 0;
    while let Some(&step) = order.get(next) {
        next += 1;
        let (from, to) = (starts[step as usize], starts[step as usize + 1]);
        for &dependent in &dependents[from as usize..to as usize] {
            waits[dependent as usize] -= 1;
            if waits[dependent as usize] == 0 {
                order.push(dependent);
            }
        }
    }
    order
}
