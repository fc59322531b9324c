//! What a run may use.

mod fan_out;

use std::sync::Arc;
use std::time::Duration;

use super::harness::{Act, Bench, die_after, id, plan};
use crate::clock::Clock;
use crate::engine::{Engine, ResumeOptions, Status};
use crate::lifecycle::State;
use crate::plan::Plan;

fn fan(budget: &str) -> Arc<Plan> {
    let steps: Vec<String> = (0..10).map(|step| format!("s{step}")).collect();
    plan(
        &format!("config: {{ budget: {{ {budget} }} }}"),
        &steps.join("\n"),
    )
}

fn bench(act: &Act) -> Bench {
    let bench = Bench::new();
    for step in 0..10 {
        bench
            .agent
            .on(&format!("s{step}"), std::slice::from_ref(act));
    }
    bench
}

fn resume_with(bench: &Bench, engine: &Engine, change: &str) -> Status {
    let resume = async {
        let mut budget = engine.status(&id()).await.unwrap().budget;
        budget.change(change).unwrap();
        let options = ResumeOptions::default().with_budget(budget);
        let run = engine.resume_with(&id(), options).await.unwrap();
        run.finish().await.unwrap()
    };
    bench.clock.run(resume).unwrap()
}

#[test]
fn a_fan_out_of_ten_under_a_budget_for_four_spends_four() {
    for budget in [
        "tokens: 400",
        "tokens: 400, perAttempt: { tokens: 100 }",
        "cost: 2",
        "cost: 2, perAttempt: { cost: 0.5 }",
        "attempts: 4",
        "tokens: 450, attempts: 9",
    ] {
        let bench = bench(&Act::Use(1, 100));
        let status = bench.run(&fan(budget));
        assert_eq!(status.state(), State::Paused, "{budget}");
        assert_eq!(
            (bench.calls().len(), status.usage().tokens),
            (4, 400),
            "{budget}"
        );
        let reason = status.execution.error.unwrap();
        assert!(
            reason.starts_with("the run's budget is used up: "),
            "{reason}"
        );
    }
}

#[test]
fn a_raised_budget_goes_on_where_the_run_paused() {
    let bench = bench(&Act::Use(1, 100));
    assert_eq!(bench.run(&fan("tokens: 400")).state(), State::Paused);
    let engine = bench.engine();
    // As it is, it is still used up.
    let status = super::harness::resume(&bench, &engine);
    assert_eq!((status.state(), bench.calls().len()), (State::Paused, 4));
    let status = resume_with(&bench, &engine, "tokens=+300");
    assert_eq!((status.state(), bench.calls().len()), (State::Paused, 7));
    assert_eq!(status.budget.tokens, Some(700));
    let status = resume_with(&bench, &engine, "tokens=1000");
    assert_eq!(
        (status.state(), bench.calls().len()),
        (State::Completed, 10)
    );
    assert_eq!(
        (status.usage().tokens, status.execution.error),
        (1000, None)
    );
}

#[test]
fn a_raised_budget_outlives_the_process_that_was_told_of_it() {
    let bench = bench(&Act::Use(1, 100));
    let plan = fan("attempts: 2");
    assert_eq!(bench.run(&plan).state(), State::Paused);
    let mut engine = bench.engine();
    let run = async {
        let mut budget = engine.status(&id()).await.unwrap().budget;
        budget.change("attempts=12").unwrap();
        let options = ResumeOptions::default().with_budget(budget);
        drop(engine.resume_with(&id(), options).await.unwrap());
    };
    bench.clock.run(run).unwrap();
    engine = bench.engine().with_lease(Duration::from_secs(1));
    let status = bench
        .clock
        .run(async {
            bench.clock.sleep(Duration::from_secs(60)).await;
            let run = engine.resume(&id()).await.unwrap();
            run.finish().await.unwrap()
        })
        .unwrap();
    assert_eq!(
        (status.state(), status.budget.attempts),
        (State::Completed, Some(12))
    );
}

#[test]
fn what_was_used_before_a_death_counts() {
    let bench = bench(&Act::Use(1, 100));
    let plan = plan(
        "config: { maxParallel: 2, budget: { tokens: 600, perAttempt: { tokens: 100 } } }",
        &(0..10)
            .map(|step| format!("s{step}"))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    let engine = die_after(&bench, &plan, 2);
    let before = bench.calls().len();
    let status = super::harness::resume(&bench, &engine);
    assert_eq!(
        (status.state(), status.usage().tokens),
        (State::Paused, 600)
    );
    assert!(
        before >= 4 && bench.calls().len() >= 6,
        "{before} {:?}",
        bench.calls()
    );
}

#[test]
fn a_run_out_of_time_pauses_when_its_steps_have_ended() {
    let bench = bench(&Act::Use(4, 1));
    let plan = plan(
        "config: { maxParallel: 1, budget: { wallTime: 10s } }",
        &(0..10)
            .map(|step| format!("s{step}"))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    let status = bench.run(&plan);
    assert_eq!((status.state(), bench.calls().len()), (State::Paused, 3));
    assert_eq!(
        status.execution.error.as_deref(),
        Some(
            "the run's budget is used up: all of its 10s are over; resume it with a larger budget, such as `wallTime=+10s`"
        )
    );
    let status = resume_with(&bench, &bench.engine(), "wallTime=+1m");
    assert_eq!(
        (status.state(), bench.calls().len()),
        (State::Completed, 10)
    );
}

#[test]
fn a_retry_needs_a_budget_as_well() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Fail(1, "no")]);
    let retry = "retryPolicy: { maxAttempts: 9, initialDelay: 1s }";
    let plan = plan(
        "config: { budget: { attempts: 3 } }",
        &format!("a, {retry}"),
    );
    let status = bench.run(&plan);
    assert_eq!((status.state(), bench.calls().len()), (State::Paused, 3));
    assert_eq!(
        status.execution.error.as_deref(),
        Some(
            "the run's budget is used up: all of its 3 attempts are made; resume it with a larger budget, such as `attempts=+1`"
        )
    );
}
