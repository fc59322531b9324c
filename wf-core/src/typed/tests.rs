//! A typed workflow as `workflow!` writes it, here by hand.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::*;
use crate::agent::{Agents, StepError};
use crate::engine::Engine;
use crate::plan::Plan;
use crate::store::MemoryStore;

static WRITTEN: AtomicU32 = AtomicU32::new(0);
static READ: AtomicU32 = AtomicU32::new(0);

/// Counts how often it is written and read.
#[derive(Debug, PartialEq)]
struct Changes {
    files: Vec<String>,
}

impl Serialize for Changes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WRITTEN.fetch_add(1, Ordering::Relaxed);
        self.files.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Changes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.fetch_add(1, Ordering::Relaxed);
        let files = Vec::deserialize(deserializer)?;
        Ok(Changes { files })
    }
}

struct Review {
    diff: String,
}

struct ReviewOutput(Outputs);

impl From<Outputs> for ReviewOutput {
    fn from(outputs: Outputs) -> Self {
        ReviewOutput(outputs)
    }
}

static SPEC: Spec = Spec {
    source: Source::Declared(
        r#"{"name":"review","inputs":{"diff":{"type":"string"}},"steps":[
            {"key":"parse","agent":"a","prompt":"{{diff}}"},
            {"key":"count","agent":"native:count","prompt":"","dependencies":["parse"]},
            {"key":"again","agent":"native:a","prompt":"","dependencies":["parse","count"]}]}"#,
    ),
    inputs: &[Codec::of::<String>()],
    steps: &[
        StepSpec {
            code: Code::Agent(AgentStep {
                agent: "a",
                render: |context| Ok(format!("{}", context.show_input::<String>(0))),
                output_type: "Changes",
                output: Codec::of::<Changes>(),
            }),
            dependencies: &[],
        },
        StepSpec {
            code: Code::Native(NativeStep {
                run: |context| {
                    Box::pin(async move {
                        let parse: &Changes = context.step(0);
                        let files = parse.files.iter().map(|file| file.len().to_string());
                        Ok(boxed(Changes {
                            files: files.collect(),
                        }))
                    })
                },
                output_type: "Changes",
                output: Codec::of::<Changes>(),
            }),
            dependencies: &[0],
        },
        StepSpec {
            code: Code::Agent(AgentStep {
                agent: "a",
                render: |context| {
                    let parse = context.show_step::<Changes>(0);
                    let count = context.show_step::<Changes>(1);
                    Ok(format!(
                        "{:?}",
                        format!("{parse} {count} {}", parse.files.len())
                    ))
                },
                output_type: "String",
                output: Codec::of::<String>(),
            }),
            dependencies: &[0, 1],
        },
    ],
    plan: OnceLock::new(),
};

impl Workflow for Review {
    type Output = ReviewOutput;

    fn spec() -> &'static Spec {
        &SPEC
    }

    fn into_inputs(self) -> Vec<Option<Boxed>> {
        vec![Some(boxed(self.diff))]
    }
}

impl<A: AgentSet> RunsOn<A> for Review {}

#[test]
fn each_value_is_written_once_and_read_once() {
    let echo = |prompt: String| async move {
        serde_json::from_str::<serde_json::Value>(&prompt).map_err(StepError::terminal)
    };
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new().with("a", echo));
    let run = engine.run(Review {
        diff: r#"["a.rs","lib.rs"]"#.to_owned(),
    });
    let output = futures::executor::block_on(run).unwrap().0;
    assert_eq!(output.step::<Changes>(1).files, ["4", "6"]);
    assert_eq!(output.step::<String>(2), r#"["a.rs","lib.rs"] ["4","6"] 2"#);
    assert_eq!(output.json(1).unwrap().as_str(), r#"["4","6"]"#);
    // The agent's reply is read, the native step's output is written, and neither happens again.
    assert_eq!(WRITTEN.load(Ordering::Relaxed), 1);
    assert_eq!(READ.load(Ordering::Relaxed), 1);
}

#[test]
fn the_hash_covers_the_output_types_and_the_definition_does_not() {
    let plan = Plan::of::<Review>();
    let yaml = Plan::from_yaml("review.yaml", &plan.definition().to_yaml()).unwrap();
    assert_eq!(plan.definition(), yaml.definition());
    assert_ne!(plan.hash(), yaml.hash());
    assert!(Arc::ptr_eq(&plan, &Plan::of::<Review>()));
    assert!(is_typed(&plan.stored_definition()));
    assert_eq!(Review::to_definition(), *plan.definition());
}

#[test]
fn a_workflow_with_native_steps_does_not_run_without_their_program() {
    let yaml = Review::to_definition().to_yaml();
    let plan = Plan::from_yaml("review.yaml", &yaml).unwrap();
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new().with("a", echo));
    let inputs = [("diff".to_owned(), crate::value::Json::string("x"))].into();
    let start = engine.start(&plan, inputs, crate::engine::RunOptions::default());
    let error = futures::executor::block_on(start).unwrap_err();
    assert!(error.is_agent());
    assert_eq!(
        error.to_string(),
        "step `count` is native code of the program that declares the workflow; only that program can run it
step `again` is native code of the program that declares the workflow; only that program can run it"
    );
}

async fn echo(prompt: String) -> String {
    prompt
}
