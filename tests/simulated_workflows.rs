//! Workflows that are declared in Rust, played by the simulator: their code runs, or is scripted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wf_core::lifecycle::State;
use wf_core::testing::{Act, Fault, Simulation};
use wf_core::value::Json;
use wf_core::workflow;

static COUNTED: AtomicUsize = AtomicUsize::new(0);

fn count(text: &str) -> usize {
    COUNTED.fetch_add(1, Ordering::Relaxed);
    text.lines().count()
}

workflow! {
    workflow Review(diff: String) {
        step lines: usize = count(diff);
        #[retry(attempts = 3)]
        step audit: String = ask expert "Audit these {lines} lines: {diff}";
        step longest: usize = diff.lines().map(str::len).max().unwrap_or(*lines);
    }
}

workflow! {
    workflow Waiting(name: String) {
        step slow: String = {
            futures::future::pending::<()>().await;
            name.clone()
        };
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn review() -> Simulation {
    let diff = "+ a\n+ long".to_owned();
    Simulation::of(Review { diff }, 7).expect("a text is JSON")
}

#[test]
fn code_runs_and_agents_follow_their_script() {
    let audit = [Act::Fail(SECOND), Act::Answer(SECOND, Json::string("fine"))];
    let simulation = review().with_step("audit", &audit);
    let course = simulation.run().unwrap();
    assert_eq!(course.state, State::Completed, "{:?}", course.error);
    assert_eq!(
        course.result.unwrap().as_str(),
        r#"{"audit":"fine","longest":6}"#
    );
    let before = COUNTED.load(Ordering::Relaxed);
    let coverage = simulation.disturb_everywhere(Fault::ALL).unwrap();
    assert_eq!(coverage.runs, coverage.points * Fault::ALL.len() as u64);
    assert!(COUNTED.load(Ordering::Relaxed) > before, "the code has run");
    simulation
        .with_restore()
        .disturb_everywhere(Fault::ALL)
        .unwrap();
}

#[test]
fn a_script_stands_in_for_code() {
    let number = |number: u32| Json::parse(&number.to_string()).unwrap();
    let simulation = review()
        .with_step("lines", &[Act::Answer(SECOND, number(40))])
        .with_step("longest", &[Act::Fail(SECOND)])
        .with_step("audit", &[Act::Digest(SECOND)]);
    let course = simulation.run().unwrap();
    assert_eq!(course.state, State::Failed);
    let error = course.error.unwrap();
    assert!(error.starts_with("step `longest` failed: "), "{error}");
    simulation.disturb_everywhere(Fault::ALL).unwrap();
}

#[test]
fn code_that_waits_for_a_runtime_is_named_with_the_way_out() {
    let waiting = || {
        Simulation::of(
            Waiting {
                name: "x".to_owned(),
            },
            1,
        )
        .unwrap()
    };
    let violation = waiting().run().unwrap_err().to_string();
    assert!(
        violation.contains("has no runtime")
            && violation.contains("`slow`, say what the step does"),
        "{violation}"
    );
    let course = waiting()
        .with_step("slow", &[Act::Digest(SECOND)])
        .run()
        .unwrap();
    assert_eq!(course.state, State::Completed);
}
