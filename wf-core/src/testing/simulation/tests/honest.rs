//! The engine keeps every invariant.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{diamond, plan};
use crate::lifecycle::State;
use crate::testing::{Act, Fault, Simulation};

/// Plays `simulate` for every seed below `seeds`, on every core, and gives the number of runs.
fn every_seed(seeds: u64, simulate: impl Fn(u64) -> u64 + Sync) -> u64 {
    let (next, runs) = (AtomicU64::new(0), AtomicU64::new(0));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    runs.fetch_add(simulate(seed), Ordering::Relaxed);
                }
            });
        }
    });
    runs.into_inner()
}

fn everywhere(simulation: &Simulation, faults: &[Fault]) -> u64 {
    match simulation.disturb_everywhere(faults) {
        Ok(coverage) => coverage.runs,
        Err(violation) => panic!("{violation}"),
    }
}

#[test]
fn a_thousand_seeds_survive_a_death_at_every_commit() {
    let plan = diamond();
    let runs = every_seed(20, |seed| {
        everywhere(
            &Simulation::new(&plan, seed),
            &[Fault::DeathBefore, Fault::DeathAfter],
        )
    });
    assert!(runs > 500, "{runs} runs");
}
