//! The `budget` of a workflow.

use crate::budget::{Budget, LIMITS, PerAttempt, is_amount};
use crate::problem::Problem;
use crate::tree::{Node, Reader, Value};

const KEYS: [&str; 5] = [LIMITS[0], LIMITS[1], LIMITS[2], LIMITS[3], "perAttempt"];
const RESERVED_KEYS: [&str; 2] = ["tokens", "cost"];

pub(super) fn read(node: Node, reader: &mut Reader) -> Budget {
    let mut budget = Budget::default();
    for entry in reader.mapping("budget", node).unwrap_or_default() {
        let (key, value) = (entry.key, entry.value);
        let name = key.text.as_str();
        if !KEYS.contains(&name) {
            reader.unknown_key(&key, &KEYS);
        } else if value.value != Value::Null {
            match name {
                "tokens" => budget.tokens = reader.whole(name, value, 1..=u64::MAX),
                "attempts" => budget.attempts = reader.whole(name, value, 1..=u64::MAX),
                "cost" => budget.cost = cost(name, value, reader),
                "wallTime" => budget.wall_time = reader.timeout(name, value),
                _ => budget.per_attempt = reserved(value, reader),
            }
        }
    }
    budget
}

fn reserved(node: Node, reader: &mut Reader) -> PerAttempt {
    let mut reserved = PerAttempt::default();
    for entry in reader.mapping("perAttempt", node).unwrap_or_default() {
        let (key, value) = (entry.key, entry.value);
        let name = key.text.as_str();
        if !RESERVED_KEYS.contains(&name) {
            reader.unknown_key(&key, &RESERVED_KEYS);
        } else if value.value != Value::Null {
            match name {
                "tokens" => reserved.tokens = reader.whole(name, value, 0..=u64::MAX),
                _ => reserved.cost = cost(name, value, reader),
            }
        }
    }
    reserved
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
