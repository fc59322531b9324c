//! The names of a definition, in one table.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use smol_str::SmolStr;

use crate::definition::Definition;
use crate::graph::as_index;
use crate::problem::{Places, Problem, Problems, quoted};
use crate::template::is_name;

use super::Gaps;

/// The longest name of a step or an input, in bytes: it stands in environments, headers and file names.
const LONGEST_NAME: usize = 256;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Input(u32),
    Step(u32),
}

/// Finds steps and declared inputs by name.
///
/// Names are kept with `-` written as `_`, because two that differ only in that are one name in Rust. They are copied:
/// in a large definition each is somewhere else in memory, and to compare with it there would take longer than the rest.
pub(super) struct Names<'a> {
    definition: &'a Definition,
    table: HashMap<SmolStr, Known>,
}

/// What the table says of a name.
#[derive(Clone, Copy)]
struct Known {
    name: Name,
    /// Whether it is kept as it was written.
    is_as_written: bool,
}

impl<'a> Names<'a> {
    /// Collects the names; reports what is no name and what clashes.
    pub(super) fn collect<P: Clone>(
        definition: &'a Definition,
        places: &Places<P>,
        gaps: &Gaps,
        problems: &mut Problems<P>,
    ) -> Self {
        let inputs = definition.inputs.as_deref().unwrap_or_default();
        let mut names = Names {
            definition,
            table: HashMap::with_capacity(inputs.len() + definition.steps.len()),
        };
        for (index, input) in inputs.iter().enumerate() {
            if let Some(problem) = name_problem("input", &input.name, places.input(index)) {
                problems.push(problem);
            }
            names.add(Name::Input(as_index(index)), places, problems);
        }
        for (index, step) in definition.steps.iter().enumerate() {
            if gaps.of(index).key {
                continue;
            }
            if let Some(problem) = name_problem("step key", &step.key, places.key(index)) {
                problems.push(problem);
            }
            names.add(Name::Step(as_index(index)), places, problems);
        }
        names
    }

    /// Returns what has exactly this name.
    pub(super) fn find(&self, text: &str) -> Option<Name> {
        let normal = normal(text);
        let known = self.table.get(normal.as_ref())?;
        // Neither was changed to look like the other, so there is nothing to compare.
        let is_as_written = known.is_as_written && matches!(normal, Cow::Borrowed(_));
        (is_as_written || self.text(known.name) == text).then_some(known.name)
    }

    /// Returns what has this name, or one that differs only in `-` and `_`.
    pub(super) fn find_like(&self, text: &str) -> Option<Name> {
        let known = self.table.get(normal(text).as_ref())?;
        Some(known.name)
    }

    pub(super) fn text(&self, name: Name) -> &'a str {
        match name {
            Name::Input(index) => {
                let inputs = self.definition.inputs.as_deref().unwrap_or_default();
                inputs.get(index as usize).map(|input| input.name.as_str())
            }
            Name::Step(index) => self
                .definition
                .steps
                .get(index as usize)
                .map(|step| step.key.as_str()),
        }
        .unwrap_or_default()
    }

    fn add<P: Clone>(&mut self, name: Name, places: &Places<P>, problems: &mut Problems<P>) {
        let text = self.text(name);
        let normal = normal(text);
        let is_as_written = matches!(normal, Cow::Borrowed(_));
        let first = match self.table.entry(SmolStr::new(normal)) {
            Entry::Vacant(vacant) => {
                vacant.insert(Known {
                    name,
                    is_as_written,
                });
                return;
            }
            Entry::Occupied(occupied) => occupied.get().name,
        };
        problems.push(clash((first, self.text(first)), (name, text), places));
    }
}

/// Returns a name with `-` written as `_`.
pub(super) fn normal(name: &str) -> Cow<'_, str> {
    if name.contains('-') {
        Cow::Owned(name.replace('-', "_"))
    } else {
        Cow::Borrowed(name)
    }
}

const NAME_HELP: &str = "begin with a letter or `_`, and go on with letters, digits, `_` and `-`";

fn clash<P: Clone>(
    (first, first_text): (Name, &str),
    (second, second_text): (Name, &str),
    places: &Places<P>,
) -> Problem<P> {
    let place = |name| match name {
        Name::Input(index) => places.input(index as usize).clone(),
        Name::Step(index) => places.key(index as usize).clone(),
    };
    let (a, b) = (quoted(first_text), quoted(second_text));
    let (message, help) = match (first, second, first_text == second_text) {
        (Name::Step(_), Name::Step(_), true) => (
            format!("duplicate step key {b}"),
            "give each step a key of its own",
        ),
        (Name::Input(_), Name::Input(_), true) => {
            (format!("duplicate input {b}"), "declare each input once")
        }
        (Name::Step(_), Name::Step(_), false) => (
            format!("step keys {a} and {b} differ only in `-` and `_`"),
            "rename one of them",
        ),
        (Name::Input(_), Name::Input(_), false) => (
            format!("inputs {a} and {b} differ only in `-` and `_`"),
            "rename one of them",
        ),
        (_, _, true) => (
            format!("{b} is both an input and a step"),
            "rename one of them",
        ),
        (_, _, false) => (
            format!("input {a} and step {b} differ only in `-` and `_`"),
            "rename one of them",
        ),
    };
    let first_is = match first {
        Name::Input(_) => "the input is declared here",
        Name::Step(_) => "the first is here",
    };
    Problem::error(place(second), message)
        .help(help)
        .also(place(first), first_is)
}

/// Says what is wrong with a name as such.
fn name_problem<P: Clone>(what: &str, name: &str, place: &P) -> Option<Problem<P>> {
    let fault = if !is_name(name) {
        (format!("{what} {} is not a name", quoted(name)), NAME_HELP)
    } else if name.len() > LONGEST_NAME {
        let message = format!(
            "{what} {} is longer than {LONGEST_NAME} bytes",
            quoted(name)
        );
        (message, "give it a shorter name")
    } else {
        return None;
    };
    Some(Problem::error(place.clone(), fault.0).help(fault.1))
}
