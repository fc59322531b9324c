//! The engine is a future: the same code runs the same workflow on every executor.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::task::SpawnExt;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions, Status};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::value::Json;
use wf_diesel::SqliteStore;

const WORKFLOW: &str = "
name: Review
steps:
  - { key: parse, agent: echo, prompt: 'parse {{diff}}' }
  - { key: audit, agent: echo, prompt: 'audit {{parse}}', dependencies: [parse] }
  - { key: check, agent: echo, prompt: 'check {{parse}}', dependencies: [parse] }
  - { key: flaky, agent: flaky, prompt: '', retryPolicy: { maxAttempts: 2, initialDelay: 1ms } }
  - { key: sum, agent: echo, prompt: '{{audit}}, {{check}}, {{flaky}}', dependencies: [audit, check, flaky] }
";

/// An engine of its own for each run, on a database of its own.
fn engine(folder: &tempfile::TempDir) -> Engine {
    let store =
        SqliteStore::open(folder.path().join("workflows.db")).expect("a new database opens");
    let failed = std::sync::atomic::AtomicBool::new(false);
    let agents = Agents::new()
        .with("echo", |prompt: String| async move { prompt })
        .with("flaky", move |_: String| {
            let first = !failed.swap(true, std::sync::atomic::Ordering::SeqCst);
            async move {
                if first {
                    Err(wf_core::agent::StepError::retryable("at first"))
                } else {
                    Ok("at last")
                }
            }
        });
    Engine::new(Arc::new(store), agents)
}

fn review(engine: Engine) -> BoxFuture<'static, Status> {
    Box::pin(async move {
        let plan = Plan::from_yaml("review.yaml", WORKFLOW).expect("the workflow is right");
        let inputs = Inputs::from([("diff".to_owned(), Json::string("a diff"))]);
        let run = engine
            .start(&plan, inputs, RunOptions::default())
            .await
            .expect("the run starts");
        run.finish().await.expect("the store works")
    })
}

fn expect_done(status: &Status) {
    assert_eq!(
        status.state(),
        State::Completed,
        "{:?}",
        status.execution.error
    );
    let result = status
        .result
        .as_ref()
        .expect("a completed run has a result");
    assert_eq!(
        result.as_str(),
        r#"{"sum":"audit parse a diff, check parse a diff, at last"}"#
    );
    assert_eq!(
        status
            .step("flaky")
            .expect("it is a step")
            .record
            .attempts
            .len(),
        2
    );
}

#[test]
fn tokio_with_one_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    expect_done(&runtime.block_on(review(engine(&folder))));
}

#[test]
fn tokio_with_several_threads_and_a_task_per_attempt() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime");
    let handle = runtime.handle().clone();
    let engine =
        engine(&folder).with_spawner(move |task: BoxFuture<'static, ()>| drop(handle.spawn(task)));
    let run = runtime.spawn(review(engine));
    expect_done(&runtime.block_on(run).expect("the task does not panic"));
}

#[test]
fn smol_with_a_task_per_attempt() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine =
        engine(&folder).with_spawner(|task: BoxFuture<'static, ()>| smol::spawn(task).detach());
    expect_done(&smol::block_on(smol::spawn(review(engine))));
}

#[test]
fn the_local_pool_of_futures() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut pool = futures::executor::LocalPool::new();
    let run = pool
        .spawner()
        .spawn_with_handle(review(engine(&folder)))
        .expect("the pool is open");
    expect_done(&pool.run_until(run));
}

#[test]
fn the_thread_pool_of_futures_with_a_task_per_attempt() {
    let folder = tempfile::tempdir().expect("a folder");
    let pool = futures::executor::ThreadPool::builder()
        .pool_size(2)
        .create()
        .expect("threads");
    let attempts = pool.clone();
    let engine =
        engine(&folder).with_spawner(move |task: BoxFuture<'static, ()>| attempts.spawn_ok(task));
    let run = pool
        .spawn_with_handle(review(engine))
        .expect("the pool is open");
    expect_done(&futures::executor::block_on(run));
}

#[test]
fn pollster() {
    let folder = tempfile::tempdir().expect("a folder");
    expect_done(&pollster::block_on(review(engine(&folder))));
}
