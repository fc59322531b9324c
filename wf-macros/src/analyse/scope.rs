//! The names of a declaration.

use std::cell::Cell;
use std::collections::HashMap;

use super::{Target, plain};
use crate::parse::Workflow;

/// This many names are compared with unknown ones, in all.
pub(super) const COMPARISONS: usize = 20_000;

/// The names of a workflow.
pub(super) struct Scope<'a> {
    pub(super) workflow: &'a Workflow,
    targets: HashMap<String, Target>,
    pub(super) keys: Vec<String>,
    /// How many more names may be compared with unknown ones, so that many steps do not make many times the work.
    pub(super) comparisons_left: Cell<usize>,
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
        let keys = workflow.steps.iter().map(|step| match &step.settings.key {
            Some(key) => key.value(),
            None => plain(&step.name).replace('_', "-"),
        });
        Scope {
            keys: keys.collect(),
            comparisons_left: Cell::new(COMPARISONS),
            workflow,
            targets,
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Target> {
        self.targets.get(name).copied()
    }

    pub(super) fn key(&self, step: usize) -> &str {
        self.keys.get(step).map_or("", String::as_str)
    }

    pub(super) fn name(&self, target: Target) -> String {
        let ident = match target {
            Target::Input(at) => self.workflow.inputs.get(at).map(|input| &input.name),
            Target::Step(at) => self.workflow.steps.get(at).map(|step| &step.name),
        };
        ident.map(plain).unwrap_or_default()
    }

    /// The name by which a workflow file refers to it.
    pub(super) fn in_file(&self, target: Target) -> String {
        match target {
            Target::Input(_) => self.name(target),
            Target::Step(step) => format!("{}.result", self.key(step)),
        }
    }
}
