//! Workflows that chance has drawn end as the oracle says, under every fault at every write.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::testing::{Fault, explore};

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// `AX_SIMULATE_SEED` says from which seed on, `AX_SIMULATE_COUNT` how many, `AX_SIMULATE_SECONDS` for how long.
#[test]
#[expect(
    clippy::print_stdout,
    reason = "the seed and the count are what one wants to see"
)]
fn drawn_workflows_end_as_the_oracle_says() {
    let first = variable("AX_SIMULATE_SEED").unwrap_or(1);
    let seconds = variable("AX_SIMULATE_SECONDS").map(Duration::from_secs);
    let count = variable("AX_SIMULATE_COUNT").unwrap_or(match seconds {
        Some(_) => u64::MAX,
        None => 100,
    });
    println!("AX_SIMULATE_SEED={first}");
    let clock = SystemClock::new();
    let (next, runs, found) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let late = seconds.is_some_and(|limit| clock.elapsed() >= limit);
                    if number >= count || late || found.load(Ordering::Relaxed) {
                        break;
                    }
                    if number % 50_000 == 49_999 {
                        let runs = runs.load(Ordering::Relaxed);
                        println!(
                            "{number} workflows, {runs} disturbed runs, {:?}",
                            clock.elapsed()
                        );
                    }
                    match explore([first.wrapping_add(number)], Fault::ALL, |simulation| {
                        simulation
                    }) {
                        Ok(coverage) => runs.fetch_add(coverage.runs, Ordering::Relaxed),
                        Err(example) => {
                            found.store(true, Ordering::Relaxed);
                            panic!("{example}");
                        }
                    };
                }
            });
        }
    });
    let (played, runs) = (next.into_inner().min(count), runs.into_inner());
    println!(
        "{played} workflows, {runs} disturbed runs, {:?}",
        clock.elapsed()
    );
    assert!(runs >= played, "{runs} runs of {played} workflows");
}
