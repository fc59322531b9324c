//! A workflow as a static table.

use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use wf_model::Definition;

use super::{AgentSet, Boxed, Codec, Outputs, StepContext, StepFailure};
use crate::plan::Plan;

/// The key in a stored step's output schema under which the name of the Rust type stands.
const OUTPUT_TYPE: &str = "x-rust-type";

/// A workflow that was declared with `workflow!`; the type holds its inputs.
pub trait Workflow: Sized + 'static {
    /// The outputs of its steps.
    type Output: From<Outputs> + Send + 'static;

    /// Its table.
    fn spec() -> &'static Spec;

    /// Its inputs, in the order in which they are declared; none for an optional one that is not given.
    fn into_inputs(self) -> Vec<Option<Boxed>>;

    /// Its definition, as a workflow file would hold it; print it with [`Definition::to_yaml`].
    ///
    /// A step that is Rust code, or whose prompt has computed arguments, has an agent that begins with `native:`.
    /// Only the program that declares the workflow can run such a step.
    fn to_definition() -> Definition {
        Plan::of::<Self>().definition().clone()
    }
}

/// Says that the agents of `A` are all that the workflow asks.
#[diagnostic::on_unimplemented(
    message = "workflow `{Self}` cannot run on the agents of `{A}`",
    note = "declare the workflow with `workflow!`, and derive `AgentSet` for `{A}`"
)]
pub trait RunsOn<A: AgentSet>: Workflow {}

/// A workflow's definition with its code.
#[derive(Debug)]
pub struct Spec {
    /// The definition.
    pub source: Source,
    /// The codec of each input.
    pub inputs: &'static [Codec],
    /// The code of each step.
    pub steps: &'static [StepSpec],
    /// The plan, once it is made.
    pub plan: OnceLock<Arc<Plan>>,
}

/// A definition as text, checked while the program was compiled.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The canonical form of what the macro read.
    Declared(&'static str),
    /// A YAML file: its name and its text.
    Yaml(&'static str, &'static str),
    /// A JSON file: its name and its text.
    Json(&'static str, &'static str),
}

/// One step's code.
#[derive(Debug)]
pub struct StepSpec {
    /// What does the step.
    pub code: Code,
    /// The steps whose outputs the code reads, by their position in the workflow.
    pub dependencies: &'static [u32],
}

/// What does a step.
#[derive(Debug)]
pub enum Code {
    /// The agent that the definition names, with the prompt that it holds. The output is JSON.
    Template,
    /// An agent, with a prompt made by code.
    Agent(AgentStep),
    /// Code alone.
    Native(NativeStep),
}

/// A step that asks an agent.
#[derive(Debug)]
pub struct AgentStep {
    /// The agent.
    pub agent: &'static str,
    /// Makes the prompt.
    pub render: fn(&StepContext) -> Result<String, StepFailure>,
    /// The output's type, as it was written.
    pub output_type: &'static str,
    /// The output's codec.
    pub output: Codec,
}

/// A step that is code.
#[derive(Debug)]
pub struct NativeStep {
    /// Does the step.
    pub run: fn(StepContext) -> BoxFuture<'static, Result<Boxed, StepFailure>>,
    /// The output's type, as it was written.
    pub output_type: &'static str,
    /// The output's codec.
    pub output: Codec,
}

impl StepSpec {
    /// The codec of the step's output; none when it stays JSON.
    pub fn output(&self) -> Option<&Codec> {
        match &self.code {
            Code::Template => None,
            Code::Agent(step) => Some(&step.output),
            Code::Native(step) => Some(&step.output),
        }
    }

    fn output_type(&self) -> Option<&'static str> {
        match &self.code {
            Code::Template => None,
            Code::Agent(step) => Some(step.output_type),
            Code::Native(step) => Some(step.output_type),
        }
    }
}

/// The definition as it is stored: with the output type of each step, which thereby is part of its hash.
pub(crate) fn with_output_types(definition: &Definition, spec: &Spec) -> Definition {
    let mut stored = definition.clone();
    for (step, code) in stored.steps.iter_mut().zip(spec.steps) {
        if let Some(name) = code.output_type() {
            let schema = step.output_schema.get_or_insert_default();
            if !schema.is_object() {
                *schema = serde_json::json!({});
            }
            schema[OUTPUT_TYPE] = name.into();
        }
    }
    stored
}

/// Whether a stored definition is that of a workflow whose steps have Rust types.
pub(crate) fn is_typed(stored: &Definition) -> bool {
    stored.steps.iter().any(|step| {
        step.agent_ref().is_native()
            || step
                .output_schema
                .as_ref()
                .is_some_and(|schema| schema.get(OUTPUT_TYPE).is_some())
    })
}
