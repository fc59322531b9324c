//! From a declaration to a definition: what a step mentions is what it depends on.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{Attribute, Type};
use wf_model::{Definition, InputKind, Places, Problem, Severity, StepPlaces};

use crate::mistakes::Mistakes;
use crate::names::Names;
use crate::parse::{Body, Input, Step, Workflow};
use crate::prompt::{self, Placeholder};

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

/// With more names than this in scope, only those like an unknown name are offered for it.
const OFFERED: usize = 32;

/// This many names are compared with unknown ones, in all.
const COMPARISONS: usize = 20_000;

/// Finds out what each step mentions, and checks the definition that results.
pub(crate) fn analyse(workflow: &Workflow, mistakes: &mut Mistakes) -> Analysed {
    let scope = Scope::of(workflow);
    let mut definition = definition(workflow);
    let mut places = Places::at(workflow.name.span());
    places.inputs = spans(workflow.inputs.iter().map(|input| &input.name));
    let mut is_used = vec![false; workflow.inputs.len()];
    let mut is_whole = true;
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
        is_whole &= !matches!(step.body, Body::Broken(_));
        let analysed = AnalysedStep {
            is_out_of_order: mentioned.is_out_of_order,
            key: scope.key(at).to_owned(),
            offers: offers(&scope, at, step, &mentioned),
            references: mentioned.targets,
        };
        let after = after(&scope, at, step, mistakes);
        definition
            .steps
            .push(step_definition(&scope, at, step, &analysed, &after));
        places.steps.push(step_places(step));
        steps.push(analysed);
    }
    for (at, (input, is_used)) in workflow.inputs.iter().zip(is_used).enumerate() {
        if is_used {
            continue;
        }
        let name = &input.name;
        let is_repeated = scope.find(&plain(name)) != Some(Target::Input(at));
        if is_whole && !is_repeated && !name.to_string().starts_with('_') {
            let message = format!(
                "unused input `{name}`: no step mentions it; remove it, or name it `_{name}` to keep it"
            );
            mistakes.add(name.span(), message);
        }
    }
    let text = definition.to_json();
    // Without steps there is nothing to check, and why there are none may have been told.
    let is_told = workflow.steps.is_empty() && !mistakes.is_empty();
    if !is_told && let Err(problems) = wf_model::check(definition, &places) {
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

/// The names of a workflow.
struct Scope<'a> {
    workflow: &'a Workflow,
    targets: HashMap<String, Target>,
    keys: Vec<String>,
    /// How many more names may be compared with unknown ones, so that many steps do not make many times the work.
    comparisons_left: Cell<usize>,
}

impl<'a> Scope<'a> {
    fn of(workflow: &'a Workflow) -> Self {
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

    fn find(&self, name: &str) -> Option<Target> {
        self.targets.get(name).copied()
    }

    fn key(&self, step: usize) -> &str {
        self.keys.get(step).map_or("", String::as_str)
    }

    fn name(&self, target: Target) -> String {
        let ident = match target {
            Target::Input(at) => self.workflow.inputs.get(at).map(|input| &input.name),
            Target::Step(at) => self.workflow.steps.get(at).map(|step| &step.name),
        };
        ident.map(plain).unwrap_or_default()
    }

    /// The name by which a workflow file refers to it.
    fn in_file(&self, target: Target) -> String {
        match target {
            Target::Input(_) => self.name(target),
            Target::Step(step) => format!("{}.result", self.key(step)),
        }
    }
}

/// What a step's code mentions.
struct Mentioned {
    targets: Vec<Target>,
    /// Names used as values that are neither an input nor a step.
    unknown: Vec<String>,
    /// Every identifier of its code.
    all: HashSet<String>,
    is_out_of_order: bool,
}

fn mentioned(scope: &Scope<'_>, at: usize, step: &Step, mistakes: &mut Mistakes) -> Mentioned {
    let mut values: Vec<(String, Span)> = Vec::new();
    let mut bound = HashSet::new();
    let mut all = HashSet::new();
    let mut named_in_arguments = HashSet::new();
    let mut take = |names: Names, values: &mut Vec<(String, Span)>, bound: &mut HashSet<String>| {
        values.extend(names.values.iter().map(|name| (plain(name), name.span())));
        bound.extend(names.bound);
        all.extend(names.all);
    };
    match &step.body {
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
            for (written, head) in prompt::file_placeholders(&text) {
                let head = head.replace('-', "_");
                if scope.find(&head).is_some() {
                    let message = format!(
                        "`{{{{{written}}}}}` is how a workflow file refers to `{head}`, but in Rust `{{{{` is an escaped brace; write `{{{head}}}`"
                    );
                    mistakes.add(prompt.span(), message);
                    values.push((head, prompt.span()));
                }
            }
            take(Names::of(arguments.clone()), &mut values, &mut bound);
            // `name =` names the argument, not a value.
            values.retain(|(name, _)| !named.contains(name) || scope.find(name).is_some());
        }
        Body::Rust(tokens) => take(Names::of(tokens.clone()), &mut values, &mut bound),
        Body::Broken(_) => {}
    }
    all.extend(named_in_arguments);
    let mut mentioned = Mentioned {
        targets: Vec::new(),
        unknown: Vec::new(),
        all,
        is_out_of_order: false,
    };
    let mut seen = HashSet::new();
    for (name, span) in values {
        match scope.find(&name) {
            None if bound.contains(&name) => {}
            None => mentioned.unknown.push(name),
            // What the code binds itself is not the step of that name, unless that step is there to be read.
            Some(Target::Step(target)) if target >= at && bound.contains(&name) => {}
            Some(target) if seen.insert(target) => {
                mentioned.targets.push(target);
                if let Target::Step(target) = target
                    && target >= at
                {
                    mentioned.is_out_of_order = true;
                    mistakes.add(span, not_before(&step.name, &name, target == at));
                }
            }
            Some(_) => {}
        }
    }
    mentioned
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
pub(crate) fn argument_names(arguments: proc_macro2::TokenStream) -> impl Iterator<Item = String> {
    use proc_macro2::TokenTree::{Ident, Punct};
    let tokens: Vec<_> = arguments.into_iter().collect();
    let windows = tokens.windows(3).filter_map(|window| match window {
        [Punct(comma), Ident(name), Punct(equals)]
            if comma.as_char() == ',' && equals.as_char() == '=' =>
        {
            Some(plain(name))
        }
        _ => None,
    });
    windows.collect::<Vec<_>>().into_iter()
}

/// The steps of `#[after(…)]`.
fn after(scope: &Scope<'_>, at: usize, step: &Step, mistakes: &mut Mistakes) -> Vec<usize> {
    let mut steps = Vec::new();
    for name in &step.settings.after {
        match scope.find(&plain(name)) {
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

fn offers(scope: &Scope<'_>, at: usize, step: &Step, mentioned: &Mentioned) -> Vec<Target> {
    if matches!(step.body, Body::Broken(_)) {
        return Vec::new();
    }
    let (inputs, steps) = (scope.workflow.inputs.len(), at);
    let offers_all = inputs + scope.workflow.steps.len() <= OFFERED;
    let unknown: Vec<&str> = mentioned
        .unknown
        .iter()
        .map(String::as_str)
        .filter(|name| may_be_misspelt(name))
        .collect();
    if !offers_all && unknown.is_empty() {
        return Vec::new();
    }
    let targets = (0..inputs)
        .map(Target::Input)
        .chain((0..steps).map(Target::Step));
    let is_like = |name: &str| {
        unknown.iter().any(|unknown| {
            let left = scope.comparisons_left.get().checked_sub(1);
            scope.comparisons_left.set(left.unwrap_or(0));
            left.is_some()
                && (name.starts_with(unknown) || wf_model::nearest(unknown, [name]).is_some())
        })
    };
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

fn definition(workflow: &Workflow) -> Definition {
    let settings = &workflow.settings;
    let name = match &settings.name {
        Some(name) => name.value(),
        None => plain(&workflow.name),
    };
    let mut definition = Definition::new(name);
    definition.description = documented(&workflow.documentation);
    if let Some(version) = &settings.version {
        definition.version = version.value();
    }
    definition.author = settings.author.as_ref().map(syn::LitStr::value);
    definition.tags.clone_from(&settings.tags);
    let inputs: Vec<_> = workflow.inputs.iter().map(input_definition).collect();
    definition.inputs = Some(inputs).filter(|inputs| !inputs.is_empty());
    if let Some(max_parallel) = settings.max_parallel {
        definition.config.max_parallel = max_parallel;
    }
    definition.config.timeout = settings.timeout;
    definition.config.on_failure = settings.on_failure;
    definition
}

fn input_definition(input: &Input) -> wf_model::Input {
    let kind = input_kind(&input.kind);
    wf_model::Input {
        description: documented(&input.documentation),
        required: !is_named(&input.kind, "Option"),
        ..wf_model::Input::required(plain(&input.name), kind)
    }
}

/// The kind of value that serde writes for a type, as far as its name tells.
fn input_kind(kind: &Type) -> InputKind {
    const INTEGERS: [&str; 10] = [
        "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize",
    ];
    let is = |names: &[&str]| names.iter().any(|name| is_named(kind, name));
    if is(&["String"]) {
        InputKind::String
    } else if is(&INTEGERS) {
        InputKind::Integer
    } else if is(&["f32", "f64"]) {
        InputKind::Number
    } else if is(&["bool"]) {
        InputKind::Boolean
    } else if is(&["Vec", "VecDeque", "HashSet", "BTreeSet"]) {
        InputKind::Array
    } else if is(&["HashMap", "BTreeMap"]) {
        InputKind::Object
    } else {
        InputKind::Any
    }
}

fn is_named(kind: &Type, name: &str) -> bool {
    match kind {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == name),
        _ => false,
    }
}

fn step_definition(
    scope: &Scope<'_>,
    at: usize,
    step: &Step,
    analysed: &AnalysedStep,
    after: &[usize],
) -> wf_model::Step {
    let (agent, prompt) = match &step.body {
        Body::Ask {
            agent,
            prompt,
            arguments,
        } => {
            let computed: HashSet<String> = argument_names(arguments.clone()).collect();
            let (template, is_whole) = prompt::template(&prompt.value(), |name| {
                match scope.find(name).filter(|_| !computed.contains(name)) {
                    Some(target) => Placeholder::Reference(scope.in_file(target)),
                    None => Placeholder::Computed,
                }
            });
            let native = if is_whole { "" } else { "native:" };
            (format!("{native}{}", agent.text()), template)
        }
        Body::Rust(_) | Body::Broken(_) => (format!("native:{}", analysed.key), String::new()),
    };
    let prompt = if analysed.is_out_of_order {
        String::new()
    } else {
        prompt
    };
    let mut dependencies: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for dependency in analysed.dependencies().chain(after.iter().copied()) {
        if dependency < at && seen.insert(dependency) {
            dependencies.push(scope.key(dependency).to_owned());
        }
    }
    let retry = scope
        .workflow
        .settings
        .retry
        .over(&wf_model::RetryPolicy::default());
    wf_model::Step {
        dependencies,
        parallel: !step.settings.is_serial,
        optional: step.settings.is_optional,
        timeout: step.settings.timeout,
        retry: step.settings.retry.over(&retry),
        ..wf_model::Step::new(analysed.key.clone(), agent, prompt)
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

/// What documentation comments say; none when there are none.
fn documented(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let value = &pair.value;
        let text: syn::LitStr = syn::parse2(quote::quote!(#value)).ok()?;
        Some(text.value().trim().to_owned())
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn spans<'a>(names: impl Iterator<Item = &'a Ident>) -> Vec<Span> {
    names.map(Ident::span).collect()
}

/// An identifier's name, without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}
