//! Values that are large: where they end, and that they hold nothing up.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread::ThreadId;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;

use super::harness::options;
use crate::agent::{Agent, Agents, Interim, Reply, Request, StepError};
use crate::clock::Clock;
use crate::engine::{Engine, Status};
use crate::id::{ExecutionId, Timestamp};
use crate::lifecycle::State;
use crate::plan::{Inputs, Plan};
use crate::store::{MemoryStore, Store};
use crate::value::Json;

fn run(text: &str, inputs: Inputs, agents: Agents, store: Arc<dyn Store>) -> Status {
    let plan = Plan::from_yaml("large.yaml", text).unwrap_or_else(|report| panic!("{report}"));
    let engine = Engine::new(store, agents);
    block_on(async {
        let run = engine.start(&plan, inputs, options()).await.unwrap();
        run.finish().await.unwrap()
    })
}

/// Notes the idempotency key of each attempt, and fails it.
struct Refusing(Arc<Mutex<Vec<String>>>);

impl Agent for Refusing {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        self.0.lock().unwrap().push(request.idempotency_key());
        Box::pin(async { Err(StepError::retryable("again")) })
    }
}

fn echo() -> Agents {
    Agents::new().with("e", |prompt: String| async move { prompt })
}

#[test]
fn a_large_value_is_rendered_and_checked_as_a_small_one_is() {
    let members: Vec<String> = (0..20_000).map(|at| format!(r#""m{at}":1.10"#)).collect();
    let large = format!("{{{}}}", members.join(","));
    let text = "name: w\ninputs: { x: { type: object } }\nsteps:\n  - { key: a, agent: e, prompt: '{{x}}', outputSchema: { type: string } }\n  - { key: b, agent: e, prompt: '{{x.m7}} {{a.m1}}', dependencies: [a], optional: true }\n  - { key: c, agent: e, prompt: '{{x.m7}} {{x.m19999 | json}}' }\n";
    let inputs = Inputs::from([("x".to_owned(), Json::parse(&large).unwrap())]);
    let status = run(text, inputs, echo(), Arc::new(MemoryStore::new()));
    assert_eq!(status.state(), State::Completed);
    let result = |key: &str| status.step(key).unwrap().record.result.clone();
    assert_eq!(result("a").unwrap().to_text(), large);
    assert_eq!(result("b"), None);
    assert_eq!(result("c").unwrap().as_str(), r#""1.10 1.10""#);
}

#[test]
fn a_prompt_has_a_bound_and_its_step_fails_for_good() {
    let placeholders = "{{x}}".repeat(70);
    let text = format!(
        "name: w\nsteps:\n  - {{ key: a, agent: e, prompt: '{placeholders}', retryPolicy: {{ maxAttempts: 3 }} }}\n"
    );
    let inputs = Inputs::from([("x".to_owned(), Json::string(&"x".repeat(1 << 20)))]);
    let status = run(&text, inputs, echo(), Arc::new(MemoryStore::new()));
    assert_eq!(status.state(), State::Failed);
    let record = &status.step("a").unwrap().record;
    assert_eq!(record.attempts.len(), 1);
    let error = record.error.as_deref().unwrap();
    assert!(
        error.starts_with("the prompt is longer than 64 MiB"),
        "{error}"
    );
}

/// Leaves what takes long to look at, and never answers.
struct Slow(Arc<Mutex<Vec<ThreadId>>>, Late);

impl Agent for Slow {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        let looked = Arc::clone(&self.0);
        self.1.0.store(true, Ordering::Relaxed);
        request.interim.set_slow(move || {
            looked.lock().unwrap().push(std::thread::current().id());
            Some(Interim::Underway(serde_json::json!({"total_tokens": 7})))
        });
        Box::pin(futures::future::pending())
    }
}

/// A clock on which a minute passes as soon as the agent is asked.
#[derive(Clone, Default)]
struct Late(Arc<AtomicBool>);

impl Clock for Late {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn elapsed(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            true => Duration::from_secs(60),
            false => Duration::ZERO,
        }
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        let late = Arc::clone(&self.0);
        Box::pin(poll_fn(move |_| match late.load(Ordering::Relaxed) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }))
    }
}

#[test]
fn what_an_attempt_has_come_to_is_looked_at_elsewhere_whoever_stops_it() {
    for limits in [
        "steps: [{ key: a, agent: s, prompt: p, timeout: 1s }]",
        "config: { timeout: 1s }\nsteps: [{ key: a, agent: s, prompt: p }]",
    ] {
        let (looked, clock) = (Arc::default(), Late::default());
        let agents = Agents::new().with("s", Slow(Arc::clone(&looked), clock.clone()));
        let plan = Plan::from_yaml("w.yaml", &format!("name: w\n{limits}\n")).unwrap();
        let engine = Engine::new(Arc::new(MemoryStore::new()), agents).with_clock(clock);
        let status = block_on(async {
            let run = engine.start(&plan, Inputs::new(), options()).await.unwrap();
            run.finish().await.unwrap()
        });
        assert_eq!(status.state(), State::Failed, "{limits}");
        assert_eq!(status.usage().tokens, 7, "{limits}");
        let looked = looked.lock().unwrap();
        assert_eq!(looked.len(), 1, "{limits}");
        assert_ne!(looked[0], std::thread::current().id(), "{limits}");
    }
}

#[test]
fn what_is_read_in_a_fence_is_json() {
    let agents = echo().with("f", |_: String| async { "```json\n{\"a\": 1.10}\n```" });
    let text = "name: w\nsteps:\n  - { key: s, agent: f, prompt: p }\n  - { key: t, agent: e, prompt: 'got {{s.a}}', dependencies: [s] }\n  - { key: u, agent: e, prompt: '{{s.b}}', dependencies: [s], optional: true }\n";
    let status = run(text, Inputs::new(), agents, Arc::new(MemoryStore::new()));
    assert_eq!(status.state(), State::Completed);
    let result = status.step("t").unwrap().record.result.clone().unwrap();
    assert_eq!(result.as_str(), r#""got 1.10""#);
}

#[test]
fn idempotency_keys_differ_between_stores_and_between_ids_that_look_alike() {
    let keys: Arc<Mutex<Vec<String>>> = Arc::default();
    let text = "name: w\nsteps:\n  - { key: s, agent: k, prompt: p, retryPolicy: { maxAttempts: 2, initialDelay: 0ms } }\n";
    let plan = Plan::from_yaml("w.yaml", text).unwrap();
    for _ in 0..2 {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        for id in ["é", "e\u{301}", "%C3%A9", "a/s"] {
            let agent = Refusing(Arc::clone(&keys));
            let engine = Engine::new(Arc::clone(&store), Agents::new().with("k", agent));
            let mut options = options();
            options.id = Some(ExecutionId::from(id));
            let run = async {
                engine
                    .start(&plan, Inputs::new(), options)
                    .await
                    .unwrap()
                    .finish()
                    .await
            };
            block_on(run).unwrap();
        }
    }
    let keys = keys.lock().unwrap();
    assert!(
        keys.iter().all(|key| key.is_ascii() && key.ends_with("/s")),
        "{keys:?}"
    );
    let of_attempts: Vec<&[String]> = keys.chunks(2).collect();
    assert!(
        of_attempts.iter().all(|pair| pair[0] == pair[1]),
        "{keys:?}"
    );
    let distinct: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), 8, "{keys:?}");
}
