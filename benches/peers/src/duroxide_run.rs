//! duroxide on its SQLite provider: an orchestration that schedules activities.

use std::sync::Arc;
use std::time::{Duration, Instant};

use duroxide::providers::sqlite::SqliteProvider;
use duroxide::runtime::registry::ActivityRegistry;
use duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide::{
    ActivityContext, Client, OrchestrationContext, OrchestrationRegistry, OrchestrationStatus,
};

use crate::shape::result;

/// Polls every millisecond and not, as it comes, ten times a second. One of each kind of worker: with the two that are
/// the default they meet locks, wait for 200 ms each time, and a fan-out may fail for it.
const POLL: Duration = Duration::from_millis(1);
const WORKERS: usize = 1;

/// Runs the workload; says how many steps it has, and the seconds that takes.
pub async fn run(workload: &str) -> (usize, f64) {
    let (steps, runs) = match workload {
        "chain" => (1_000, 1),
        "fan-out" => (1_002, 1),
        "many" => (5, 1_000),
        other => panic!("there is no workload called `{other}`"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!(
        "sqlite:{}?mode=rwc",
        folder.path().join("peer.db").display()
    );
    let store = Arc::new(
        SqliteProvider::new(&url, None)
            .await
            .expect("a new database"),
    );
    let activities = ActivityRegistry::builder()
        .register("echo", |_: ActivityContext, prompt: String| async move {
            Ok(prompt)
        })
        .build();
    let orchestrations = OrchestrationRegistry::builder()
        .register(
            "chain",
            |ctx: OrchestrationContext, steps: String| async move {
                let steps: usize = steps.parse().map_err(|_| "no number".to_owned())?;
                let mut last = String::new();
                for _ in 0..steps {
                    last = ctx.schedule_activity("echo", result()).await?;
                }
                Ok(last)
            },
        )
        .register(
            "fan-out",
            |ctx: OrchestrationContext, steps: String| async move {
                let steps: usize = steps.parse().map_err(|_| "no number".to_owned())?;
                ctx.schedule_activity("echo", result()).await?;
                let fan = (2..steps)
                    .map(|_| ctx.schedule_activity("echo", result()))
                    .collect();
                for one in ctx.join(fan).await {
                    one?;
                }
                ctx.schedule_activity("echo", result()).await
            },
        )
        .build();
    let options = RuntimeOptions {
        dispatcher_min_poll_interval: POLL,
        orchestration_concurrency: WORKERS,
        worker_concurrency: WORKERS,
        ..RuntimeOptions::default()
    };
    let runtime =
        Runtime::start_with_options(store.clone(), activities, orchestrations, options).await;
    let client = Client::new(store);
    let name = if workload == "fan-out" {
        "fan-out"
    } else {
        "chain"
    };
    let begin = Instant::now();
    for run in 0..runs {
        let id = format!("run-{run}");
        client
            .start_orchestration(id, name, steps.to_string())
            .await
            .expect("it starts");
    }
    for run in 0..runs {
        let id = format!("run-{run}");
        let ended = client
            .wait_for_orchestration(&id, Duration::from_secs(600))
            .await;
        match ended.expect("it ends") {
            OrchestrationStatus::Completed { output, .. } => assert_eq!(output, result()),
            other => panic!("it has not completed: {other:?}"),
        }
    }
    let taken = begin.elapsed().as_secs_f64();
    runtime.shutdown(None).await;
    (steps * runs, taken)
}
