//! The `budget` of a workflow.

use crate::budget::{Budget, PerAttempt, is_amount};
use crate::keys;
use crate::problem::Problem;
use crate::tree::{Node, Reader, Value};

const KEYS: [&str; 5] = keys::names(&keys::BUDGET);
const RESERVED_KEYS: [&str; 2] = keys::names(&keys::PER_ATTEMPT);

pub(super) fn read(node: Node, reader: &mut Reader) -> Budget {
    let mut budget = Budget::default();
    let mut places = BudgetPlaces::default();
    for entry in reader.mapping("budget", node).unwrap_or_default() {
        let (key, value) = (entry.key, entry.value);
        let (name, place) = (&*key.text, value.place);
        if !KEYS.contains(&name) {
            reader.unknown_key(&key, &KEYS);
        } else if value.value != Value::Null {
            match name {
                "tokens" => {
                    budget.tokens = reader.whole(name, value, 1..=u64::MAX);
                    places.tokens = place;
                }
                "attempts" => budget.attempts = reader.whole(name, value, 1..=u64::MAX),
                "cost" => {
                    budget.cost = cost(name, value, reader);
                    places.cost = place;
                }
                "wallTime" => budget.wall_time = reader.timeout(name, value),
                _ => (budget.per_attempt, places.per_attempt) = reserved(value, reader),
            }
        }
    }
    fitting(budget, &places, reader)
}

/// Where the values stand, as far as they are given.
#[derive(Default)]
struct BudgetPlaces {
    tokens: u32,
    cost: u32,
    per_attempt: ReservedPlaces,
}

#[derive(Default)]
struct ReservedPlaces {
    tokens: u32,
    cost: u32,
}

fn reserved(node: Node, reader: &mut Reader) -> (PerAttempt, ReservedPlaces) {
    let mut reserved = PerAttempt::default();
    let mut places = ReservedPlaces::default();
    for entry in reader.mapping("perAttempt", node).unwrap_or_default() {
        let (key, value) = (entry.key, entry.value);
        let (name, place) = (&*key.text, value.place);
        if !RESERVED_KEYS.contains(&name) {
            reader.unknown_key(&key, &RESERVED_KEYS);
        } else if value.value != Value::Null {
            match name {
                "tokens" => {
                    reserved.tokens = reader.whole(name, value, 0..=u64::MAX);
                    places.tokens = place;
                }
                _ => {
                    reserved.cost = cost(name, value, reader);
                    places.cost = place;
                }
            }
        }
    }
    (reserved, places)
}

/// The budget without what no limit has room for, which is reported.
fn fitting(mut budget: Budget, places: &BudgetPlaces, reader: &mut Reader) -> Budget {
    let too_much = |fault: String, name: &str, place: u32, limit: u32| {
        Problem::error(place, fault)
            .help(format!("lower it, or raise `{name}`"))
            .also(limit, format!("`{name}` is here"))
    };
    if let Some(fault) = budget.token_shortfall() {
        let (place, limit) = (places.per_attempt.tokens, places.tokens);
        reader.report(too_much(fault, "tokens", place, limit));
        budget.per_attempt.tokens = None;
    }
    if let Some(fault) = budget.cost_shortfall() {
        let (place, limit) = (places.per_attempt.cost, places.cost);
        reader.report(too_much(fault, "cost", place, limit));
        budget.per_attempt.cost = None;
    }
    budget
}

fn cost(name: &str, node: Node, reader: &mut Reader) -> Option<f64> {
    let place = node.place;
    let cost = reader.number(name, node)?;
    if !is_amount(cost) {
        let message = format!("`{name}` is {cost}, but must be a number of at least 0");
        reader.report(Problem::error(place, message));
        return None;
    }
    Some(cost)
}
