//! A host that starts drives on what others have left.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future;

use super::harness::{Act, Bench, die_after, id, plan, resume};
use crate::agent::Agents;
use crate::clock::Clock;
use crate::engine::{Engine, Notice, RunOptions, Status};
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::store::Store;

/// An engine that knows everybody else to be gone.
fn survivor(bench: &Bench) -> Engine {
    bench.engine().with_owner("survivor".into(), |_| true)
}

fn recover(bench: &Bench, engine: &Engine) -> Vec<Status> {
    let recovered = async {
        let runs = engine.recover().await.unwrap();
        future::try_join_all(runs.into_iter().map(|run| run.finish())).await
    };
    bench.clock.run(recovered).unwrap().unwrap()
}

#[test]
fn what_is_orphaned_is_driven_on() {
    let bench = Bench::new();
    bench.agent.on("b", &[Act::Hang, Act::Answer(1, "b")]);
    die_after(&bench, &plan("", "a\nb, dependencies: [a]"), 5);
    let recovered = recover(&bench, &survivor(&bench));
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0].state(), State::Completed);
    assert_eq!(bench.calls(), ["a", "b", "b"]);
    assert_eq!(recover(&bench, &survivor(&bench)), []);
}

#[test]
fn a_step_takes_as_long_as_its_attempts_and_not_as_long_as_nobody_drove_them() {
    const DAY: Duration = Duration::from_secs(86_400);
    let bench = Bench::new();
    let retried =
        "a, retryPolicy: { maxAttempts: 2, initialDelay: 1h, maxDelay: 1h, jitter: false }";
    bench
        .agent
        .on("a", &[Act::Fail(3, "no"), Act::Answer(4, "a")]);
    bench.agent.on("b", &[Act::Hang, Act::Answer(2, "b")]);
    die_after(&bench, &plan("", &format!("{retried}\nb")), 10);
    bench.clock.run(bench.clock.sleep(DAY)).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let engine = survivor(&bench).with_observer(move |notice| {
        if let Notice::StepEnded { step, duration, .. } = notice {
            let duration = duration.unwrap_or_default().as_secs();
            heard.lock().unwrap().push(((*step).to_owned(), duration));
        }
    });
    let recovered = recover(&bench, &engine);
    assert_eq!(recovered[0].state(), State::Completed);
    let taken = |step: &str| {
        let step = recovered[0].step(step).unwrap();
        let record = &step.record;
        assert!(
            record
                .completed_at
                .unwrap()
                .since(record.started_at.unwrap())
                >= DAY
        );
        step.duration().unwrap().as_secs()
    };
    // The waits between attempts are not in it, nor the attempt that was lost.
    assert_eq!((taken("a"), taken("b")), (7, 2));
    told.lock().unwrap().sort();
    assert_eq!(
        *told.lock().unwrap(),
        [("a".to_owned(), 7), ("b".to_owned(), 2)]
    );
}

#[test]
fn what_another_may_still_drive_is_left_alone_until_its_lease_ends() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a"), 5);
    let engine = bench.engine();
    assert_eq!(recover(&bench, &engine), []);
    bench
        .clock
        .run(bench.clock.sleep(Duration::from_secs(30)))
        .unwrap();
    assert_eq!(recover(&bench, &engine).len(), 1);
}

#[test]
fn what_was_to_be_paused_is_paused() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a"), 5);
    // The request comes when nobody is there any more to take note of it.
    bench
        .clock
        .run(bench.store.request_pause(&id()))
        .unwrap()
        .unwrap();
    let engine = survivor(&bench);
    let recovered = recover(&bench, &engine);
    assert_eq!(recovered[0].state(), State::Paused);
    assert_eq!(bench.calls(), ["a"]);
    assert_eq!(recover(&bench, &engine), []);
    let refused = bench.clock.run(engine.take_over(&id())).unwrap();
    let refused = refused.unwrap_err();
    assert!(refused.is_illegal());
    assert_eq!(
        refused.to_string(),
        "execution `run` is `paused`; resume it to go on with it"
    );
    assert_eq!(resume(&bench, &engine).state(), State::Completed);
}

#[test]
fn a_request_to_pause_outlives_whoever_takes_over_and_dies_as_well() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a"), 5);
    bench
        .clock
        .run(bench.store.request_pause(&id()))
        .unwrap()
        .unwrap();
    let second = bench.clock.run(survivor(&bench).recover()).unwrap();
    assert_eq!(second.unwrap().len(), 1);
    let third = bench.engine().with_owner("third".into(), |_| true);
    let recovered = recover(&bench, &third);
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0].state(), State::Paused);
    assert_eq!(bench.calls(), ["a"]);
}

#[test]
fn a_request_to_pause_does_not_outlive_whoever_resumes_and_dies() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a"), 5);
    bench
        .clock
        .run(bench.store.request_pause(&id()))
        .unwrap()
        .unwrap();
    let second = bench.clock.run(async {
        let engine = survivor(&bench);
        engine.resume(&id()).await.map(drop)
    });
    second.unwrap().unwrap();
    let third = bench.engine().with_owner("third".into(), |_| true);
    assert_eq!(recover(&bench, &third)[0].state(), State::Completed);
}

#[test]
fn a_pause_that_was_interrupted_is_completed() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    let plan = plan("", "a");
    let engine = bench.engine();
    let run = async {
        let run = engine.start(&plan, Inputs::new(), super::harness::options());
        run.await.unwrap().finish().await
    };
    let pause_and_die = async {
        bench.clock.sleep(Duration::from_secs(2)).await;
        engine.pause(&id()).await.unwrap();
        bench.clock.sleep(Duration::from_secs(2)).await;
    };
    let _ = bench
        .clock
        .run(future::select(Box::pin(run), Box::pin(pause_and_die)))
        .unwrap();
    let recovered = recover(&bench, &survivor(&bench));
    assert_eq!(recovered[0].state(), State::Paused);
    assert_eq!(bench.calls(), ["a"]);
}

#[test]
fn what_cannot_be_driven_here_is_left_for_those_who_can() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a"), 5);
    let stranger = Engine::new(bench.store.clone(), Agents::new())
        .with_clock(bench.clock.clone())
        .with_owner("stranger".into(), |_| true);
    assert_eq!(recover(&bench, &stranger), []);
    let row = bench.clock.run(bench.store.execution(&id())).unwrap();
    assert_eq!(row.unwrap().unwrap().token, 1);
    assert_eq!(recover(&bench, &survivor(&bench)).len(), 1);
}

#[test]
fn what_its_host_has_dropped_is_free_when_its_lease_ends_though_the_host_drives_others() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    bench.agent.on("long", &[Act::Answer(120, "long")]);
    let host = die_after(&bench, &plan("", "a"), 5);
    let other = bench.engine();
    let long = plan("", "long");
    let drive = async {
        let run = host.start(&long, Inputs::new(), RunOptions::default());
        run.await.unwrap().finish().await.unwrap()
    };
    let heir = async {
        bench.clock.sleep(Duration::from_secs(20)).await;
        assert!(other.resume(&id()).await.unwrap_err().is_held());
        bench.clock.sleep(Duration::from_secs(20)).await;
        other.resume(&id()).await.unwrap().finish().await.unwrap()
    };
    let (kept, taken) = bench.clock.run(future::join(drive, heir)).unwrap();
    assert_eq!(kept.state(), State::Completed);
    assert_eq!(taken.state(), State::Completed);
    assert_eq!(bench.calls(), ["a", "long", "a"]);
}
