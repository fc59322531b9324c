//! One line of a journal.

use serde::{Deserialize, Serialize};

/// One line of a journal: what happened, when, and to which step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// RFC 3339, UTC.
    pub(crate) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    #[serde(flatten)]
    pub(crate) happened: Happened,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Happened {
    /// An attempt was started.
    Started,
    /// Its agent wrote this; the next piece follows without a break.
    Output {
        text: String,
        /// Whether what it writes from here on is not kept.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// The attempt failed.
    Failed {
        error: String,
        /// How long the step waits for its next attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<u64>,
    },
    /// The step is over.
    Ended { outcome: String },
    /// The execution is in another state.
    Moved { state: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        let entry = Entry {
            at: "2026-01-01T00:00:00Z".to_owned(),
            step: Some("a".into()),
            attempt: Some(2),
            happened: Happened::Output {
                text: "line\n\"quoted\"".into(),
                cut: false,
            },
        };
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            text,
            r#"{"at":"2026-01-01T00:00:00Z","step":"a","attempt":2,"event":"output","text":"line\n\"quoted\""}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }
}
