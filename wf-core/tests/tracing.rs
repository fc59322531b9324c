//! The spans and events of a run: names and fields that dashboards are built on.
#![cfg(feature = "tracing")]

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wf_core::agent::{Agents, Reply, StepError};
use wf_core::engine::{Engine, RunOptions};
use wf_core::plan::{Inputs, Plan};
use wf_core::store::MemoryStore;

/// Writes down every span with its parent, and every event with its span.
#[derive(Clone, Default)]
struct Recorder {
    next: Arc<AtomicU64>,
    names: Arc<Mutex<HashMap<u64, String>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let moves = ["execution_id", "duration_ms"].contains(&field.name());
        let value = if moves {
            "…".to_owned()
        } else {
            format!("{value:?}")
        };
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

impl Recorder {
    fn line(&self, line: String) {
        self.lines.lock().expect("no test has panicked").push(line);
    }

    fn name(&self, id: Option<&Id>) -> String {
        let names = self.names.lock().expect("no test has panicked");
        id.and_then(|id| names.get(&id.into_u64()).cloned())
            .unwrap_or_default()
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields::default();
        span.record(&mut fields);
        let parent = self.name(span.parent());
        let name = span.metadata().name();
        self.line(format!("{parent} > {name}{}", fields.0));
        self.names
            .lock()
            .expect("no test has panicked")
            .insert(id, name.to_owned());
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.line(format!("{}:{}", self.name(Some(span)), fields.0));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = event.metadata().level();
        self.line(format!(
            "{} ! {level}{}",
            self.name(event.parent()),
            fields.0
        ));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_run_is_told_in_spans_and_events_with_stable_names() {
    let plan = Plan::from_yaml(
        "t.yaml",
        "name: traced\nsteps:\n  - { key: flaky, agent: model, prompt: secret words, retryPolicy: { maxAttempts: 2, initialDelay: 0s } }\n",
    )
    .unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let agents = Agents::new().with("model", move |_: String| {
        let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            let usage = json!({"total_tokens": 7, "cost": 0.5});
            if first {
                return Err(StepError::retryable("busy").with_usage(usage));
            }
            Ok(Reply::text("hidden words").with_usage(usage))
        }
    });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let recorder = Recorder::default();
    let lines = Arc::clone(&recorder.lines);
    tracing::subscriber::with_default(recorder, || {
        block_on(async {
            let run = engine.start(&plan, Inputs::new(), RunOptions::default());
            run.await.unwrap().finish().await.unwrap();
        });
    });
    let lines = lines.lock().unwrap().join("\n");
    let lines = lines.trim_start();
    let expected = "\
> execution execution_id=… workflow=\"traced\" version=\"1.0.0\"
execution: state=\"executing_steps\"
execution ! DEBUG message=state changed from=\"idle\" to=\"executing_steps\"
execution > step step=\"flaky\" agent=\"model\"
step > attempt step=\"flaky\" agent=\"model\" attempt=1
step ! WARN message=attempt failed step=\"flaky\" attempt=1 error=\"busy\" retry_in_ms=0 tokens=7 cost=0.5
step > attempt step=\"flaky\" agent=\"model\" attempt=2
step: outcome=\"completed\"
step ! INFO message=step ended step=\"flaky\" outcome=\"completed\" duration_ms=… tokens=7 cost=0.5
execution: state=\"completed\"
execution ! DEBUG message=state changed from=\"executing_steps\" to=\"completed\"
execution ! INFO message=execution rests state=\"completed\"";
    assert_eq!(lines, expected);
    assert!(
        !lines.contains("words"),
        "prompts and results stay out of it"
    );
}
