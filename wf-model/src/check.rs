//! The checker: what must hold of every definition, whatever it was read from.

mod cycles;
mod dependencies;
mod implied;
mod names;
mod prompts;
mod upstream;
mod values;

use crate::definition::{Definition, Input};
use crate::graph::{Graph, as_index};
use crate::problem::{Places, Problem, Problems, quoted};
use crate::suggest::Suggestions;
use crate::template::Templates;

use self::dependencies::Dependencies;
use self::names::Names;
use self::prompts::Prompts;

pub(crate) use self::values::{default_mismatch, schema_fault};

/// Holds a definition that was found to be right, with its names resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The definition.
    pub definition: Definition,
    /// The inputs of a run: the declared ones, or without an `inputs` section the required strings
    /// that undotted placeholders stand for, in order of first mention.
    pub inputs: Vec<Input>,
    /// The prompt of each step.
    pub templates: Templates,
    /// Which step waits for which.
    pub graph: Graph,
}

/// What a check comes to: the checked definition with its warnings, or everything that is wrong.
pub type Verdict<P> = Result<(Checked, Vec<Problem<P>>), Vec<Problem<P>>>;

/// Checks a definition and resolves its names; warnings come with the result.
///
/// # Errors
/// With every mistake found, warnings among them, when at least one is an error.
pub fn check<P: Clone>(definition: Definition, places: &Places<P>) -> Verdict<P> {
    let mut problems = Problems::default();
    match check_draft(definition, places, &Gaps::default(), &mut problems) {
        Some(checked) => Ok((checked, problems.into_vec())),
        None => Err(problems.into_vec()),
    }
}

/// Checks a definition that was written by a program, where there is no place to point at.
///
/// # Errors
/// As [`check`].
pub fn check_unplaced(definition: Definition) -> Verdict<()> {
    check(definition, &Places::at(()))
}

/// Says which parts of a definition could not be read and hold a substitute, so that they are not reported again.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    pub(crate) name: bool,
    /// The list of steps, or one that is no step at all.
    pub(crate) steps: bool,
    /// The whole section of inputs.
    pub(crate) inputs: bool,
    /// For each step; may be shorter than the steps.
    pub(crate) of_steps: Vec<StepGaps>,
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct StepGaps {
    pub(crate) key: bool,
    pub(crate) agent: bool,
    pub(crate) prompt: bool,
    pub(crate) dependencies: bool,
}

impl Gaps {
    fn of(&self, step: usize) -> StepGaps {
        self.of_steps.get(step).copied().unwrap_or_default()
    }
}

/// Names a step in a message.
fn named_step(definition: &Definition, step: usize) -> String {
    match definition.steps.get(step).map(|step| step.key.as_str()) {
        None | Some("") => "this step".to_owned(),
        Some(key) => format!("step {}", quoted(key)),
    }
}

/// The inputs of a run of a definition that may be wrong.
pub(crate) fn inputs_of_draft<P: Clone>(
    definition: &Definition,
    places: &Places<P>,
    gaps: &Gaps,
) -> Vec<Input> {
    let (mut suggestions, mut unsaid) = (Suggestions::default(), Problems::default());
    let names = Names::collect(definition, places, gaps, &mut unsaid);
    let dependencies = Dependencies::resolve(
        definition,
        places,
        gaps,
        &names,
        &mut suggestions,
        &mut unsaid,
    );
    let prompts = Prompts::resolve(
        definition,
        places,
        gaps,
        &names,
        &dependencies,
        &mut suggestions,
        &mut unsaid,
    );
    prompts.inputs
}

/// Checks a definition that may have gaps; gives a result only if there is no error, those of before included.
pub(crate) fn check_draft<P: Clone>(
    mut definition: Definition,
    places: &Places<P>,
    gaps: &Gaps,
    problems: &mut Problems<P>,
) -> Option<Checked> {
    if as_index(definition.steps.len()) == u32::MAX {
        problems.push(Problem::error(
            places.definition.clone(),
            "the workflow has too many steps",
        ));
        return None;
    }
    values::check(&mut definition, places, gaps, problems);
    let mut suggestions = Suggestions::default();
    let names = Names::collect(&definition, places, gaps, problems);
    let dependencies = Dependencies::resolve(
        &definition,
        places,
        gaps,
        &names,
        &mut suggestions,
        problems,
    );
    let prompts = Prompts::resolve(
        &definition,
        places,
        gaps,
        &names,
        &dependencies,
        &mut suggestions,
        problems,
    );
    let order = match dependencies.edges.order() {
        Some(order) => {
            upstream::check(
                &definition,
                places,
                &dependencies,
                &upstream::Ranks::of_order(&order),
                &prompts.uses,
                problems,
            );
            Some(order)
        }
        None => {
            let components = cycles::components(&dependencies.edges);
            cycles::report(&definition, places, &dependencies, &components, problems);
            upstream::check(
                &definition,
                places,
                &dependencies,
                &components,
                &prompts.uses,
                problems,
            );
            None
        }
    };
    let order = order.filter(|_| !problems.has_errors())?;
    let Dependencies {
        edges,
        has_repetitions,
        ..
    } = dependencies;
    let Prompts {
        templates,
        inputs,
        uses,
    } = prompts;
    let edges = uses.joined_to(edges);
    if has_repetitions {
        dependencies::remove_repetitions(&mut definition);
    }
    Some(Checked {
        definition,
        inputs,
        templates,
        graph: Graph::new(edges, order),
    })
}
