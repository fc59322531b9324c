//! What a step mentions.

use std::collections::HashSet;

use proc_macro2::{Ident, Span};

use super::scope::Scope;
use super::{Target, plain, prompts};
use crate::mistakes::Mistakes;
use crate::names::Names;
use crate::parse::{Body, Step};
use crate::prompt;

/// With more names than this in scope, only those like an unknown name are offered for it.
const OFFERED: usize = 32;

/// What a step's code mentions.
pub(super) struct Mentioned {
    pub(super) targets: Vec<Target>,
    /// The steps that its prompt shows and must not: the compiler finds them in the prompt's text.
    pub(super) misplaced: Vec<usize>,
    /// Names used as values that are neither an input nor a step.
    unknown: Vec<String>,
    /// Whether what is wrong with its code has been told.
    pub(super) is_told: bool,
    /// Every identifier of its code.
    pub(super) all: HashSet<String>,
    pub(super) is_out_of_order: bool,
    /// Whether it could be read, so that what it does not mention is known.
    pub(super) is_whole: bool,
}

pub(super) fn mentioned(
    scope: &Scope<'_>,
    at: usize,
    step: &Step,
    mistakes: &mut Mistakes,
) -> Mentioned {
    let mut values: Vec<(String, Span)> = Vec::new();
    let mut bound = HashSet::new();
    let mut all = HashSet::new();
    let mut named_in_arguments = HashSet::new();
    let mut is_told = false;
    let mut take = |names: Names, values: &mut Vec<(String, Span)>, bound: &mut HashSet<String>| {
        values.extend(names.values.iter().map(|name| (plain(name), name.span())));
        bound.extend(names.bound);
        all.extend(names.all);
        names.is_code
    };
    let is_whole = match &step.body {
        Body::Ask {
            prompt, arguments, ..
        } => {
            let text = prompt.value();
            let named: HashSet<String> = argument_names(arguments.clone()).collect();
            let mentions = prompt::names(&text)
                .into_iter()
                .filter(|name| !named.contains(*name));
            values.extend(mentions.map(|name| (name.to_owned(), prompt.span())));
            named_in_arguments = named.clone();
            let names = Names::of_arguments(arguments.clone());
            is_told |= prompts::tell_await(&names, mistakes);
            let is_code = take(names, &mut values, &mut bound);
            for head in prompts::tell_file_placeholders(scope, prompt, mistakes) {
                values.push((head, prompt.span()));
            }
            let is_prompt = prompt::is_whole(&text);
            is_told |= !is_prompt && prompts::tell_computations(scope, prompt, mistakes);
            // `name =` names the argument, not a value.
            values.retain(|(name, _)| !named.contains(name) || scope.find(name).is_some());
            is_code && is_prompt
        }
        Body::Rust(tokens) => {
            let is_code = take(Names::of(tokens.clone()), &mut values, &mut bound);
            is_told |= !is_code && prompts::tell_ask(tokens.clone(), mistakes);
            is_code
        }
        Body::Broken(_) => false,
    };
    all.extend(named_in_arguments);
    let mut mentioned = Mentioned {
        targets: Vec::new(),
        misplaced: Vec::new(),
        unknown: Vec::new(),
        all,
        is_out_of_order: false,
        is_whole,
        is_told,
    };
    let mut seen = HashSet::new();
    for (name, span) in values {
        match scope.find(&name) {
            None if bound.contains(&name) => {}
            None if name == "self" => {
                if is_whole && !mentioned.is_told {
                    let message =
                        "a step has no `self`; it reads an input or a step by its name alone";
                    mistakes.add(span, message);
                    mentioned.is_whole = false;
                    mentioned.is_told = true;
                }
            }
            None => mentioned.unknown.push(name),
            // What the code binds itself is not the step of that name, unless that step is there to be read.
            Some(Target::Step(target)) if target >= at && bound.contains(&name) => {}
            Some(target) if !seen.insert(target) => {}
            Some(Target::Step(target)) if target >= at => {
                mentioned.is_out_of_order = true;
                if is_only_shown(step, &name, &mentioned.all) {
                    mentioned.misplaced.push(target);
                } else {
                    mentioned.targets.push(Target::Step(target));
                    mistakes.add(span, not_before(&step.name, &name, target == at));
                }
            }
            Some(target) => mentioned.targets.push(target),
        }
    }
    mentioned
}

impl Mentioned {
    /// The names that rustc may not find.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        let names = self.unknown.iter().map(String::as_str);
        names.filter(|name| may_be_misspelt(name))
    }
}

/// Whether a name stands in a step's prompt alone, where the compiler can point at it.
fn is_only_shown(step: &Step, name: &str, in_arguments: &HashSet<String>) -> bool {
    match &step.body {
        Body::Ask { prompt, .. } => {
            !in_arguments.contains(name) && prompt::is_only_shown(&prompt.value(), name)
        }
        Body::Rust(_) | Body::Broken(_) => false,
    }
}

fn not_before(step: &Ident, mentioned: &str, is_itself: bool) -> String {
    if is_itself {
        format!(
            "step `{step}` mentions itself; a step can only use steps that are declared before it"
        )
    } else {
        format!(
            "step `{step}` uses `{mentioned}`, which is declared after it; move `{mentioned}` above `{step}`"
        )
    }
}

/// The names of `, name = value` arguments.
pub(super) fn argument_names(arguments: proc_macro2::TokenStream) -> impl Iterator<Item = String> {
    use proc_macro2::Spacing;
    use proc_macro2::TokenTree::{Ident, Punct};
    let tokens: Vec<_> = arguments.into_iter().collect();
    let windows = tokens.windows(3).filter_map(|window| match window {
        [Punct(comma), Ident(name), Punct(equals)]
            if comma.as_char() == ','
                && equals.as_char() == '='
                && equals.spacing() == Spacing::Alone =>
        {
            Some(plain(name))
        }
        _ => None,
    });
    windows.collect::<Vec<_>>().into_iter()
}

/// The steps of `#[after(…)]`.
pub(super) fn after(
    scope: &Scope<'_>,
    at: usize,
    step: &Step,
    mistakes: &mut Mistakes,
) -> Vec<usize> {
    let mut steps = Vec::new();
    for name in &step.settings.after {
        match scope.find(&plain(name)) {
            Some(Target::Step(target)) if steps.contains(&target) => {
                mistakes.add(name.span(), format!("`{name}` stands twice; remove one"));
            }
            Some(Target::Step(target)) if target < at => steps.push(target),
            Some(Target::Step(target)) => {
                mistakes.add(
                    name.span(),
                    not_before(&step.name, &plain(name), target == at),
                );
            }
            Some(Target::Input(_)) => {
                mistakes.add(
                    name.span(),
                    format!(
                        "`{name}` is an input, not a step; inputs are there from the beginning"
                    ),
                );
            }
            None => {
                let names = scope.workflow.steps.iter().take(at);
                let names: Vec<String> = names.map(|step| plain(&step.name)).collect();
                let help = match wf_model::nearest(&plain(name), names.iter().map(String::as_str)) {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => String::new(),
                };
                mistakes.add(name.span(), format!("unknown step `{name}`{help}"));
            }
        }
    }
    steps
}

pub(super) fn offers(
    scope: &Scope<'_>,
    at: usize,
    step: &Step,
    mentioned: &Mentioned,
) -> Vec<Target> {
    if matches!(step.body, Body::Broken(_)) {
        return Vec::new();
    }
    let (inputs, steps) = (scope.workflow.inputs.len(), at);
    let offers_all = inputs + scope.workflow.steps.len() <= OFFERED;
    let unknown: Vec<&str> = mentioned.unknown().collect();
    if !offers_all && unknown.is_empty() {
        return Vec::new();
    }
    let targets = (0..inputs)
        .map(Target::Input)
        .chain((0..steps).map(Target::Step));
    let is_like = |name: &str| unknown.iter().any(|unknown| scope.is_near(unknown, name));
    targets
        .filter(|target| {
            let name = scope.name(*target);
            scope.find(&name) == Some(*target)
                && !mentioned.all.contains(&name)
                && (offers_all || is_like(&name))
        })
        .collect()
}

/// Whether a name can stand for a step or an input: types, keywords and names bound elsewhere do not.
fn may_be_misspelt(name: &str) -> bool {
    const OTHERS: [&str; 20] = [
        "as", "async", "await", "bool", "f32", "f64", "false", "if", "in", "let", "match", "move",
        "mut", "ref", "return", "self", "str", "true", "u64", "usize",
    ];
    name.starts_with(|first: char| first.is_lowercase() || first == '_') && !OTHERS.contains(&name)
}
