//! Checkpoints: what they cover, and what an execution that is restored from one runs.

use std::time::Duration;

use super::harness::{Act, Bench, die_after, id, options, plan, resume};
use crate::clock::Clock;
use crate::engine::{Checkpoint, EngineError, RETENTION, RunOptions, Status};
use crate::id::{CheckpointId, ExecutionId};
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::step::StepState;

const CHAIN: &str = "a
    b, dependencies: [a]
    c, dependencies: [b]
    d, dependencies: [c]
    e, dependencies: [d]";

fn checkpoints(bench: &Bench, id: &ExecutionId) -> Vec<Checkpoint> {
    let engine = bench.engine();
    bench.clock.run(engine.checkpoints(id)).unwrap().unwrap()
}

fn covered(checkpoint: &Checkpoint) -> Vec<&str> {
    checkpoint.completed_steps().collect()
}

fn try_restore(
    bench: &Bench,
    checkpoint: &CheckpointId,
    options: RunOptions,
) -> Result<Status, EngineError> {
    let engine = bench.engine();
    let run = async { engine.restore(checkpoint, options).await?.finish().await };
    bench.clock.run(run).unwrap()
}

fn restore(bench: &Bench, checkpoint: &CheckpointId) -> Status {
    try_restore(bench, checkpoint, RunOptions::default()).unwrap()
}

#[test]
fn restoring_the_third_checkpoint_of_a_finished_run_runs_exactly_the_steps_after_it() {
    let bench = Bench::new();
    bench.agent.on("e", &[Act::Answer(1, "$PROMPT")]);
    let plan = plan("", &CHAIN.replace("[d]", "[d], prompt: 'after {{d}}'"));
    let finished = bench.run(&plan);
    let listed = checkpoints(&bench, &id());
    assert_eq!(listed.len(), 5);
    let third = &listed[2];
    assert_eq!(covered(third), ["a", "b", "c"]);
    let status = restore(&bench, third.id());
    assert_eq!(bench.calls(), ["a", "b", "c", "d", "e", "d", "e"]);
    assert_eq!(status.state(), State::Completed);
    assert_eq!(status.result, finished.result);
    assert_eq!(status.execution.restored_from.as_ref(), Some(third.id()));
    assert_eq!(status.steps[..3], finished.steps[..3]);
    assert_ne!(status.execution.id, id());
    let engine = bench.engine();
    assert_eq!(
        bench.clock.run(engine.status(&id())).unwrap().unwrap(),
        finished
    );
    let own = checkpoints(&bench, &status.execution.id);
    assert_eq!(own.len(), 3);
    assert_eq!(covered(&own[2]), ["a", "b", "c"]);
    assert_eq!(covered(&own[1]), ["a", "b", "c", "d"]);
}

#[test]
fn restoring_the_end_of_a_completed_run_completes_without_running_anything() {
    let bench = Bench::new();
    let finished = bench.run(&plan("", CHAIN));
    let last = checkpoints(&bench, &id()).remove(0);
    let status = restore(&bench, last.id());
    assert_eq!(
        (status.state(), status.result),
        (State::Completed, finished.result)
    );
    assert_eq!(bench.calls().len(), 5);
}

#[test]
fn a_failed_run_is_restored_without_its_failures() {
    let bench = Bench::new();
    bench
        .agent
        .on("b", &[Act::Refuse(1, "no"), Act::Answer(1, "mended")]);
    bench.agent.on("d", &[Act::Refuse(1, "never mind")]);
    let plan = plan(
        "config: { onFailure: continue }",
        "a
        b, dependencies: [a]
        c, dependencies: [b]
        d, dependencies: [a], optional: true
        e, dependencies: [d]",
    );
    let failed = bench.run(&plan);
    assert_eq!(failed.state(), State::Failed);
    assert_eq!(failed.step("c").unwrap().state, StepState::Skipped);
    let last = checkpoints(&bench, &id()).remove(0);
    assert_eq!(covered(&last), ["a", "d", "e"]);
    bench.agent.on("b", &[Act::Answer(1, "mended")]);
    bench.agent.on("d", &[Act::Panic]);
    let status = restore(&bench, last.id());
    assert_eq!(status.state(), State::Completed);
    assert_eq!(bench.calls(), ["a", "b", "d", "e", "b", "c"]);
    assert_eq!(status.execution.error, None);
    assert_eq!(status.step("d").unwrap().state, StepState::Failed);
    assert_eq!(status.step("b").unwrap().record.attempts.len(), 1);
}

#[test]
fn a_cancelled_run_is_restored_from_before_its_end() {
    let bench = Bench::new();
    bench.agent.on("b", &[Act::Hang]);
    let engine = die_after(&bench, &plan("", CHAIN), 5);
    bench.clock.run(engine.cancel(&id())).unwrap().unwrap();
    bench.agent.on("b", &[Act::Answer(1, "b")]);
    let last = checkpoints(&bench, &id()).remove(0);
    assert_eq!(restore(&bench, last.id()).state(), State::Completed);
    assert_eq!(bench.calls(), ["a", "b", "b", "c", "d", "e"]);
}

#[test]
fn a_restored_execution_has_the_identifier_and_the_origin_that_it_is_given() {
    let bench = Bench::new();
    let mut first = options();
    first.origin.agents_file = Some("agents.yaml".to_owned());
    first.origin.directory = Some("/here".to_owned());
    let engine = bench.engine();
    let plan = plan("", CHAIN);
    let run = async { engine.start(&plan, [].into(), first).await?.finish().await };
    bench.clock.run(run).unwrap().unwrap();
    let last = checkpoints(&bench, &id()).remove(0);
    let mut second = RunOptions {
        id: Some("second".into()),
        ..RunOptions::default()
    };
    second.origin.agents_file = Some("others.yaml".to_owned());
    let status = try_restore(&bench, last.id(), second.clone()).unwrap();
    assert_eq!(status.execution.id, "second".into());
    let origin = &status.execution.origin;
    assert_eq!(origin.agents_file.as_deref(), Some("others.yaml"));
    assert_eq!(origin.directory.as_deref(), Some("/here"));
    let taken = try_restore(&bench, last.id(), second).unwrap_err();
    assert!(taken.is_exists(), "{taken}");
}

#[test]
fn what_cannot_be_restored_here_leaves_no_execution() {
    let bench = Bench::new();
    bench.run(&plan("", "a"));
    let last = checkpoints(&bench, &id()).remove(0);
    let error = try_restore(&bench, &"none".into(), RunOptions::default()).unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "there is no checkpoint `none`");
    let stranger = crate::engine::Engine::new(bench.store.clone(), crate::agent::Agents::new());
    let refused = bench
        .clock
        .run(stranger.restore(last.id(), RunOptions::default()))
        .unwrap();
    assert!(refused.unwrap_err().is_agent());
    let all = bench.clock.run(stranger.store().executions()).unwrap();
    assert_eq!(all.unwrap().len(), 1);
}

#[test]
fn a_checkpoint_by_hand_covers_what_is_done_and_disturbs_nobody() {
    let bench = Bench::new();
    bench.agent.on("c", &[Act::Hang]);
    let engine = die_after(&bench, &plan("", CHAIN), 5);
    let by_hand = bench.clock.run(engine.checkpoint(&id())).unwrap().unwrap();
    bench.agent.on("c", &[Act::Answer(1, "c")]);
    assert_eq!(resume(&bench, &engine).state(), State::Completed);
    let listed = checkpoints(&bench, &id());
    let made = listed.iter().find(|one| *one.id() == by_hand).unwrap();
    assert_eq!(covered(made), ["a", "b"]);
    restore(&bench, &by_hand);
    assert_eq!(bench.calls()[6..], ["c", "d", "e"]);

    let error = bench.clock.run(engine.checkpoint(&id())).unwrap();
    let error = error.unwrap_err();
    assert!(error.is_illegal());
    assert_eq!(
        error.to_string(),
        "execution `run` is `completed`, which is final: it cannot be given another checkpoint"
    );
    let unknown = bench.clock.run(engine.checkpoint(&"other".into())).unwrap();
    assert!(unknown.unwrap_err().is_not_found());
}

#[test]
fn a_step_that_runs_again_after_a_checkpoint_is_never_covered_by_it() {
    let bench = Bench::new();
    bench
        .agent
        .on("b", &[Act::Refuse(1, "no"), Act::Hang, Act::Answer(1, "b")]);
    let plan = plan("config: { onFailure: pause }", "a\nb, dependencies: [a]");
    assert_eq!(bench.run(&plan).state(), State::Paused);
    let parked = checkpoints(&bench, &id()).remove(0);
    assert_eq!(covered(&parked), ["a"]);
    // The failed step is put back, which is committed, and then its driver dies.
    let engine = bench.engine();
    let run = async { engine.resume(&id()).await.unwrap().finish().await };
    let death = bench.clock.sleep(Duration::from_secs(5));
    let _ = bench
        .clock
        .run(futures::future::select(Box::pin(run), death))
        .unwrap();
    assert_eq!(resume(&bench, &engine).state(), State::Completed);
    let still = checkpoints(&bench, &id());
    let still = still.iter().find(|one| one.id() == parked.id()).unwrap();
    assert_eq!(covered(still), ["a"]);
    restore(&bench, parked.id());
    assert_eq!(bench.calls(), ["a", "b", "b", "b", "b"]);
}

#[test]
fn old_checkpoints_are_pruned_and_a_run_that_is_not_over_keeps_its_newest() {
    let bench = Bench::new();
    bench
        .agent
        .on("e", &[Act::Refuse(1, "no"), Act::Answer(1, "e")]);
    let plan = plan("config: { onFailure: pause }", CHAIN);
    bench.run(&plan);
    let engine = bench.engine();
    let prune = || bench.clock.run(engine.prune(RETENTION)).unwrap().unwrap();
    assert_eq!(prune(), 0);
    bench
        .clock
        .run(bench.clock.sleep(RETENTION + Duration::from_secs(10)))
        .unwrap();
    let newest = checkpoints(&bench, &id()).remove(0);
    assert_eq!(prune(), 4);
    let left = checkpoints(&bench, &id());
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id(), newest.id());
    assert_eq!(resume(&bench, &engine).state(), State::Completed);
    assert_eq!(prune(), 1);
}

#[test]
fn a_checkpoint_is_deleted_once() {
    let bench = Bench::new();
    bench.run(&plan("", "a"));
    let last = checkpoints(&bench, &id()).remove(0);
    let engine = bench.engine();
    let delete = || {
        bench
            .clock
            .run(engine.delete_checkpoint(last.id()))
            .unwrap()
    };
    delete().unwrap();
    assert!(delete().unwrap_err().is_not_found());
    assert!(checkpoints(&bench, &id()).is_empty());
    let unknown = bench
        .clock
        .run(engine.checkpoints(&"other".into()))
        .unwrap();
    assert!(unknown.unwrap_err().is_not_found());
}

#[test]
fn a_wide_run_has_checkpoints_on_the_way_and_is_restored_after_a_cancel() {
    let bench = Bench::new();
    let steps: Vec<String> = (0..500).map(|step| format!("s{step}")).collect();
    let plan = plan("config: { maxParallel: 4 }", &steps.join("\n"));
    let engine = bench.engine();
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options()).await.unwrap();
        let cancel = async {
            bench.clock.sleep(Duration::from_millis(60_500)).await;
            engine.cancel(&id()).await.unwrap();
        };
        futures::join!(run.finish(), cancel).0.unwrap()
    };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(status.state(), State::Cancelled);
    let done = |status: &Status| {
        let steps = status.steps.iter();
        steps
            .filter(|step| step.state == StepState::Completed)
            .count()
    };
    assert_eq!(done(&status), 240);
    let listed = checkpoints(&bench, &id());
    // About 64 over 500 steps, so 30 by now, and none of them further apart than eight steps and a wave.
    assert!((25..=35).contains(&listed.len()), "{}", listed.len());
    assert!(covered(&listed[0]).len() >= 240 - 12);
    let restored = restore(&bench, listed[0].id());
    assert_eq!((restored.state(), done(&restored)), (State::Completed, 500));
}
