//! A workbench: plans from text, scripted agents, and a log of everything that happens.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{self, BoxFuture, Either};

use crate::agent::{Agent, Agents, Interim, Reply, Request, StepError};
use crate::clock::Clock;
use crate::engine::{Engine, EngineError, Notice, RunOptions, Status};
use crate::id::ExecutionId;
use crate::lifecycle::Event;
use crate::plan::{Inputs, Plan};
use crate::store::{MemoryStore, Store};
use crate::testing::VirtualClock;

/// Everything a test of the engine needs, on virtual time.
pub(super) struct Bench {
    pub(super) clock: VirtualClock,
    pub(super) store: Arc<MemoryStore>,
    pub(super) agent: Scripted,
    pub(super) log: Arc<Mutex<String>>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let clock = VirtualClock::new();
        Bench {
            agent: Scripted {
                clock: clock.clone(),
                script: Arc::default(),
                calls: Arc::default(),
            },
            store: Arc::new(MemoryStore::new()),
            log: Arc::default(),
            clock,
        }
    }

    pub(super) fn engine(&self) -> Engine {
        let log = Arc::clone(&self.log);
        let store: Arc<dyn Store> = self.store.clone();
        Engine::new(store, Agents::new().with("a", self.agent.clone()))
            .with_clock(self.clock.clone())
            .with_observer(move |notice| note(&mut log.lock().unwrap(), notice))
    }

    /// Runs a workflow to its end, without inputs.
    pub(super) fn run(&self, plan: &Arc<Plan>) -> Status {
        self.try_run(plan, Inputs::new()).unwrap()
    }

    pub(super) fn try_run(&self, plan: &Arc<Plan>, inputs: Inputs) -> Result<Status, EngineError> {
        let engine = self.engine();
        let run = async {
            let status = engine
                .start(plan, inputs, options())
                .await?
                .finish()
                .await?;
            // The end of a run is not read again: it must be known to the last column.
            let row = self.store.execution(&status.execution.id).await?;
            assert_eq!(row.as_ref(), Some(&status.execution));
            Ok(status)
        };
        self.clock.run(run).unwrap()
    }

    /// Every event that was committed, in order, commits apart.
    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The steps in the order in which their attempts were started.
    pub(super) fn calls(&self) -> Vec<String> {
        self.agent.calls.lock().unwrap().clone()
    }
}

/// The execution that [`options`] start.
pub(super) fn id() -> ExecutionId {
    ExecutionId::from("run")
}

pub(super) fn options() -> RunOptions {
    RunOptions {
        id: Some(id()),
        ..RunOptions::default()
    }
}

/// The plan of `steps` in YAML flow form, one per line, with `head` before them.
pub(super) fn plan(head: &str, steps: &str) -> Arc<Plan> {
    let mut text = format!("name: test\n{head}\nsteps:\n");
    for step in steps.trim().lines() {
        let step = step.trim();
        let prompt = if step.contains("prompt:") {
            ""
        } else {
            ", prompt: p"
        };
        let _ = writeln!(text, "  - {{ agent: a, key: {step}{prompt} }}");
    }
    Plan::from_yaml("test.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
}

/// Starts `plan` and drops its run after that many seconds, as a process that dies would.
pub(super) fn die_after(bench: &Bench, plan: &Arc<Plan>, seconds: u64) -> Engine {
    let engine = bench.engine();
    let run = async {
        engine
            .start(plan, Inputs::new(), options())
            .await
            .unwrap()
            .finish()
            .await
    };
    let death = bench.clock.sleep(Duration::from_secs(seconds));
    match bench
        .clock
        .run(future::select(Box::pin(run), death))
        .unwrap()
    {
        Either::Left(_) => panic!("the run ended before its death"),
        Either::Right(_) => {}
    }
    engine
}

pub(super) fn resume(bench: &Bench, engine: &Engine) -> Status {
    bench
        .clock
        .run(async { engine.resume(&id()).await.unwrap().finish().await.unwrap() })
        .unwrap()
}

fn note(log: &mut String, notice: &Notice<'_>) {
    if let Notice::Moved { path, to, .. } = notice {
        let names: Vec<String> = path
            .iter()
            .map(|event| match event {
                Event::StepCompleted { step } => {
                    format!("StepCompleted({} {})", step.step, step.outcome.state())
                }
                Event::StepsScheduled { steps } => format!("StepsScheduled({steps})"),
                event => event.kind().name().to_owned(),
            })
            .collect();
        let _ = writeln!(log, "{} -> {to}", names.join(" "));
    }
}

/// An agent that does what it was told for each step, and notes who called.
#[derive(Clone)]
pub(super) struct Scripted {
    clock: VirtualClock,
    script: Arc<Mutex<HashMap<String, Vec<Act>>>>,
    pub(super) calls: Arc<Mutex<Vec<String>>>,
}

/// What the agent does at one attempt.
#[derive(Clone)]
pub(super) enum Act {
    /// Answers with that after so many seconds.
    Answer(u64, &'static str),
    /// Answers at once.
    Instant,
    /// Fails after so many seconds; another attempt may succeed.
    Fail(u64, &'static str),
    /// Fails after so many seconds for good.
    Refuse(u64, &'static str),
    /// Fails after so many seconds, and asks to be left alone for so many more.
    Busy(u64, u64),
    /// Fails after so many seconds at a limit that is lifted so many later, for which the run waits or not.
    Limited(u64, u64, bool),
    /// Says after so many seconds that it is down.
    Down(u64, &'static str),
    /// Says at once that it is down, and has used so many tokens.
    DownAfterUse(u64),
    /// Waits for its turn for so many seconds, then takes so many to answer.
    Queue(u64, u64),
    /// Answers after so many seconds, and has used so many tokens.
    Use(u64, u64),
    /// Shows two pieces of text, then answers.
    Show,
    /// Shows two pieces of text, then never answers.
    ShowAndHang,
    /// Never ends, and has left this.
    Leave(Interim),
    /// Never answers.
    Hang,
    Panic,
}

impl Scripted {
    /// At its attempts the step does these in turn, the last one for ever.
    pub(super) fn on(&self, step: &str, acts: &[Act]) {
        self.script
            .lock()
            .unwrap()
            .insert(step.to_owned(), acts.to_vec());
    }

    fn act(&self, step: &str, attempt: u32) -> Act {
        let script = self.script.lock().unwrap();
        let acts = script.get(step).map_or(&[][..], Vec::as_slice);
        let at = (attempt as usize).min(acts.len()).saturating_sub(1);
        acts.get(at).cloned().unwrap_or(Act::Answer(1, "done"))
    }
}

impl Agent for Scripted {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        self.calls.lock().unwrap().push(request.step.to_owned());
        let act = self.act(request.step, request.attempt);
        let after = |seconds: u64| self.clock.sleep(Duration::from_secs(seconds));
        let prompt = request.prompt.to_owned();
        match act {
            Act::Answer(seconds, text) => after(seconds)
                .map(move |()| {
                    let prompt = serde_json::Value::from(prompt).to_string();
                    Ok(Reply::read(&text.replace("$PROMPT", &prompt)))
                })
                .boxed(),
            Act::Fail(seconds, text) => after(seconds)
                .map(move |()| Err(StepError::retryable(text)))
                .boxed(),
            Act::Refuse(seconds, text) => after(seconds)
                .map(move |()| Err(StepError::terminal(text)))
                .boxed(),
            Act::Busy(seconds, wait) => after(seconds)
                .map(move |()| {
                    let busy = StepError::retryable("busy");
                    Err(busy.retry_after(Duration::from_secs(wait)))
                })
                .boxed(),
            Act::Limited(seconds, wait, waits) => {
                let clock = self.clock.clone();
                after(seconds)
                    .map(move |()| {
                        let at = clock.now().after(Duration::from_secs(wait));
                        let limited = StepError::retryable("limit reached").resets_at(at);
                        Err(if waits {
                            limited.waiting_for_reset()
                        } else {
                            limited
                        })
                    })
                    .boxed()
            }
            Act::Down(seconds, text) => after(seconds)
                .map(move |()| Err(StepError::unavailable(text)))
                .boxed(),
            Act::DownAfterUse(tokens) => {
                let usage = serde_json::json!({"total_tokens": tokens});
                let down = StepError::unavailable("down").with_usage(usage);
                futures::future::ready(Err(down)).boxed()
            }
            Act::Queue(turn, work) => {
                let (turn, clock) = (after(turn), self.clock.clone());
                Box::pin(async move {
                    let waiting = request.waiting();
                    turn.await;
                    drop(waiting);
                    clock.sleep(Duration::from_secs(work)).await;
                    Ok(Reply::text("in turn"))
                })
            }
            Act::Use(seconds, tokens) => after(seconds)
                .map(move |()| {
                    let usage = serde_json::json!({"total_tokens": tokens, "cost": 0.5});
                    Ok(Reply::text("x").with_usage(usage))
                })
                .boxed(),
            Act::Show => Box::pin(async move {
                request.output.write("half ");
                request.output.write("");
                request.output.write("done");
                Ok(Reply::text("shown"))
            }),
            Act::ShowAndHang => Box::pin(async move {
                request.output.write("half ");
                request.output.write("done\n");
                futures::future::pending().await
            }),
            Act::Leave(interim) => {
                request.interim.set(move || Some(interim));
                futures::future::pending().boxed()
            }
            Act::Instant => futures::future::ready(Ok(Reply::text("x"))).boxed(),
            Act::Hang => futures::future::pending().boxed(),
            Act::Panic => panic!("on purpose"),
        }
    }
}
