//! What a plain scalar means: the core schema of YAML 1.2 (10.3.2), and binary numbers.

use serde_json::Number;

use crate::tree::Value;

/// Returns what a scalar without quotes and tag means, unless it is text.
pub(super) fn plain(text: &str) -> Option<Value> {
    // Most text shows with its first letter that it is nothing else.
    match text.as_bytes() {
        [b'+' | b'-' | b'.' | b'0'..=b'9', ..] => number(text),
        [] | [b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F', ..] => {
            null(text).or_else(|| boolean(text))
        }
        _ => None,
    }
}

/// Returns what a scalar with one of the tags `!!bool`, `!!int`, `!!float` and `!!null` means, if it can mean that.
pub(super) fn tagged(text: &str, kind: &str) -> Option<Value> {
    match kind {
        "bool" => boolean(text),
        "int" => integer(text),
        "float" => float(text),
        _ => null(text),
    }
}

fn null(text: &str) -> Option<Value> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Value::Null)
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Boolean(true)),
        "false" | "False" | "FALSE" => Some(Value::Boolean(false)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    // Digits after a zero are a name or a date, and no number.
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    if matches!(digits, [b'0', rest @ ..] if !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
    {
        return None;
    }
    integer(text).or_else(|| float(text))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "as JSON reads a whole number that is too large"
)]
fn integer(text: &str) -> Option<Value> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x', ..] => (unsigned.get(2..)?, 16),
        [b'0', b'o', ..] => (unsigned.get(2..)?, 8),
        [b'0', b'b', ..] => (unsigned.get(2..)?, 2),
        _ => (unsigned, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let whole = u128::from_str_radix(digits, radix).ok()?;
    let number = if is_negative {
        let whole = i128::try_from(whole).ok().map(|whole| -whole);
        whole
            .and_then(|whole| i64::try_from(whole).ok())
            .map(Number::from)
    } else {
        u64::try_from(whole).ok().map(Number::from)
    };
    let double = if is_negative {
        -(whole as f64)
    } else {
        whole as f64
    };
    number
        .or_else(|| Number::from_f64(double))
        .map(Value::Number)
}

fn float(text: &str) -> Option<Value> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Some(Value::NotFinite(f64::INFINITY));
        }
        "-.inf" | "-.Inf" | "-.INF" => return Some(Value::NotFinite(f64::NEG_INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(Value::NotFinite(f64::NAN)),
        _ => {}
    }
    let double = text.parse().ok()?;
    Number::from_f64(double).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match plain(text) {
            None => format!("{text:?}"),
            Some(Value::Boolean(boolean)) => boolean.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::NotFinite(double)) => double.to_string(),
            Some(value) => value.kind().to_owned(),
        }
    }

    #[test]
    fn the_core_schema_decides_what_is_no_text() {
        for (text, meant) in [
            ("", "empty"),
            ("~", "empty"),
            ("NULL", "empty"),
            ("nULL", "\"nULL\""),
            ("True", "true"),
            ("FALSE", "false"),
            ("no", "\"no\""),
            ("0", "0"),
            ("-0", "0"),
            ("+12", "12"),
            ("-12", "-12"),
            ("0x1F", "31"),
            ("-0x1f", "-31"),
            ("0o17", "15"),
            ("0b101", "5"),
            ("007", "\"007\""),
            ("-00", "\"-00\""),
            ("0x", "\"0x\""),
            ("0x+1", "\"0x+1\""),
            ("--1", "\"--1\""),
            ("+-1", "\"+-1\""),
            ("1_000", "\"1_000\""),
            ("2001-01-01", "\"2001-01-01\""),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("-9223372036854775809", "-9.223372036854776e+18"),
            (
                "-340282366920938463463374607431768211451",
                "-3.402823669209385e+38",
            ),
            ("1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5.0"),
            ("+.5", "0.5"),
            ("1e3", "1000.0"),
            ("1e400", "\"1e400\""),
            (".", "\".\""),
            ("-", "\"-\""),
            ("-.INF", "-inf"),
            (".nan", "NaN"),
            ("nan", "\"nan\""),
            ("-inf", "\"-inf\""),
            ("+infinity", "\"+infinity\""),
            ("é", "\"é\""),
        ] {
            assert_eq!(shown(text), meant, "{text}");
        }
    }
}
