//! What one attempt leads to, by its step's settings.

use std::time::Duration;

use wf_model::{RetryPolicy, Step};

use super::Oracle;
use crate::testing::simulation::Act;

/// An answer that does not fit its schema is asked for again so often beyond what the policy grants.
const REASKED: u32 = 2;

/// An agent that asks to be left alone for longer is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What an attempt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The step is done.
    Done,
    /// Another attempt, not before that time.
    Again(Duration),
    /// The step has failed.
    Failed,
    /// The run pauses, and the step runs again when it is resumed.
    Parked,
}

/// How an attempt ends, and after how long.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) time: Duration,
    pub(super) is_rejected: bool,
    /// Whether the agent answers at all: not one whose time is over.
    pub(super) is_answered: bool,
    act: Act,
}

impl Kind {
    pub(super) fn of(oracle: &Oracle, step: usize, attempt: u32) -> Self {
        let definition = &oracle.plan.steps()[step];
        let act = oracle.script.act(&definition.key, attempt);
        let limit = definition.timeout.filter(|limit| *limit < act.time());
        Kind {
            time: limit.unwrap_or(act.time()),
            // The only schema that is drawn asks for an object.
            is_rejected: limit.is_none()
                && definition.output_schema.is_some()
                && matches!(&act, Act::Answer(_, result) if !result.as_str().starts_with('{')),
            is_answered: limit.is_none(),
            act,
        }
    }
}

/// The failures that count against a step's allowance.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    failures: u32,
    rejected: u32,
}

impl Tally {
    /// Counts an attempt that was not cut off.
    pub(super) fn take(&mut self, step: &Step, kind: &Kind) -> Verdict {
        let mut asked = Duration::ZERO;
        if kind.is_rejected {
            self.rejected += 1;
            if self.rejected <= REASKED {
                return Verdict::Again(Duration::ZERO);
            }
        } else if kind.is_answered {
            match kind.act {
                Act::Answer(..) | Act::Digest(_) => return Verdict::Done,
                Act::Refuse(_) => return Verdict::Failed,
                Act::Down(_) if !step.optional => return Verdict::Parked,
                Act::Busy(_, wait) => asked = wait,
                Act::Down(_) | Act::Fail(_) => {}
            }
        }
        self.failures += 1;
        let granted = self.failures < step.retry.max_attempts.get();
        if !granted {
            return Verdict::Failed;
        }
        if asked > LONGEST_WAIT {
            return if step.optional {
                Verdict::Failed
            } else {
                Verdict::Parked
            };
        }
        Verdict::Again(wait(&step.retry, self.failures).max(asked))
    }
}

/// How long a step waits at least after so many failures.
fn wait(policy: &RetryPolicy, failures: u32) -> Duration {
    let growth = policy.backoff_multiplier.powf(f64::from(failures - 1));
    let full = policy.initial_delay.mul_f64(growth).min(policy.max_delay);
    if policy.jitter { full / 2 } else { full }
}
