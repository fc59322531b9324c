//! What an attempt has used, from how endpoints tell it to how it is recorded.

use serde_json::{Map, Value};

use super::Prices;

/// What is recorded of the usage that an endpoint tells, with the cost by these prices.
pub(super) fn recorded(
    told: Option<&Map<String, Value>>,
    model: &str,
    prices: Option<Prices>,
) -> Value {
    let number = |names: &[&str]| {
        let known = names.iter().filter_map(|name| told?.get(*name));
        known.filter_map(count).next()
    };
    let input = number(&["prompt_tokens", "input_tokens"]);
    let output = number(&["completion_tokens", "output_tokens"]);
    let total = number(&["total_tokens"]).or(input
        .zip(output)
        .map(|(input, output)| input.saturating_add(output)));
    let details = told.and_then(|told| told.get("prompt_tokens_details"));
    let cached = details.and_then(|details| count(details.get("cached_tokens")?));
    let mut usage = Map::new();
    for (name, count) in [
        ("input_tokens", input),
        ("output_tokens", output),
        ("total_tokens", total),
        ("cached_input_tokens", cached),
    ] {
        if let Some(count) = count {
            usage.insert(name.into(), count.into());
        }
    }
    if let Some(prices) = prices
        && let Some((input, output)) = input.zip(output)
    {
        usage.insert("cost".into(), cost(prices, input, output).into());
    }
    usage.insert("model".into(), model.into());
    Value::Object(usage)
}

/// A number of tokens; some write it as a decimal fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is not in between is none"
)]
fn count(value: &Value) -> Option<u64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    let of_float = || {
        let float = value.as_f64().filter(|float| (0.0..MOST).contains(float));
        float.map(|float| float.ceil() as u64)
    };
    value.as_u64().or_else(of_float)
}

/// To a billionth, so that it reads as people would write it.
#[expect(
    clippy::cast_precision_loss,
    reason = "no answer has so many tokens that it would show"
)]
pub(super) fn cost(prices: Prices, input: u64, output: u64) -> f64 {
    let cost = (prices.input * input as f64 + prices.output * output as f64) / 1e6;
    (cost * 1e9).round() / 1e9
}
