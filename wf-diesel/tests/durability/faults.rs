//! A full disk, and a database that another holds, while a run is under way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use wf_core::agent::Reply;
use wf_core::clock::{Clock, SystemClock};
use wf_diesel::SqliteStore;

use crate::bench::{
    Scratch, Worker, assert_completed, assert_sound, chain, committed, connection, install_witness,
    plan, resume, start,
};

#[test]
fn a_run_that_fills_the_disk_stops_and_goes_on_when_there_is_room() {
    let scratch = Scratch::new();
    drop(SqliteStore::open(scratch.path()).unwrap());
    install_witness(&scratch.path());
    let plan = chain(20);
    let large = || {
        Worker::new(|_| {
            let reply = Reply::text(&"x".repeat(50_000));
            Box::pin(async move { Ok(reply) })
        })
    };
    let small = SqliteStore::options()
        .max_size(600_000)
        .open(scratch.path())
        .unwrap();
    let error = start(&large().engine(small, "first"), &plan).unwrap_err();
    assert!(error.store().unwrap().is_full(), "{error:?}");
    let before = committed(&scratch.path());
    assert!(before.len() > 3 && before.len() < 15, "{before:?}");

    let worker = large();
    let roomy = SqliteStore::open(scratch.path()).unwrap();
    let status = resume(&worker.engine(roomy, "second")).unwrap();
    assert_completed(&status, &worker.calls(), &before);
    assert_sound(&scratch.path());
}

/// Three steps, of which the first takes the database for another, and the last gives it back.
fn grab(scratch: &Scratch, hold: Duration) -> Worker {
    let path = scratch.path();
    let held: Arc<Mutex<Option<SqliteConnection>>> = Arc::default();
    let clock = Arc::new(SystemClock::new());
    Worker::new(move |step| {
        let (held, clock, path) = (Arc::clone(&held), Arc::clone(&clock), path.clone());
        let step = step.to_owned();
        Box::pin(async move {
            if step == "holder" {
                let mut other = connection(&path);
                other.batch_execute("BEGIN IMMEDIATE").unwrap();
                *held.lock().unwrap() = Some(other);
                clock.sleep(hold).await;
                drop(held.lock().unwrap().take());
            }
            Ok(Reply::text(&format!("result of {step}")))
        })
    })
}

const HOLDING: &str = "name: holding\nsteps:
  - { key: holder, agent: worker, prompt: hold }
  - { key: beside, agent: worker, prompt: work }
  - { key: after, agent: worker, prompt: 'go on: {{beside}}', dependencies: [beside] }
";

#[test]
fn a_run_waits_while_another_holds_the_database_for_ten_seconds() {
    let scratch = Scratch::new();
    let store = SqliteStore::open(scratch.path()).unwrap();
    install_witness(&scratch.path());
    let worker = grab(&scratch, Duration::from_secs(10));
    // The lease runs out meanwhile, and nobody else takes it.
    let engine = worker
        .engine(store, "only")
        .with_lease(Duration::from_secs(3));
    let status = start(&engine, &plan(HOLDING)).unwrap();
    assert_completed(&status, &worker.calls(), &[]);
    // What depends on a result had to wait for its commit.
    let record = |key| &status.step(key).unwrap().record;
    let waited = record("after")
        .started_at
        .unwrap()
        .since(record("beside").completed_at.unwrap());
    assert!(waited >= Duration::from_secs(9), "{waited:?}");
    assert_sound(&scratch.path());
}

#[test]
fn a_run_that_cannot_wait_any_longer_stops_and_goes_on_when_it_is_resumed() {
    let scratch = Scratch::new();
    drop(SqliteStore::open(scratch.path()).unwrap());
    install_witness(&scratch.path());
    let impatient = SqliteStore::options()
        .busy_timeout(Duration::from_millis(100))
        .open(scratch.path())
        .unwrap();
    let first = grab(&scratch, Duration::from_secs(3600));
    let error = start(&first.engine(impatient, "first"), &plan(HOLDING)).unwrap_err();
    assert!(error.store().unwrap().is_busy(), "{error:?}");
    // The run's end gave the database back: the one who held it was one of its agents.
    drop(first);
    let before = committed(&scratch.path());
    assert_eq!(before, Vec::<String>::new());
    let worker = Worker::honest();
    let status = resume(&worker.engine(SqliteStore::open(scratch.path()).unwrap(), "second"));
    assert_completed(&status.unwrap(), &worker.calls(), &before);
    assert_sound(&scratch.path());
}
