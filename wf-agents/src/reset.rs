//! When a limit that a program has reached is lifted, as far as it says so.
//!
//! The forms are those of claude ("You've hit your limit · resets 3pm (Europe/Berlin)", "Claude AI usage limit
//! reached|1750708800"), codex ("try again in 3 hours 12 minutes", "try again at Jul 5th, 2026 8:19 PM",
//! `"resets_in_seconds": 13872`) and gemini ("Your quota will reset after 12h34m16s"), as their users report them.

use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, ToSpan, Zoned};
use wf_core::agent::StepError;
use wf_core::id::Timestamp;

/// What words about a limit have in them.
const LIMITS: [&str; 6] = [
    "limit",
    "quota",
    "capacity",
    "exhausted",
    "too many requests",
    "overloaded",
];

/// What comes before a time that has to pass.
const AFTER: [&str; 9] = [
    "try again in ",
    "retry in ",
    "resets in ",
    "reset in ",
    "reset after ",
    "resets after ",
    "retry after ",
    "retry-after: ",
    "again after ",
];

/// What comes before a moment.
const AT: [&str; 12] = [
    "try again at ",
    "again on ",
    "resets at ",
    "reset at ",
    "resets on ",
    "reset on ",
    "resets: ",
    "reset: ",
    "resets ",
    "available at ",
    "try again after ",
    "until ",
];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Nobody's limit takes longer; what is further away is no moment.
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The failure with the moment at which the limit is lifted that its words tell of.
pub(crate) fn limited(error: StepError, words: &str, now: Timestamp) -> StepError {
    match lifted(words, now, &TimeZone::system()) {
        Some(at) => error.resets_at(at),
        None => error,
    }
}

/// The moment that words about a limit name. A time of day is the next one there is; without a zone, it is in `zone`.
fn lifted(words: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let words = words.to_lowercase().replace(['\u{202f}', '\u{a0}'], " ");
    if !LIMITS.iter().any(|limit| words.contains(limit)) {
        return None;
    }
    let here = Moment::from_millisecond(now.millis()).ok()?;
    let after = |wait: Duration| (wait <= LONGEST).then(|| now.after(wait));
    following(
        &words,
        &["limit reached|", "resets_at", "resetsat", "reset_at"],
    )
    .find_map(|rest| epoch(rest.trim_start_matches(['"', '\\', ':', '=', ' '])))
    .or_else(|| {
        following(&words, &["resets_in_seconds", "retry_after_seconds"])
            .find_map(|rest| span(rest.trim_start_matches(['"', '\\', ':', '=', ' '])))
            .and_then(after)
    })
    .or_else(|| {
        following(&words, &["retrydelay", "retry_after"])
            .find_map(|rest| span(rest.trim_start_matches(['"', '\\', ':', '=', ' '])))
            .and_then(after)
    })
    .or_else(|| following(&words, &AFTER).find_map(span).and_then(after))
    .or_else(|| following(&words, &AT).find_map(|rest| moment(rest, here, zone)))
}

/// What follows each place of one of the marks.
fn following<'a>(words: &'a str, marks: &'a [&str]) -> impl Iterator<Item = &'a str> {
    marks.iter().flat_map(move |mark| {
        let places = words.match_indices(mark);
        places.filter_map(|(at, mark)| words.get(at + mark.len()..))
    })
}

/// Seconds or milliseconds since the epoch.
fn epoch(text: &str) -> Option<Timestamp> {
    let (digits, _) = digits(text);
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        9..=11 => Some(Timestamp::from_millis(number * 1000)),
        12..=14 => Some(Timestamp::from_millis(number)),
        _ => None,
    }
}

/// A time such as `5 days 22 hours 11 minutes`, `12h34m16.5s`, or seconds without a unit.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim_start();
    let mut sum: Option<f64> = None;
    loop {
        let (whole, after) = number(rest);
        let Ok(count) = whole.parse::<f64>() else {
            break;
        };
        let after = after.trim_start();
        let letters = after.find(|letter: char| !letter.is_ascii_alphabetic());
        let (unit, after) = after.split_at(letters.unwrap_or(after.len()));
        let seconds = match unit {
            "ms" | "milliseconds" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 604_800.0,
            _ if sum.is_none() => {
                sum = Some(count);
                break;
            }
            _ => break,
        };
        sum = Some(sum.unwrap_or(0.0) + count * seconds);
        let more = after.trim_start_matches([',', ' ']);
        rest = more.strip_prefix("and ").unwrap_or(more);
    }
    Duration::try_from_secs_f64(sum?).ok()
}

/// A moment such as `2026-11-30T15:00:00Z`, `jul 5th, 2026 8:19 pm`, `oct 6 at 1pm (europe/berlin)` or `3pm`.
fn moment(text: &str, now: Moment, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim_start();
    if let Some(at) = epoch(text) {
        return Some(at);
    }
    let word = text.split_whitespace().next().unwrap_or_default();
    let word = word
        .trim_end_matches(['.', ',', ';', ')', '"'])
        .to_uppercase();
    if let Ok(at) = word.parse::<Moment>() {
        return Some(Timestamp::from_millis(at.as_millisecond()));
    }
    let (date, rest) = date(text, now.to_zoned(zone.clone()).date());
    let (time, rest) = time(rest)?;
    let zone = named_zone(rest).unwrap_or_else(|| zone.clone());
    let here = now.to_zoned(zone.clone());
    let at = |date: Date| -> Option<Zoned> { date.to_datetime(time).to_zoned(zone.clone()).ok() };
    let at = match date {
        Some(date) => at(date)?,
        None => {
            let today = at(here.date())?;
            match today > here {
                true => today,
                false => at(here.date().checked_add(1.day()).ok()?)?,
            }
        }
    };
    Some(Timestamp::from_millis(at.timestamp().as_millisecond()))
}

/// The date with which a text begins, and what follows it.
fn date(text: &str, today: Date) -> (Option<Date>, &str) {
    if let Some(date) = text.get(..10).and_then(|date| date.parse::<Date>().ok()) {
        let rest = text.get(10..).unwrap_or_default();
        return (Some(date), rest.trim_start_matches(['t', ' ', ',']));
    }
    if let Some(rest) = text.strip_prefix("tomorrow") {
        let rest = rest.trim_start_matches([' ', ',']);
        let rest = rest.strip_prefix("at ").unwrap_or(rest);
        return (today.checked_add(1.day()).ok(), rest);
    }
    named_date(text, today).map_or((None, text), |(date, rest)| (Some(date), rest))
}

/// A date such as `jul 5th, 2026 `, `oct 6 at ` or `10 december `.
fn named_date(text: &str, today: Date) -> Option<(Date, &str)> {
    let month_of = |text: &str| {
        let name = text.get(..3)?;
        let month = MONTHS.iter().position(|month| *month == name)?;
        i8::try_from(month + 1).ok()
    };
    let letters = |text: &str| text.find(|letter: char| !letter.is_ascii_alphabetic());
    let (first, rest) = number(text);
    let (month, day, rest) = if first.is_empty() {
        let month = month_of(text)?;
        let rest = text.get(letters(text)?..)?.trim_start_matches(['.', ' ']);
        let (day, rest) = digits(rest);
        (month, day, rest)
    } else {
        let rest = rest.trim_start_matches(['.', ' ']);
        let month = month_of(rest)?;
        (month, first, rest.get(letters(rest)?..)?)
    };
    let day: i8 = day.parse().ok()?;
    let rest = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|end| rest.strip_prefix(end))
        .unwrap_or(rest);
    let rest = rest.trim_start_matches(['.', ',', ' ']);
    let (year, after) = digits(rest);
    let (year, rest) = match year.len() {
        4 => (year.parse().ok(), after),
        _ => (None, rest),
    };
    let rest = rest.trim_start_matches([',', ' ']);
    let rest = rest.strip_prefix("at ").unwrap_or(rest);
    let of = |year: i16| Date::new(year, month, day).ok();
    let date = match year {
        Some(year) => of(year)?,
        // The next one there is.
        None => of(today.year())
            .filter(|date| *date >= today)
            .or_else(|| of(today.year() + 1))?,
    };
    Some((date, rest))
}

/// The time of day with which a text begins, and what follows it.
fn time(text: &str) -> Option<(Time, &str)> {
    let (hour, rest) = digits(text);
    let mut hour: i8 = hour.parse().ok()?;
    let part = |rest: &str| -> Option<i8> { digits(rest.strip_prefix(':')?).0.parse().ok() };
    let (minute, rest) = match part(rest) {
        Some(minute) => (minute, digits(rest.get(1..)?).1),
        None => (0, rest),
    };
    let is_exact = rest.len() != text.len() && text.contains(':');
    let (second, rest) = match part(rest) {
        Some(second) => (second, digits(rest.get(1..)?).1),
        None => (0, rest),
    };
    let half = rest.trim_start();
    let halves = [("am", 0), ("a.m.", 0), ("pm", 12), ("p.m.", 12)];
    let found = halves
        .iter()
        .find_map(|(name, add)| Some((add, half.strip_prefix(name)?)));
    let rest = match found {
        Some((add, rest)) => {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + add;
            rest
        }
        // A number alone is no time of day.
        None if is_exact => rest,
        None => return None,
    };
    Some((Time::new(hour, minute, second, 0).ok()?, rest))
}

/// The zone that follows a time: `(europe/berlin)`, `utc`.
fn named_zone(text: &str) -> Option<TimeZone> {
    let text = text.trim_start();
    let name = match text.strip_prefix('(') {
        Some(rest) => rest.split(')').next()?,
        None => text
            .split(|letter: char| letter.is_whitespace() || ".,;)".contains(letter))
            .next()?,
    };
    match name.trim() {
        "utc" | "gmt" | "z" => Some(TimeZone::UTC),
        // The names of places are found in whatever case.
        name if name.contains('/') => TimeZone::get(name).ok(),
        _ => None,
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// A number with a fraction, if it has one.
fn number(text: &str) -> (&str, &str) {
    let (whole, rest) = digits(text);
    let fraction = rest.strip_prefix('.').map(digits);
    match fraction {
        Some((fraction, after)) if !whole.is_empty() && !fraction.is_empty() => {
            (text.get(..text.len() - after.len()).unwrap_or(whole), after)
        }
        _ => (whole, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Monday at noon in UTC.
    const NOW: &str = "2026-11-30T12:00:00Z";

    fn found(words: &str) -> Option<String> {
        let now: Moment = NOW.parse().unwrap();
        let now = Timestamp::from_millis(now.as_millisecond());
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        lifted(words, now, &zone).map(|at| at.to_string())
    }

    #[test]
    fn moments_are_found_in_what_programs_say() {
        for (words, at) in [
            (
                "Claude AI usage limit reached|1796050800",
                "2026-11-30T15:00:00Z",
            ),
            (
                "You've hit your limit · resets 3pm (Europe/Berlin)",
                "2026-11-30T14:00:00Z",
            ),
            (
                "You've hit your session limit · resets 12:50am (America/Los_Angeles)",
                "2026-12-01T08:50:00Z",
            ),
            ("5-hour limit reached ∙ resets 3pm", "2026-11-30T20:00:00Z"),
            ("5-hour limit reached ∙ resets 6am", "2026-12-01T11:00:00Z"),
            (
                "Weekly limit reached ∙ resets Dec 6 at 1pm",
                "2026-12-06T18:00:00Z",
            ),
            (
                "Weekly limit reached ∙ resets Dec 6, 1pm (UTC)",
                "2026-12-06T13:00:00Z",
            ),
            (
                "limit reached, resets Jan 2 at 12am (utc)",
                "2027-01-02T00:00:00Z",
            ),
            (
                "Claude usage limit reached. Your limit will reset at 9am (America/Chicago).",
                "2026-11-30T15:00:00Z",
            ),
            (
                "Limits will reset at 9:30 AM. View your usage details.",
                "2026-11-30T14:30:00Z",
            ),
            (
                "the limit resets at 2026-12-01T08:00:00+01:00.",
                "2026-12-01T07:00:00Z",
            ),
            (
                "the limit resets at 2026-12-01 08:00 UTC",
                "2026-12-01T08:00:00Z",
            ),
            (
                "the limit resets at 2026-12-01T08:00:00",
                "2026-12-01T13:00:00Z",
            ),
            ("the limit resets at 1796050800", "2026-11-30T15:00:00Z"),
            ("limit: resets tomorrow at 3pm", "2026-12-01T20:00:00Z"),
            (
                "You've hit your usage limit. Try again in 3 hours 12 minutes.",
                "2026-11-30T15:12:00Z",
            ),
            (
                "You've hit your usage limit. Upgrade to Pro (https://x.example/pricing) or try again in 5 days 22 hours 11 minutes.",
                "2026-12-06T10:11:00Z",
            ),
            (
                "You've hit your usage limit. Upgrade to Plus, or try again at Dec 5th, 2026 8:19 PM.",
                "2026-12-06T01:19:00Z",
            ),
            ("usage limit; try again at 3:14 PM.", "2026-11-30T20:14:00Z"),
            ("usage limit; try again at 15:14.", "2026-11-30T20:14:00Z"),
            (
                "usage limit; try again at 10 dec. 2026, 11:52.",
                "2026-12-10T16:52:00Z",
            ),
            (
                r#"{"type":"usage_limit_reached","resets_at":1796050800,"resets_in_seconds":10800}"#,
                "2026-11-30T15:00:00Z",
            ),
            (
                r#"{"type":"usage_limit_reached","resets_in_seconds":13872}"#,
                "2026-11-30T15:51:12Z",
            ),
            (
                "You have exhausted your capacity on this model. Your quota will reset after 12h34m16s.",
                "2026-12-01T00:34:16Z",
            ),
            (
                "Quota exceeded. Please retry in 12.5s.",
                "2026-11-30T12:00:12Z",
            ),
            (r#"quota: "retryDelay": "34s""#, "2026-11-30T12:00:34Z"),
            (
                "rate limit exceeded; Retry-After: 7200",
                "2026-11-30T14:00:00Z",
            ),
        ] {
            assert_eq!(found(words).as_deref(), Some(at), "{words}");
        }
    }

    #[test]
    fn other_words_name_no_moment() {
        for words in [
            "",
            "limit reached",
            "the server resets 3pm",
            "limit: try again later",
            "the limit resets 3 of 5",
            "limit: resets the connection",
            "limit: resets at 25:00",
            "limit reached|12",
            "limit: try again in 999999999999999 days",
            "limit: try again at foo 31st",
            "limit: resets feb 31 at 3pm",
        ] {
            assert_eq!(found(words), None, "{words}");
        }
    }
}
