//! What runs when.

use super::harness::{Act, Bench, plan};
use crate::engine::RunOptions;
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::store::Store;

#[test]
fn a_chain_runs_in_order_and_commits_once_per_step() {
    let bench = Bench::new();
    let status = bench.run(&plan("", "a\nb, dependencies: [a]\nc, dependencies: [b]"));
    assert_eq!(status.state(), State::Completed);
    assert_eq!(bench.calls(), ["a", "b", "c"]);
    assert_eq!(
        bench.log(),
        "StartWorkflow WorkflowParsed ValidationComplete DependencyGraphBuilt StepsScheduled(1) -> executing_steps
StepCompleted(0 completed) CheckpointCreated StepsScheduled(1) -> executing_steps
StepCompleted(1 completed) CheckpointCreated StepsScheduled(1) -> executing_steps
StepCompleted(2 completed) CheckpointCreated AllStepsCompleted ResultsAggregated -> completed
"
    );
}

#[test]
fn a_diamond_runs_its_sides_together() {
    let bench = Bench::new();
    let steps = "top\nleft, dependencies: [top]\nright, dependencies: [top]\nend, dependencies: [left, right]";
    let status = bench.run(&plan("", steps));
    let step = |key: &str| status.step(key).unwrap().record.clone();
    assert_eq!(step("left").started_at, step("right").started_at);
    assert_eq!(step("end").started_at, step("left").completed_at);
    // The two sides end at the same moment and share a commit.
    assert!(bench.log().contains(
        "StepCompleted(1 completed) StepCompleted(2 completed) CheckpointCreated StepsScheduled(1) -> executing_steps"
    ));
    assert_eq!(status.result.unwrap().as_str(), r#"{"end":"done"}"#);
}

#[test]
fn no_more_steps_run_at_once_than_allowed() {
    let bench = Bench::new();
    let steps: Vec<String> = (0..10).map(|step| format!("s{step}")).collect();
    let status = bench.run(&plan("config: { maxParallel: 3 }", &steps.join("\n")));
    let mut starts: Vec<i64> = status
        .steps
        .iter()
        .map(|step| step.record.started_at.unwrap().millis())
        .collect();
    starts.sort_unstable();
    let first = starts[0];
    let seconds: Vec<i64> = starts.iter().map(|start| (start - first) / 1000).collect();
    assert_eq!(seconds, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
}

#[test]
fn the_critical_path_goes_first_then_the_order_of_the_file() {
    let bench = Bench::new();
    let steps = "x\ny\nlong\nlonger, dependencies: [long]\nlongest, dependencies: [longer]";
    bench.run(&plan("config: { maxParallel: 1 }", steps));
    assert_eq!(bench.calls(), ["long", "longer", "x", "y", "longest"]);
}

#[test]
fn nothing_overlaps_a_serial_step() {
    let bench = Bench::new();
    bench.agent.on("slow", &[Act::Answer(5, "slow")]);
    let steps =
        "first\nslow\nalone, parallel: false, dependencies: [first]\nafter, dependencies: [first]";
    let status = bench.run(&plan("", steps));
    let second = |key: &str| {
        let record = &status.step(key).unwrap().record;
        let begin = status.execution.started_at;
        (
            record.started_at.unwrap().since(begin).as_secs(),
            record.completed_at.unwrap().since(begin).as_secs(),
        )
    };
    assert_eq!(second("slow"), (0, 5));
    // Once its turn has come it holds `after` back, and waits for `slow`.
    assert_eq!(second("alone"), (5, 6));
    assert_eq!(second("after"), (6, 7));
}

#[test]
fn a_step_in_backoff_does_not_hold_back_a_serial_one() {
    let bench = Bench::new();
    bench
        .agent
        .on("flaky", &[Act::Fail(1, "no"), Act::Answer(1, "yes")]);
    let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 10s, jitter: false }";
    let steps = format!("flaky, {retry}\nalone, parallel: false");
    let status = bench.run(&plan("", &steps));
    let start = |key: &str| {
        status
            .step(key)
            .unwrap()
            .record
            .started_at
            .unwrap()
            .since(status.execution.started_at)
            .as_secs()
    };
    assert_eq!((start("flaky"), start("alone")), (0, 1));
    assert_eq!(status.state(), State::Completed);
}

#[test]
fn what_took_long_when_the_workflow_ran_last_goes_first() {
    let bench = Bench::new();
    let plan = plan(
        "config: { maxParallel: 1 }",
        "x\nslow\ny\nlong, dependencies: [y]",
    );
    bench
        .agent
        .on("slow", &[Act::Answer(5, "done"), Act::Answer(5, "done")]);
    let order = || {
        bench.agent.calls.lock().unwrap().clear();
        let engine = bench.engine();
        let run = async {
            let run = engine.start(&plan, Inputs::new(), RunOptions::default());
            run.await.unwrap().finish().await.unwrap()
        };
        assert_eq!(bench.clock.run(run).unwrap().state(), State::Completed);
        bench.calls()
    };
    // Nothing is known yet: the longer chain, then the order of the file.
    assert_eq!(order(), ["y", "x", "slow", "long"]);
    assert_eq!(order(), ["slow", "y", "x", "long"]);
}

#[test]
fn a_wide_fan_out_of_instant_steps_takes_few_commits() {
    let bench = Bench::new();
    let mut steps = String::from("top\n");
    for step in 0..1000 {
        steps.push_str(&format!("s{step}, dependencies: [top]\n"));
        bench.agent.on(&format!("s{step}"), &[Act::Instant]);
    }
    let keys: Vec<String> = (0..1000).map(|step| format!("s{step}")).collect();
    steps.push_str(&format!("end, dependencies: [{}]\n", keys.join(", ")));
    let status = bench.run(&plan("config: { maxParallel: 1000 }", &steps));
    assert_eq!(status.state(), State::Completed);
    assert_eq!(bench.calls().len(), 1002);
    // Created, opened, the first step shown and done, the fan in two, the last step shown and done.
    assert!(
        bench.store.commits() == 8,
        "{} commits",
        bench.store.commits()
    );
}

#[test]
fn every_run_leaves_a_checkpoint_of_all_its_steps() {
    let bench = Bench::new();
    let status = bench.run(&plan("", "a\nb"));
    let checkpoints = bench
        .clock
        .run(bench.store.checkpoints(&status.execution.id))
        .unwrap()
        .unwrap();
    assert_eq!(checkpoints.len(), 1);
    assert_eq!(checkpoints[0].completed_steps, [0, 1]);
}

#[test]
fn a_long_chain_leaves_a_bounded_number_of_checkpoints() {
    let bench = Bench::new();
    let mut steps = String::from("s0\n");
    for step in 1..640 {
        steps.push_str(&format!("s{step}, dependencies: [s{}]\n", step - 1));
    }
    let status = bench.run(&plan("", &steps));
    let checkpoints = bench
        .clock
        .run(bench.store.checkpoints(&status.execution.id))
        .unwrap()
        .unwrap();
    assert_eq!(checkpoints.len(), 64);
    assert_eq!(checkpoints[63].completed_steps.len(), 10);
}
