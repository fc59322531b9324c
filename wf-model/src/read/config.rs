//! The `config` section.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::budget::Budget;
use crate::definition::OnFailure;
use crate::keys;
use crate::tree::{Node, Reader, Value};

use super::budget;
use super::retry::{self, Retry, is_first_spelling};

/// What a `config` section says.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) max_parallel: Option<NonZeroU32>,
    pub(super) timeout: Option<Duration>,
    pub(super) on_failure: Option<OnFailure>,
    pub(super) retry: Retry,
    pub(super) budget: Budget,
}

const KEYS: [&str; 5] = keys::names(&keys::CONFIG);
const OTHER_KEYS: [&str; 3] = ["parallelism", "continueOnError", "maxRetries"];

pub(super) fn read(node: Node, reader: &mut Reader) -> Settings {
    let mut settings = Settings::default();
    let Some(entries) = reader.mapping("config", node) else {
        return settings;
    };
    let (mut parallel, mut failure, mut retries) = (None, None, None);
    for entry in entries {
        let (key, value) = (entry.key, entry.value);
        let name = &*key.text;
        if !KEYS.contains(&name) && !OTHER_KEYS.contains(&name) {
            reader.unknown_key(&key, &KEYS);
            continue;
        }
        if value.value == Value::Null {
            continue;
        }
        match name {
            "maxParallel" | "parallelism" => {
                if is_first_spelling(&parallel, &key, reader) {
                    settings.max_parallel = retry::positive(name, value, reader);
                    parallel = Some((key.text, key.place));
                }
            }
            "onFailure" | "continueOnError" => {
                if is_first_spelling(&failure, &key, reader) {
                    settings.on_failure = on_failure(name, value, reader);
                    failure = Some((key.text, key.place));
                }
            }
            "budget" => settings.budget = budget::read(value, reader),
            "timeout" => settings.timeout = reader.timeout(name, value),
            "maxRetries" => {
                retries = Some((key.place, retry::attempts_of_retries(name, value, reader)))
            }
            _ => settings.retry = retry::read(value, reader),
        }
    }
    if let Some((place, attempts)) = retries {
        match settings.retry.attempts_spelled.take() {
            Some((first, first_place)) => {
                reader.two_spellings(("maxRetries", place), (&first, first_place));
            }
            None => settings.retry.max_attempts = attempts,
        }
    }
    settings
}

fn on_failure(name: &str, node: Node, reader: &mut Reader) -> Option<OnFailure> {
    if name == "onFailure" {
        return reader.choice(
            name,
            node,
            &OnFailure::ALL.map(OnFailure::name),
            OnFailure::parse,
        );
    }
    let goes_on = reader.boolean(name, node)?;
    Some(if goes_on {
        OnFailure::Continue
    } else {
        OnFailure::Fail
    })
}
