//! The settings of a workflow and of its steps, written as attributes.

use std::num::NonZeroU32;
use std::time::Duration;

use proc_macro2::TokenTree;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, Lit, LitFloat, LitInt, LitStr, Token};
use wf_model::{OnFailure, RetryPolicy, nearest};

use crate::mistakes::Mistakes;

/// The settings of a workflow.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<LitStr>,
    pub(crate) author: Option<LitStr>,
    pub(crate) tags: Vec<String>,
    pub(crate) max_parallel: Option<NonZeroU32>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_failure: OnFailure,
    pub(crate) retry: Retry,
}

/// The settings of a step.
#[derive(Default)]
pub(crate) struct StepSettings {
    pub(crate) key: Option<LitStr>,
    pub(crate) after: Vec<Ident>,
    pub(crate) is_serial: bool,
    pub(crate) is_optional: bool,
    pub(crate) output_schema: Option<serde_json::Value>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Retry,
}

/// What a retry attribute says; the rest is as it was.
#[derive(Default)]
pub(crate) struct Retry {
    attempts: Option<NonZeroU32>,
    delay: Option<Duration>,
    backoff: Option<f64>,
    max_delay: Option<Duration>,
    jitter: Option<bool>,
}

impl Retry {
    /// The policy with what this says in the place of what it was.
    pub(crate) fn over(&self, base: &RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            max_attempts: self.attempts.unwrap_or(base.max_attempts),
            initial_delay: self.delay.unwrap_or(base.initial_delay),
            backoff_multiplier: self.backoff.unwrap_or(base.backoff_multiplier),
            max_delay: self.max_delay.unwrap_or(base.max_delay),
            jitter: self.jitter.unwrap_or(base.jitter),
        }
    }
}

const OF_WORKFLOW: [&str; 8] = [
    "author",
    "max_parallel",
    "name",
    "on_failure",
    "retry",
    "tags",
    "timeout",
    "version",
];
const OF_STEP: [&str; 7] = [
    "after",
    "key",
    "optional",
    "output_schema",
    "parallel",
    "retry",
    "timeout",
];

impl Settings {
    pub(crate) fn read(attributes: &[Attribute], mistakes: &mut Mistakes) -> Self {
        let mut settings = Settings::default();
        each(
            attributes,
            &OF_WORKFLOW,
            "workflow",
            mistakes,
            |name, attribute| {
                match name {
                    "name" => settings.name = Some(text(attribute)?),
                    "version" => settings.version = Some(text(attribute)?),
                    "author" => settings.author = Some(value(attribute)?),
                    "tags" => {
                        let (tags, faults) = list::<LitStr>(attribute);
                        settings.tags = tags.iter().map(LitStr::value).collect();
                        faults.none_in(())?;
                    }
                    "max_parallel" => {
                        settings.max_parallel = Some(count(&value::<LitInt>(attribute)?)?)
                    }
                    "timeout" => settings.timeout = Some(timeout(&value(attribute)?)?),
                    "on_failure" => settings.on_failure = on_failure(&value(attribute)?)?,
                    _ => settings.retry = retry(attribute)?,
                }
                Ok(())
            },
        );
        settings
    }
}

impl StepSettings {
    pub(crate) fn read(attributes: &[Attribute], mistakes: &mut Mistakes) -> Self {
        let mut settings = StepSettings::default();
        each(attributes, &OF_STEP, "step", mistakes, |name, attribute| {
            match name {
                "after" => {
                    let (steps, faults) = list(attribute);
                    settings.after = steps;
                    faults.none_in(())?;
                }
                "key" => settings.key = Some(value(attribute)?),
                "optional" => settings.is_optional = flag(attribute)?,
                "output_schema" => settings.output_schema = Some(schema(&value(attribute)?)?),
                "parallel" => settings.is_serial = !flag(attribute)?,
                "timeout" => settings.timeout = Some(timeout(&value(attribute)?)?),
                _ => settings.retry = retry(attribute)?,
            }
            Ok(())
        });
        settings
    }
}

/// Hands each attribute to `read`; tells those that are unknown, repeated or cannot be read.
fn each(
    attributes: &[Attribute],
    known: &[&str],
    whose: &str,
    mistakes: &mut Mistakes,
    mut read: impl FnMut(&str, &Attribute) -> syn::Result<()>,
) {
    let mut seen: Vec<String> = Vec::new();
    for attribute in attributes {
        let name = name(attribute);
        let result = if let Some(reason) = foreign(&name) {
            let message = format!("`{name}` cannot stand inside `workflow!`: {reason}");
            Err(syn::Error::new_spanned(attribute.path(), message))
        } else if !known.contains(&name.as_str()) {
            let help = match nearest(&name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("a {whose} takes `{}`", known.join("`, `")),
            };
            let message = format!("unknown attribute `{name}` of a {whose}; {help}");
            Err(syn::Error::new_spanned(attribute.path(), message))
        } else if seen.contains(&name) {
            let message = format!("attribute `{name}` stands twice; remove one");
            Err(syn::Error::new_spanned(attribute.path(), message))
        } else {
            read(&name, attribute)
        };
        if let Err(error) = result {
            mistakes.push(error);
        }
        seen.push(name);
    }
}

/// Why an attribute of the language is none of a workflow or a step, and what to do instead.
fn foreign(name: &str) -> Option<&'static str> {
    Some(match name {
        "cfg" | "cfg_attr" => {
            "its definition is the same in every build; write a `workflow!` for each, and `#[cfg(…)]` before it"
        }
        "allow" | "deny" | "expect" | "forbid" | "warn" => {
            "its code is written by the macro; set the lint for the module, or in a block inside the step"
        }
        "derive" => {
            "its types are written by the macro; implement the trait beside it, as in `impl Clone for Review`"
        }
        _ => return None,
    })
}

/// An attribute's name, as it is written.
fn name(attribute: &Attribute) -> String {
    let segments = attribute.path().segments.iter();
    let segments: Vec<String> = segments.map(|segment| segment.ident.to_string()).collect();
    segments.join("::")
}

/// The value of `#[name = value]`.
fn value<T: Parse>(attribute: &Attribute) -> syn::Result<T> {
    let pair = attribute.meta.require_name_value().map_err(|_| {
        let message = format!("expected a value: `#[{} = …]`", name(attribute));
        syn::Error::new_spanned(attribute.path(), message)
    })?;
    let value = &pair.value;
    syn::parse2(quote::quote!(#value))
}

/// The value of `#[name = "text"]`; text that is empty says nothing.
fn text(attribute: &Attribute) -> syn::Result<LitStr> {
    let text: LitStr = value(attribute)?;
    if text.value().trim().is_empty() {
        let name = name(attribute);
        let message = format!("the {name} is empty; write one, or leave the attribute out");
        return Err(syn::Error::new(text.span(), message));
    }
    Ok(text)
}

/// `#[name]`, or `#[name = true]` or `false`.
fn flag(attribute: &Attribute) -> syn::Result<bool> {
    match &attribute.meta {
        syn::Meta::Path(_) => Ok(true),
        _ => value::<syn::LitBool>(attribute).map(|value| value.value),
    }
}

/// The elements of `#[name(element, element)]`, and what is wrong with the others.
fn list<T: Parse>(attribute: &Attribute) -> (Vec<T>, Faults) {
    let mut elements = Vec::new();
    let mut faults = Faults::default();
    let parsed = attribute.parse_args_with(|input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Some(element) = faults.sift(input.parse()) {
                elements.push(element);
                if !input.is_empty() && !input.peek(Token![,]) {
                    faults.add(input.error("expected `,`"));
                }
            }
            while !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
                input.parse::<TokenTree>()?;
            }
        }
        Ok(())
    });
    faults.sift(parsed);
    (elements, faults)
}

fn retry(attribute: &Attribute) -> syn::Result<Retry> {
    const KNOWN: [&str; 5] = ["attempts", "backoff", "delay", "jitter", "max_delay"];
    let mut retry = Retry::default();
    let (pairs, mut faults) = list::<Pair>(attribute);
    let mut seen = Vec::new();
    for Pair { name, value } in pairs {
        let text = name.to_string();
        match text.as_str() {
            repeated if seen.contains(&text) => {
                let message = format!("`{repeated}` stands twice; remove one");
                faults.add(syn::Error::new(name.span(), message));
            }
            "attempts" => {
                retry.attempts = faults.sift(literal(&value).and_then(|number| count(&number)));
            }
            "delay" => retry.delay = faults.sift(duration(&value)),
            "backoff" => retry.backoff = faults.sift(multiplier(&value)),
            "max_delay" => retry.max_delay = faults.sift(duration(&value)),
            "jitter" => {
                let jitter = faults.sift(literal::<syn::LitBool>(&value));
                retry.jitter = jitter.map(|jitter| jitter.value);
            }
            unknown => {
                let help = match nearest(unknown, KNOWN) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("`retry` takes `{}`", KNOWN.join("`, `")),
                };
                let message = format!("unknown setting `{unknown}` of `retry`; {help}");
                faults.add(syn::Error::new(name.span(), message));
            }
        }
        seen.push(text);
    }
    faults.none_in(retry)
}

/// What is wrong with one attribute.
#[derive(Default)]
struct Faults {
    error: Option<syn::Error>,
}

impl Faults {
    fn add(&mut self, error: syn::Error) {
        match &mut self.error {
            Some(before) => before.combine(error),
            None => self.error = Some(error),
        }
    }

    /// Keeps the error, and gives the value when there is none.
    fn sift<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    fn none_in<T>(self, value: T) -> syn::Result<T> {
        self.error.map_or(Ok(value), Err)
    }
}

/// `name = literal`
struct Pair {
    name: Ident,
    value: Lit,
}

impl Parse for Pair {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        let value = input.parse()?;
        Ok(Pair { name, value })
    }
}

fn literal<T: Parse>(literal: &Lit) -> syn::Result<T> {
    syn::parse2(quote::quote!(#literal))
}

fn count(number: &LitInt) -> syn::Result<NonZeroU32> {
    number.base10_parse().map_err(|_| {
        let message = format!("expected a number from 1 to {}", u32::MAX);
        syn::Error::new(number.span(), message)
    })
}

fn multiplier(value: &Lit) -> syn::Result<f64> {
    let parsed = match value {
        Lit::Int(number) => number.base10_parse(),
        value => literal::<LitFloat>(value)?.base10_parse(),
    };
    parsed
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 1.0)
        .ok_or_else(|| syn::Error::new(value.span(), "expected a number of at least 1"))
}

fn duration(value: &Lit) -> syn::Result<Duration> {
    let text = match value {
        Lit::Str(text) => text.value(),
        Lit::Int(number) => number.base10_digits().to_owned(),
        other => {
            let message = "expected a duration, such as `\"60s\"`, or milliseconds";
            return Err(syn::Error::new(other.span(), message));
        }
    };
    wf_model::parse_duration(&text).map_err(|error| {
        let message = format!("`{text}` is {error}; {}", error.help());
        syn::Error::new(value.span(), message)
    })
}

/// How long something may take, which cannot be no time at all.
fn timeout(value: &Lit) -> syn::Result<Duration> {
    let timeout = duration(value)?;
    if timeout.is_zero() {
        let message = "a timeout of zero leaves no time; write a longer one, or leave it out";
        return Err(syn::Error::new(value.span(), message));
    }
    Ok(timeout)
}

/// A JSON Schema, which is an object.
fn schema(text: &LitStr) -> syn::Result<serde_json::Value> {
    let message = match serde_json::from_str(&text.value()) {
        Ok(schema @ serde_json::Value::Object(_)) => return Ok(schema),
        Ok(_) => "expected a JSON Schema, which is an object: `{…}`".to_owned(),
        Err(error) => format!("the schema is not JSON: {error}"),
    };
    Err(syn::Error::new(text.span(), message))
}

fn on_failure(text: &LitStr) -> syn::Result<OnFailure> {
    OnFailure::parse(&text.value()).ok_or_else(|| {
        let names = OnFailure::ALL.map(OnFailure::name).join("`, `");
        let message = format!("expected one of `{names}`");
        syn::Error::new(text.span(), message)
    })
}
