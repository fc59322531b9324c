//! The settings of a workflow and of its steps, written as attributes.

mod budget;
mod form;
mod retry;
mod value;

use std::num::NonZeroU32;
use std::time::Duration;

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Attribute, Ident, LitInt, LitStr};
use wf_model::{Budget, OnFailure, nearest};

use self::budget::budget;
use self::retry::{Retry, retry};
use self::value::{count, flag, list, name, on_failure, schema, text, timeout, value};
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
    pub(crate) budget: Budget,
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
    /// Where the schema is named.
    pub(crate) output_schema_at: Option<Span>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Retry,
}

const OF_WORKFLOW: [&str; 9] = [
    "author",
    "budget",
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
                    "budget" => settings.budget = budget(attribute)?,
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
                "output_schema" => {
                    settings.output_schema = Some(schema(&value(attribute)?)?);
                    settings.output_schema_at = Some(attribute.path().span());
                }
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
        } else if let Some(place) = place(&name).filter(|_| !known.contains(&name.as_str())) {
            let message = format!("`{name}` is no attribute of a {whose}; it stands {place}");
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

/// Where an attribute that only workflows or only steps have stands.
fn place(name: &str) -> Option<&'static str> {
    if OF_WORKFLOW.contains(&name) {
        Some("before `workflow`")
    } else if OF_STEP.contains(&name) {
        Some("before a `step`")
    } else {
        None
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wf_model::keys::SECTIONS;

    use super::*;

    /// What the table of keys calls the attributes of those sections.
    fn in_table(sections: &[&str]) -> BTreeSet<&'static str> {
        let sections = SECTIONS
            .iter()
            .filter(|section| sections.contains(&section.name));
        let keys = sections.flat_map(|section| section.keys);
        keys.filter_map(|key| key.attribute).collect()
    }

    #[test]
    fn every_attribute_is_a_key_of_files() {
        let listed = |known: &[&'static str]| known.iter().copied().collect();
        for (sections, known) in [
            (&["workflow", "config"][..], listed(&OF_WORKFLOW)),
            (&["step"], listed(&OF_STEP)),
            (&["budget", "perAttempt"], listed(&budget::KNOWN)),
            (&["retryPolicy"], listed(&retry::KNOWN)),
        ] {
            assert_eq!(in_table(sections), known, "attributes of {sections:?}");
        }
    }
}
