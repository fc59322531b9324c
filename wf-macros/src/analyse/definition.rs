//! The definition that a declaration amounts to.

use std::collections::HashSet;

use syn::{Attribute, Type};
use wf_model::{Definition, InputKind, NATIVE};

use super::mentions::argument_names;
use super::scope::Scope;
use super::{AnalysedStep, plain};
use crate::parse::{Body, Input, Step};
use crate::prompt::{self, Placeholder};

pub(super) fn definition(scope: &Scope<'_>) -> Definition {
    let workflow = scope.workflow;
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
    let inputs = workflow.inputs.iter().enumerate();
    let inputs: Vec<_> = inputs
        .map(|(at, input)| input_definition(scope.input(at), input))
        .collect();
    definition.inputs = Some(inputs).filter(|inputs| !inputs.is_empty());
    if let Some(max_parallel) = settings.max_parallel {
        definition.config.max_parallel = max_parallel;
    }
    definition.config.timeout = settings.timeout;
    definition.config.on_failure = settings.on_failure;
    definition.config.budget = settings.budget;
    definition
}

fn input_definition(name: String, input: &Input) -> wf_model::Input {
    let kind = input_kind(&input.kind);
    wf_model::Input {
        description: documented(&input.documentation),
        required: !is_named(&input.kind, "Option"),
        ..wf_model::Input::required(name, kind)
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

pub(super) fn step_definition(
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
            let native = if is_whole { "" } else { NATIVE };
            (format!("{native}{}", agent.text()), template)
        }
        Body::Rust(_) | Body::Broken(_) => (format!("{NATIVE}{}", analysed.key), String::new()),
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
        output_schema: step.settings.output_schema.clone(),
        retry: step.settings.retry.over(&retry),
        ..wf_model::Step::new(analysed.key.clone(), agent, prompt)
    }
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
