//! Durations as people write them: `250ms`, `10s`, `5m`, `2h`, `1d`, or a bare number of milliseconds.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The longest duration that a definition may name: 36,500 days, about a hundred years.
///
/// It keeps the sum of any time of ours and any duration far from the end of what clocks and databases count.
pub const MAX_DURATION: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Says why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DurationError {
    /// It is not a whole number followed by a known unit.
    Malformed,
    /// It is below zero.
    Negative,
    /// It is longer than [`MAX_DURATION`].
    TooLong,
}

impl DurationError {
    /// Returns what to do about it.
    pub const fn help(self) -> &'static str {
        match self {
            DurationError::Malformed => {
                "write a whole number and one unit, such as `250ms`, `10s`, `5m`, `2h` or `1d`, or a bare number of milliseconds"
            }
            DurationError::Negative => "write zero or more",
            DurationError::TooLong => "the longest duration is `36500d`",
        }
    }
}

impl fmt::Display for DurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            DurationError::Malformed => "not a duration",
            DurationError::Negative => "a negative duration",
            DurationError::TooLong => "too long a duration",
        })
    }
}

impl Error for DurationError {}

/// Reads a duration: a whole number and a unit (`ms`, `s`, `m`, `h`, `d`), or a bare number of milliseconds.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(wf_model::parse_duration("5m"), Ok(Duration::from_secs(300)));
/// assert!(wf_model::parse_duration("1.5h").is_err());
/// ```
///
/// # Errors
/// When the text is anything else, is negative, or is longer than [`MAX_DURATION`].
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (DurationError::Negative, rest),
        None => (DurationError::Malformed, text),
    };
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = unsigned.split_at(digits);
    let factor = match unit {
        "" => 1,
        _ => {
            UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .ok_or(DurationError::Malformed)?
                .1
        }
    };
    if number.is_empty() {
        return Err(DurationError::Malformed);
    }
    if sign == DurationError::Negative {
        return Err(sign);
    }
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .map_or(Err(DurationError::TooLong), bounded)
}

/// Writes a duration in the largest unit that holds it exactly; what is finer than a millisecond is cut off.
///
/// ```
/// assert_eq!(wf_model::format_duration(std::time::Duration::from_secs(90)), "90s");
/// ```
pub fn format_duration(duration: Duration) -> String {
    let time = milliseconds(duration);
    match UNITS
        .iter()
        .find(|(_, factor)| time != 0 && time.is_multiple_of(*factor))
    {
        Some((unit, factor)) => format!("{}{unit}", time / factor),
        None => "0s".to_owned(),
    }
}

/// Returns so many milliseconds as a duration, unless that is longer than [`MAX_DURATION`].
pub(crate) fn bounded(time: u64) -> Result<Duration, DurationError> {
    let duration = Duration::from_millis(time);
    if duration > MAX_DURATION {
        Err(DurationError::TooLong)
    } else {
        Ok(duration)
    }
}

/// Returns the whole milliseconds of a duration.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("10s", 10_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("1500", 1500),
            ("0", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "s", "ms", "1.5s", "10 s", " 10s", "1h30m", "10S", "10sec", "+5s", "٣s", "5\u{0}s",
            "--5s", "-",
        ] {
            assert_eq!(
                parse_duration(text),
                Err(DurationError::Malformed),
                "{text}"
            );
        }
        for text in ["-5s", "-0", "-99999999999999999999"] {
            assert_eq!(parse_duration(text), Err(DurationError::Negative), "{text}");
        }
        for text in [
            "36501d",
            "18446744073709551615",
            "18446744073709551616",
            "999999999999999999999999d",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError::TooLong), "{text}");
        }
        assert_eq!(parse_duration("36500d"), Ok(MAX_DURATION));
    }

    #[test]
    fn a_written_duration_reads_back() {
        for time in [
            0,
            1,
            250,
            999,
            1000,
            1001,
            60_000,
            90_000,
            3_600_000,
            86_400_000,
            604_800_000,
            3_153_600_000_000,
        ] {
            let duration = Duration::from_millis(time);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
        assert_eq!(format_duration(Duration::from_secs(90)), "90s");
        assert_eq!(format_duration(Duration::from_secs(604_800)), "7d");
    }
}
