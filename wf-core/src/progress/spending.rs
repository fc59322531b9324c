//! What an execution does with its budget: which steps it has room for, and when it is used up.

use std::time::Duration;

use super::budget::{BudgetLedger, Shortage};
use super::intent::PauseReason;
use super::steps::{Room, Startable};
use super::{Ended, Progress};
use crate::agent::Allowance;
use crate::plan::Plan;

impl Progress {
    /// The next step to start, its slot taken.
    pub(super) fn next_start(&mut self) -> Startable {
        let Some(ledger) = &self.ledger else {
            return self.steps.next_start_unlimited();
        };
        let (plan, unsettled) = (&self.plan, self.steps.unsettled());
        self.steps
            .next_start(|step| ledger.room(step, payer(plan, step), unsettled))
    }

    /// Reserves what an attempt at a step may use.
    pub(super) fn reserve(&mut self, step: u32) -> Allowance {
        match &mut self.ledger {
            Some(ledger) => ledger.reserve(step, payer(&self.plan, step)),
            None => Allowance::UNLIMITED,
        }
    }

    /// Charges an attempt that has ended.
    pub(super) fn charge(&mut self, ended: &Ended) {
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        let usage = match &ended.answer {
            Err(error) if error.failure().is_recalled() => return ledger.release(ended.step),
            Ok(reply) => reply.usage.as_ref(),
            Err(error) => error.failure().usage.as_ref(),
        };
        let agent = payer(&self.plan, ended.step);
        ledger.settle(ended.step, agent, usage, ended.answer.is_ok());
    }

    /// Turns towards a pause when the budget's time is over.
    pub(super) fn check_time(&mut self, elapsed: Duration) {
        if self.spent_at().is_none_or(|spent_at| elapsed < spent_at) {
            return;
        }
        let limit = self.ledger.as_ref().and_then(BudgetLedger::wall_time);
        let limit = wf_model::format_duration(limit.unwrap_or_default());
        self.pause_for_budget(&Shortage {
            reason: format!("all of its {limit} are over"),
            change: format!("wallTime=+{limit}"),
        });
    }

    /// Turns towards a pause when the budget keeps what is left from starting, and nothing runs that could give some back.
    pub(super) fn check_budget(&mut self) {
        if self.steps.running() > 0 {
            return;
        }
        let (Some(step), Some(ledger)) = (self.steps.next_waiting(), &self.ledger) else {
            return;
        };
        let (agent, unsettled) = (payer(&self.plan, step), self.steps.unsettled());
        let is_short = match ledger.room(step, agent, unsettled) {
            Room::Short | Room::Exhausted => true,
            Room::Free | Room::Enough | Room::Unknown => false,
        };
        if is_short && let Some(shortage) = ledger.shortage(step, agent, unsettled) {
            self.pause_for_budget(&shortage);
        }
    }

    /// When the time is over for which the budget lets the run be driven, on the driver's clock.
    pub(super) fn spent_at(&self) -> Option<Duration> {
        let limit = self.ledger.as_ref()?.wall_time()?;
        let left = limit.saturating_sub(Duration::from_millis(self.driven_before));
        Some(self.driven_since.saturating_add(left))
    }

    fn pause_for_budget(&mut self, shortage: &Shortage) {
        let Shortage { reason, change } = shortage;
        self.intent.pause_because(|| PauseReason::new(format!(
            "the run's budget is used up: {reason}; resume it with a larger budget, such as `{change}`"
        )));
    }
}

/// Who pays for an attempt at a step.
pub(crate) fn payer(plan: &Plan, step: u32) -> &str {
    plan.steps()
        .get(step as usize)
        .map_or("", |step| step.agent.as_str())
}
