//! Moments and durations as they are shown.

use std::time::Duration;

use wf_core::id::Timestamp;

/// The moment in UTC, as RFC 3339 writes it.
pub(crate) fn rfc_3339(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(moment.millis());
    // What is further away than the calendar reaches is shown as its end.
    moment.unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// The moment in UTC to the second, for tables.
pub(crate) fn to_the_second(moment: Timestamp) -> String {
    rfc_3339(Timestamp::from_millis(
        moment.millis().div_euclid(1000).saturating_mul(1000),
    ))
}

/// The duration in the two largest units that say something.
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_rfc_3339_in_utc() {
        assert_eq!(rfc_3339(Timestamp::from_millis(0)), "1970-01-01T00:00:00Z");
        assert_eq!(
            rfc_3339(Timestamp::from_millis(1_700_000_000_123)),
            "2023-11-14T22:13:20.123Z"
        );
        assert_eq!(
            to_the_second(Timestamp::from_millis(1_700_000_000_123)),
            "2023-11-14T22:13:20Z"
        );
        assert_eq!(
            to_the_second(Timestamp::from_millis(-1)),
            "1969-12-31T23:59:59Z"
        );
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_shown_as_its_end() {
        assert!(rfc_3339(Timestamp::from_millis(i64::MAX)).starts_with("9999-12-3"));
        assert!(to_the_second(Timestamp::from_millis(i64::MIN)).starts_with("9999-12-3"));
    }

    #[test]
    fn durations_are_shown_in_the_two_largest_units() {
        let shown = |millis| human(Duration::from_millis(millis));
        assert_eq!(shown(0), "0 ms");
        assert_eq!(shown(999), "999 ms");
        assert_eq!(shown(1_250), "1.2 s");
        assert_eq!(shown(59_999), "59.9 s");
        assert_eq!(shown(125_000), "2 min 5 s");
        assert_eq!(shown(3_725_000), "1 h 2 min");
        assert_eq!(shown(90_000_000), "1 d 1 h");
    }
}
