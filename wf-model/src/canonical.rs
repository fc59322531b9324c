//! The canonical written form of a definition.

use std::time::Duration;

use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::budget::{Budget, PerAttempt};
use crate::definition::{Config, DEFAULT_VERSION, Definition, Input, OnFailure, RetryPolicy, Step};
use crate::duration::{format_duration, milliseconds};
use crate::tree::text;

impl Definition {
    /// Returns the canonical form, as JSON in one line.
    ///
    /// Keys stand in a fixed order (those of free values sorted), what has its default value is left
    /// out, durations are milliseconds and every retry policy is resolved into its step. Reading it
    /// back gives an equal definition, and equal definitions give equal bytes.
    pub fn to_json(&self) -> String {
        // Writing to a string fails only where a map has a key that is no text, and ours are literals.
        serde_json::to_string(&Written {
            definition: self,
            durations: Durations::Milliseconds,
        })
        .unwrap_or_default()
    }

    /// Returns the canonical form as YAML, for people: as [`to_json`](Self::to_json), but with durations as `30s`.
    pub fn to_yaml(&self) -> String {
        let json = serde_json::to_string(&Written {
            definition: self,
            durations: Durations::Text,
        })
        .unwrap_or_default();
        match text::parse_json(&json) {
            Ok(root) => text::write_yaml(&root),
            // What nests too deep to be read is no definition; JSON is YAML too.
            Err(_) => json,
        }
    }
}

impl Budget {
    /// Writes the limits as JSON, durations in milliseconds: the form of a definition.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(WrittenBudget(self, Durations::Milliseconds)).unwrap_or_default()
    }
}

#[derive(Clone, Copy)]
enum Durations {
    Milliseconds,
    Text,
}

struct Written<'a> {
    definition: &'a Definition,
    durations: Durations,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Definition {
            name,
            description,
            version,
            author,
            tags,
            inputs,
            config,
            steps,
        } = self.definition;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        entry_if_some(&mut map, "description", description.as_ref())?;
        entry_unless(&mut map, "version", version.as_str(), DEFAULT_VERSION)?;
        entry_if_some(&mut map, "author", author.as_ref())?;
        if !tags.is_empty() {
            map.serialize_entry("tags", tags)?;
        }
        entry_if_some(
            &mut map,
            "inputs",
            inputs
                .as_deref()
                .map(|inputs| WrittenInputs(inputs, self.durations))
                .as_ref(),
        )?;
        if *config != Config::default() {
            map.serialize_entry("config", &WrittenConfig(config, self.durations))?;
        }
        map.serialize_entry("steps", &WrittenSteps(steps, self.durations))?;
        map.end()
    }
}

struct WrittenInputs<'a>(&'a [Input], Durations);

impl Serialize for WrittenInputs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for input in self.0 {
            map.serialize_entry(&input.name, &WrittenInput(input, self.1))?;
        }
        map.end()
    }
}

struct WrittenInput<'a>(&'a Input, Durations);

impl Serialize for WrittenInput<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Input {
            name: _,
            kind,
            required,
            default,
            description,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", kind.name())?;
        if !required && default.is_none() {
            map.serialize_entry("required", &false)?;
        }
        match (default, self.1) {
            (None, _) => {}
            // Only JSON can be written with any digits.
            (Some(default), Durations::Milliseconds) => {
                let text = RawValue::from_string(default.sorted());
                map.serialize_entry("default", &text.map_err(S::Error::custom)?)?;
            }
            (Some(default), Durations::Text) => {
                map.serialize_entry("default", &Sorted(default.value()))?;
            }
        }
        entry_if_some(&mut map, "description", description.as_ref())?;
        map.end()
    }
}

struct WrittenConfig<'a>(&'a Config, Durations);

impl Serialize for WrittenConfig<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Config {
            max_parallel,
            timeout,
            on_failure,
            budget,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        entry_unless(
            &mut map,
            "maxParallel",
            max_parallel,
            &Config::default().max_parallel,
        )?;
        entry_if_some(
            &mut map,
            "timeout",
            timeout.map(|time| WrittenDuration(time, self.1)).as_ref(),
        )?;
        if *on_failure != OnFailure::default() {
            map.serialize_entry("onFailure", on_failure.name())?;
        }
        if *budget != Budget::default() {
            map.serialize_entry("budget", &WrittenBudget(budget, self.1))?;
        }
        map.end()
    }
}

struct WrittenBudget<'a>(&'a Budget, Durations);

impl Serialize for WrittenBudget<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Budget {
            tokens,
            cost,
            wall_time,
            attempts,
            per_attempt,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        entry_if_some(&mut map, "tokens", tokens.as_ref())?;
        entry_if_some(&mut map, "cost", cost.as_ref())?;
        entry_if_some(
            &mut map,
            "wallTime",
            wall_time.map(|time| WrittenDuration(time, self.1)).as_ref(),
        )?;
        entry_if_some(&mut map, "attempts", attempts.as_ref())?;
        if *per_attempt != PerAttempt::default() {
            map.serialize_entry("perAttempt", &WrittenPerAttempt(per_attempt))?;
        }
        map.end()
    }
}

struct WrittenPerAttempt<'a>(&'a PerAttempt);

impl Serialize for WrittenPerAttempt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PerAttempt { tokens, cost } = self.0;
        let mut map = serializer.serialize_map(None)?;
        entry_if_some(&mut map, "tokens", tokens.as_ref())?;
        entry_if_some(&mut map, "cost", cost.as_ref())?;
        map.end()
    }
}

struct WrittenSteps<'a>(&'a [Step], Durations);

impl Serialize for WrittenSteps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        for step in self.0 {
            sequence.serialize_element(&WrittenStep(step, self.1))?;
        }
        sequence.end()
    }
}

struct WrittenStep<'a>(&'a Step, Durations);

impl Serialize for WrittenStep<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Step {
            key,
            agent,
            prompt,
            dependencies,
            parallel,
            optional,
            timeout,
            retry,
            output_schema,
        } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("key", key)?;
        map.serialize_entry("agent", agent)?;
        map.serialize_entry("prompt", prompt)?;
        if !dependencies.is_empty() {
            map.serialize_entry("dependencies", dependencies)?;
        }
        entry_unless(&mut map, "parallel", parallel, &true)?;
        entry_unless(&mut map, "optional", optional, &false)?;
        entry_if_some(
            &mut map,
            "timeout",
            timeout.map(|time| WrittenDuration(time, self.1)).as_ref(),
        )?;
        if *retry != RetryPolicy::default() {
            map.serialize_entry("retryPolicy", &WrittenRetryPolicy(retry, self.1))?;
        }
        entry_if_some(
            &mut map,
            "outputSchema",
            output_schema.as_ref().map(Sorted).as_ref(),
        )?;
        map.end()
    }
}

struct WrittenRetryPolicy<'a>(&'a RetryPolicy, Durations);

impl Serialize for WrittenRetryPolicy<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let RetryPolicy {
            max_attempts,
            initial_delay,
            backoff_multiplier,
            max_delay,
            jitter,
        } = self.0;
        let default = RetryPolicy::default();
        let mut map = serializer.serialize_map(None)?;
        entry_unless(&mut map, "maxAttempts", max_attempts, &default.max_attempts)?;
        if *initial_delay != default.initial_delay {
            map.serialize_entry("initialDelay", &WrittenDuration(*initial_delay, self.1))?;
        }
        entry_unless(
            &mut map,
            "backoffMultiplier",
            backoff_multiplier,
            &default.backoff_multiplier,
        )?;
        if *max_delay != default.max_delay {
            map.serialize_entry("maxDelay", &WrittenDuration(*max_delay, self.1))?;
        }
        entry_unless(&mut map, "jitter", jitter, &default.jitter)?;
        map.end()
    }
}

struct WrittenDuration(Duration, Durations);

impl Serialize for WrittenDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Durations::Milliseconds => serializer.serialize_u64(milliseconds(self.0)),
            Durations::Text => serializer.serialize_str(&format_duration(self.0)),
        }
    }
}

/// A free value, its keys sorted: whether a `serde_json` map keeps its order is not ours to decide.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => {
                let mut entries: Vec<_> = object.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                serializer.collect_map(entries.into_iter().map(|(key, value)| (key, Sorted(value))))
            }
            Value::Array(array) => serializer.collect_seq(array.iter().map(Sorted)),
            scalar => scalar.serialize(serializer),
        }
    }
}

fn entry_if_some<M: SerializeMap>(
    map: &mut M,
    key: &'static str,
    value: Option<&impl Serialize>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, value),
        None => Ok(()),
    }
}

fn entry_unless<M: SerializeMap, T: Serialize + PartialEq + ?Sized>(
    map: &mut M,
    key: &'static str,
    value: &T,
    default: &T,
) -> Result<(), M::Error> {
    if value == default {
        Ok(())
    } else {
        map.serialize_entry(key, value)
    }
}
