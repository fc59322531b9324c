//! How long a run takes on so many workers, in virtual time, beside what no order of starts could beat: the longest
//! chain, or all the work shared by all workers, whichever is longer.
//!
//! The graphs have the shapes of scientific workflows that WfCommons models (Coleman et al., "WfCommons: A framework for
//! enabling scientific workflow research and development", 2022; Juve et al., "Characterizing and profiling scientific
//! workflows", 2013): Montage, Epigenomics, 1000Genome, BLAST. Durations are drawn from log-normal distributions, as
//! there; their parameters are ours, and they are the same in every run of this program.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use wf_core::plan::Plan;
use wf_core::scheduler::Scheduler;
use wf_core::step::Outcome;

use crate::measure::Report;
use crate::workloads::{Chance, Shape};

/// How many workers there are.
const WORKERS: [usize; 3] = [4, 16, 64];

pub(crate) fn measure(report: &mut Report) {
    for workflow in [
        montage(100),
        epigenomics(4, 40),
        genomes(10, 25, 7),
        blast(200),
    ] {
        for workers in WORKERS {
            let steps = workflow.shape.steps();
            let what = format!("{}, {steps} steps, {workers} workers", workflow.shape.name);
            if !report.wants(&what) {
                continue;
            }
            let bound = workflow.bound(workers);
            let over = |makespan: f64| makespan / bound;
            let shown = format!(
                "{:.3} × the bound; with the durations of an earlier run {:.3}; in file order as they become ready {:.3}; \
                 with the durations of this run known {:.3}",
                over(workflow.scheduled(workers, &[])),
                over(workflow.scheduled(workers, &workflow.earlier())),
                over(workflow.listed(workers, Priority::File)),
                over(workflow.listed(workers, Priority::Chain(&workflow.durations))),
            );
            report.line(&what, &shown, None);
        }
    }
}

/// A graph and how long each of its steps takes, in seconds.
struct Workflow {
    shape: Shape,
    durations: Vec<f64>,
}

/// Which of the ready steps starts first.
enum Priority<'a> {
    /// The one that became ready first.
    File,
    /// The one with the longest chain behind it, by what each of its steps takes: as recorded, or as guessed.
    Chain(&'a [f64]),
}

impl Workflow {
    /// The longest chain, or all work shared by all workers.
    fn bound(&self, workers: usize) -> f64 {
        let chain = self.chains(&self.durations).into_iter().fold(0.0, f64::max);
        let work: f64 = self.durations.iter().sum();
        chain.max(work / workers as f64)
    }

    /// For each step, what it and the longest chain behind it take.
    fn chains(&self, durations: &[f64]) -> Vec<f64> {
        let mut chains = durations.to_vec();
        let mut behind = vec![0.0_f64; durations.len()];
        // A step stands after all that it needs.
        for step in (0..durations.len()).rev() {
            chains[step] += behind[step];
            for &need in &self.shape.needs[step] {
                behind[need] = behind[need].max(chains[step]);
            }
        }
        chains
    }

    /// How long the steps took in another run: each up to a fifth more or less than in this one.
    fn earlier(&self) -> Vec<(u32, Duration)> {
        let mut chance = Chance::new(5);
        let durations = (0_u32..).zip(&self.durations);
        durations
            .map(|(step, &seconds)| {
                let drift = 0.8 + 0.4 * chance.below(1_000) as f64 / 1_000.0;
                (step, Duration::from_secs_f64(seconds * drift))
            })
            .collect()
    }

    /// With the engine's scheduler, which knows so much of how long steps take.
    fn scheduled(&self, workers: usize, known: &[(u32, Duration)]) -> f64 {
        let config = format!(r#""config":{{"maxParallel":{workers}}},"steps":["#);
        let text = self.shape.json().replacen(r#""steps":["#, &config, 1);
        let plan =
            Plan::from_json("makespan.json", &text).unwrap_or_else(|report| panic!("{report}"));
        let mut scheduler = Scheduler::new(Arc::clone(&plan));
        scheduler.expect(known);
        scheduler.release();
        let mut underway = BinaryHeap::new();
        let mut now = 0.0;
        loop {
            while let Some(step) = scheduler.start_next() {
                underway.push(Reverse(End(
                    now + self.durations[step as usize],
                    step as usize,
                )));
            }
            let Some(Reverse(End(at, step))) = underway.pop() else {
                assert!(scheduler.is_done());
                return now;
            };
            now = at;
            scheduler.vacate(step as u32, true);
            scheduler.settle(step as u32, Outcome::Succeeded);
            scheduler.release();
        }
    }

    /// With a list of the ready steps in that order, and whatever is first in it started next.
    fn listed(&self, workers: usize, priority: Priority<'_>) -> f64 {
        let steps = self.shape.steps();
        let chains = match priority {
            Priority::File => None,
            Priority::Chain(durations) => Some(self.chains(durations)),
        };
        let mut waits: Vec<usize> = self.shape.needs.iter().map(Vec::len).collect();
        let mut dependents = vec![Vec::new(); steps];
        for (step, needs) in self.shape.needs.iter().enumerate() {
            needs.iter().for_each(|&need| dependents[need].push(step));
        }
        let mut arrived = 0_usize;
        let mut ready = BinaryHeap::new();
        let mut queue = |step: usize, ready: &mut BinaryHeap<_>| {
            arrived += 1;
            let rank = chains
                .as_ref()
                .map_or(-(arrived as f64), |chains| chains[step]);
            ready.push(End(rank, step));
        };
        (0..steps)
            .filter(|&step| waits[step] == 0)
            .for_each(|step| queue(step, &mut ready));
        let mut underway = BinaryHeap::new();
        let mut now = 0.0;
        loop {
            while underway.len() < workers
                && let Some(End(_, step)) = ready.pop()
            {
                underway.push(Reverse(End(now + self.durations[step], step)));
            }
            let Some(Reverse(End(at, step))) = underway.pop() else {
                return now;
            };
            now = at;
            for &next in &dependents[step] {
                waits[next] -= 1;
                if waits[next] == 0 {
                    queue(next, &mut ready);
                }
            }
        }
    }
}

/// A step and a number that orders it.
#[derive(PartialEq)]
struct End(f64, usize);

impl Eq for End {}

impl Ord for End {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Puts a workflow together, step by step.
struct Builder {
    workflow: Workflow,
    chance: Chance,
}

impl Builder {
    const fn new(name: &'static str) -> Self {
        let shape = Shape {
            name,
            needs: Vec::new(),
        };
        Builder {
            workflow: Workflow {
                shape,
                durations: Vec::new(),
            },
            chance: Chance::new(11),
        }
    }

    /// Adds a step whose duration has that median in seconds, and that spread of its logarithm.
    fn step(&mut self, median: f64, spread: f64, mut needs: Vec<usize>) -> usize {
        needs.sort_unstable();
        needs.dedup();
        // Box and Muller, "A note on the generation of random normal deviates", 1958.
        let uniform =
            |chance: &mut Chance| (chance.below(1 << 24) as f64 + 0.5) / f64::from(1 << 24);
        let (radius, angle) = (uniform(&mut self.chance), uniform(&mut self.chance));
        let normal = (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos();
        self.workflow
            .durations
            .push(median * (spread * normal).exp());
        self.workflow.shape.needs.push(needs);
        self.workflow.shape.needs.len() - 1
    }

    fn steps(&mut self, count: usize, median: f64, spread: f64, needs: &[usize]) -> Vec<usize> {
        (0..count)
            .map(|_| self.step(median, spread, needs.to_vec()))
            .collect()
    }
}

/// A mosaic of so many images: each projected, neighbours compared, one model of the background for all.
fn montage(images: usize) -> Workflow {
    let mut b = Builder::new("Montage");
    let projected = b.steps(images, 14.0, 0.3, &[]);
    let mut compared = Vec::new();
    for at in 0..images {
        for neighbour in [1, 2, 10] {
            if at + neighbour < images {
                compared.push(b.step(1.0, 0.6, vec![projected[at], projected[at + neighbour]]));
            }
        }
    }
    let fitted = b.step(20.0, 0.4, compared);
    let model = b.step(45.0, 0.4, vec![fitted]);
    let corrected: Vec<usize> = projected
        .iter()
        .map(|&image| b.step(1.5, 0.5, vec![image, model]))
        .collect();
    let table = b.step(8.0, 0.3, corrected.clone());
    let added = b.step(60.0, 0.4, [corrected, vec![table]].concat());
    b.step(15.0, 0.3, vec![added]);
    b.workflow
}

/// So many lanes, each split into parts that go through four programs and are merged.
fn epigenomics(lanes: usize, parts: usize) -> Workflow {
    let mut b = Builder::new("Epigenomics");
    let mut merged = Vec::new();
    for _ in 0..lanes {
        let split = b.step(35.0, 0.5, Vec::new());
        let mut mapped = Vec::new();
        for _ in 0..parts {
            let filtered = b.step(2.5, 0.8, vec![split]);
            let converted = b.step(0.5, 0.5, vec![filtered]);
            let packed = b.step(1.5, 0.5, vec![converted]);
            mapped.push(b.step(200.0, 0.7, vec![packed]));
        }
        merged.push(b.step(11.0, 0.5, mapped));
    }
    let all = b.step(50.0, 0.3, merged);
    let index = b.step(45.0, 0.3, vec![all]);
    b.step(55.0, 0.3, vec![index]);
    b.workflow
}

/// So many chromosomes, each read in parts and sifted, then compared for every population.
fn genomes(chromosomes: usize, parts: usize, populations: usize) -> Workflow {
    let mut b = Builder::new("1000Genome");
    for _ in 0..chromosomes {
        let read = b.steps(parts, 90.0, 0.4, &[]);
        let merged = b.step(35.0, 0.5, read);
        let sifted = b.step(12.0, 0.8, Vec::new());
        b.steps(populations, 40.0, 0.5, &[merged, sifted]);
        b.steps(populations, 110.0, 0.6, &[merged, sifted]);
    }
    b.workflow
}

/// A list of sequences split into so many parts, each searched for, and what was found put together.
fn blast(parts: usize) -> Workflow {
    let mut b = Builder::new("BLAST");
    let split = b.step(2.0, 0.3, Vec::new());
    let found = b.steps(parts, 120.0, 0.9, &[split]);
    let joined = b.step(3.0, 0.3, found.clone());
    b.step(3.0, 0.3, [found, vec![joined]].concat());
    b.workflow
}
