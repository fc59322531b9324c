//! The prompts: what their placeholders name.

use std::collections::HashSet;
use std::ops::Range;

use crate::definition::{Definition, Input, InputKind};
use crate::graph::as_index;
use crate::problem::{Places, Problem, Problems, quoted};
use crate::suggest::Suggestions;
use crate::template::{Fault, Part, Piece, Placeholder, Templates, is_name, pieces};

use super::dependencies::Dependencies;
use super::implied::Implied;
use super::names::{Name, Names, normal};
use super::upstream::{Use, Uses};
use super::{Gaps, named_step};

/// The prompts with their names resolved.
pub(super) struct Prompts {
    pub(super) templates: Templates,
    /// The declared inputs, or those that placeholders stand for.
    pub(super) inputs: Vec<Input>,
    pub(super) uses: Uses,
}

impl Prompts {
    /// Resolves the placeholders; reports what is no placeholder, what they name that does not exist, and unused inputs.
    pub(super) fn resolve<P: Clone>(
        definition: &Definition,
        places: &Places<P>,
        gaps: &Gaps,
        names: &Names<'_>,
        dependencies: &Dependencies,
        suggestions: &mut Suggestions,
        problems: &mut Problems<P>,
    ) -> Self {
        let inputs = definition.inputs.clone().unwrap_or_default();
        let mut resolver = Resolver {
            definition,
            places,
            gaps,
            names,
            dependencies,
            is_used: vec![false; inputs.len()],
            inputs,
            implied: Implied::default(),
            may_imply: definition.inputs.is_none() && !gaps.inputs,
            open: Vec::new(),
            uses: Uses::default(),
            may_use_more: false,
            suggestions,
            problems,
        };
        let steps = definition.steps.len();
        let mut templates = Templates::with_capacity(steps);
        for step in 0..steps {
            resolver.resolve(step, &mut templates);
            templates.close();
        }
        resolver.resolve_open(&mut templates);
        resolver.report_unused_inputs();
        let Resolver {
            implied,
            inputs,
            uses,
            problems,
            ..
        } = resolver;
        implied.report_slips(definition, places, problems);
        Prompts {
            templates,
            inputs,
            uses,
        }
    }
}

/// A placeholder with a path, which may mean an input that a later one implies.
struct Open<'a> {
    step: usize,
    /// Where its part stands in the templates.
    part: usize,
    placeholder: Placeholder<'a>,
}

struct Resolver<'a, 'b, P> {
    definition: &'a Definition,
    places: &'b Places<P>,
    gaps: &'b Gaps,
    names: &'b Names<'a>,
    dependencies: &'b Dependencies,
    inputs: Vec<Input>,
    is_used: Vec<bool>,
    /// Whether no inputs are declared, so that placeholders imply them.
    may_imply: bool,
    implied: Implied<'a>,
    open: Vec<Open<'a>>,
    uses: Uses,
    /// Whether a prompt could not be read to its end, so that it may use any input.
    may_use_more: bool,
    suggestions: &'b mut Suggestions,
    problems: &'b mut Problems<P>,
}

impl<'a, P: Clone> Resolver<'a, '_, P> {
    fn resolve(&mut self, step: usize, templates: &mut Templates) {
        let definition = self.definition;
        let Some(prompt) = definition.steps.get(step).map(|step| step.prompt.as_str()) else {
            return;
        };
        self.may_use_more |= self.gaps.of(step).prompt;
        let mut read = HashSet::new();
        for piece in pieces(prompt) {
            match piece {
                Piece::Text(range) => templates.push_text(range),
                Piece::Placeholder(placeholder) => {
                    let written = placeholder.clone();
                    if let Some(part) = self.part(step, placeholder, &mut read, templates.len()) {
                        self.report_dollar(step, prompt, &written);
                        templates.push(part);
                    }
                }
                Piece::Broken { range, fault } => self.report_fault(step, prompt, range, fault),
            }
        }
    }

    /// The part that a placeholder is, which will be the one of this number.
    fn part(
        &mut self,
        step: usize,
        placeholder: Placeholder<'a>,
        read: &mut HashSet<u32>,
        part: usize,
    ) -> Option<Part> {
        match self.names.find(placeholder.head) {
            Some(Name::Step(target)) => {
                self.read_step(step, &placeholder, target, read);
                Some(Part::Step {
                    step: target as usize,
                    path: placeholder.path_in_result(),
                    form: placeholder.form,
                })
            }
            Some(Name::Input(input)) => Some(self.input_part(step, &placeholder, input as usize)),
            None if !self.may_imply || self.names.find_like(placeholder.head).is_some() => {
                self.report_unknown(step, &placeholder, None);
                None
            }
            None if placeholder.is_dotted() => {
                self.open.push(Open {
                    step,
                    placeholder,
                    part,
                });
                // Stands there until all implied inputs are known.
                Some(Part::Text(0..0))
            }
            None => self.implied_part(step, &placeholder),
        }
    }

    fn implied_part(&mut self, step: usize, placeholder: &Placeholder<'a>) -> Option<Part> {
        let input = self.implied.mention(step, placeholder);
        if input == self.inputs.len() {
            self.inputs
                .push(Input::required(placeholder.head, InputKind::String));
            self.is_used.push(true);
        }
        self.implied_as_written(step, placeholder, input)
    }

    /// Resolves the placeholders that may mean an implied input, now that all of these are known.
    fn resolve_open(&mut self, templates: &mut Templates) {
        for open in std::mem::take(&mut self.open) {
            let (step, placeholder) = (open.step, &open.placeholder);
            match self.implied.find_like(placeholder.head) {
                Some(input) => {
                    if let Some(part) = self.implied_as_written(step, placeholder, input) {
                        templates.replace(open.part, part);
                    }
                }
                None => self.report_unknown(step, placeholder, None),
            }
        }
    }

    fn implied_as_written(
        &mut self,
        step: usize,
        placeholder: &Placeholder<'_>,
        input: usize,
    ) -> Option<Part> {
        let name = self.implied.name(input);
        if name == placeholder.head {
            return Some(self.input_part(step, placeholder, input));
        }
        self.report_unknown(step, placeholder, Some(name));
        None
    }

    fn input_part(&mut self, step: usize, placeholder: &Placeholder<'_>, input: usize) -> Part {
        if let Some(is_used) = self.is_used.get_mut(input) {
            *is_used = true;
        }
        let path = placeholder.path();
        let kind = self
            .inputs
            .get(input)
            .map_or(InputKind::Any, |input| input.kind);
        let is_scalar = matches!(
            kind,
            InputKind::String | InputKind::Number | InputKind::Integer | InputKind::Boolean
        );
        if is_scalar && !path.is_empty() {
            let message = format!(
                "input {} is of type `{}`, which has no path {}",
                quoted(placeholder.head),
                kind.name(),
                quoted(&path.join("."))
            );
            self.problems.push(
                Problem::warning(self.places.prompt(step).clone(), message)
                    .within(placeholder.range.clone())
                    .help(format!(
                        "declare it in `inputs` as `object`, `array` or `any`, or write {}",
                        braced(placeholder.head)
                    )),
            );
        }
        Part::Input {
            input,
            path,
            form: placeholder.form,
        }
    }

    fn read_step(
        &mut self,
        step: usize,
        placeholder: &Placeholder<'_>,
        target: u32,
        read: &mut HashSet<u32>,
    ) {
        if self.dependencies.edges.contains(step, target) || !read.insert(target) {
            return;
        }
        let Range { start, end } = placeholder.range;
        if step == target as usize {
            self.problems.push(
                Problem::error(
                    self.places.prompt(step).clone(),
                    format!("step {} reads its own result", quoted(placeholder.head)),
                )
                .within(start..end)
                .help("name another step, or an input"),
            );
        } else {
            self.uses.found.push(Use {
                reader: as_index(step),
                start,
                end,
                target,
            });
        }
    }

    fn report_fault(&mut self, step: usize, prompt: &str, range: Range<usize>, fault: Fault) {
        self.may_use_more |= fault != Fault::Empty;
        let written = quoted(prompt.get(range.clone()).unwrap_or_default());
        let (message, help) = match fault {
            Fault::Unclosed => (
                format!(
                    "unclosed `{{{{` in the prompt of {}",
                    named_step(self.definition, step)
                ),
                "close it with `}}`, or write `{{{{` for a literal `{{`",
            ),
            Fault::Empty => (
                format!("empty placeholder {written}"),
                "name an input or a step in it, or write `{{{{` for a literal `{{`",
            ),
            Fault::Filter => (
                format!("unknown filter in {written}"),
                "the one filter is `json`, as in `{{name | json}}`: it writes the value as JSON, a string in quotes",
            ),
            Fault::Malformed => (
                format!("{written} is not a placeholder"),
                "write `{{name}}` or `{{name.path}}`, or `{{{{` for a literal `{{`",
            ),
        };
        self.problems.push(
            Problem::error(self.places.prompt(step).clone(), message)
                .within(range)
                .help(help),
        );
    }

    /// Reports `${{ name }}`, as GitHub's workflows write it: the `$` is text here. One before braces without spaces may
    /// be meant, as in an amount of money.
    fn report_dollar(&mut self, step: usize, prompt: &str, placeholder: &Placeholder<'_>) {
        let Range { start, end } = placeholder.range;
        let is_foreign = is_after_dollar(prompt, placeholder)
            && prompt
                .get(start + 2..)
                .is_some_and(|inner| inner.starts_with(' '))
            && self.elsewhere(placeholder).is_none();
        if !is_foreign {
            return;
        }
        let name = prompt.get(start + 2..end - 2).unwrap_or_default().trim();
        self.problems.push(
            Problem::warning(
                self.places.prompt(step).clone(),
                format!("the `$` before {} stays in the prompt", braced(name)),
            )
            .within(start..end)
            .help(format!("write {} without it", braced(name))),
        );
    }

    fn report_unknown(&mut self, step: usize, placeholder: &Placeholder<'_>, like: Option<&str>) {
        if self.gaps.inputs {
            return;
        }
        let head = placeholder.head;
        let steps = self.definition.steps.len();
        let candidates =
            (0..steps + self.inputs.len()).map(|index| match index.checked_sub(steps) {
                None => self.names.text(Name::Step(as_index(index))),
                Some(input) => self
                    .inputs
                    .get(input)
                    .map_or("", |input| input.name.as_str()),
            });
        let elsewhere = like
            .is_none()
            .then(|| self.elsewhere(placeholder))
            .flatten();
        let meant = like.or_else(|| match elsewhere {
            Some(_) => None,
            None => self.suggestions.nearest(head, candidates),
        });
        let mut message = format!("unknown name {}", quoted(head));
        let prompt = self.definition.steps.get(step);
        let prompt = prompt.map_or("", |step| step.prompt.as_str());
        if placeholder.is_dotted() {
            let written = prompt.get(placeholder.range.clone()).unwrap_or_default();
            message.push_str(&format!(" in {}", quoted(written)));
        }
        let is_declared = self.definition.inputs.is_some();
        let help = match meant {
            Some(meant) => {
                message.push_str(&format!("; did you mean {}?", quoted(meant)));
                (normal(meant) == normal(head))
                    .then(|| "write it with the same `-` and `_` everywhere".to_owned())
            }
            None if elsewhere.is_some() => elsewhere.map(|name| {
                let without = match is_after_dollar(prompt, placeholder) {
                    true => ", without the `$`",
                    false => "",
                };
                format!("names stand alone here: write {}{without}", braced(&name))
            }),
            None if is_declared => Some(format!(
                "no step has this name; to make it an input, add {} to `inputs`",
                quoted(head)
            )),
            None => Some(format!(
                "no step has this name, and without an `inputs` section only {} can stand for an input",
                braced(head)
            )),
        };
        // A declared input that was probably meant is not unused as well.
        if let Some(meant) = meant.filter(|_| is_declared)
            && let Some(input) = self.inputs.iter().position(|input| input.name == meant)
            && let Some(is_used) = self.is_used.get_mut(input)
        {
            *is_used = true;
        }
        let problem = Problem::error(self.places.prompt(step).clone(), message)
            .within(placeholder.range.clone());
        self.problems.push(Problem { help, ..problem });
    }

    /// The name, with its path, of what other tools write as `steps.name.output` or `inputs.name`.
    fn elsewhere(&self, placeholder: &Placeholder<'_>) -> Option<String> {
        let path = placeholder.path();
        let (name, rest) = path.split_first()?;
        let is_there = match placeholder.head {
            "steps" | "step" | "nodes" | "tasks" => {
                matches!(self.names.find(name), Some(Name::Step(_)))
            }
            "inputs" | "input" | "params" | "parameters" | "vars" | "variables" => {
                let is_input = matches!(self.names.find(name), Some(Name::Input(_)));
                is_input || (self.may_imply && rest.is_empty() && is_name(name))
            }
            _ => false,
        };
        let rest = match rest.split_first() {
            Some((first, rest)) if ["output", "outputs", "result"].contains(&first.as_str()) => {
                rest
            }
            _ => rest,
        };
        is_there.then(|| {
            let path = std::iter::once(name).chain(rest);
            path.map(String::as_str).collect::<Vec<_>>().join(".")
        })
    }

    fn report_unused_inputs(&mut self) {
        let declared = self.definition.inputs.as_deref().unwrap_or_default();
        let unused = declared.iter().zip(&self.is_used).enumerate();
        let mut unused = unused.filter(|(_, (_, is_used))| !**is_used).peekable();
        if unused.peek().is_none() || self.may_use_more || self.has_code() {
            return;
        }
        for (index, (input, _)) in unused {
            let name = quoted(&input.name);
            self.problems.push(
                Problem::warning(
                    self.places.input(index).clone(),
                    format!("unused input {name}: no prompt refers to it"),
                )
                .help(format!(
                    "write {} in a prompt, or remove the input",
                    braced(&input.name)
                )),
            );
        }
    }

    /// Whether a step is code, which may use what its prompt does not show.
    fn has_code(&self) -> bool {
        let mut steps = self.definition.steps.iter();
        steps.any(|step| step.agent_ref().is_native())
    }
}

/// Whether a `$` stands before the placeholder.
fn is_after_dollar(prompt: &str, placeholder: &Placeholder<'_>) -> bool {
    let before = prompt.get(..placeholder.range.start);
    before.is_some_and(|before| before.ends_with('$'))
}

fn braced(name: &str) -> String {
    quoted(&format!("{{{{{name}}}}}"))
}
