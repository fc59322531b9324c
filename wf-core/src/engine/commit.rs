//! One commit under way: the pump goes on meanwhile, and only what has landed is acted upon and told.

use std::cmp::Reverse;
use std::future::poll_fn;
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::drive::Drive;
use super::trace::Trace;
use super::wave::{Failure, Wave};
use super::{EngineError, Notice};
use crate::id::Timestamp;
use crate::lifecycle::{AnyExecution, Event, Pending, Row, State, StateType, state};
use crate::store::{StoreError, Writes};

/// A commit that is not answered yet, and what is to be done when it has landed.
pub(super) struct Committing {
    answer: BoxFuture<'static, Result<(AnyExecution, Vec<Event>), StoreError>>,
    row: Row,
    from: State,
    /// The end of the execution, if the commit leads there.
    end: Option<Box<End>>,
    resting: Vec<(std::time::Duration, u32)>,
    failures: Vec<Failure>,
}

/// What the last commit of an execution leaves in its row.
struct End {
    at: Timestamp,
    driven_millis: u64,
    last_seq: u64,
    error: Option<String>,
}

/// Where the loop goes from a state.
pub(super) enum Next {
    /// A path is to be committed; it says where to.
    Commit(Committing),
    /// There is nothing left to drive: the execution has ended, is paused, or was cancelled by another.
    Over,
}

impl Drive {
    /// Begins to write a path with a wave, and the rows of all steps that have changed.
    pub(super) fn commit<F: StateType, T: StateType>(
        &mut self,
        path: Pending<F, T>,
        wave: Wave,
    ) -> Next {
        let driven = self
            .engine
            .clock
            .elapsed()
            .saturating_sub(self.driven_since)
            .as_millis();
        let driven = self
            .driven_before
            .saturating_add(u64::try_from(driven).unwrap_or(u64::MAX));
        let mut writes = Writes::new(self.engine.clock.now(), driven);
        writes.steps = self.take_changed();
        self.unanswered = writes.steps.len();
        writes.checkpoint = wave.checkpoint;
        writes.error = wave.error;
        writes.resume_at = wave.resume_at;
        let end = T::STATE.is_terminal().then(|| {
            Box::new(End {
                at: writes.at,
                driven_millis: writes.driven_millis,
                last_seq: writes.last_seq(),
                error: writes.error.clone(),
            })
        });
        Next::Commit(Committing {
            end,
            row: path.row().clone(),
            from: F::STATE,
            answer: path.commit(self.engine.store.clone(), writes).boxed(),
            resting: wave.resting,
            failures: wave.failures,
        })
    }

    /// Begins to write that the execution has failed.
    pub(super) fn fail<F: StateType>(
        &mut self,
        path: Pending<F, state::Failed>,
        mut wave: Wave,
        error: String,
    ) -> Next {
        self.drop_attempts();
        self.draining = true;
        wave.error = Some(error);
        self.commit(path, wave)
    }

    /// Waits until a commit has landed; steps go on meanwhile. None when the execution was cancelled by
    /// another.
    pub(super) async fn land(
        &mut self,
        mut committing: Committing,
    ) -> Result<Option<AnyExecution>, EngineError> {
        let answer = poll_fn(|cx| {
            if let Poll::Ready(answer) = committing.answer.poll_unpin(cx) {
                return Poll::Ready(answer);
            }
            self.renew(self.engine.clock.elapsed(), cx);
            self.poll_steps(cx);
            Poll::Pending
        });
        let (at, path) = match answer.await {
            Ok(landed) => landed,
            Err(error) if error.is_conflict() => {
                let gone = self.reread(&committing.row).await?;
                return if gone {
                    Ok(None)
                } else {
                    Err(EngineError::from(error))
                };
            }
            Err(error) => return Err(EngineError::from(error)),
        };
        self.unanswered = 0;
        self.scheduler.release();
        if !committing.resting.is_empty() {
            let now = self.engine.clock.elapsed();
            let resting = committing.resting.iter();
            self.resting
                .extend(resting.map(|&(delay, step)| Reverse((now.saturating_add(delay), step))));
        }
        self.announce(committing.from, &path, at.state(), &committing.failures);
        if let Some(end) = committing.end {
            self.note_end(at.state(), &committing.row, *end);
        }
        Ok(Some(at))
    }

    /// Notes what the row says now that the execution has ended, so that nobody has to read it: it stays as it is.
    fn note_end(&mut self, state: State, before: &Row, end: End) {
        let row = &mut self.execution;
        row.state = state;
        row.completed_at = Some(end.at);
        row.error = end.error;
        row.resume_at = None;
        row.owner = None;
        row.lease_until = None;
        row.token = before.token;
        row.revision = before.revision + 1;
        row.pause_requested = false;
        row.driven_millis = end.driven_millis;
        row.last_seq = row.last_seq.max(self.seq).max(end.last_seq);
    }

    /// Reads the row again: true when the execution was cancelled by another.
    ///
    /// # Errors
    ///
    /// [`is_lost`](EngineError::is_lost) when another engine has taken it over.
    pub(super) async fn reread(&mut self, row: &Row) -> Result<bool, EngineError> {
        let id = self.id().clone();
        let execution = self
            .engine
            .store
            .execution(&id)
            .await?
            .ok_or_else(|| EngineError::not_found(&id))?;
        if execution.token == row.token {
            self.pausing |= execution.pause_requested;
            return Ok(false);
        }
        self.drop_attempts();
        if execution.state == State::Cancelled {
            Ok(true)
        } else {
            Err(EngineError::lost(&id))
        }
    }

    /// Tells the observer what has just become durable.
    fn announce(&mut self, from: State, path: &[Event], to: State, failures: &[Failure]) {
        if self.engine.observer.is_none() && !Trace::is_heard() {
            return;
        }
        let Drive {
            engine,
            plan,
            slots,
            holding,
            trace,
            ..
        } = self;
        let execution = &holding.id;
        let mut tell = |notice: Notice<'_>| {
            trace.note(&notice);
            engine.tell(&notice);
        };
        for failure in failures {
            let step = failure.step as usize;
            let made = &slots[step].record.attempts;
            let made = made.iter().rfind(|made| made.number == failure.attempt);
            tell(Notice::AttemptFailed {
                execution,
                step: plan.key(step),
                attempt: failure.attempt,
                error: &failure.error,
                retry_in: failure.retry_in,
                usage: made.and_then(|made| made.usage.as_ref()),
            });
        }
        for event in path {
            let Event::StepCompleted { step: ended } = event else {
                continue;
            };
            let record = &slots[ended.step as usize].record;
            tell(Notice::StepEnded {
                execution,
                step: plan.key(ended.step as usize),
                outcome: ended.outcome,
                duration: record.taken(),
                usage: record.attempts.last().and_then(|made| made.usage.as_ref()),
            });
        }
        if !path.is_empty() {
            tell(Notice::Moved {
                execution,
                from,
                path,
                to,
            });
        }
    }
}
