//! What may be recorded of a run that has come to its end.

use std::time::Duration;

use wf_model::OnFailure;

use super::verdict::{Kind, Tally, Verdict};
use super::{Checked, Oracle, Rows, unlike};
use crate::lifecycle::State;
use crate::step::{Attempt, StepState};
use crate::store::{ExecutionRecord, StepRecord};
use crate::testing::simulation::violation::{Invariant, Violation};
use crate::value::Json;

/// The end of a run, as it is recorded.
pub(in crate::testing::simulation) struct End<'a> {
    pub(in crate::testing::simulation) execution: &'a ExecutionRecord,
    pub(in crate::testing::simulation) rows: Rows<'a>,
    pub(in crate::testing::simulation) result: Option<&'a Json>,
    /// Whether an engine was lost on the way.
    pub(in crate::testing::simulation) was_lost: bool,
    /// Whether a process was stopped: its agents' answers may have been read late.
    pub(in crate::testing::simulation) was_stopped: bool,
    /// Whether somebody was to cancel the run.
    pub(in crate::testing::simulation) cancels: bool,
}

/// What the attempts of a step have led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// No attempt is recorded.
    None,
    /// The last attempt was cut off.
    Cut,
    /// It had failed, and is to be tried again with a fresh allowance.
    Renewed,
    By(Verdict),
}

impl Oracle {
    /// Judges the end of a run.
    pub(in crate::testing::simulation) fn over(&self, end: &End<'_>) -> Checked {
        let fates = (0..self.chains.len())
            .map(|step| self.fate(step, end))
            .collect::<Result<Vec<_>, _>>()?;
        for (step, &fate) in fates.iter().enumerate() {
            self.check_state(step, fate, end)?;
        }
        self.check_numbers(end)?;
        self.check_budget(end)?;
        self.check_end(&fates, end)
    }

    /// Follows a step's attempts, each of which must be what its agent made of it.
    fn fate(&self, step: usize, end: &End<'_>) -> Result<Fate, Violation> {
        let Some(row) = &end.rows[step] else {
            return Ok(Fate::None);
        };
        let renewals = self.on_failure() == OnFailure::Pause && !self.plan.steps()[step].optional;
        let mut tally = Tally::default();
        let mut fate = Fate::None;
        for (at, made) in (0_u32..).zip(&row.attempts) {
            if matches!(fate, Fate::By(Verdict::Failed)) && renewals && at <= row.retry_base {
                tally = Tally::default();
                fate = Fate::None;
            }
            if at > 0 && at == row.retry_base && fate != Fate::None {
                return self.unlike(step, "has its allowance renewed before it had failed");
            }
            if matches!(fate, Fate::By(Verdict::Done | Verdict::Failed)) {
                return self.unlike(step, "was tried again after its end");
            }
            fate = self.attempt(step, made, &mut tally, end)?;
        }
        let is_renewed = row.retry_base as usize == row.attempts.len();
        if fate == Fate::By(Verdict::Failed) && renewals && is_renewed {
            return Ok(Fate::Renewed);
        }
        Ok(fate)
    }

    fn attempt(
        &self,
        step: usize,
        made: &Attempt,
        tally: &mut Tally,
        end: &End<'_>,
    ) -> Result<Fate, Violation> {
        let kind = Kind::of(self, step, made.number);
        let taken = made.ended_at.map(|ended| ended.since(made.started_at));
        let verdict = if made.interrupted || made.ended_at.is_none() {
            let mut ahead = Tally::clone(tally);
            let verdict = ahead.take(&self.plan.steps()[step], &kind);
            let used = self.script.usage().filter(|_| kind.is_answered);
            // It may have been cut off at the very moment at which its agent would have answered.
            let parks =
                verdict == Verdict::Parked && taken == Some(kind.time) && made.usage == used;
            if !parks {
                // What is restored may have been cut off in the run that it comes from.
                let cuts = end.was_lost
                    || self.restored
                    || end.execution.state == State::Cancelled
                    || self.is_out_of_time(end);
                return if cuts {
                    Ok(Fate::Cut)
                } else {
                    self.unlike(
                        step,
                        "has an attempt that was cut off, and nothing has cut it",
                    )
                };
            }
            verdict
        } else {
            let verdict = tally.take(&self.plan.steps()[step], &kind);
            if verdict == Verdict::Parked {
                return self.unlike(
                    step,
                    "met an agent that is down, and it counts as a failure",
                );
            }
            verdict
        };
        if made.error.is_none() != (verdict == Verdict::Done) {
            return self.unlike(
                step,
                "has an attempt recorded with another outcome than it had",
            );
        }
        if made.rejected != kind.is_rejected {
            return self.unlike(
                step,
                "has a refused answer recorded as another, or another as refused",
            );
        }
        let usage = self.script.usage().filter(|_| kind.is_answered);
        if made.usage != usage {
            return self.unlike(step, "has an attempt recorded without what it used");
        }
        if taken.is_none_or(|taken| taken < kind.time || (!end.was_stopped && taken > kind.time)) {
            return self.unlike(
                step,
                "has an attempt recorded that took another time than it did",
            );
        }
        Ok(Fate::By(verdict))
    }

    /// A step's state is what its attempts have led to, or what the end of the run has made of it.
    fn check_state(&self, step: usize, fate: Fate, end: &End<'_>) -> Checked {
        let Some(row) = &end.rows[step] else {
            return Ok(());
        };
        let run = end.execution.state;
        let needs = self.plan.graph().dependencies(step);
        let right = match row.state {
            StepState::Completed => fate == Fate::By(Verdict::Done),
            StepState::Failed => {
                let stops = self.on_failure() == OnFailure::Fail || self.is_out_of_time(end);
                let given_up = (run == State::Failed && stops && fate != Fate::None)
                    || (self.restored && self.plan.steps()[step].optional && fate != Fate::None);
                fate == Fate::By(Verdict::Failed) || (given_up && fate != Fate::By(Verdict::Done))
            }
            StepState::Skipped => {
                let blocks = |&needed: &u32| {
                    let state = end.rows[needed as usize].as_ref().map(|row| row.state);
                    let optional = self.plan.steps()[needed as usize].optional;
                    state == Some(StepState::Skipped)
                        || (state == Some(StepState::Failed) && !optional)
                };
                fate == Fate::None && needs.iter().any(blocks)
            }
            StepState::Pending => {
                let is_over = matches!(fate, Fate::By(Verdict::Done | Verdict::Failed));
                run == State::Paused && !is_over
            }
            StepState::Running => false,
            StepState::Cancelled => {
                let is_over = matches!(fate, Fate::By(Verdict::Done | Verdict::Failed));
                run == State::Cancelled && !is_over
            }
        };
        if !right {
            let state = row.state;
            return self.unlike(
                step,
                &format!("is `{state}` after its attempts led to {fate:?}"),
            );
        }
        if fate != Fate::None
            && !needs
                .iter()
                .all(|&needed| self.is_satisfied(needed as usize, end.rows))
        {
            return self.unlike(step, "has run without what it depends on");
        }
        let last = row.attempts.last().map_or(0, |made| made.number);
        let result = match row.state {
            StepState::Completed => self.result(step, last, end.rows),
            _ => None,
        };
        if row.result != result {
            return self.unlike(step, "has another result than its agent gave");
        }
        Ok(())
    }

    /// The steps that are over are numbered in an order in which they can have ended.
    fn check_numbers(&self, end: &End<'_>) -> Checked {
        let seq = |step: usize| end.rows[step].as_ref().and_then(|row: &StepRecord| row.seq);
        let mut seqs: Vec<u64> = (0..self.chains.len()).filter_map(seq).collect();
        let count = seqs.len() as u64;
        seqs.sort_unstable();
        let gaps_are_right = self.restored || self.on_failure() == OnFailure::Pause;
        let is_dense = seqs.last().is_none_or(|&last| last == count);
        if seqs.windows(2).any(|two| two[0] == two[1]) || !(gaps_are_right || is_dense) {
            return unlike(format!("the steps that are over are numbered {seqs:?}"));
        }
        for step in 0..self.chains.len() {
            for &needed in self.plan.graph().dependencies(step) {
                if let (Some(first), Some(then)) = (seq(needed as usize), seq(step))
                    && first > then
                {
                    return self.unlike(step, "is numbered before what it depends on");
                }
            }
        }
        Ok(())
    }

    /// No more is used than the budget allows.
    fn check_budget(&self, end: &End<'_>) -> Checked {
        let budget = &self.plan.definition().config.budget;
        let (attempts, tokens) = self.used(end);
        let allows = |limit: Option<u64>, used: u64| limit.is_none_or(|limit| used <= limit);
        if self.restored || (allows(budget.attempts, attempts) && allows(budget.tokens, tokens)) {
            return Ok(());
        }
        let message = format!(
            "{attempts} attempts used {tokens} tokens, which is more than the budget allows"
        );
        Err(Violation::new(Invariant::RightEnd, message))
    }

    /// The run has ended in the state that its steps lead to.
    fn check_end(&self, fates: &[Fate], end: &End<'_>) -> Checked {
        let steps = || self.plan.steps().iter().zip(fates);
        let fails =
            steps().any(|(step, fate)| *fate == Fate::By(Verdict::Failed) && !step.optional);
        let is_over = |step: &usize| {
            end.rows[*step]
                .as_ref()
                .is_some_and(|row| !matches!(row.state, StepState::Pending | StepState::Running))
        };
        let all = || 0..self.chains.len();
        let state = end.execution.state;
        let right = match state {
            State::Completed => {
                all().all(|step| self.is_satisfied(step, end.rows))
                    && end.result == Some(&self.outcome(end.rows))
            }
            State::Failed => match self.on_failure() {
                _ if self.is_out_of_time(end) => true,
                OnFailure::Fail => fails,
                OnFailure::Continue => fails && all().all(|step| is_over(&step)),
                OnFailure::Pause => false,
            },
            State::Paused => {
                let parked = fates.contains(&Fate::By(Verdict::Parked));
                parked || (fails && self.on_failure() == OnFailure::Pause) || self.is_spent(end)
            }
            State::Cancelled => end.cancels,
            _ => false,
        };
        if right {
            return Ok(());
        }
        let states: Vec<_> = end
            .rows
            .iter()
            .map(|row| row.as_ref().map(|row| row.state.name()))
            .collect();
        let message = format!(
            "the run ended as `{state}` ({:?}) with {:?}, its steps as {states:?} after {fates:?}",
            end.execution.error.as_deref().unwrap_or("no error"),
            end.result.map(Json::as_str),
        );
        Err(Violation::new(Invariant::RightEnd, message))
    }

    /// The results of the steps that nothing depends on.
    fn outcome(&self, rows: Rows<'_>) -> Json {
        let mut members = Vec::new();
        for (step, row) in rows.iter().enumerate() {
            if self.chains[step] == 1 {
                let result = row.as_ref().and_then(|row| row.result.as_ref());
                let result = result.map_or("null", Json::as_str);
                members.push(format!("\"{}\":{result}", self.plan.key(step)));
            }
        }
        Json::from_stored(format!("{{{}}}", members.join(",")))
    }

    fn is_out_of_time(&self, end: &End<'_>) -> bool {
        let limit = self.plan.definition().config.timeout;
        limit.is_some_and(|limit| driven(end) >= limit)
    }

    /// Whether the budget keeps something from starting.
    fn is_spent(&self, end: &End<'_>) -> bool {
        let budget = &self.plan.definition().config.budget;
        let (attempts, tokens) = self.used(end);
        let next = budget.per_attempt.tokens.unwrap_or(0);
        budget.attempts.is_some_and(|limit| attempts >= limit)
            || budget.tokens.is_some_and(|limit| tokens + next > limit)
            || budget.wall_time.is_some_and(|limit| driven(end) >= limit)
    }

    /// How many attempts are recorded, and how many tokens they used.
    fn used(&self, end: &End<'_>) -> (u64, u64) {
        let rows = end.rows.iter().flatten();
        let made: Vec<&Attempt> = rows.flat_map(|row| &row.attempts).collect();
        let tokens = made.iter().filter_map(|made| {
            let usage = made.usage.as_ref()?;
            usage.get("total_tokens")?.as_u64()
        });
        (made.len() as u64, tokens.sum())
    }

    fn on_failure(&self) -> OnFailure {
        self.plan.definition().config.on_failure
    }

    fn unlike<T>(&self, step: usize, what: &str) -> Result<T, Violation> {
        unlike(format!("step `{}` {what}", self.plan.key(step)))
    }
}

const fn driven(end: &End<'_>) -> Duration {
    Duration::from_millis(end.execution.driven_millis)
}
