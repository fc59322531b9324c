//! The plan: a definition whose names are resolved, whose graph is acyclic, and whose inputs are known.
//!
//! The only gate to the engine: what is a `Plan` can run.

mod identity;
mod inputs;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use self::identity::workflow;
pub use self::inputs::Inputs;
pub(crate) use self::inputs::quoted;
use wf_model::{Checked, OnFailure, Part, Templates};
pub use wf_model::{Definition, Graph, Input, Report, Source, Step};

use crate::id::WorkflowId;
#[cfg(feature = "schema")]
use crate::schema;
use crate::schema::Schemas;
use crate::step::StepKey;
use crate::store::{NewWorkflow, WorkflowRecord};
use crate::typed::{self, Code, Codec, Spec, StepSpec, Workflow};
use crate::value::Json;

/// A checked workflow, ready to run.
#[derive(Debug)]
pub struct Plan {
    definition: Arc<Definition>,
    inputs: Vec<Input>,
    /// The prompt of each step.
    templates: Templates,
    graph: Graph,
    chain_lengths: Vec<u32>,
    known: Known,
    /// The workflow as a store keeps it.
    workflow: OnceLock<NewWorkflow>,
    /// The code of a workflow that is compiled into the program.
    spec: Option<&'static Spec>,
    /// The schemas of the steps' results, once a run needs them.
    schemas: OnceLock<Result<Schemas, String>>,
}

/// Under which identifier and hash a workflow is stored.
#[derive(Debug)]
enum Known {
    /// As its definition says, once somebody asks.
    Computed,
    /// As the store says that it was read from.
    Stored {
        id: WorkflowId,
        hash: String,
        canonical: Json,
    },
}

impl Plan {
    /// Reads and checks a workflow file, YAML or JSON.
    ///
    /// # Errors
    ///
    /// A [`Report`] of every mistake in the file, each with its position and a way out.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Arc<Plan>, Report> {
        Plan::from_source(&Source::file(path.as_ref())?).map(|(plan, _)| plan)
    }

    /// Reads and checks a workflow, and returns it with the checker's warnings.
    ///
    /// # Errors
    ///
    /// A [`Report`] of every mistake, each with its position and a way out.
    pub fn from_source(source: &Source) -> Result<(Arc<Plan>, Report), Report> {
        #[cfg(feature = "schema")]
        let source = &source.clone().with_schema_check(schema::fault);
        Plan::read(source)
    }

    /// Reads and checks a workflow in YAML; `name` stands for its file in messages.
    ///
    /// # Errors
    ///
    /// A [`Report`] of every mistake, each with its position and a way out.
    pub fn from_yaml(name: &str, text: &str) -> Result<Arc<Plan>, Report> {
        Plan::from_source(&Source::yaml(name, text)).map(|(plan, _)| plan)
    }

    /// Reads and checks a workflow in JSON; `name` stands for its file in messages.
    ///
    /// # Errors
    ///
    /// A [`Report`] of every mistake, each with its position and a way out.
    pub fn from_json(name: &str, text: &str) -> Result<Arc<Plan>, Report> {
        Plan::from_source(&Source::json(name, text)).map(|(plan, _)| plan)
    }

    /// Reads and checks a stored workflow again. What it is stored as is not worked out once more.
    pub(crate) fn from_stored(
        stored: &WorkflowRecord,
        canonical: Json,
    ) -> Result<Arc<Plan>, Report> {
        // What is stored can be shown, whatever is thought of its schemas here.
        let source = Source::json(stored.id.as_str(), canonical.as_str());
        let (checked, _) = source.read()?;
        Ok(Arc::new(Plan {
            known: Known::Stored {
                id: stored.id.clone(),
                hash: stored.hash.clone(),
                canonical,
            },
            ..Plan::unnamed(checked)
        }))
    }

    fn read(source: &Source) -> Result<(Arc<Plan>, Report), Report> {
        let (checked, warnings) = source.read()?;
        Ok((Arc::new(Plan::new(checked)), warnings))
    }

    /// The plan of a workflow that is compiled into the program; made once.
    ///
    /// # Panics
    ///
    /// When the table of `W` is not one that `workflow!` wrote and its definition is wrong.
    pub fn of<W: Workflow>() -> Arc<Plan> {
        let spec = W::spec();
        Arc::clone(spec.plan.get_or_init(|| {
            let source = match spec.source {
                typed::Source::Declared(text) => Source::json(std::any::type_name::<W>(), text),
                typed::Source::Yaml(name, text) => Source::yaml(name, text),
                typed::Source::Json(name, text) => Source::json(name, text),
            };
            match source.read() {
                Ok((checked, _)) => Arc::new(Plan::of_spec(checked, spec)),
                Err(report) => panic!("the definition was changed after it was checked:\n{report}"),
            }
        }))
    }

    /// The plan of what the checker has passed.
    pub fn new(checked: Checked) -> Plan {
        let plan = Plan::unnamed(checked);
        plan.workflow();
        plan
    }

    /// A plan that does not know yet what it is stored as.
    fn unnamed(checked: Checked) -> Plan {
        let Checked {
            definition,
            inputs,
            templates,
            graph,
        } = checked;
        Plan {
            chain_lengths: chains(&graph, vec![1; graph.len()]),
            definition: Arc::new(definition),
            inputs,
            templates,
            graph,
            known: Known::Computed,
            workflow: OnceLock::new(),
            spec: None,
            schemas: OnceLock::new(),
        }
    }

    fn of_spec(checked: Checked, spec: &'static Spec) -> Plan {
        let plan = Plan {
            spec: Some(spec),
            ..Plan::unnamed(checked)
        };
        plan.workflow();
        plan
    }

    /// The schemas of the steps' results.
    ///
    /// # Errors
    ///
    /// Which one cannot be used, and why.
    pub(crate) fn schemas(&self) -> Result<&Schemas, &str> {
        let schemas = self.schemas.get_or_init(|| Schemas::of(self.definition()));
        schemas.as_ref().map_err(String::as_str)
    }

    /// The definition as it is stored: that of a compiled workflow names the output types.
    pub(crate) fn stored_definition(&self) -> Definition {
        let definition = self.definition();
        self.spec.map_or_else(
            || definition.clone(),
            |spec| typed::with_output_types(definition, spec),
        )
    }

    /// The code of a step, and what it reads; none when the workflow is only a definition.
    pub(crate) fn step_spec(&self, step: usize) -> Option<&'static StepSpec> {
        self.spec?.steps.get(step)
    }

    pub(crate) fn code(&self, step: usize) -> Option<&'static Code> {
        self.step_spec(step).map(|step| &step.code)
    }

    /// The codecs of the inputs of a workflow that is compiled into the program.
    pub(crate) fn input_codecs(&self) -> &'static [Codec] {
        self.spec.map_or(&[], |spec| spec.inputs)
    }

    /// The definition.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The keys of its steps, which stay where they are.
    pub(crate) fn keys(&self) -> impl Iterator<Item = StepKey> {
        StepKey::of_definition(&self.definition)
    }

    /// The workflow's name.
    pub fn name(&self) -> &str {
        &self.definition().name
    }

    /// The workflow's version.
    pub fn version(&self) -> &str {
        &self.definition().version
    }

    /// The hash of the canonical definition: SHA-256 in hexadecimal.
    pub fn hash(&self) -> &str {
        match &self.known {
            Known::Computed => &self.workflow().hash,
            Known::Stored { hash, .. } => hash,
        }
    }

    /// The identifier under which the workflow is stored.
    pub fn id(&self) -> &WorkflowId {
        match &self.known {
            Known::Computed => &self.workflow().id,
            Known::Stored { id, .. } => id,
        }
    }

    /// The inputs: those declared, else those that placeholders imply.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The steps, in the definition's order.
    pub fn steps(&self) -> &[Step] {
        &self.definition().steps
    }

    /// Which step waits for which.
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// How many steps the longest chain has that begins with this one, itself included.
    pub fn chain_length(&self, step: u32) -> u32 {
        self.chain_lengths.get(step as usize).copied().unwrap_or(0)
    }

    /// How much the heaviest chain weighs that begins with each step, given what each step weighs.
    pub(crate) fn chains(&self, weights: Vec<u32>) -> Vec<u32> {
        chains(self.graph(), weights)
    }

    pub(crate) fn key(&self, step: usize) -> &str {
        self.steps().get(step).map_or("", |step| step.key.as_str())
    }

    /// The prompt of a step as it stands in the definition.
    pub(crate) fn prompt(&self, step: usize) -> &str {
        let step = self.steps().get(step);
        step.map_or("", |step| step.prompt.as_str())
    }

    pub(crate) fn template(&self, step: usize) -> &[Part] {
        self.templates.parts(step)
    }

    pub(crate) fn max_parallel(&self) -> u32 {
        self.definition().config.max_parallel.get()
    }

    pub(crate) fn on_failure(&self) -> OnFailure {
        self.definition().config.on_failure
    }

    pub(crate) fn is_serial(&self, step: u32) -> bool {
        self.steps()
            .get(step as usize)
            .is_some_and(|step| !step.parallel)
    }

    pub(crate) fn is_optional(&self, step: u32) -> bool {
        self.steps()
            .get(step as usize)
            .is_some_and(|step| step.optional)
    }

    /// The workflow as a store keeps it.
    pub(crate) fn workflow(&self) -> &NewWorkflow {
        self.workflow.get_or_init(|| match &self.known {
            Known::Computed => match self.spec {
                None => workflow(&self.definition, &self.definition),
                Some(spec) => {
                    let stored = typed::with_output_types(&self.definition, spec);
                    workflow(&self.definition, &stored)
                }
            },
            Known::Stored {
                id,
                hash,
                canonical,
            } => NewWorkflow {
                id: id.clone(),
                definition: Arc::clone(&self.definition),
                canonical: canonical.clone(),
                hash: hash.clone(),
            },
        })
    }

    /// The result of a run: an object of the results of the steps that nothing depends on, by key.
    pub(crate) fn result<'a>(&self, result: impl Fn(usize) -> Option<&'a Json>) -> Json {
        let sinks = self.graph().sinks();
        result_of(sinks.map(|sink| (self.key(sink), result(sink))))
    }
}

/// The object of those results, by key.
pub(crate) fn result_of<'a>(results: impl Iterator<Item = (&'a str, Option<&'a Json>)>) -> Json {
    let mut object = String::from("{");
    for (key, result) in results {
        if object.len() > 1 {
            object.push(',');
        }
        // A step's key needs no escape.
        let _ = write!(object, "\"{key}\":{}", result.map_or("null", Json::as_str));
    }
    object.push('}');
    Json::from_stored(object)
}

/// The heaviest chain that begins with each step, given what each step weighs.
fn chains(graph: &Graph, mut lengths: Vec<u32>) -> Vec<u32> {
    for &step in graph.order().iter().rev() {
        let behind = graph
            .dependents(step as usize)
            .iter()
            .map(|&next| lengths[next as usize])
            .max();
        let own = &mut lengths[step as usize];
        *own = own.saturating_add(behind.unwrap_or(0));
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Arc<Plan> {
        let text = format!("name: \"{name}\"\nsteps: [{{ key: a, agent: x, prompt: p }}]");
        Plan::from_yaml("t.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
    }

    #[test]
    fn yaml_and_json_of_one_meaning_are_one_workflow() {
        let json = r#"{"steps":[{"prompt":"p","key":"a","agent":"x"}],"name":"a"}"#;
        let json = Plan::from_json("t.json", json).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(json.id(), named("a").id());
        assert_eq!(json.definition(), named("a").definition());
    }

    #[test]
    fn a_plan_that_is_read_from_a_store_is_stored_under_the_same_name_again() {
        let plan = named("a");
        let NewWorkflow {
            id,
            definition,
            canonical,
            hash,
        } = plan.workflow().clone();
        let (name, version) = (definition.name.clone(), definition.version.clone());
        let at = crate::id::Timestamp::from_millis(1);
        let record = WorkflowRecord::new(id, name, version, hash, at);
        let read = Plan::from_stored(&record, canonical).unwrap_or_else(|r| panic!("{r}"));
        assert_eq!((read.id(), read.hash()), (plan.id(), plan.hash()));
        assert_eq!(read.workflow(), plan.workflow());
    }

    #[test]
    fn a_plan_knows_the_longest_chain_behind_each_step() {
        let text = "
name: t
steps:
  - { key: end, agent: x, prompt: p, dependencies: [mid, side] }
  - { key: mid, agent: x, prompt: p, dependencies: [top] }
  - { key: side, agent: x, prompt: p }
  - { key: top, agent: x, prompt: p }
";
        let plan = Plan::from_yaml("t.yaml", text).unwrap_or_else(|report| panic!("{report}"));
        let lengths: Vec<u32> = (0..4).map(|step| plan.chain_length(step)).collect();
        assert_eq!(lengths, [1, 2, 2, 3]);
    }

    #[test]
    fn a_wrong_file_is_a_report() {
        let report = Plan::from_file("no/such/file.yaml").unwrap_err();
        assert!(report.to_string().contains("no/such/file.yaml"), "{report}");
    }
}
