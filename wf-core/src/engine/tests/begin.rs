//! When an attempt has begun: not while it waits for its turn.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::harness::{Act, Bench, id, options, plan};
use crate::clock::Clock;
use crate::engine::{Engine, Notice};
use crate::plan::Inputs;
use crate::step::StepState;
use crate::store::Store;

/// An engine that notes which attempts have started, and after how many seconds.
fn engine(bench: &Bench) -> (Engine, Arc<Mutex<Vec<String>>>) {
    let started = Arc::<Mutex<Vec<String>>>::default();
    let (told, clock) = (Arc::clone(&started), bench.clock.clone());
    let engine = bench.engine().with_observer(move |notice| {
        if let Notice::AttemptStarted { step, attempt, .. } = notice {
            let seconds = clock.elapsed().as_secs();
            told.lock()
                .unwrap()
                .push(format!("{seconds} {step}/{attempt}"));
        }
    });
    (engine, started)
}

#[test]
fn an_attempt_starts_when_its_turn_has_come() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Queue(5, 2), Act::Queue(3, 1)]);
    bench.agent.on("b", &[Act::Fail(1, "no"), Act::Queue(4, 1)]);
    bench.agent.on("c", &[Act::Queue(7, 0)]);
    let (engine, started) = engine(&bench);
    let retry = "retryPolicy: { maxAttempts: 2, initialDelay: 1s, jitter: false }";
    let plan = plan("", &format!("a\nb, {retry}\nc"));
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options()).await.unwrap();
        run.finish().await.unwrap()
    };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(
        *started.lock().unwrap(),
        ["0 b/1", "5 a/1", "6 b/2", "7 c/1"]
    );
    let record = &status.step("a").unwrap().record;
    assert_eq!(record.taken(), Some(Duration::from_secs(2)));
    assert_eq!(record.started_at, Some(record.attempts[0].started_at));
    let record = &status.step("b").unwrap().record;
    assert_eq!(record.started_at, Some(record.attempts[0].started_at));
    let retried = &record.attempts[1];
    let taken = retried.ended_at.unwrap().since(retried.started_at);
    assert_eq!(taken, Duration::from_secs(1));
    let record = &status.step("c").unwrap().record;
    assert_eq!(record.taken(), Some(Duration::ZERO));
}

#[test]
fn a_step_that_waits_for_its_turn_is_not_shown_as_running() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Queue(5, 5)]);
    bench
        .agent
        .on("b", &[Act::Answer(1, "x"), Act::Answer(1, "x")]);
    let (engine, _) = engine(&bench);
    let plan = plan("", "a\nb");
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options()).await.unwrap();
        run.finish().await.unwrap()
    };
    let state_at = async |seconds: u64| {
        bench.clock.sleep(Duration::from_secs(seconds)).await;
        let loaded = bench.store.load(&id()).await.unwrap().unwrap();
        let row = loaded.steps.into_iter().find(|(step, _)| *step == 0);
        row.map(|(_, record)| record.state)
    };
    let looks = async { (state_at(3).await, state_at(5).await) };
    let (_, looks) = bench.clock.run(futures::future::join(run, looks)).unwrap();
    assert_eq!(looks, (None, Some(StepState::Running)));
}
