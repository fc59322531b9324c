//! What it takes to go on with a run that has paused.

use wf_core::engine::{Budget, Status};
use wf_core::usage::Usage;
use wf_model::format_duration;

/// The arguments that give a run more of what its budget has too little of, with a space before each; empty for a run
/// that has enough.
///
/// They double what is used up. What only the agents know to be too little, as the most that a model may answer, is what
/// the engine proposes.
pub(crate) fn budget_arguments(status: &Status) -> String {
    let budget = &status.budget;
    if status.execution.error.is_none() || budget.is_unlimited() {
        return String::new();
    }
    let used = status.usage();
    let attempts: u64 = status
        .steps
        .iter()
        .map(|step| u64::try_from(step.record.attempts.len()).unwrap_or(u64::MAX))
        .sum();
    let largest = largest(status);
    let mut arguments = String::new();
    let mut add = |limit: &str, amount: String| {
        arguments.push_str(&format!(" --budget {limit}=+{amount}"));
    };
    if let Some(limit) = budget.tokens {
        let next = budget.per_attempt.tokens.unwrap_or(largest.tokens).max(1);
        if used.tokens.saturating_add(next) > limit {
            add("tokens", limit.max(used.tokens).to_string());
        }
    }
    if let Some(limit) = budget.cost {
        let next = budget.per_attempt.cost.unwrap_or(largest.cost);
        if used.cost >= limit || used.cost + next > limit {
            add("cost", limit.max(used.cost).to_string());
        }
    }
    if let Some(limit) = budget.wall_time
        && u128::from(status.execution.driven_millis) >= limit.as_millis()
    {
        add("wallTime", format_duration(limit));
    }
    if let Some(limit) = budget.attempts
        && attempts >= limit
    {
        add("attempts", limit.to_string());
    }
    if arguments.is_empty()
        && let Some(change) = status.execution.error.as_deref().and_then(proposed)
        && Budget::change(&mut { *budget }, change).is_ok()
    {
        arguments = format!(" --budget {change}");
    }
    arguments
}

/// The change of the budget that the reason of a pause proposes, if it does.
fn proposed(reason: &str) -> Option<&str> {
    let (_, change) = reason.strip_suffix('`')?.rsplit_once('`')?;
    Some(change)
}

/// The most that an attempt of the run has used.
fn largest(status: &Status) -> Usage {
    let attempts = status.steps.iter().flat_map(|step| &step.record.attempts);
    let used = attempts.filter_map(|attempt| attempt.usage.as_ref());
    let mut largest = Usage::default();
    for used in used.map(Usage::reported) {
        largest.tokens = largest.tokens.max(used.tokens);
        largest.cost = largest.cost.max(used.cost);
    }
    largest
}
