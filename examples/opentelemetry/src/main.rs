//! Exports the spans of a run by OpenTelemetry.
//!
//! Start a collector that takes OTLP over HTTP on port 4318 (Jaeger, Tempo, the OpenTelemetry Collector), then:
//!
//! ```console
//! cargo run --manifest-path examples/opentelemetry/Cargo.toml
//! ```
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names another place. Where no collector takes the spans, the program says so and exits
//! with 1.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::executor::block_on;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{self, SdkTracerProvider, SpanData};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use wf_core::agent::{Agents, Reply, StepError};
use wf_core::engine::{Engine, RunOptions};
use wf_core::plan::{Inputs, Plan};
use wf_core::store::MemoryStore;

const WORKFLOW: &str = "
name: Traced
steps:
  - { key: outline, agent: writer, prompt: outline a page }
  - { key: draft, agent: writer, prompt: 'write {{outline}}', dependencies: [outline], retryPolicy: { maxAttempts: 2, initialDelay: 10ms } }
  - { key: check, agent: checker, prompt: 'check {{draft}}', dependencies: [draft] }
";

fn main() -> Result<(), Box<dyn Error>> {
    // Everything of `tracing` goes to the collector, in batches, from a thread of its own.
    let exporter = SpanExporter::builder().with_http().build()?;
    let lost = Lost::default();
    let exporter = Watched {
        exporter,
        lost: lost.clone(),
    };
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("workflows").build())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("workflows"));
    tracing_subscriber::registry().with(layer).try_init()?;

    let plan = Plan::from_yaml("traced.yaml", WORKFLOW)?;
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents());
    let status = block_on(async {
        let run = engine.start(&plan, Inputs::new(), RunOptions::default());
        run.await?.finish().await
    })?;
    println!("{} is {}", status.execution.id, status.state());

    // What is still in the batch is sent before the program ends. A run is done whether its spans arrive or not, but
    // nobody should look for them in vain.
    let shut_down = provider.shutdown();
    if let Some(error) = lost.first() {
        return Err(format!("spans were lost: {error}; is a collector running?").into());
    }
    Ok(shut_down?)
}

/// Why spans did not arrive; none as long as all do.
#[derive(Debug, Clone, Default)]
struct Lost(Arc<Mutex<Option<String>>>);

impl Lost {
    fn note(&self, error: &OTelSdkError) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| error.to_string());
    }

    fn first(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// An exporter whose failures are kept: the thread that sends the batches would tell nobody.
#[derive(Debug)]
struct Watched {
    exporter: SpanExporter,
    lost: Lost,
}

impl trace::SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        if let Err(error) = &exported {
            self.lost.note(error);
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// A writer that is interrupted once, and a checker.
fn agents() -> Agents {
    let writer = |prompt: String| async move {
        static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        if CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            return Err(StepError::retryable("interrupted"));
        }
        Ok(Reply::text(&format!("a text for: {prompt}")))
    };
    Agents::new()
        .with("writer", writer)
        .with("checker", |_: String| async { "fine" })
}
