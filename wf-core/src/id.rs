//! Identifiers and moments, as newtypes.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

macro_rules! text_id {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Makes the identifier with this text.
            pub fn new(text: impl Into<$name>) -> Self {
                text.into()
            }

            /// The identifier's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(text.into())
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok($name::from(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_id! {
    /// Names one execution of a workflow; unique in its store.
    ExecutionId
}
text_id! {
    /// Names one stored definition; the same for the same name, version and content in every store.
    WorkflowId
}
text_id! {
    /// Names one checkpoint; unique in its store.
    CheckpointId
}
text_id! {
    /// Names whoever drives executions: one engine in one process.
    Owner
}

impl ExecutionId {
    /// Makes a new identifier: a UUID of version 7, so that later executions sort after earlier ones.
    pub fn generate(now: Timestamp) -> Self {
        ExecutionId::from(time_ordered_uuid(now))
    }
}

impl CheckpointId {
    /// The identifier of the checkpoint that commit number `revision` of `execution` writes.
    ///
    /// Unique without chance: an execution has one commit per revision, and a commit at most one checkpoint.
    pub fn of(execution: &ExecutionId, revision: u64) -> Self {
        CheckpointId::from(format!("{execution}@{revision}"))
    }

    /// Makes a new identifier for a checkpoint that no commit writes: a UUID of version 7.
    pub fn generate(now: Timestamp) -> Self {
        CheckpointId::from(time_ordered_uuid(now))
    }
}

impl Owner {
    /// Makes a new name for an owner: a UUID of version 7.
    pub fn generate(now: Timestamp) -> Self {
        Owner::from(time_ordered_uuid(now))
    }
}

fn time_ordered_uuid(now: Timestamp) -> String {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let random = uuid::Uuid::new_v4().into_bytes();
    let mut tail = [0; 10];
    tail.copy_from_slice(&random[6..]);
    // Bytes 6 and 8 of a version 4 UUID carry its version and variant: the builder sets its own.
    uuid::Builder::from_unix_timestamp_millis(millis, &tail)
        .into_uuid()
        .to_string()
}

/// A moment, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The moment `duration` after this one, at most the last that can be written.
    pub fn after(self, duration: Duration) -> Self {
        Timestamp(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// The moment `duration` before this one, at least the first that can be written.
    pub fn before(self, duration: Duration) -> Self {
        Timestamp(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this moment is; zero when it is not.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// In UTC to the second, as RFC 3339 has it: `2026-11-30T15:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1000);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`: years begin in March, and
        // 400 of them are an era.
        let shifted = days + 719_468;
        let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + i64::from(month <= 2);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let second = second % 60;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_730_000_000, "2024-10-27T03:33:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_millis(seconds * 1000).to_string(), text);
        }
    }

    #[test]
    fn later_executions_sort_after_earlier_ones() {
        let earlier = ExecutionId::generate(Timestamp::from_millis(1_700_000_000_000));
        let later = ExecutionId::generate(Timestamp::from_millis(1_700_000_000_001));
        assert!(earlier < later);
        assert_eq!(earlier.as_str().len(), 36);
    }

    #[test]
    fn two_identifiers_of_one_moment_differ() {
        let now = Timestamp::from_millis(0);
        assert_ne!(ExecutionId::generate(now), ExecutionId::generate(now));
    }

    #[test]
    fn an_identifier_is_made_of_any_text() {
        assert_eq!(ExecutionId::new("a"), ExecutionId::new(String::from("a")));
    }

    #[test]
    fn an_identifier_is_parsed_from_its_text() {
        let id = ExecutionId::generate(Timestamp::from_millis(0));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn moments_saturate() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.after(Duration::from_secs(1)), last);
        let first = Timestamp::from_millis(i64::MIN);
        assert_eq!(first.before(Duration::from_secs(1)), first);
        assert_eq!(Timestamp::from_millis(5).since(last), Duration::ZERO);
    }
}
