//! What was used, as far as agents say.

use serde::Serialize;
use serde_json::Value;
use wf_core::engine::{Status, StepStatus};
use wf_core::step::Attempt;
use wf_core::usage::Usage;

use super::rfc_3339;

/// What the attempts of an execution or of a step have used, added up.
#[derive(Serialize)]
pub(super) struct UsageDocument {
    tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
}

/// What a step has used, and each of its attempts.
#[derive(Serialize)]
pub(super) struct StepUsageDocument<'a> {
    #[serde(flatten)]
    sum: UsageDocument,
    attempts: Vec<AttemptDocument<'a>>,
}

/// An attempt: how long it took, and what its agent says that it used.
#[derive(Serialize)]
struct AttemptDocument<'a> {
    number: u32,
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_millis: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a Value>,
}

impl UsageDocument {
    /// What the execution has used; none where no agent says anything.
    pub(super) fn of(status: &Status) -> Option<Self> {
        let usage = status.usage();
        (!usage.is_none()).then(|| usage.into())
    }
}

impl From<Usage> for UsageDocument {
    fn from(usage: Usage) -> Self {
        UsageDocument {
            tokens: usage.tokens,
            cost: Some(usage.cost).filter(|cost| *cost > 0.0),
        }
    }
}

impl<'a> StepUsageDocument<'a> {
    /// What the step has used; none where no attempt says anything.
    pub(super) fn of(step: &'a StepStatus) -> Option<Self> {
        let attempts = &step.record.attempts;
        let mut sum = None;
        for usage in attempts.iter().filter_map(|attempt| attempt.usage.as_ref()) {
            *sum.get_or_insert_with(Usage::default) += Usage::reported(usage);
        }
        Some(StepUsageDocument {
            sum: sum?.into(),
            attempts: attempts.iter().map(AttemptDocument::from).collect(),
        })
    }
}

impl<'a> From<&'a Attempt> for AttemptDocument<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        let ended_at = attempt.ended_at;
        AttemptDocument {
            number: attempt.number,
            started_at: rfc_3339(attempt.started_at),
            duration_millis: ended_at.map(|end| end.since(attempt.started_at).as_millis()),
            usage: attempt.usage.as_ref(),
        }
    }
}
