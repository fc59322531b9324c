//! What an execution may use before it pauses.

use std::time::Duration;

use serde_json::{Value, json};

use crate::duration::{format_duration, parse_duration};
use crate::suggest::nearest;

/// Says what an execution may use before it pauses. What is not given is not limited.
///
/// An attempt starts only when what it may use is left of each limit, after what the attempts that are under way
/// may use: so a wide fan-out does not overshoot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Budget {
    /// How many tokens, by the count of the agents.
    pub tokens: Option<u64>,
    /// How much money, in the currency of the agents' prices.
    pub cost: Option<f64>,
    /// How long it may be driven, not counting the time it is paused.
    pub wall_time: Option<Duration>,
    /// How many attempts may be made, at all steps together.
    pub attempts: Option<u64>,
    /// What is set aside for an attempt before it starts. Where this is not given it is the most that an attempt
    /// of the same agent has used in this execution, and all that is left for an agent of which nothing is known.
    pub per_attempt: PerAttempt,
}

/// Says what is set aside for an attempt before it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PerAttempt {
    /// How many tokens.
    pub tokens: Option<u64>,
    /// How much money.
    pub cost: Option<f64>,
}

/// The names of the limits, as files and the command line give them.
pub(crate) const LIMITS: [&str; 4] = ["tokens", "cost", "wallTime", "attempts"];

/// What stands in the place of an amount to lift a limit.
const UNLIMITED: &str = "none";

impl Budget {
    /// Tells whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        self.tokens.is_none()
            && self.cost.is_none()
            && self.wall_time.is_none()
            && self.attempts.is_none()
    }

    /// Changes one limit by a text such as `tokens=200000`, `cost=+2.5` to add to what there is, or `wallTime=none`
    /// to lift it.
    ///
    /// ```
    /// use wf_model::Budget;
    ///
    /// let mut budget = Budget { tokens: Some(1000), ..Budget::default() };
    /// budget.change("tokens=+500")?;
    /// budget.change("wallTime=2h")?;
    /// assert_eq!(budget.tokens, Some(1500));
    /// budget.change("tokens=none")?;
    /// assert_eq!(budget.tokens, None);
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the text, and what to write.
    pub fn change(&mut self, text: &str) -> Result<(), String> {
        let Some((name, amount)) = text.split_once('=') else {
            return Err(format!(
                "`{text}` names no amount; write it as `tokens=200000` or `tokens=+50000`"
            ));
        };
        let (name, amount) = (name.trim(), amount.trim());
        let (adds, amount) = match amount.strip_prefix('+') {
            Some(more) => (true, more.trim_start()),
            None => (false, amount),
        };
        if amount == UNLIMITED && !adds {
            return self.lift(name);
        }
        let is_set = match name {
            "tokens" => self.tokens.is_some(),
            "attempts" => self.attempts.is_some(),
            "cost" => self.cost.is_some(),
            "wallTime" => self.wall_time.is_some(),
            _ => true,
        };
        if adds && !is_set {
            return Err(format!(
                "there is no limit of `{name}` to add to; write `{name}={amount}` to set one"
            ));
        }
        let whole = |limit: Option<u64>| {
            let amount: u64 = amount
                .parse()
                .map_err(|_| {
                format!(
                    "`{amount}` is not a whole number, which `{name}` must be, or `none` for no limit"
                )
            })?;
            let before = if adds { limit.unwrap_or(0) } else { 0 };
            Ok::<_, String>(Some(before.saturating_add(amount)))
        };
        match name {
            "tokens" => self.tokens = whole(self.tokens)?,
            "attempts" => self.attempts = whole(self.attempts)?,
            "cost" => {
                let more: f64 = amount
                    .parse()
                    .ok()
                    .filter(|cost| is_amount(*cost))
                    .ok_or_else(|| {
                        format!("`{amount}` is not a number of at least 0, or `none` for no limit")
                    })?;
                let before = self.cost.filter(|_| adds).unwrap_or(0.0);
                self.cost = Some(before + more);
            }
            "wallTime" => {
                let more = parse_duration(amount).map_err(|error| {
                    format!("`{amount}` cannot be read, nor is it `none` for no limit: {error}")
                })?;
                let before = self.wall_time.filter(|_| adds).unwrap_or_default();
                self.wall_time = Some(before.saturating_add(more));
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// Takes a limit away, whether it is set or not.
    fn lift(&mut self, name: &str) -> Result<(), String> {
        match name {
            "tokens" => self.tokens = None,
            "attempts" => self.attempts = None,
            "cost" => self.cost = None,
            "wallTime" => self.wall_time = None,
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    /// Says which limit has no room for what is set aside for a single attempt, so that none could ever start.
    pub fn shortfall(&self) -> Option<String> {
        self.token_shortfall().or_else(|| self.cost_shortfall())
    }

    pub(crate) fn token_shortfall(&self) -> Option<String> {
        let (reserved, limit) = (self.per_attempt.tokens?, self.tokens?);
        (reserved > limit).then(|| {
            format!("no attempt could start: `perAttempt` is {reserved} tokens, and the budget has {limit}")
        })
    }

    pub(crate) fn cost_shortfall(&self) -> Option<String> {
        let (reserved, limit) = (self.per_attempt.cost?, self.cost?);
        (reserved > limit).then(|| {
            format!("no attempt could start: `perAttempt` is a cost of {reserved}, and the budget has {limit}")
        })
    }

    /// Reads what [`to_json`](Budget::to_json) has written; none when it is something else.
    pub fn from_json(value: &Value) -> Option<Budget> {
        let object = value.as_object()?;
        let whole = |from: &Value, name: &str| match from.get(name) {
            None => Some(None),
            Some(value) => value.as_u64().map(Some),
        };
        let amount = |from: &Value, name: &str| match from.get(name) {
            None => Some(None),
            Some(value) => value.as_f64().filter(|cost| is_amount(*cost)).map(Some),
        };
        let reserve = object
            .get("perAttempt")
            .cloned()
            .unwrap_or_else(|| json!({}));
        Some(Budget {
            tokens: whole(value, "tokens")?,
            cost: amount(value, "cost")?,
            wall_time: whole(value, "wallTime")?.map(Duration::from_millis),
            attempts: whole(value, "attempts")?,
            per_attempt: PerAttempt {
                tokens: whole(&reserve, "tokens")?,
                cost: amount(&reserve, "cost")?,
            },
        })
    }
}

/// The limits in words: `200000 tokens, 2h`.
impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            self.tokens.map(|tokens| format!("{tokens} tokens")),
            self.cost.map(|cost| format!("a cost of {cost}")),
            self.wall_time.map(format_duration),
            self.attempts.map(|attempts| format!("{attempts} attempts")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(if parts.is_empty() { "no limit" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

fn unknown(name: &str) -> String {
    let help = match nearest(name, LIMITS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the limits are `{}`", LIMITS.join("`, `")),
    };
    format!("there is no limit `{name}`; {help}")
}

pub(crate) fn is_amount(cost: f64) -> bool {
    cost.is_finite() && cost >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(texts: &[&str]) -> Result<Budget, String> {
        let mut budget = Budget::default();
        for text in texts {
            budget.change(text)?;
        }
        Ok(budget)
    }

    #[test]
    fn a_limit_is_set_or_added_to() {
        let budget = changed(&[
            "tokens=10",
            "tokens=+5",
            "cost=1.5",
            "cost=+1",
            "attempts = 3",
            "wallTime=90s",
        ])
        .unwrap();
        assert_eq!(
            (budget.tokens, budget.cost, budget.attempts),
            (Some(15), Some(2.5), Some(3))
        );
        assert_eq!(
            budget.to_string(),
            "15 tokens, a cost of 2.5, 90s, 3 attempts"
        );
        assert_eq!(changed(&["tokens=10", "tokens=4"]).unwrap().tokens, Some(4));
    }

    #[test]
    fn a_change_that_cannot_be_read_says_what_to_write() {
        let said = |text: &str| changed(&[text]).unwrap_err();
        assert!(said("tokens").contains("write it as `tokens=200000`"));
        assert_eq!(
            said("token=5"),
            "there is no limit `token`; did you mean `tokens`?"
        );
        assert!(said("tokens=many").contains("`many` is not a whole number"));
        assert!(said("cost=-1").contains("`-1` is not a number of at least 0"));
        assert!(said("cost=NaN").contains("is not a number"));
        assert!(said("wallTime=soon").contains("soon"));
        assert_eq!(
            said("tokens=+5"),
            "there is no limit of `tokens` to add to; write `tokens=5` to set one"
        );
    }

    #[test]
    fn a_limit_is_lifted() {
        let all = ["tokens=1", "cost=1", "wallTime=1s", "attempts=1"];
        let lifted = [
            "tokens=none",
            "cost = none",
            "wallTime=none",
            "attempts=none",
        ];
        let budget = changed(&[all, lifted].concat()).unwrap();
        assert!(budget.is_unlimited(), "{budget:?}");
        assert_eq!(budget.to_string(), "no limit");
        // What is not limited stays so.
        assert_eq!(changed(&lifted).unwrap(), Budget::default());
        let said = |text: &str| changed(&["tokens=1", text]).unwrap_err();
        assert_eq!(
            said("token=none"),
            "there is no limit `token`; did you mean `tokens`?"
        );
        assert!(said("tokens=+none").contains("`none` is not a whole number"));
        assert!(said("tokens=None").contains("or `none` for no limit"));
    }

    #[test]
    fn a_limit_below_what_one_attempt_may_take_is_told() {
        let mut budget = changed(&["tokens=10", "cost=0.5"]).unwrap();
        budget.per_attempt = PerAttempt {
            tokens: Some(10),
            cost: Some(0.5),
        };
        assert_eq!(budget.shortfall(), None);
        budget.change("cost=0.25").unwrap();
        assert_eq!(
            budget.shortfall().unwrap(),
            "no attempt could start: `perAttempt` is a cost of 0.5, and the budget has 0.25"
        );
        budget.change("tokens=9").unwrap();
        assert_eq!(
            budget.shortfall().unwrap(),
            "no attempt could start: `perAttempt` is 10 tokens, and the budget has 9"
        );
        budget.change("tokens=none").unwrap();
        budget.change("cost=none").unwrap();
        assert_eq!(budget.shortfall(), None);
    }

    #[test]
    fn what_is_written_as_json_is_read_back() {
        let mut budget =
            changed(&["tokens=10", "cost=0.5", "wallTime=1500", "attempts=7"]).unwrap();
        budget.per_attempt = PerAttempt {
            tokens: Some(3),
            cost: Some(0.25),
        };
        assert_eq!(Budget::from_json(&budget.to_json()), Some(budget));
        assert_eq!(Budget::from_json(&json!({})), Some(Budget::default()));
        assert_eq!(Budget::from_json(&json!({"tokens": "many"})), None);
        assert_eq!(Budget::from_json(&json!([])), None);
    }
}
