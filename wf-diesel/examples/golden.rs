//! Makes a golden database: four runs of one workflow, one finished, one paused, one that a limit has paused until a
//! moment, one cut off.
//!
//! Run it once for each released schema, and keep the file beside those of earlier ones; it is never made again:
//!
//! ```console
//! $ cargo run -p wf-diesel --example golden -- wf-diesel/tests/golden/0.1.0.db
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{self, BoxFuture, Either};
use wf_core::agent::{Agent, Agents, Reply, Request, StepError};
use wf_core::clock::{Clock, SystemClock};
use wf_core::engine::{Engine, RunOptions};
use wf_core::id::Timestamp;
use wf_core::plan::{Inputs, Plan};
use wf_diesel::SqliteStore;

const WORKFLOW: &str = "
name: golden
steps:
  - { key: left, agent: worker, prompt: go left }
  - { key: right, agent: worker, prompt: 'go right: {{left}}', dependencies: [left] }
  - { key: join, agent: worker, prompt: 'join {{left}} and {{right}}', dependencies: [left, right] }
";

/// When the limit of the run `limited` is lifted.
const LIFTED: Timestamp = Timestamp::from_millis(4_000_000_000_000);

/// Answers `left` at once or after a while, and `right` not at all when it is to be cut off.
struct Worker {
    clock: Arc<SystemClock>,
}

impl Agent for Worker {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        let reply = Reply::text(&format!("result of {}", request.step));
        let wait = match (request.execution.as_str(), request.step) {
            ("limited", "right") => {
                let limited = StepError::retryable("limit reached").resets_at(LIFTED);
                return future::ready(Err(limited)).boxed();
            }
            ("interrupted", "right") => return future::pending().boxed(),
            ("paused", "left") => Duration::from_millis(500),
            _ => Duration::ZERO,
        };
        let waited = self.clock.sleep(wait);
        Box::pin(async move {
            waited.await;
            Ok(reply)
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which file is to be made?")?;
    if std::fs::exists(&path)? {
        return Err(
            format!("`{path}` is there already; a golden database is never made again").into(),
        );
    }
    let plan = Plan::from_yaml("golden.yaml", WORKFLOW)?;
    let clock = Arc::new(SystemClock::new());
    let worker = Worker {
        clock: Arc::clone(&clock),
    };
    let store = Arc::new(SqliteStore::open(&path)?);
    let engine = Engine::new(store, Agents::new().with("worker", worker));
    for id in ["finished", "paused", "limited", "interrupted"] {
        let mut options = RunOptions::default();
        options.id = Some(id.into());
        let run = async {
            let run = engine.start(&plan, Inputs::new(), options).await?;
            run.finish().await
        };
        let disturb = async {
            clock.sleep(Duration::from_millis(200)).await;
            if id == "paused" {
                engine.pause(&id.into()).await?;
                future::pending::<()>().await;
            }
            // Long enough for the step to be shown as running.
            clock.sleep(Duration::from_millis(500)).await;
            Ok::<(), wf_core::engine::EngineError>(())
        };
        let ended = block_on(future::select(run.boxed(), disturb.boxed()));
        match ended {
            Either::Left((status, _)) => println!("`{id}` is {}", status?.state()),
            Either::Right((disturbed, _)) => {
                disturbed?;
                println!("`{id}` was cut off");
            }
        }
    }
    Ok(())
}
