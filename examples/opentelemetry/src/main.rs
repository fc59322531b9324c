//! Exports the spans of a run by OpenTelemetry.
//!
//! Start a collector that takes OTLP over HTTP on port 4318 (Jaeger, Tempo, the OpenTelemetry Collector), then:
//!
//! ```console
//! cargo run --manifest-path examples/opentelemetry/Cargo.toml
//! ```
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names another place.

use std::error::Error;
use std::sync::Arc;

use futures::executor::block_on;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
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

    // What is still in the batch is sent before the program ends.
    provider.shutdown()?;
    Ok(())
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
