//! The engine keeps every invariant.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{diamond, plan};
use crate::lifecycle::State;
use crate::plan::Plan;
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
    let runs = every_seed(1000, |seed| {
        everywhere(
            &Simulation::new(&plan, seed),
            &[Fault::DeathBefore, Fault::DeathAfter],
        )
    });
    assert!(runs > 50_000, "{runs} runs");
}

#[test]
fn twenty_seeds_survive_every_fault_at_every_commit() {
    let plan = diamond();
    let runs = every_seed(20, |seed| {
        everywhere(&Simulation::new(&plan, seed), Fault::ALL)
    });
    assert!(runs > 5_000, "{runs} runs");
}

#[test]
fn a_run_that_is_paused_ends_as_one_that_is_not() {
    let plan = diamond();
    every_seed(40, |seed| {
        let simulation = Simulation::new(&plan, seed);
        let pausing = simulation
            .clone()
            .with_pause(Duration::from_millis(20 * seed));
        let (straight, paused) = (simulation.run().unwrap(), pausing.run().unwrap());
        assert_eq!(paused.result, straight.result, "seed {seed}");
        everywhere(&pausing, Fault::ALL)
    });
}

#[test]
fn a_run_that_fails_fails_however_it_is_disturbed() {
    for on_failure in ["fail", "continue"] {
        let plan = plan(&format!("config: {{ onFailure: {on_failure} }}"));
        every_seed(20, |seed| {
            let refuse = [Act::Refuse(Duration::from_millis(50))];
            let simulation = Simulation::new(&plan, seed).with_step("bc", &refuse);
            assert_eq!(simulation.run().unwrap().state, State::Failed);
            everywhere(&simulation, Fault::ALL)
        });
    }
}

#[test]
fn a_run_that_pauses_at_a_failure_goes_on_when_it_is_resumed() {
    let plan = plan("config: { onFailure: pause }");
    every_seed(20, |seed| {
        let acts = [
            Act::Refuse(Duration::from_millis(50)),
            Act::Digest(Duration::from_millis(30)),
        ];
        let simulation = Simulation::new(&plan, seed).with_step("bc", &acts);
        let course = simulation.run().unwrap();
        assert_eq!((course.state, course.engines), (State::Completed, 2));
        everywhere(&simulation, Fault::ALL)
    });
}

#[test]
fn one_step_after_the_other_survives_every_fault() {
    let plan = plan("config: { maxParallel: 1 }");
    every_seed(20, |seed| {
        everywhere(&Simulation::new(&plan, seed), Fault::ALL)
    });
}

#[test]
fn a_cancelled_run_stays_cancelled_however_it_is_disturbed() {
    let plan = diamond();
    every_seed(20, |seed| {
        let after = Duration::from_millis(40 * seed);
        let simulation = Simulation::new(&plan, seed).with_cancellation(after);
        assert_eq!(simulation.run().unwrap().state, State::Cancelled);
        everywhere(&simulation, Fault::ALL)
    });
}

#[test]
fn attempts_that_run_out_of_time_survive_every_fault() {
    let plan = plan("config: { retryPolicy: { maxAttempts: 2 } }");
    let timed = plan
        .definition()
        .to_json()
        .replace(r#""key":"bc""#, r#""key":"bc","timeout":200"#);
    let timed = Plan::from_json("timed.json", &timed).unwrap();
    assert_ne!(timed.hash(), plan.hash());
    every_seed(10, |seed| {
        let acts = [
            Act::Digest(Duration::from_secs(5)),
            Act::Digest(Duration::from_millis(10)),
        ];
        let simulation = Simulation::new(&timed, seed).with_step("bc", &acts);
        assert_eq!(simulation.run().unwrap().state, State::Completed);
        everywhere(&simulation, Fault::ALL)
    });
}

#[test]
fn a_run_that_is_out_of_time_fails_however_it_is_disturbed() {
    let plan = plan("config: { timeout: 2s }");
    every_seed(10, |seed| {
        let acts = [Act::Digest(Duration::from_secs(60))];
        let simulation = Simulation::new(&plan, seed).with_step("bc", &acts);
        assert_eq!(simulation.run().unwrap().state, State::Failed);
        everywhere(&simulation, Fault::ALL)
    });
}

#[test]
fn a_step_that_runs_alone_survives_every_fault() {
    let definition = diamond().definition().to_json();
    let alone = definition.replace(r#""key":"bc""#, r#""key":"bc","parallel":false"#);
    let plan = Plan::from_json("alone.json", &alone).unwrap();
    assert!(plan.steps().iter().any(|step| !step.parallel));
    every_seed(10, |seed| {
        everywhere(&Simulation::new(&plan, seed), Fault::ALL)
    });
}

#[test]
fn a_restored_run_survives_every_fault_at_every_write() {
    let plan = diamond();
    every_seed(40, |seed| {
        let simulation = Simulation::new(&plan, seed).with_restore();
        let (whole, restored) = (
            Simulation::new(&plan, seed).run().unwrap(),
            simulation.run().unwrap(),
        );
        assert_eq!(restored.result, whole.result, "seed {seed}");
        everywhere(&simulation, Fault::ALL)
    });
}

#[test]
fn a_restored_run_that_is_paused_survives_every_fault() {
    let plan = diamond();
    every_seed(20, |seed| {
        let after = Duration::from_millis(10 * seed);
        let simulation = Simulation::new(&plan, seed).with_restore();
        let pausing = simulation.clone().with_pause(after);
        assert_eq!(
            pausing.run().unwrap().result,
            simulation.run().unwrap().result
        );
        everywhere(&pausing, Fault::ALL)
    });
}

#[test]
fn a_lost_answer_interrupts_no_engine() {
    let plan = diamond();
    let runs = every_seed(20, |seed| {
        let simulation = Simulation::new(&plan, seed);
        let cancelled = simulation
            .clone()
            .with_cancellation(Duration::from_millis(40 * seed));
        let mut runs = 0;
        for simulation in [simulation.clone().with_restore(), cancelled, simulation] {
            for write in 1..=simulation.run().unwrap().writes {
                let course = simulation.disturb(write, Fault::LostAnswer).unwrap();
                assert_eq!(course.engines, 1, "seed {seed}, write {write}");
                runs += 1;
            }
        }
        runs
    });
    assert!(runs > 1_000, "{runs} runs");
}

#[test]
fn who_is_woken_may_take_up_what_has_been_paused_meanwhile() {
    // The run pauses at a failure, and an engine that had been stopped resumes it: its calls count, and what its
    // predecessor hears of late was so.
    let step = "{ key: s0, agent: worker, prompt: p, OPTIONALretryPolicy: { maxAttempts: 1, initialDelay: 10ms } }";
    for optional in ["", "optional: true, "] {
        let step = step.replace("OPTIONAL", optional);
        let text = format!("name: w\nconfig: {{ onFailure: pause }}\nsteps: [ {step} ]\n");
        let plan = Plan::from_yaml("w.yaml", &text).unwrap();
        every_seed(20, |seed| {
            let acts = [Act::Fail(Duration::from_millis(10 * (seed % 2)))];
            let simulation = Simulation::new(&plan, seed).with_step("s0", &acts);
            let pausing = simulation
                .clone()
                .with_pause(Duration::from_millis(seed % 20));
            let faults = [Fault::Stall, Fault::Busy];
            everywhere(&simulation, &faults)
                + everywhere(&pausing, &faults)
                + everywhere(&pausing.with_restore(), &faults)
        });
    }
}
