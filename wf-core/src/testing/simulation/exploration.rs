//! Many scenarios, one after the other, and the smallest of those that fail.

use std::fmt;

use super::{Coverage, Scenario, Simulation, Violation};
use crate::testing::Fault;

/// A scenario in which an [`Invariant`](super::Invariant) does not hold.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Counterexample {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// The smallest scenario that was found.
    pub smallest: Scenario,
    /// What does not hold in it.
    pub violation: Violation,
}

/// Plays the [`Scenario`] of each seed undisturbed, and with each of `faults` at every write; what fails is made as small
/// as it goes. `prepare` may put another store or a layer under each simulation.
///
/// # Errors
///
/// The first [`Counterexample`].
///
/// # Examples
///
/// ```
/// use wf_core::testing::{Fault, explore};
///
/// let coverage = explore(0..5, Fault::ALL, |simulation| simulation)?;
/// assert!(coverage.runs > 100);
/// # Ok::<(), Box<wf_core::testing::Counterexample>>(())
/// ```
pub fn explore(
    seeds: impl IntoIterator<Item = u64>,
    faults: &[Fault],
    prepare: impl Fn(Simulation) -> Simulation,
) -> Result<Coverage, Box<Counterexample>> {
    let mut coverage = Coverage { points: 0, runs: 0 };
    for seed in seeds {
        let scenario = Scenario::drawn(seed);
        match scenario.play(faults, &prepare) {
            Ok(played) => {
                coverage.points += played.points;
                coverage.runs += played.runs;
            }
            Err(mut violation) => {
                let smallest = scenario.shrink(|smaller| {
                    let played = smaller.play(faults, &prepare);
                    played.map_err(|found| violation = found).is_err()
                });
                return Err(Box::new(Counterexample {
                    seed,
                    smallest,
                    violation,
                }));
            }
        }
    }
    Ok(coverage)
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.violation)?;
        writeln!(f, "{}", self.smallest)?;
        write!(
            f,
            "to see it again: AX_SIMULATE_SEED={} AX_SIMULATE_COUNT=1 cargo test --package wf-core --features schema --lib drawn_workflows -- --nocapture",
            self.seed
        )
    }
}

impl std::error::Error for Counterexample {}
