//! The values of attributes.

use std::num::NonZeroU32;
use std::time::Duration;

use proc_macro2::TokenTree;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, Lit, LitFloat, LitInt, LitStr, Token};
use wf_model::{OnFailure, nearest};

use super::form::with_form;

/// An attribute's name, as it is written.
pub(super) fn name(attribute: &Attribute) -> String {
    let segments = attribute.path().segments.iter();
    let segments: Vec<String> = segments.map(|segment| segment.ident.to_string()).collect();
    segments.join("::")
}

/// The value of `#[name = value]`.
pub(super) fn value<T: Parse>(attribute: &Attribute) -> syn::Result<T> {
    let pair = attribute.meta.require_name_value().map_err(|_| {
        let error = syn::Error::new_spanned(attribute.path(), "expected a value");
        with_form(&error, attribute)
    })?;
    let value = &pair.value;
    syn::parse2(quote::quote!(#value)).map_err(|error| with_form(&error, attribute))
}

/// The value of `#[name = "text"]`; text that is empty says nothing.
pub(super) fn text(attribute: &Attribute) -> syn::Result<LitStr> {
    let text: LitStr = value(attribute)?;
    if text.value().trim().is_empty() {
        let name = name(attribute);
        let message = format!("the {name} is empty; write one, or leave the attribute out");
        return Err(syn::Error::new(text.span(), message));
    }
    Ok(text)
}

/// `#[name]`, or `#[name = true]` or `false`.
pub(super) fn flag(attribute: &Attribute) -> syn::Result<bool> {
    match &attribute.meta {
        syn::Meta::Path(_) => Ok(true),
        _ => value::<syn::LitBool>(attribute).map(|value| value.value),
    }
}

/// The elements of `#[name(element, element)]`, and what is wrong with the others.
pub(super) fn list<T: Parse>(attribute: &Attribute) -> (Vec<T>, Faults) {
    let mut elements = Vec::new();
    let mut faults = Faults::default();
    let Ok(meta) = attribute.meta.require_list() else {
        let error = syn::Error::new_spanned(attribute.path(), "expected parentheses");
        faults.add(with_form(&error, attribute));
        return (elements, faults);
    };
    let parsed = meta.parse_args_with(|input: ParseStream<'_>| {
        while !input.is_empty() {
            let element = input.parse().map_err(|error| with_form(&error, attribute));
            if let Some(element) = faults.sift(element) {
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

/// Hands each `name = value` of `#[whose(…)]` to `read`; tells those that are unknown or repeated.
pub(super) fn pairs<const N: usize>(
    attribute: &Attribute,
    known: [&str; N],
    mut read: impl FnMut(&str, &Lit, &mut Faults),
) -> Faults {
    let whose = name(attribute);
    let (pairs, mut faults) = list::<Pair>(attribute);
    let mut seen = Vec::new();
    for Pair { name, value } in pairs {
        let text = name.to_string();
        if !known.contains(&text.as_str()) {
            let help = match nearest(&text, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("`{whose}` takes `{}`", known.join("`, `")),
            };
            let message = format!("unknown setting `{text}` of `{whose}`; {help}");
            faults.add(syn::Error::new(name.span(), message));
        } else if seen.contains(&text) {
            let message = format!("`{text}` stands twice; remove one");
            faults.add(syn::Error::new(name.span(), message));
        } else {
            read(&text, &value, &mut faults);
        }
        seen.push(text);
    }
    faults
}

/// What is wrong with one attribute.
#[derive(Default)]
pub(super) struct Faults {
    error: Option<syn::Error>,
}

impl Faults {
    pub(super) fn add(&mut self, error: syn::Error) {
        match &mut self.error {
            Some(before) => before.combine(error),
            None => self.error = Some(error),
        }
    }

    /// Keeps the error, and gives the value when there is none.
    pub(super) fn sift<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub(super) fn none_in<T>(self, value: T) -> syn::Result<T> {
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

/// A literal of one kind, which is told as `expected` where it is of another.
pub(super) fn literal<T: Parse>(literal: &Lit, expected: &str) -> syn::Result<T> {
    let parsed = syn::parse2(quote::quote!(#literal));
    parsed.map_err(|_| syn::Error::new(literal.span(), format!("expected {expected}")))
}

pub(super) fn count(number: &LitInt) -> syn::Result<NonZeroU32> {
    number.base10_parse().map_err(|_| {
        let message = format!("expected a number from 1 to {}", u32::MAX);
        syn::Error::new(number.span(), message)
    })
}

pub(super) fn at_least(value: &Lit, least: f64) -> syn::Result<f64> {
    let parsed = match value {
        Lit::Int(number) => number.base10_parse(),
        value => literal::<LitFloat>(value, "a number, such as `2.5`")?.base10_parse(),
    };
    parsed
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= least)
        .ok_or_else(|| {
            let message = format!("expected a number of at least {least}");
            syn::Error::new(value.span(), message)
        })
}

pub(super) fn duration(value: &Lit) -> syn::Result<Duration> {
    let text = match value {
        Lit::Str(text) => text.value(),
        Lit::Int(number) if number.suffix().is_empty() => number.base10_digits().to_owned(),
        Lit::Int(number) => {
            let message = format!("a duration with a unit is a text; write `\"{number}\"`");
            return Err(syn::Error::new(number.span(), message));
        }
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
pub(super) fn timeout(value: &Lit) -> syn::Result<Duration> {
    let timeout = duration(value)?;
    if timeout.is_zero() {
        let message = "a timeout of zero leaves no time; write a longer one, or leave it out";
        return Err(syn::Error::new(value.span(), message));
    }
    Ok(timeout)
}

/// A JSON Schema, which is an object.
pub(super) fn schema(text: &LitStr) -> syn::Result<serde_json::Value> {
    let message = match serde_json::from_str(&text.value()) {
        Ok(schema @ serde_json::Value::Object(_)) => return Ok(schema),
        Ok(_) => "expected a JSON Schema, which is an object: `{…}`".to_owned(),
        Err(error) => format!("the schema is not JSON: {error}"),
    };
    Err(syn::Error::new(text.span(), message))
}

pub(super) fn on_failure(text: &LitStr) -> syn::Result<OnFailure> {
    OnFailure::parse(&text.value()).ok_or_else(|| {
        let names = OnFailure::ALL.map(OnFailure::name).join("`, `");
        let message = format!("expected one of `{names}`");
        syn::Error::new(text.span(), message)
    })
}

/// A whole number of at least that.
pub(super) fn whole(value: &Lit, least: u64) -> syn::Result<u64> {
    let parsed = literal::<LitInt>(value, "a whole number, such as `3`")?.base10_parse();
    parsed
        .ok()
        .filter(|number| *number >= least)
        .ok_or_else(|| {
            let message = format!("expected a whole number of at least {least}");
            syn::Error::new(value.span(), message)
        })
}
