//! Runs a workflow on scripted agents and virtual time, and writes down all that it tells and leaves behind.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use wf_core::State;
use wf_core::agent::{Agent, Agents, Reply, Request, StepError};
use wf_core::clock::Clock as _;
use wf_core::engine::{Engine, RunOptions, Status};
use wf_core::id::ExecutionId;
use wf_core::plan::{Inputs, Plan};
use wf_core::store::MemoryStore;
use wf_core::testing::VirtualClock;
use wf_core::typed::RunsOn;
use wf_core::value::Json;

/// How often a run that is paused is resumed.
const RESUMED: usize = 6;

/// The log of a run through the typed face, and its inputs as a file's run takes them.
pub(crate) fn typed<W: RunsOn<Agents>>(workflow: W) -> (String, Inputs) {
    let stage = Stage::new(&Plan::of::<W>());
    let options = RunOptions::default().with_id(stage.id.clone());
    let play = async {
        let run = stage.engine.start_as(workflow, options).await.unwrap();
        let _ = run.finish().await.unwrap();
        for _ in 0..RESUMED {
            if stage.is_paused().await {
                let run = stage.engine.resume_as::<W>(&stage.id).await.unwrap();
                let _ = run.finish().await.unwrap();
            }
        }
    };
    stage.clock.run(play).unwrap();
    let context = stage.context().to_value();
    let given = context["inputs"].as_object().unwrap().iter();
    let inputs = given.map(|(name, value)| (name.clone(), Json::from_value(value)));
    (stage.log(), inputs.collect())
}

/// The log of a run through the untyped face.
pub(crate) fn untyped(plan: &Arc<Plan>, inputs: &Inputs) -> String {
    let stage = Stage::new(plan);
    let options = RunOptions::default().with_id(stage.id.clone());
    let play = async {
        let run = stage.engine.start(plan, inputs.clone(), options);
        run.await.unwrap().finish().await.unwrap();
        for _ in 0..RESUMED {
            if stage.is_paused().await {
                let run = stage.engine.resume(&stage.id).await.unwrap();
                run.finish().await.unwrap();
            }
        }
    };
    stage.clock.run(play).unwrap();
    stage.log()
}

/// An engine of its own for one run.
struct Stage {
    id: ExecutionId,
    clock: VirtualClock,
    engine: Engine,
    notices: Arc<Mutex<String>>,
}

impl Stage {
    fn new(plan: &Plan) -> Self {
        let clock = VirtualClock::new();
        let mut agents = Agents::new();
        for step in plan.steps() {
            let scripted = Scripted {
                agent: step.agent.clone(),
                clock: clock.clone(),
            };
            agents = match step.agent.strip_prefix('@') {
                Some(capability) => agents.with_capable(
                    format!("can-{capability}"),
                    Arc::new(scripted),
                    vec![capability.to_owned()],
                ),
                None => agents.with(step.agent.clone(), scripted),
            };
        }
        let notices = Arc::new(Mutex::new(String::new()));
        let (noted, time) = (Arc::clone(&notices), clock.clone());
        let engine = Engine::new(Arc::new(MemoryStore::new()), agents)
            .with_clock(clock.clone())
            .with_observer(move |notice| {
                let at = time.elapsed();
                writeln!(noted.lock().unwrap(), "{at:?} {notice:?}").unwrap();
            });
        Stage {
            id: ExecutionId::from("run"),
            clock,
            engine,
            notices,
        }
    }

    async fn is_paused(&self) -> bool {
        self.engine.status(&self.id).await.unwrap().state() == State::Paused
    }

    fn status(&self) -> Status {
        let status = self.clock.run(self.engine.status(&self.id));
        status.unwrap().unwrap()
    }

    fn context(&self) -> Json {
        let context = self.clock.run(self.engine.store().context(&self.id));
        context.unwrap().unwrap().unwrap()
    }

    /// All that was told, then the execution and its steps as the store has them.
    fn log(&self) -> String {
        let status = self.status();
        let mut log = self.notices.lock().unwrap().clone();
        let execution = &status.execution;
        writeln!(
            log,
            "state {} error {:?} revision {} token {} driven {} completed {:?}",
            status.state(),
            execution.error,
            execution.revision,
            execution.token,
            execution.driven_millis,
            execution.completed_at
        )
        .unwrap();
        writeln!(log, "context {}", self.context()).unwrap();
        for step in &status.steps {
            writeln!(log, "{step:?}").unwrap();
        }
        writeln!(log, "result {:?}", status.result).unwrap();
        log
    }
}

/// Does what the end of a step's key says.
pub(crate) struct Scripted {
    agent: String,
    clock: VirtualClock,
}

impl Agent for Scripted {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        let Request {
            step,
            attempt,
            prompt,
            ..
        } = request;
        let is = |course: &str| step.ends_with(course);
        let sleeps = is("sleeps") && attempt == 1;
        let takes = Duration::from_millis(10 + 7 * step.len() as u64 + 3 * u64::from(attempt));
        let answer = if self.agent == "nobody" || (is("breaks") && attempt == 1) {
            Err(StepError::terminal(format!("{step} broke")))
        } else if (is("fails") && attempt < 5) || (is("fails-once") && attempt == 1) {
            Err(StepError::retryable(format!("{step} failed")))
        } else if is("objects") {
            let said = serde_json::json!({ "step": step, "said": prompt });
            Ok(Reply::json(Json::from_value(&said)))
        } else if is("lists") {
            let said = serde_json::json!([step, prompt]);
            Ok(Reply::json(Json::from_value(&said)))
        } else {
            Ok(Reply::text(&format!("{step} was told {prompt}")))
        };
        Box::pin(async move {
            self.clock
                .sleep(if sleeps {
                    Duration::from_secs(3600)
                } else {
                    takes
                })
                .await;
            answer
        })
    }
}
