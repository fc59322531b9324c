//! A wall clock that jumps: leases may last too long or be taken too early, and nothing is written twice.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, Either};

use super::harness::{Act, Bench, options, plan};
use crate::clock::Clock;
use crate::engine::{Engine, EngineError, Status};
use crate::id::ExecutionId;
use crate::lifecycle::State;
use crate::plan::{Inputs, Plan};

/// An hour, in milliseconds.
const HOUR: i64 = 3_600_000;

fn id() -> ExecutionId {
    ExecutionId::from("run")
}

async fn run(engine: &Engine, plan: &Arc<Plan>) -> Result<Status, EngineError> {
    let run = engine.start(plan, Inputs::new(), options()).await?;
    run.finish().await
}

async fn take_over(engine: &Engine) -> Result<Status, EngineError> {
    engine.resume(&id()).await?.finish().await
}

/// Waits until that many seconds have passed since the bench was made.
async fn second(bench: &Bench, second: u64) {
    let now = bench.clock.elapsed();
    let left = Duration::from_secs(second).saturating_sub(now);
    bench.clock.sleep(left).await;
}

#[test]
fn a_jump_forwards_lets_another_take_over_and_the_former_owner_writes_nothing() {
    let bench = Bench::new();
    let acts = [Act::Answer(9, "first"), Act::Answer(1, "second")];
    bench.agent.on("a", &acts);
    let plan = plan("", "a\nb, dependencies: [a]");
    let (owner, other) = (bench.engine(), bench.engine());
    let jump = async {
        second(&bench, 3).await;
        bench.clock.jump(HOUR);
        take_over(&other).await
    };
    let (lost, status) = bench
        .clock
        .run(future::join(run(&owner, &plan), jump))
        .unwrap();
    assert!(lost.unwrap_err().is_lost());
    let status = status.unwrap();
    assert_eq!(status.state(), State::Completed);
    let result = status.step("a").unwrap().record.result.clone();
    assert_eq!(result.unwrap().as_str(), r#""second""#);
    assert_eq!(bench.calls(), ["a", "a", "b"]);
}

#[test]
fn after_a_jump_forwards_the_next_renewal_keeps_others_away() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(60, "a")]);
    let plan = plan("", "a");
    let (owner, other) = (bench.engine(), bench.engine());
    let jump = async {
        second(&bench, 3).await;
        bench.clock.jump(HOUR);
        second(&bench, 11).await;
        take_over(&other).await.unwrap_err()
    };
    let (status, refused) = bench
        .clock
        .run(future::join(run(&owner, &plan), jump))
        .unwrap();
    assert!(refused.is_held(), "{refused}");
    assert_eq!(status.unwrap().state(), State::Completed);
    assert_eq!(bench.calls(), ["a"]);
}

#[test]
fn a_jump_backwards_gives_a_living_run_to_nobody() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Answer(120, "a")]);
    let plan = plan("", "a");
    let (owner, other) = (bench.engine(), bench.engine());
    let jump = async {
        second(&bench, 3).await;
        bench.clock.jump(-HOUR);
        for at in [4, 15, 45, 100] {
            second(&bench, at).await;
            let refused = take_over(&other).await.unwrap_err();
            assert!(refused.is_held(), "{refused}");
        }
    };
    let (status, ()) = bench
        .clock
        .run(future::join(run(&owner, &plan), jump))
        .unwrap();
    assert_eq!(status.unwrap().state(), State::Completed);
    assert_eq!(bench.calls(), ["a"]);
}

#[test]
fn a_jump_backwards_only_delays_who_takes_a_dead_run_over() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    let plan = plan("", "a");
    let owner = bench.engine();
    let dies = future::select(Box::pin(run(&owner, &plan)), Box::pin(second(&bench, 5)));
    assert!(matches!(bench.clock.run(dies).unwrap(), Either::Right(_)));
    bench.clock.jump(-HOUR);
    let other = bench.engine();
    let early = async {
        second(&bench, 60).await;
        take_over(&other).await
    };
    assert!(bench.clock.run(early).unwrap().unwrap_err().is_held());
    let late = async {
        second(&bench, 3_640).await;
        take_over(&other).await
    };
    let status = bench.clock.run(late).unwrap().unwrap();
    assert_eq!(status.state(), State::Completed);
}

#[test]
fn timeouts_and_backoffs_do_not_feel_a_jump() {
    for jump in [HOUR, -HOUR] {
        let bench = Bench::new();
        let acts = [Act::Fail(3, "no"), Act::Answer(4, "yes")];
        bench.agent.on("a", &acts);
        let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 10s, jitter: false }";
        let plan = plan(
            "config: { timeout: 60s }",
            &format!("a, timeout: 5s, {retry}"),
        );
        let engine = bench.engine();
        let jumps = async {
            for at in [1, 8, 14] {
                second(&bench, at).await;
                bench.clock.jump(jump);
            }
        };
        let (status, ()) = bench
            .clock
            .run(future::join(run(&engine, &plan), jumps))
            .unwrap();
        let status = status.unwrap();
        assert_eq!(status.state(), State::Completed);
        assert_eq!(bench.clock.elapsed(), Duration::from_secs(17));
        assert_eq!(status.execution.driven_millis, 17_000);
    }
}

#[test]
fn what_a_step_takes_does_not_feel_a_jump() {
    for jump in [HOUR, -HOUR] {
        let bench = Bench::new();
        bench
            .agent
            .on("a", &[Act::Fail(3, "no"), Act::Answer(4, "yes")]);
        let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 10s, jitter: false }";
        let plan = plan("", &format!("a, {retry}"));
        let engine = bench.engine();
        let jumps = async {
            for at in [1, 8, 14] {
                second(&bench, at).await;
                bench.clock.jump(jump);
            }
        };
        let (status, ()) = bench
            .clock
            .run(future::join(run(&engine, &plan), jumps))
            .unwrap();
        let status = status.unwrap();
        let record = &status.step("a").unwrap().record;
        assert_eq!(record.taken(), Some(Duration::from_secs(7)));
    }
}
