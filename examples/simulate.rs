//! A test of a workflow of one's own: it is killed wherever it can be killed, on virtual time. Run it with
//! `cargo run --example simulate`; in a program of yours this is the body of a test.

use std::time::Duration;

use wf_core::lifecycle::State;
use wf_core::testing::{Act, Fault, Simulation};
use wf_core::value::Json;
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step lines: usize = diff.lines().count();
        #[retry(attempts = 3)]
        step audit: String = ask expert "Audit these {lines} lines: {diff}";
        step report: String = ask expert "Summarise: {audit}";
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let minute = Duration::from_secs(60);
    let diff = include_str!("change.diff").to_owned();
    // The expert is down for a minute, and then takes one; `lines` is code, and runs as it is.
    let review = Simulation::of(Review { diff }, 1)?.with_step(
        "audit",
        &[Act::Fail(minute), Act::Answer(minute, Json::string("fine"))],
    );
    let undisturbed = review.run()?;
    assert_eq!(
        undisturbed.state,
        State::Completed,
        "{:?}",
        undisturbed.error
    );
    // With every fault at every write, the run ends as the undisturbed one did, and nothing committed is done again.
    let coverage = review.disturb_everywhere(Fault::ALL)?;
    println!(
        "{} runs, disturbed at each of {} writes, all ended as they should",
        coverage.runs, coverage.points
    );
    Ok(())
}
