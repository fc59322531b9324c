//! The names of a declaration.

use std::cell::Cell;
use std::collections::HashMap;

use proc_macro2::Ident;

use super::{Target, plain};
use crate::mistakes::Mistakes;
use crate::parse::Workflow;

/// This many names are compared with unknown ones, in all.
const COMPARISONS: usize = 20_000;

/// The names of a workflow.
pub(super) struct Scope<'a> {
    pub(super) workflow: &'a Workflow,
    targets: HashMap<String, Target>,
    pub(super) keys: Vec<String>,
    /// How many more names may be compared with unknown ones, so that many steps do not make many times the work.
    comparisons_left: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn of(workflow: &'a Workflow) -> Self {
        let mut targets = HashMap::new();
        for (at, input) in workflow.inputs.iter().enumerate() {
            targets
                .entry(plain(&input.name))
                .or_insert(Target::Input(at));
        }
        for (at, step) in workflow.steps.iter().enumerate() {
            targets.entry(plain(&step.name)).or_insert(Target::Step(at));
        }
        let keys = workflow.steps.iter().enumerate();
        let keys = keys.map(|(at, step)| match &step.settings.key {
            Some(key) => key.value(),
            None if is_foreign(&step.name) => format!("__step-{at}"),
            None => plain(&step.name).replace('_', "-"),
        });
        Scope {
            keys: keys.collect(),
            comparisons_left: Cell::new(COMPARISONS),
            workflow,
            targets,
        }
    }

    /// Tells the names that Rust takes and a definition does not.
    ///
    /// In the definition others stand for them, so that nothing else is told of them.
    pub(super) fn tell_foreign_names(&self, mistakes: &mut Mistakes) {
        let of_inputs = self.workflow.inputs.iter().map(|input| &input.name);
        for name in of_inputs.filter(|name| is_foreign(name)) {
            let message = format!(
                "input `{name}` has a name that no definition takes; use ASCII letters, digits and `_`"
            );
            mistakes.add(name.span(), message);
        }
        let steps = self.workflow.steps.iter();
        for step in steps.filter(|step| step.settings.key.is_none() && is_foreign(&step.name)) {
            let name = &step.name;
            let message = format!(
                "step `{name}` has a name that no definition takes as a key; use ASCII letters, digits and `_`, or give it a key: `#[key = \"…\"]`"
            );
            mistakes.add(name.span(), message);
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Target> {
        self.targets.get(name).copied()
    }

    pub(super) fn key(&self, step: usize) -> &str {
        self.keys.get(step).map_or("", String::as_str)
    }

    /// An input's name in the definition.
    pub(super) fn input(&self, input: usize) -> String {
        match self.workflow.inputs.get(input) {
            Some(declared) if is_foreign(&declared.name) => format!("__input_{input}"),
            Some(declared) => plain(&declared.name),
            None => String::new(),
        }
    }

    pub(super) fn name(&self, target: Target) -> String {
        let ident = match target {
            Target::Input(at) => self.workflow.inputs.get(at).map(|input| &input.name),
            Target::Step(at) => self.workflow.steps.get(at).map(|step| &step.name),
        };
        ident.map(plain).unwrap_or_default()
    }

    /// Whether an unknown name may be a misspelt or half-typed other one, as long as names may be compared.
    pub(super) fn is_near(&self, unknown: &str, name: &str) -> bool {
        let left = self.comparisons_left.get().checked_sub(1);
        self.comparisons_left.set(left.unwrap_or(0));
        left.is_some()
            && (name.starts_with(unknown) || wf_model::nearest(unknown, [name]).is_some())
    }

    /// Whether nothing is known to be wrong with its type.
    pub(super) fn is_storable(&self, target: Target) -> bool {
        let is_storable = match target {
            Target::Input(at) => self.workflow.inputs.get(at).map(|input| input.is_storable),
            Target::Step(at) => self.workflow.steps.get(at).map(|step| step.is_storable),
        };
        is_storable.unwrap_or(true)
    }

    /// The name by which a workflow file refers to it.
    pub(super) fn in_file(&self, target: Target) -> String {
        match target {
            Target::Input(input) => self.input(input),
            Target::Step(step) => format!("{}.result", self.key(step)),
        }
    }
}

/// Whether Rust takes a name that a definition does not.
fn is_foreign(name: &Ident) -> bool {
    !wf_model::is_name(&plain(name))
}
