//! The settings of a workflow and of its steps, written as attributes.

use std::num::NonZeroU32;
use std::time::Duration;

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
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
const OF_STEP: [&str; 6] = ["after", "key", "optional", "parallel", "retry", "timeout"];

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
                    "name" => settings.name = Some(value(attribute)?),
                    "version" => settings.version = Some(value(attribute)?),
                    "author" => settings.author = Some(value(attribute)?),
                    "tags" => {
                        let tags = attribute
                            .parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated)?;
                        settings.tags = tags.iter().map(LitStr::value).collect();
                    }
                    "max_parallel" => {
                        settings.max_parallel = Some(count(&value::<LitInt>(attribute)?)?)
                    }
                    "timeout" => settings.timeout = Some(duration(&value(attribute)?)?),
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
                    let steps = attribute
                        .parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated)?;
                    settings.after = steps.into_iter().collect();
                }
                "key" => settings.key = Some(value(attribute)?),
                "optional" => settings.is_optional = flag(attribute)?,
                "parallel" => settings.is_serial = !flag(attribute)?,
                "timeout" => settings.timeout = Some(duration(&value(attribute)?)?),
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
        let name = attribute
            .path()
            .get_ident()
            .map(Ident::to_string)
            .unwrap_or_default();
        let result = if !known.contains(&name.as_str()) {
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

/// The value of `#[name = value]`.
fn value<T: Parse>(attribute: &Attribute) -> syn::Result<T> {
    let pair = attribute.meta.require_name_value().map_err(|_| {
        let name = attribute
            .path()
            .get_ident()
            .map(Ident::to_string)
            .unwrap_or_default();
        let message = format!("expected a value: `#[{name} = …]`");
        syn::Error::new_spanned(attribute.path(), message)
    })?;
    let value = &pair.value;
    syn::parse2(quote::quote!(#value))
}

/// `#[name]`, or `#[name = true]` or `false`.
fn flag(attribute: &Attribute) -> syn::Result<bool> {
    match &attribute.meta {
        syn::Meta::Path(_) => Ok(true),
        _ => value::<syn::LitBool>(attribute).map(|value| value.value),
    }
}

fn retry(attribute: &Attribute) -> syn::Result<Retry> {
    const KNOWN: [&str; 5] = ["attempts", "backoff", "delay", "jitter", "max_delay"];
    let mut retry = Retry::default();
    let pairs = attribute.parse_args_with(Punctuated::<Pair, Token![,]>::parse_terminated)?;
    for Pair { name, value } in pairs {
        match name.to_string().as_str() {
            "attempts" => retry.attempts = Some(count(&literal(&value)?)?),
            "delay" => retry.delay = Some(duration(&value)?),
            "backoff" => retry.backoff = Some(multiplier(&value)?),
            "max_delay" => retry.max_delay = Some(duration(&value)?),
            "jitter" => retry.jitter = Some(literal::<syn::LitBool>(&value)?.value),
            unknown => {
                let help = match nearest(unknown, KNOWN) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("`retry` takes `{}`", KNOWN.join("`, `")),
                };
                let message = format!("unknown setting `{unknown}` of `retry`; {help}");
                return Err(syn::Error::new(name.span(), message));
            }
        }
    }
    Ok(retry)
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

fn on_failure(text: &LitStr) -> syn::Result<OnFailure> {
    OnFailure::parse(&text.value()).ok_or_else(|| {
        let names = OnFailure::ALL.map(OnFailure::name).join("`, `");
        let message = format!("expected one of `{names}`");
        syn::Error::new(text.span(), message)
    })
}
