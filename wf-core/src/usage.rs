//! What attempts have used.

use serde_json::Value;

/// What attempts have used, added up: tokens and money as their agents report them.
///
/// An agent reports usage as a JSON object with any of `input_tokens`, `output_tokens`, `total_tokens` (their sum
/// where it is missing) and `cost`; what else is in it is kept with the attempt and not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// How many tokens, read and written.
    pub tokens: u64,
    /// How much money, in the currency of the agents' prices.
    pub cost: f64,
}

impl Usage {
    /// Reads what an agent reports of one attempt; what is missing or makes no sense counts as nothing.
    pub fn reported(usage: &Value) -> Usage {
        let count = |name: &str| usage.get(name).and_then(Value::as_u64);
        let parts = || {
            let read = count("input_tokens").unwrap_or(0);
            read.saturating_add(count("output_tokens").unwrap_or(0))
        };
        let cost = usage.get("cost").and_then(Value::as_f64);
        Usage {
            tokens: count("total_tokens").unwrap_or_else(parts),
            cost: cost
                .filter(|cost| cost.is_finite() && *cost >= 0.0)
                .unwrap_or(0.0),
        }
    }

    /// What the report of an attempt says of what an agent uses: a success without one says that it uses nothing, and a
    /// failure without one says nothing.
    pub fn known(usage: Option<&Value>, succeeded: bool) -> Option<Usage> {
        let used = usage.map(Usage::reported).unwrap_or_default();
        (succeeded || !used.is_none()).then_some(used)
    }

    /// The larger of each.
    #[must_use]
    pub fn at_least(self, other: Usage) -> Usage {
        Usage {
            tokens: self.tokens.max(other.tokens),
            cost: self.cost.max(other.cost),
        }
    }

    /// The smaller of each.
    #[must_use]
    pub fn at_most(self, other: Usage) -> Usage {
        Usage {
            tokens: self.tokens.min(other.tokens),
            cost: self.cost.min(other.cost),
        }
    }

    /// Whether nothing was reported.
    pub fn is_none(&self) -> bool {
        self.tokens == 0 && self.cost == 0.0
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, more: Usage) {
        self.tokens = self.tokens.saturating_add(more.tokens);
        self.cost += more.cost;
    }
}

/// What is added up over all agents that were asked within one attempt.
const SUMMED: [&str; 5] = [
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "total_tokens",
    "cost",
];

/// Adds to a report of usage what of another can be added up: tokens and cost. What is no object becomes one.
pub fn add_reported(usage: &mut Value, other: Option<Value>) {
    let Some(Value::Object(other)) = other else {
        return;
    };
    for (key, more) in other {
        if !SUMMED.contains(&key.as_str()) {
            continue;
        }
        let sum = match (usage.get(&key), &more) {
            (Some(Value::Number(known)), Value::Number(more)) => {
                match (known.as_u64(), more.as_u64()) {
                    (Some(known), Some(more)) => known.saturating_add(more).into(),
                    _ => (known.as_f64().unwrap_or(0.0) + more.as_f64().unwrap_or(0.0)).into(),
                }
            }
            _ => more,
        };
        set_reported(usage, &key, sum);
    }
}

/// Sets a member of a report of usage; what is no object becomes one.
pub fn set_reported(usage: &mut Value, key: &str, value: Value) {
    if !usage.is_object() {
        *usage = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(usage) = usage {
        usage.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_total_counts_before_its_parts() {
        let usage = |value| Usage::reported(&value);
        assert_eq!(
            usage(json!({"input_tokens": 3, "output_tokens": 4})).tokens,
            7
        );
        assert_eq!(
            usage(json!({"input_tokens": 3, "total_tokens": 9, "cost": 0.5})),
            Usage {
                tokens: 9,
                cost: 0.5
            }
        );
        assert!(usage(json!({"total_tokens": -1, "cost": -2})).is_none());
        assert!(usage(json!("much")).is_none());
    }
}
