//! `#[retry(…)]`

use std::num::NonZeroU32;
use std::time::Duration;

use syn::Attribute;
use wf_model::RetryPolicy;

use super::value::{at_least, count, duration, literal, pairs};

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

pub(super) const KNOWN: [&str; 5] = ["attempts", "backoff", "delay", "jitter", "max_delay"];

/// Reads the attribute.
pub(super) fn retry(attribute: &Attribute) -> syn::Result<Retry> {
    let mut retry = Retry::default();
    let faults = pairs(attribute, KNOWN, |name, value, faults| match name {
        "attempts" => {
            retry.attempts = faults.sift(
                literal(value, "a whole number, such as `3`").and_then(|number| count(&number)),
            );
        }
        "backoff" => retry.backoff = faults.sift(at_least(value, 1.0)),
        "delay" => retry.delay = faults.sift(duration(value)),
        "jitter" => {
            let jitter = faults.sift(literal::<syn::LitBool>(value, "`true` or `false`"));
            retry.jitter = jitter.map(|jitter| jitter.value);
        }
        _ => retry.max_delay = faults.sift(duration(value)),
    });
    faults.none_in(retry)
}
