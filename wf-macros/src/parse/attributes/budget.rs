//! `#[budget(…)]`

use syn::Attribute;
use wf_model::Budget;

use super::value::{at_least, pairs, timeout, whole};

pub(super) const KNOWN: [&str; 6] = [
    "attempts",
    "cost",
    "cost_per_attempt",
    "tokens",
    "tokens_per_attempt",
    "wall_time",
];

/// Reads the attribute.
pub(super) fn budget(attribute: &Attribute) -> syn::Result<Budget> {
    let mut budget = Budget::default();
    let faults = pairs(attribute, KNOWN, |name, value, faults| match name {
        "attempts" => budget.attempts = faults.sift(whole(value, 1)),
        "cost" => budget.cost = faults.sift(at_least(value, 0.0)),
        "cost_per_attempt" => budget.per_attempt.cost = faults.sift(at_least(value, 0.0)),
        "tokens" => budget.tokens = faults.sift(whole(value, 1)),
        "tokens_per_attempt" => budget.per_attempt.tokens = faults.sift(whole(value, 0)),
        _ => budget.wall_time = faults.sift(timeout(value)),
    });
    faults.none_in(budget)
}
