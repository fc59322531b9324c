//! What an attempt may use at most, told before it is made.

use serde_json::Value;
use wf_core::agent::{Allowance, Request};

use super::OpenAiAgent;
use super::request;
use super::usage::cost;

/// The options that limit the tokens of an answer.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

impl OpenAiAgent {
    /// The most tokens that an attempt may use, and their cost where there are prices: those of the answer are limited by
    /// `max_tokens` or `max_completion_tokens`, for each of the choices that are asked for; those of the prompt are no
    /// more than the request's body has bytes, since no token stands for less than a byte. Without a limit it is not known.
    pub(super) fn most(&self, request: Request<'_>) -> Allowance {
        let Some(answer) = self.answer_limit() else {
            return Allowance {
                tokens: None,
                cost: self.prices.is_none().then_some(0.0),
            };
        };
        let body = request::body(
            &self.model,
            self.system.as_deref(),
            self.stream,
            &self.options,
            request,
        );
        let prompt = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let cost = self.prices.map(|prices| cost(prices, prompt, answer));
        Allowance {
            tokens: Some(prompt.saturating_add(answer)),
            cost: Some(cost.unwrap_or(0.0)),
        }
    }

    /// How many tokens the answer may have: the larger limit counts, where two are given.
    fn answer_limit(&self) -> Option<u64> {
        let option = |name: &str| self.options.get(name).and_then(Value::as_u64);
        let limit = LIMITS.into_iter().filter_map(option).max()?;
        Some(limit.saturating_mul(option("n").unwrap_or(1).max(1)))
    }
}
