//! What an execution may still use: reserved before an attempt starts, settled when it ends.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use wf_model::{Budget, PerAttempt};

use super::steps::Room;
use crate::agent::Allowance;
use crate::step::Attempt;
use crate::usage::Usage;

/// A budget, what is spent of it, and what is set aside for the attempts that are under way.
#[derive(Debug)]
pub(super) struct BudgetLedger {
    budget: Budget,
    spent: Usage,
    attempts: u64,
    reserved: Usage,
    /// What is set aside for each step whose attempt is under way.
    underway: HashMap<u32, Usage>,
    /// The most that an attempt of each agent has used in this execution.
    largest: HashMap<String, Usage>,
    /// The most that an attempt of each agent has used in others.
    remembered: HashMap<String, Usage>,
    /// What the next attempt at each step that is ready may use at most, as its agent says.
    bounds: HashMap<u32, Allowance>,
}

/// What keeps an attempt from starting, and the change of the budget that would let it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shortage {
    pub(super) reason: String,
    /// As [`Budget::change`] reads it.
    pub(super) change: String,
}

impl BudgetLedger {
    /// Opens the ledger of an execution with the attempts that were made before; none where nothing is limited.
    pub(super) fn new<'a>(
        budget: Budget,
        made: impl Iterator<Item = (&'a str, &'a [Attempt])>,
    ) -> Option<Self> {
        if budget.is_unlimited() {
            return None;
        }
        let mut ledger = BudgetLedger {
            budget,
            spent: Usage::default(),
            attempts: 0,
            reserved: Usage::default(),
            underway: HashMap::new(),
            largest: HashMap::new(),
            remembered: HashMap::new(),
            bounds: HashMap::new(),
        };
        for (agent, attempts) in made {
            for attempt in attempts {
                ledger.attempts += 1;
                ledger.charge(agent, attempt.usage.as_ref(), attempt.error.is_none());
            }
        }
        Some(ledger)
    }

    /// For how long the execution may be driven, in all.
    pub(super) const fn wall_time(&self) -> Option<Duration> {
        self.budget.wall_time
    }

    /// Takes into account the most that an attempt of each agent has used in other executions.
    pub(super) fn remember(&mut self, used: Vec<(String, Usage)>) {
        self.remembered = used.into_iter().collect();
    }

    /// Whether there is room for the next attempt at a step; so many `steps` are not over.
    pub(super) fn room(&self, step: u32, agent: &str, steps: usize) -> Room {
        if self
            .budget
            .attempts
            .is_some_and(|limit| self.attempts >= limit)
        {
            return Room::Exhausted;
        }
        if !self.limits_usage() {
            return Room::Free;
        }
        match self.bound(step) {
            None => Room::Unknown,
            Some(bound) if self.is_free(bound) => Room::Free,
            Some(_) if self.shortage(step, agent, steps).is_some() => Room::Short,
            Some(_) => Room::Enough,
        }
    }

    /// Whether it matters what an attempt uses.
    pub(super) const fn limits_usage(&self) -> bool {
        self.budget.tokens.is_some() || self.budget.cost.is_some()
    }

    /// Whether an attempt that uses no more than `bound` uses nothing of what is limited.
    pub(super) fn is_free(&self, bound: Allowance) -> bool {
        let Budget { tokens, cost, .. } = self.budget;
        (tokens.is_none() || bound.tokens == Some(0)) && (cost.is_none() || bound.cost == Some(0.0))
    }

    /// What the next attempt at a step may use at most, where that was noted.
    pub(super) fn bound(&self, step: u32) -> Option<Allowance> {
        self.bounds.get(&step).copied()
    }

    /// Notes what the next attempt at a step may use at most.
    pub(super) fn note_bound(&mut self, step: u32, bound: Allowance) {
        self.bounds.insert(step, bound);
    }

    /// Sets aside what an attempt may use, and says how much that is: where `perAttempt` does not say it, no more than
    /// what nobody else has set aside.
    pub(super) fn reserve(&mut self, step: u32, agent: &str) -> Allowance {
        let bound = self.bounds.remove(&step).unwrap_or(Allowance::UNLIMITED);
        let expected = self.expected(agent, bound);
        let Budget {
            tokens,
            cost,
            per_attempt,
            ..
        } = self.budget;
        let allowance = Allowance {
            tokens: tokens.map(|limit| {
                let taken = self.spent.tokens.saturating_add(self.reserved.tokens);
                let left = limit.saturating_sub(taken);
                per_attempt.tokens.unwrap_or(left)
            }),
            cost: cost.map(|limit| {
                let left = limit - self.spent.cost - self.reserved.cost;
                per_attempt.cost.unwrap_or(left.max(0.0))
            }),
        };
        self.attempts += 1;
        self.reserved += expected;
        self.underway.insert(step, expected);
        allowance
    }

    /// Charges an attempt that has ended, and gives back what was reserved for it.
    pub(super) fn settle(
        &mut self,
        step: u32,
        agent: &str,
        usage: Option<&Value>,
        succeeded: bool,
    ) {
        self.unreserve(step);
        self.charge(agent, usage, succeeded);
    }

    /// Gives back what was set aside for an attempt that was not made.
    pub(super) fn release(&mut self, step: u32) {
        if self.unreserve(step) {
            self.attempts = self.attempts.saturating_sub(1);
        }
    }

    /// Takes what was set aside for a step out of the sum; tells whether there was any.
    fn unreserve(&mut self, step: u32) -> bool {
        let Some(amount) = self.underway.remove(&step) else {
            return false;
        };
        let Usage { tokens, cost } = &mut self.reserved;
        *tokens = tokens.saturating_sub(amount.tokens);
        *cost = (*cost - amount.cost).max(0.0);
        if self.underway.is_empty() {
            // Fractions of money drift by a hair with each step, but not for ever.
            self.reserved = Usage::default();
        }
        true
    }

    /// Which limit keeps the next attempt at a step from starting. What uses nothing is kept by no limit of use; so many
    /// `steps` are not over.
    pub(super) fn shortage(&self, step: u32, agent: &str, steps: usize) -> Option<Shortage> {
        let limit = self.budget.attempts;
        if let Some(limit) = limit.filter(|limit| self.attempts >= *limit) {
            let made = self.attempts;
            let reason = if made > limit {
                format!("{made} attempts are made, and it allows {limit}")
            } else {
                format!("all of its {limit} attempts are made")
            };
            let more = (made - limit) + steps.max(1) as u64;
            let change = format!("attempts=+{more}");
            return Some(Shortage { reason, change });
        }
        let bound = self.bound(step).unwrap_or(Allowance::UNLIMITED);
        let expected = self.expected(agent, bound);
        let tokens = bound.tokens.is_none_or(|most| most > 0);
        let cost = bound.cost.is_none_or(|most| most > 0.0);
        let tokens = tokens.then(|| self.token_shortage(expected.tokens, steps));
        let cost = cost.then(|| self.cost_shortage(expected.cost, steps));
        tokens.flatten().or(cost.flatten())
    }

    fn token_shortage(&self, expected: u64, steps: usize) -> Option<Shortage> {
        let limit = self.budget.tokens?;
        let spent = self.spent.tokens;
        let taken = spent.saturating_add(self.reserved.tokens);
        if spent < limit && taken.saturating_add(expected) <= limit {
            return None;
        }
        // Enough for one attempt at each step that is left; as much again where it is not known what an attempt uses.
        let all = spent.saturating_add(expected.saturating_mul(steps.max(1) as u64));
        let more = Some(all.saturating_sub(limit)).filter(|_| expected > 0);
        let more = more.unwrap_or(limit);
        Some(Shortage {
            reason: format!("{spent} of its {limit} tokens are used{}", next(expected)),
            change: format!("tokens=+{more}"),
        })
    }

    fn cost_shortage(&self, expected: f64, steps: usize) -> Option<Shortage> {
        let limit = self.budget.cost?;
        let spent = self.spent.cost;
        let taken = spent + self.reserved.cost;
        // A sum of decimal fractions may be off by a hair.
        let hair = limit * 1e-9;
        if spent < limit && taken + expected <= limit + hair {
            return None;
        }
        let all = spent + expected * steps.max(1) as f64;
        let more = Some(all - limit).filter(|more| expected > 0.0 && *more > 0.0);
        let more = more.unwrap_or_else(|| limit.max(1.0));
        let more = (more * 1e6 - 1e-3).ceil() / 1e6;
        Some(Shortage {
            reason: format!("{spent} of its cost of {limit} is spent{}", next(expected)),
            change: format!("cost=+{more}"),
        })
    }

    /// What an attempt of `agent` may use, of which no more than `bound` is certain.
    fn expected(&self, agent: &str, bound: Allowance) -> Usage {
        let Budget {
            tokens: most_tokens,
            cost: most_cost,
            per_attempt: PerAttempt { tokens, cost },
            ..
        } = self.budget;
        let left = Usage {
            tokens: most_tokens.unwrap_or(0).saturating_sub(self.spent.tokens),
            cost: (most_cost.unwrap_or(0.0) - self.spent.cost).max(0.0),
        };
        // What it has used elsewhere is a hint: it keeps no attempt from starting alone.
        let remembered = self.remembered.get(agent);
        let remembered = remembered.map(|used| used.at_most(left));
        let largest = self.largest.get(agent).copied();
        let known = match (largest, remembered) {
            (Some(largest), Some(remembered)) => largest.at_least(remembered),
            (known, other) => known.or(other).unwrap_or(left),
        };
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        let cheapest = bound.cost.into_iter().chain(cost).reduce(f64::min);
        Usage {
            tokens: least(bound.tokens, tokens).unwrap_or(known.tokens),
            cost: cheapest.unwrap_or(known.cost),
        }
    }

    fn charge(&mut self, agent: &str, usage: Option<&Value>, succeeded: bool) {
        self.spent += usage.map(Usage::reported).unwrap_or_default();
        if let Some(used) = Usage::known(usage, succeeded) {
            let largest = self.largest.entry(agent.to_owned()).or_default();
            *largest = largest.at_least(used);
        }
    }
}

fn next(expected: impl PartialOrd + Default + std::fmt::Display) -> String {
    if expected > Default::default() {
        format!(", and the next attempt may take {expected}")
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests;
