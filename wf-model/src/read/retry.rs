//! The `retryPolicy` of a workflow or a step.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::definition::RetryPolicy;
use crate::keys;
use crate::problem::Problem;
use crate::tree::{Key, Node, Reader, Value};

use super::foreign;

/// The keys of a retry policy that were given.
#[derive(Default)]
pub(super) struct Retry {
    pub(super) max_attempts: Option<NonZeroU32>,
    /// Under which key, and where, the number of attempts was given.
    pub(super) attempts_spelled: Option<(Arc<str>, u32)>,
    initial_delay: Option<Duration>,
    initial_delay_place: Option<u32>,
    backoff_multiplier: Option<f64>,
    max_delay: Option<Duration>,
    jitter: Option<bool>,
}

impl Retry {
    /// Lays these keys over a policy.
    pub(super) fn over(&self, base: &RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            max_attempts: self.max_attempts.unwrap_or(base.max_attempts),
            initial_delay: self.initial_delay.unwrap_or(base.initial_delay),
            backoff_multiplier: self.backoff_multiplier.unwrap_or(base.backoff_multiplier),
            max_delay: self.max_delay.unwrap_or(base.max_delay),
            jitter: self.jitter.unwrap_or(base.jitter),
        }
    }

    /// Warns where the first delay that was given here can never be waited.
    pub(super) fn warn_of_cut_delay(&self, policy: &RetryPolicy, reader: &mut Reader) {
        if let Some(place) = self.initial_delay_place
            && policy.initial_delay > policy.max_delay
        {
            let message = format!(
                "the first delay is longer than the longest, so every delay is {}",
                crate::format_duration(policy.max_delay)
            );
            reader
                .report(Problem::warning(place, message).help("give a longer `maxDelay` as well"));
        }
    }
}

const KEYS: [&str; 5] = keys::names(&keys::RETRY_POLICY);
const OTHER_KEYS: [&str; 3] = ["maxRetries", "retryDelayMs", "retryBackoffMultiplier"];

pub(super) fn read(node: Node, reader: &mut Reader) -> Retry {
    let mut retry = Retry::default();
    let Some(entries) = reader.mapping("retryPolicy", node) else {
        return retry;
    };
    let mut delay = None;
    let mut multiplier = None;
    for entry in entries {
        let (key, value) = (entry.key, entry.value);
        let name = &*key.text;
        if !KEYS.contains(&name) && !OTHER_KEYS.contains(&name) {
            match foreign::of_retry_policy(name) {
                Some(help) => reader.foreign_key(&key, help),
                None => drop(reader.unknown_key(&key, &KEYS)),
            }
            continue;
        }
        if value.value == Value::Null {
            continue;
        }
        match name {
            "maxAttempts" | "maxRetries" => {
                if is_first_spelling(&retry.attempts_spelled, &key, reader) {
                    retry.max_attempts = if name == "maxAttempts" {
                        positive(name, value, reader)
                    } else {
                        attempts_of_retries(name, value, reader)
                    };
                    retry.attempts_spelled = Some((key.text, key.place));
                }
            }
            "initialDelay" | "retryDelayMs" => {
                if is_first_spelling(&delay, &key, reader) {
                    retry.initial_delay_place = Some(value.place);
                    retry.initial_delay = reader.duration(name, value);
                    delay = Some((key.text, key.place));
                }
            }
            "backoffMultiplier" | "retryBackoffMultiplier" => {
                if is_first_spelling(&multiplier, &key, reader) {
                    retry.backoff_multiplier = multiplier_of(name, value, reader);
                    multiplier = Some((key.text, key.place));
                }
            }
            "maxDelay" => retry.max_delay = reader.duration(name, value),
            _ => retry.jitter = reader.boolean(name, value),
        }
    }
    retry
}

/// Reads a number of at least 1.
pub(super) fn positive(name: &str, node: Node, reader: &mut Reader) -> Option<NonZeroU32> {
    let number = reader.whole(name, node, 1..=u64::from(u32::MAX))?;
    u32::try_from(number).ok().and_then(NonZeroU32::new)
}

/// Reads a number of retries as the number of attempts, which is one more.
pub(super) fn attempts_of_retries(
    name: &str,
    node: Node,
    reader: &mut Reader,
) -> Option<NonZeroU32> {
    let retries = reader.whole(name, node, 0..=u64::from(u32::MAX - 1))?;
    u32::try_from(retries)
        .ok()
        .map(|retries| NonZeroU32::MIN.saturating_add(retries))
}

fn multiplier_of(name: &str, node: Node, reader: &mut Reader) -> Option<f64> {
    let place = node.place;
    let multiplier = reader.number(name, node)?;
    if multiplier < 1.0 {
        let message = format!("`{name}` is {multiplier}, but must be at least 1");
        reader
            .report(Problem::error(place, message).help("write `1` for delays that stay the same"));
        return None;
    }
    Some(multiplier)
}

pub(super) fn is_first_spelling(
    first: &Option<(Arc<str>, u32)>,
    key: &Key,
    reader: &mut Reader,
) -> bool {
    if let Some((first, place)) = first {
        reader.two_spellings((first, *place), (&key.text, key.place));
    }
    first.is_none()
}
