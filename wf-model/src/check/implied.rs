//! The inputs of a definition that declares none.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::definition::Definition;
use crate::problem::{Places, Problem, Problems, quoted};
use crate::suggest::is_slip;
use crate::template::Placeholder;

use super::names::normal;

/// The inputs that undotted placeholders stand for where none are declared.
#[derive(Default)]
pub(super) struct Implied<'a> {
    /// Each name, with the step and the place in its prompt that mentions it first.
    mentions: Vec<(&'a str, usize, Range<usize>)>,
    table: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Implied<'a> {
    /// Returns the input of this name, which it adds if there is none that has it, or differs only in `-` and `_`.
    pub(super) fn mention(&mut self, step: usize, placeholder: &Placeholder<'a>) -> usize {
        let next = self.mentions.len();
        let input = *self.table.entry(normal(placeholder.head)).or_insert(next);
        if input == next {
            self.mentions
                .push((placeholder.head, step, placeholder.range.clone()));
        }
        input
    }

    /// Returns the input that has this name, or one that differs only in `-` and `_`.
    pub(super) fn find_like(&self, head: &str) -> Option<usize> {
        self.table.get(normal(head).as_ref()).copied()
    }

    pub(super) fn name(&self, input: usize) -> &'a str {
        self.mentions.get(input).map_or("", |(name, ..)| *name)
    }

    /// Warns where an input is one letter away from a step: it was probably meant to be that.
    pub(super) fn report_slips<P: Clone>(
        &self,
        definition: &Definition,
        places: &Places<P>,
        problems: &mut Problems<P>,
    ) {
        const MOST_COMPARISONS: usize = 1_000_000;
        let steps = &definition.steps;
        if self.mentions.len().saturating_mul(steps.len()) > MOST_COMPARISONS {
            return;
        }
        for (name, step, range) in &self.mentions {
            if let Some(meant) = steps.iter().find(|step| is_slip(name, &step.key)) {
                let message = format!(
                    "{} names no step, so it stands for an input; did you mean {}?",
                    quoted(name),
                    quoted(&meant.key)
                );
                problems.push(
                    Problem::warning(places.prompt(*step).clone(), message)
                        .within(range.clone())
                        .help("declare it in `inputs` if it is one"),
                );
            }
        }
    }
}
