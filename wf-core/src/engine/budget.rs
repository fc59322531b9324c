//! What an execution may still use: reserved before an attempt starts, settled when it ends.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
pub use wf_model::{Budget, PerAttempt};

use crate::agent::Allowance;
use crate::step::Attempt;
use crate::typed::NATIVE;
use crate::usage::Usage;

/// A budget, what is spent of it, and what is set aside for the attempts that are under way.
#[derive(Debug)]
pub(super) struct Purse {
    budget: Budget,
    spent: Usage,
    attempts: u64,
    reserved: Usage,
    /// What is set aside for each step whose attempt is under way.
    underway: HashMap<u32, Usage>,
    /// The most that an attempt of each agent has used.
    largest: HashMap<String, Usage>,
}

impl Purse {
    /// A purse of which the attempts of former drives have been paid; none where nothing is limited.
    pub(super) fn new<'a>(
        budget: Budget,
        made: impl Iterator<Item = (&'a str, &'a [Attempt])>,
    ) -> Option<Self> {
        if budget.is_unlimited() {
            return None;
        }
        let mut purse = Purse {
            budget,
            spent: Usage::default(),
            attempts: 0,
            reserved: Usage::default(),
            underway: HashMap::new(),
            largest: HashMap::new(),
        };
        for (agent, attempts) in made {
            for attempt in attempts {
                purse.attempts += 1;
                purse.pay(agent, attempt.usage.as_ref(), attempt.error.is_none());
            }
        }
        Some(purse)
    }

    /// For how long the execution may be driven, in all.
    pub(super) const fn wall_time(&self) -> Option<Duration> {
        self.budget.wall_time
    }

    /// Sets aside what an attempt may use, and says how much that is: where `perAttempt` does not say it, no more than
    /// what nobody else has set aside.
    pub(super) fn reserve(&mut self, step: u32, agent: &str) -> Allowance {
        let expected = self.expected(agent);
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

    /// Pays for an attempt that has ended, and gives back what was set aside for it.
    pub(super) fn settle(
        &mut self,
        step: u32,
        agent: &str,
        usage: Option<&Value>,
        succeeded: bool,
    ) {
        self.give_back(step);
        self.pay(agent, usage, succeeded);
    }

    /// Gives back what was set aside for an attempt that was not made.
    pub(super) fn release(&mut self, step: u32) {
        if self.give_back(step) {
            self.attempts = self.attempts.saturating_sub(1);
        }
    }

    /// Takes what was set aside for a step out of the sum; tells whether there was any.
    fn give_back(&mut self, step: u32) -> bool {
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

    /// Which limit keeps the next attempt of `agent` from starting, in words.
    pub(super) fn shortage(&self, agent: &str) -> Option<String> {
        let Budget {
            tokens,
            cost,
            attempts,
            ..
        } = self.budget;
        if let Some(limit) = attempts
            && self.attempts >= limit
        {
            let made = self.attempts;
            return Some(if made > limit {
                format!("{made} attempts are made, and it allows {limit}")
            } else {
                format!("all of its {limit} attempts are made")
            });
        }
        let expected = self.expected(agent);
        if let Some(limit) = tokens {
            let spent = self.spent.tokens;
            let taken = spent.saturating_add(self.reserved.tokens);
            if spent >= limit || taken.saturating_add(expected.tokens) > limit {
                return Some(format!(
                    "{spent} of its {limit} tokens are used{}",
                    next(expected.tokens)
                ));
            }
        }
        if let Some(limit) = cost {
            let spent = self.spent.cost;
            let taken = spent + self.reserved.cost;
            // A sum of decimal fractions may be off by a hair.
            let hair = limit * 1e-9;
            if spent >= limit || taken + expected.cost > limit + hair {
                return Some(format!(
                    "{spent} of its cost of {limit} is spent{}",
                    next(expected.cost)
                ));
            }
        }
        None
    }

    /// What an attempt of `agent` may use.
    fn expected(&self, agent: &str) -> Usage {
        if agent.starts_with(NATIVE) {
            return Usage::default();
        }
        let PerAttempt { tokens, cost } = self.budget.per_attempt;
        let known = self.largest.get(agent).copied().unwrap_or_else(|| {
            // Nothing is known of this agent: all that is left.
            let limit = self.budget.tokens.unwrap_or(0);
            Usage {
                tokens: limit.saturating_sub(self.spent.tokens),
                cost: (self.budget.cost.unwrap_or(0.0) - self.spent.cost).max(0.0),
            }
        });
        Usage {
            tokens: tokens.unwrap_or(known.tokens),
            cost: cost.unwrap_or(known.cost),
        }
    }

    fn pay(&mut self, agent: &str, usage: Option<&Value>, succeeded: bool) {
        let used = usage.map(Usage::reported);
        if let Some(used) = used {
            self.spent += used;
        }
        // A failure that reports nothing says nothing of what a success uses.
        let known = used.filter(|used| succeeded || !used.is_none());
        if let Some(used) = known.or(succeeded.then(Usage::default)) {
            let largest = self.largest.entry(agent.to_owned()).or_default();
            largest.tokens = largest.tokens.max(used.tokens);
            largest.cost = largest.cost.max(used.cost);
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
mod tests {
    use serde_json::json;

    use super::*;

    fn purse(budget: Budget) -> Purse {
        Purse::new(budget, std::iter::empty()).unwrap()
    }

    fn tokens(limit: u64) -> Budget {
        Budget {
            tokens: Some(limit),
            ..Budget::default()
        }
    }

    #[test]
    fn an_agent_of_which_nothing_is_known_runs_alone_first() {
        let mut purse = purse(tokens(400));
        assert!(purse.shortage("a").is_none());
        purse.reserve(0, "a");
        assert!(purse.shortage("a").is_some());
        purse.settle(0, "a", Some(&json!({"total_tokens": 100})), true);
        for step in 1..4 {
            assert!(purse.shortage("a").is_none());
            purse.reserve(step, "a");
        }
        assert_eq!(
            purse.shortage("a").unwrap(),
            "100 of its 400 tokens are used, and the next attempt may take 100"
        );
    }

    #[test]
    fn an_attempt_is_told_what_it_may_use() {
        let mut known = purse(tokens(400));
        assert_eq!(known.reserve(0, "a").tokens, Some(400));
        known.settle(0, "a", Some(&json!({"total_tokens": 100})), true);
        assert_eq!(known.reserve(1, "a").tokens, Some(300));
        assert_eq!(known.reserve(2, "a").tokens, Some(200));
        let mut said = purse(Budget {
            per_attempt: PerAttempt {
                tokens: Some(50),
                cost: None,
            },
            ..tokens(400)
        });
        let expected = Allowance {
            tokens: Some(50),
            cost: None,
        };
        assert_eq!(said.reserve(0, "a"), expected);
    }

    #[test]
    fn what_is_set_aside_and_not_used_is_given_back() {
        let mut purse = purse(Budget {
            per_attempt: PerAttempt {
                tokens: Some(100),
                cost: None,
            },
            ..tokens(200)
        });
        purse.reserve(0, "a");
        purse.reserve(1, "b");
        assert!(purse.shortage("a").is_some());
        purse.settle(0, "a", Some(&json!({"total_tokens": 10})), true);
        assert!(purse.shortage("a").is_some());
        purse.settle(1, "b", None, false);
        assert!(purse.shortage("a").is_none());
    }

    #[test]
    fn an_agent_that_reports_nothing_is_taken_to_use_nothing() {
        let mut purse = purse(tokens(1));
        purse.reserve(0, "program");
        purse.settle(0, "program", None, true);
        purse.reserve(1, "program");
        assert!(purse.shortage("program").is_none());
        // Another agent may still take all there is, and then nobody else may begin.
        purse.reserve(2, "model");
        assert!(purse.shortage("other").is_some());
    }

    #[test]
    fn money_is_counted_to_the_last_cent() {
        let mut purse = purse(Budget {
            cost: Some(0.3),
            per_attempt: PerAttempt {
                tokens: None,
                cost: Some(0.1),
            },
            ..Budget::default()
        });
        for step in 0..3 {
            assert!(purse.shortage("a").is_none(), "{step}");
            purse.reserve(step, "a");
            purse.settle(step, "a", Some(&json!({"cost": 0.1})), true);
        }
        assert!(
            purse
                .shortage("a")
                .unwrap()
                .contains("of its cost of 0.3 is spent")
        );
    }

    #[test]
    fn what_is_set_aside_adds_up_to_nothing_when_nothing_is_under_way() {
        let reserved = |cost| Budget {
            cost: Some(1e6),
            per_attempt: PerAttempt {
                tokens: Some(3),
                cost: Some(cost),
            },
            ..tokens(1_000_000)
        };
        let mut purse = purse(reserved(0.1));
        for round in 0..100 {
            for step in 0..30 {
                purse.budget = reserved(0.1 * f64::from(step + 1));
                purse.reserve(step, "a");
            }
            assert_eq!(purse.reserved.tokens, 90);
            assert!((purse.reserved.cost - 46.5).abs() < 1e-9, "{round}");
            // Not in the order in which they began.
            for step in (0..30).rev() {
                purse.release(step);
                let cost: f64 = purse.underway.values().map(|usage| usage.cost).sum();
                assert!((purse.reserved.cost - cost).abs() < 1e-9, "{round}");
                let tokens: u64 = purse.underway.values().map(|usage| usage.tokens).sum();
                assert_eq!(purse.reserved.tokens, tokens);
            }
            assert_eq!(purse.reserved, Usage::default());
            assert_eq!(purse.attempts, 0);
        }
    }

    #[test]
    fn what_is_given_back_twice_counts_once() {
        let mut purse = purse(Budget {
            per_attempt: PerAttempt {
                tokens: Some(100),
                cost: None,
            },
            ..tokens(400)
        });
        purse.reserve(0, "a");
        purse.reserve(1, "a");
        purse.release(0);
        purse.release(0);
        purse.settle(0, "a", None, false);
        assert_eq!((purse.reserved.tokens, purse.attempts), (100, 1));
    }

    #[test]
    fn attempts_are_counted_when_they_start() {
        let mut purse = purse(Budget {
            attempts: Some(2),
            ..Budget::default()
        });
        purse.reserve(0, "a");
        purse.reserve(1, "a");
        assert_eq!(
            purse.shortage("a").unwrap(),
            "all of its 2 attempts are made"
        );
    }
}
