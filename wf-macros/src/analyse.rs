//! From a declaration to a definition: what a step mentions is what it depends on.

mod definition;
mod mentions;
mod prompts;
mod scope;
mod types;
mod unused;

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use wf_model::{Places, Problem, Severity, StepPlaces};

use self::definition::{definition, step_definition};
use self::mentions::{after, mentioned, offers};
use self::scope::Scope;
use self::types::tell_unstorable;
use self::unused::tell_unused;
use crate::mistakes::Mistakes;
use crate::parse::{Body, Step, Workflow};

/// What is known of a declaration.
pub(crate) struct Analysed {
    /// The definition in its canonical form; empty when there are mistakes.
    pub(crate) definition: String,
    pub(crate) steps: Vec<AnalysedStep>,
}

/// What is known of a step.
pub(crate) struct AnalysedStep {
    pub(crate) key: String,
    /// What its code reads, each once.
    pub(crate) references: Vec<Target>,
    /// What could be named in its code and is not, to be offered for a name that is unknown.
    pub(crate) offers: Vec<Target>,
    /// The steps that its prompt mentions and must not, itself or one after it: told where they are shown.
    pub(crate) misplaced: Vec<usize>,
    /// Whether its code has a `return`.
    pub(crate) has_return: bool,
    /// Whether no code is made of it: what is wrong with it, or with a type that it names, has been told.
    pub(crate) is_without_code: bool,
    /// Whether it mentions itself or a step after it, which has been told.
    is_out_of_order: bool,
}

impl AnalysedStep {
    /// The steps that its code reads.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = usize> {
        self.references.iter().filter_map(|target| match target {
            Target::Step(step) => Some(*step),
            Target::Input(_) => None,
        })
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Input(usize),
    Step(usize),
}

/// Finds out what each step mentions, and checks the definition that results.
pub(crate) fn analyse(workflow: &mut Workflow, mistakes: &mut Mistakes) -> Analysed {
    tell_unstorable(workflow, mistakes);
    let workflow = &*workflow;
    let scope = Scope::of(workflow);
    if workflow.steps.is_empty() && workflow.is_whole {
        let name = &workflow.name;
        let message = format!(
            "workflow `{name}` has no steps; write at least one: `step name: Type = ask agent \"prompt\";` or `step name: Type = <Rust expression>;`"
        );
        mistakes.add(name.span(), message);
    }
    scope.tell_foreign_names(mistakes);
    let mut definition = definition(&scope);
    let mut places = Places::at(workflow.name.span());
    places.inputs = spans(workflow.inputs.iter().map(|input| &input.name));
    let mut is_used = vec![false; workflow.inputs.len()];
    let mut is_whole = workflow.is_whole;
    let mut unknown = Vec::new();
    let mut steps = Vec::with_capacity(workflow.steps.len());
    for (at, step) in workflow.steps.iter().enumerate() {
        let mentioned = mentioned(&scope, at, step, mistakes);
        for target in &mentioned.targets {
            if let Target::Input(input) = target
                && let Some(is_used) = is_used.get_mut(*input)
            {
                *is_used = true;
            }
        }
        is_whole &= mentioned.is_whole;
        unknown.extend(mentioned.unknown().map(|name| (at, name.to_owned())));
        let analysed = AnalysedStep {
            is_out_of_order: mentioned.is_out_of_order,
            is_without_code: mentioned.is_told
                || !step.is_storable
                || mentioned
                    .targets
                    .iter()
                    .any(|target| !scope.is_storable(*target)),
            key: scope.key(at).to_owned(),
            offers: offers(&scope, at, step, &mentioned),
            has_return: mentioned.all.contains("return"),
            references: mentioned.targets,
            misplaced: mentioned.misplaced,
        };
        let after = after(&scope, at, step, mistakes);
        definition
            .steps
            .push(step_definition(&scope, at, step, &analysed, &after));
        places.steps.push(step_places(step));
        steps.push(analysed);
    }
    is_whole &= !workflow.steps.is_empty();
    if is_whole {
        tell_unused(&scope, &is_used, &unknown, mistakes);
    }
    let text = definition.to_json();
    // Without steps there is nothing to check, and that there are none has been told.
    if !workflow.steps.is_empty()
        && let Err(problems) = wf_model::check(definition, &places)
    {
        for problem in problems {
            if problem.severity == Severity::Error {
                mistakes.add(problem.at, told(&scope, &problem));
            }
        }
    }
    Analysed {
        definition: if mistakes.is_empty() {
            text
        } else {
            String::new()
        },
        steps,
    }
}

fn step_places(step: &Step) -> StepPlaces<Span> {
    let key = match &step.settings.key {
        Some(key) => key.span(),
        None => step.name.span(),
    };
    let (agent, prompt) = match &step.body {
        Body::Ask { agent, prompt, .. } => (agent.span(), prompt.span()),
        Body::Broken(Some(agent)) => (agent.span(), key),
        Body::Rust(_) | Body::Broken(None) => (key, key),
    };
    StepPlaces {
        key,
        agent,
        prompt,
        dependencies: Vec::new(),
    }
}

/// A problem in the words of the declaration: steps by their Rust names.
fn told(scope: &Scope<'_>, problem: &Problem<Span>) -> String {
    let mut message = problem.message.clone();
    for (place, what) in &problem.also {
        // Only the compiler knows lines; tests have none.
        let line = if proc_macro::is_available() {
            place.unwrap().line()
        } else {
            0
        };
        if line > 0 {
            message.push_str(&format!(" ({what}: line {line})"));
        }
    }
    if let Some(help) = &problem.help {
        message.push_str("; ");
        message.push_str(help);
    }
    for (key, step) in scope.keys.iter().zip(&scope.workflow.steps) {
        let name = plain(&step.name);
        if *key != name && message.contains('-') && step.settings.key.is_none() {
            message = message.replace(&format!("`{key}`"), &format!("`{name}`"));
        }
    }
    message.replace("step key", "step")
}

fn spans<'a>(names: impl Iterator<Item = &'a Ident>) -> Vec<Span> {
    names.map(Ident::span).collect()
}

/// An identifier's name, without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}
