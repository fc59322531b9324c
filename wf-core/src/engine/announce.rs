//! What is reported once it is durable.

use std::time::Duration;

use super::Notice;
use super::driver::Driver;
use crate::lifecycle::{Event, State};
use crate::progress::FailedAttempt;
use crate::store::Commit;

/// What a commit says, to be reported when it has landed.
pub(super) struct News {
    from: State,
    to: State,
    path: Vec<Event>,
    failures: Vec<FailedAttempt>,
}

impl News {
    pub(super) fn of(commit: &Commit, failures: Vec<FailedAttempt>) -> Self {
        News {
            from: commit.from,
            to: commit.to,
            path: commit.path.clone(),
            failures,
        }
    }
}

impl Driver {
    /// Reports what has just become durable: to the trace, and to the observer.
    pub(super) fn announce(&mut self, news: &News) {
        let Driver {
            engine,
            progress,
            holding,
            trace,
            ..
        } = self;
        let (execution, plan) = (&holding.id, progress.plan());
        let mut report = |notice: Notice<'_>| {
            trace.note(&notice);
            engine.tell(&notice);
        };
        for failure in &news.failures {
            let step = failure.step as usize;
            let record = progress.record(step);
            let made = record.and_then(|record| {
                let mut made = record.attempts.iter();
                made.rfind(|made| made.number == failure.attempt)
            });
            report(Notice::AttemptFailed {
                execution,
                step: plan.key(step),
                attempt: failure.attempt,
                error: &failure.error,
                retry_in: failure.retry_in,
                usage: made.and_then(|made| made.usage.as_ref()),
            });
        }
        for event in &news.path {
            let Event::StepCompleted { step: ended } = event else {
                continue;
            };
            let step = ended.step as usize;
            let record = progress.record(step);
            let duration: Option<Duration> = record.and_then(|record| record.taken());
            let last = record.and_then(|record| record.attempts.last());
            report(Notice::StepEnded {
                execution,
                step: plan.key(step),
                outcome: ended.outcome,
                duration,
                usage: last.and_then(|made| made.usage.as_ref()),
            });
        }
        if !news.path.is_empty() {
            report(Notice::Moved {
                execution,
                from: news.from,
                path: &news.path,
                to: news.to,
            });
        }
    }
}
