//! The declared dependencies.

use std::collections::{HashMap, HashSet};

use crate::definition::Definition;
use crate::graph::{Edges, as_index};
use crate::problem::{Places, Problem, Problems, listed, quoted};
use crate::suggest::Suggestions;

use super::Gaps;
use super::names::{Name, Names};

/// The declared dependencies by number.
pub(super) struct Dependencies {
    /// Without those of a step on itself.
    pub(super) edges: Edges,
    /// Whether a dependency of the step could not be read or is unknown, so that more may be upstream than `edges` say.
    pub(super) is_incomplete: Vec<bool>,
    /// Whether some step names a dependency twice.
    pub(super) has_repetitions: bool,
}

impl Dependencies {
    /// Resolves the dependencies; reports those that are unknown, repeated, or of a step on itself.
    pub(super) fn resolve<P: Clone>(
        definition: &Definition,
        places: &Places<P>,
        gaps: &Gaps,
        names: &Names<'_>,
        suggestions: &mut Suggestions,
        problems: &mut Problems<P>,
    ) -> Self {
        let steps = &definition.steps;
        let mut resolved = Dependencies {
            edges: Edges::with_capacity(steps.len()),
            is_incomplete: Vec::with_capacity(steps.len()),
            has_repetitions: false,
        };
        let mut row = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let mut is_incomplete = gaps.of(index).dependencies;
            for (entry, dependency) in step.dependencies.iter().enumerate() {
                let place = || places.dependency(index, entry).clone();
                match names.find(dependency) {
                    Some(Name::Step(target)) if target == as_index(index) => {
                        problems.push(
                            Problem::error(
                                place(),
                                format!("step {} depends on itself", quoted(&step.key)),
                            )
                            .help(format!(
                                "remove {} from its `dependencies`",
                                quoted(&step.key)
                            )),
                        );
                    }
                    Some(Name::Step(target)) => row.push(target),
                    Some(Name::Input(_)) => problems.push(
                        Problem::error(
                            place(),
                            format!("dependency {} is an input, not a step", quoted(dependency)),
                        )
                        .help("remove it: a prompt may use any input"),
                    ),
                    None => {
                        is_incomplete = true;
                        problems.push(unknown(definition, place(), dependency, suggestions));
                    }
                }
            }
            let entries = row.len();
            resolved.edges.push_row(&mut row);
            if resolved.edges.of(index).len() < entries {
                resolved.has_repetitions |= report_repetitions(definition, index, places, problems);
            }
            resolved.is_incomplete.push(is_incomplete);
        }
        resolved
    }
}

/// Keeps the first of each repeated dependency.
pub(super) fn remove_repetitions(definition: &mut Definition) {
    for step in &mut definition.steps {
        let mut seen = HashSet::new();
        let is_first: Vec<bool> = step
            .dependencies
            .iter()
            .map(|dependency| seen.insert(dependency.as_str()))
            .collect();
        let mut is_first = is_first.into_iter();
        step.dependencies
            .retain(|_| is_first.next().unwrap_or(true));
    }
}

fn unknown<P>(
    definition: &Definition,
    at: P,
    dependency: &str,
    suggestions: &mut Suggestions,
) -> Problem<P> {
    let keys = definition.steps.iter().map(|step| step.key.as_str());
    let unknown = quoted(dependency);
    match suggestions.nearest(dependency, keys.clone()) {
        Some(meant) => Problem::error(
            at,
            format!(
                "unknown dependency {unknown}; did you mean {}?",
                quoted(meant)
            ),
        ),
        None => Problem::error(at, format!("unknown dependency {unknown}"))
            .help(format!("the steps are {}", listed(keys))),
    }
}

fn report_repetitions<P: Clone>(
    definition: &Definition,
    step: usize,
    places: &Places<P>,
    problems: &mut Problems<P>,
) -> bool {
    let Some(dependencies) = definition.steps.get(step).map(|step| &step.dependencies) else {
        return false;
    };
    let mut first_of = HashMap::new();
    let mut found = false;
    for (entry, dependency) in dependencies.iter().enumerate() {
        if let Some(first) = first_of.get(dependency.as_str()) {
            found = true;
            problems.push(
                Problem::warning(
                    places.dependency(step, entry).clone(),
                    format!("dependency {} is listed twice", quoted(dependency)),
                )
                .help("remove one of them")
                .also(places.dependency(step, *first).clone(), "the first is here"),
            );
        } else {
            first_of.insert(dependency.as_str(), entry);
        }
    }
    found
}
