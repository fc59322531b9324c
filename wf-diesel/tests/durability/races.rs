//! Engines that all want the same run: in threads of one process, and in processes that die.

use std::env;
use std::future::poll_fn;
use std::path::PathBuf;
use std::process::{Command, Stdio, abort};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use futures::FutureExt;
use futures::executor::block_on;
use wf_core::agent::Reply;
use wf_core::engine::RunOptions;
use wf_core::id::Timestamp;
use wf_core::lifecycle::State;
use wf_core::plan::Inputs;
use wf_core::store::{Commit, Store, Writes};
use wf_diesel::SqliteStore;

use crate::bench::{
    Scratch, Worker, assert_completed, assert_sound, chain, committed, id, install_witness, resume,
    start,
};

/// Runs a chain of that many steps, and drops the run at half of it, as a process that dies would.
fn die_at_half(scratch: &Scratch, steps: usize) {
    let store = SqliteStore::open(scratch.path()).unwrap();
    install_witness(&scratch.path());
    let half = format!("s{}", steps / 2);
    let worker = Worker::new(move |step| {
        let (dies, reply) = (step == half, Reply::text(&format!("result of {step}")));
        Box::pin(async move {
            if dies {
                futures::future::pending::<()>().await;
            }
            Ok(reply)
        })
    });
    let engine = worker.engine(store, "dead");
    let mut options = RunOptions::default();
    options.id = Some(id());
    let plan = chain(steps);
    let mut run = Box::pin(async {
        let run = engine.start(&plan, Inputs::new(), options).await;
        run.unwrap().finish().await
    });
    block_on(poll_fn(|cx| {
        assert!(run.poll_unpin(cx).is_pending());
        cx.waker().wake_by_ref();
        if worker.calls().len() > steps / 2 {
            return Poll::Ready(());
        }
        Poll::Pending
    }));
}

#[test]
fn of_engines_that_race_for_a_dead_run_one_drives_it_and_none_repeats_a_step() {
    const ENGINES: usize = 4;
    let scratch = Scratch::new();
    die_at_half(&scratch, 30);
    let before = committed(&scratch.path());
    assert_eq!(before.len(), 15);
    let together = Barrier::new(ENGINES);
    let ends: Vec<_> = std::thread::scope(|scope| {
        let engines: Vec<_> = (0..ENGINES)
            .map(|number| {
                let (path, together) = (scratch.path(), &together);
                scope.spawn(move || {
                    let worker = Worker::honest();
                    let store = SqliteStore::open(path).unwrap();
                    let engine = worker.engine(store, &format!("engine {number}"));
                    together.wait();
                    (resume(&engine), worker.calls())
                })
            })
            .collect();
        engines
            .into_iter()
            .map(|engine| engine.join().unwrap())
            .collect()
    });
    let completed = ends
        .iter()
        .filter(|(end, _)| {
            end.as_ref()
                .is_ok_and(|status| status.state() == State::Completed)
        })
        .count();
    for (end, calls) in &ends {
        if let Err(error) = end {
            assert!(
                error.is_lost() || error.is_held() || error.is_illegal(),
                "{error}"
            );
        }
        // Nobody ran what was committed before the race.
        assert!(calls.iter().all(|step| !before.contains(step)));
    }
    assert_eq!(completed, 1);
    assert_eq!(committed(&scratch.path()).len(), 30);
    assert_sound(&scratch.path());
}

#[test]
fn an_engine_that_has_lost_its_run_writes_nothing_more() {
    let scratch = Scratch::new();
    die_at_half(&scratch, 4);
    let theirs = SqliteStore::open(scratch.path()).unwrap();
    let stale = block_on(theirs.execution(&id())).unwrap().unwrap();
    let worker = Worker::honest();
    let status =
        resume(&worker.engine(SqliteStore::open(scratch.path()).unwrap(), "heir")).unwrap();
    assert_eq!(status.state(), State::Completed);
    // The one that was stopped wakes up: its renewal reaches no row, and its commit is refused.
    let until = Timestamp::from_millis(i64::MAX);
    block_on(theirs.renew(&"dead".into(), &[id()], until)).unwrap();
    let writes = Writes::new(Timestamp::from_millis(0), 0);
    let commit = Commit::new(stale.row(), stale.state, Vec::new(), writes).unwrap();
    assert!(block_on(theirs.commit(commit)).unwrap_err().is_conflict());
    let now = block_on(theirs.execution(&id())).unwrap().unwrap();
    assert_eq!(now, status.execution);
    assert_sound(&scratch.path());
}

/// Names the database to the processes that a test starts of itself.
const DATABASE: &str = "WF_DIESEL_TEST_DATABASE";

#[test]
fn processes_that_race_and_die_complete_the_run_together() {
    if let Some(path) = env::var_os(DATABASE).map(PathBuf::from) {
        resume_and_perhaps_die(path);
        return;
    }
    let scratch = Scratch::new();
    die_at_half(&scratch, 40);
    let before = committed(&scratch.path());
    let mut rounds = 0;
    let store = SqliteStore::open(scratch.path()).unwrap();
    while block_on(store.execution(&id())).unwrap().unwrap().state != State::Completed {
        rounds += 1;
        assert!(rounds < 100, "the run does not end");
        let children: Vec<_> = (0..3)
            .map(|number| {
                Command::new(env::current_exe().unwrap())
                    .args([
                        "--exact",
                        "races::processes_that_race_and_die_complete_the_run_together",
                    ])
                    .env(DATABASE, scratch.path())
                    .env("WF_DIESEL_TEST_PROCESS", format!("{rounds}.{number}"))
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut child in children {
            child.wait().unwrap();
        }
    }
    assert!(rounds > 1, "nobody died");
    let after = committed(&scratch.path());
    assert_eq!(after.len(), 40);
    assert!(after.starts_with(&before));
    assert_sound(&scratch.path());
}

/// Drives the run on, and dies at its fifth step, as if killed: no destructor runs.
fn resume_and_perhaps_die(path: PathBuf) {
    let left = AtomicU32::new(5);
    let worker = Worker::new(move |step| {
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            abort();
        }
        let reply = Reply::text(&format!("result of {step}"));
        Box::pin(async move { Ok(reply) })
    });
    let name = env::var("WF_DIESEL_TEST_PROCESS").unwrap();
    let engine = worker.engine(SqliteStore::open(path).unwrap(), &name);
    // Another may be faster, or take the run away again.
    let _ = resume(&engine);
}

#[test]
fn a_run_that_is_not_disturbed_calls_every_step_once() {
    let scratch = Scratch::new();
    let worker = Worker::honest();
    let store = SqliteStore::open(scratch.path()).unwrap();
    install_witness(&scratch.path());
    let status = start(&worker.engine(store, "only"), &chain(30)).unwrap();
    assert_completed(&status, &worker.calls(), &[]);
    assert_sound(&scratch.path());
}
