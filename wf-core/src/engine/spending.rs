//! What a drive does with its budget: which steps it has room for, and when it is used up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::attempt::{Attempted, Work};
use super::budget::{Purse, Shortage};
use super::drive::Drive;
use crate::agent::{Agent, Allowance, Request};
use crate::plan::Plan;

impl Drive {
    /// The next step to start. One that the budget has no room for is set aside; what certainly uses nothing may pass it.
    pub(super) fn start_next(&mut self) -> Option<u32> {
        if self.purse.is_none() {
            return self.scheduler.start_next();
        }
        if let Some(step) = self.scheduler.next_aside() {
            match self.shortage_of(step) {
                None => return self.scheduler.start_aside(),
                Some(_) if !self.limits_usage() => return None,
                Some(_) => {}
            }
        }
        while let Some(step) = self.scheduler.next_ready() {
            let is_first = self.scheduler.next_aside().is_none();
            let may_pass = is_first || self.is_free(step);
            if may_pass && self.shortage_of(step).is_none() {
                return self.scheduler.start_next();
            }
            self.scheduler.set_aside();
        }
        None
    }

    /// Sets aside what an attempt at a step may use.
    pub(super) fn reserve(&mut self, step: u32) -> Allowance {
        match &mut self.purse {
            Some(purse) => purse.reserve(step, payer(&self.plan, step)),
            None => Allowance::UNLIMITED,
        }
    }

    /// Pays for an attempt that has ended.
    pub(super) fn pay(&mut self, attempted: &Attempted) {
        let Some(purse) = &mut self.purse else {
            return;
        };
        let usage = match &attempted.answer {
            Err(error) if error.failure().is_recalled() => return purse.release(attempted.step),
            Ok(answer) => answer.reply.usage.as_ref(),
            Err(error) => error.failure().usage.as_ref(),
        };
        let agent = payer(&self.plan, attempted.step);
        purse.settle(attempted.step, agent, usage, attempted.answer.is_ok());
    }

    /// Decides to pause when the budget's time is over.
    pub(super) fn is_out_of_time(&mut self, now: Duration) -> bool {
        if self.draining || self.spent_at().is_none_or(|spent_at| now < spent_at) {
            return false;
        }
        let limit = self.purse.as_ref().and_then(Purse::wall_time);
        let limit = wf_model::format_duration(limit.unwrap_or_default());
        self.pause_for_budget(&Shortage {
            reason: format!("all of its {limit} are over"),
            change: format!("wallTime=+{limit}"),
        })
    }

    /// Decides to pause when the budget keeps what is left from starting, and nothing runs that could give some back.
    pub(super) fn is_out_of_budget(&mut self) -> bool {
        if self.draining || self.scheduler.running() > 0 {
            return false;
        }
        let next = self.scheduler.next_aside().or(self.scheduler.next_ready());
        match next.and_then(|step| self.shortage_of(step)) {
            Some(shortage) => self.pause_for_budget(&shortage),
            None => false,
        }
    }

    /// When the time is over for which the budget lets the run be driven, on the engine's clock.
    pub(super) fn spent_at(&self) -> Option<Duration> {
        let limit = self.purse.as_ref()?.wall_time()?;
        let left = limit.saturating_sub(Duration::from_millis(self.driven_before));
        Some(self.driven_since.saturating_add(left))
    }

    /// What keeps the next attempt at a step from starting.
    fn shortage_of(&mut self, step: u32) -> Option<Shortage> {
        self.bound(step);
        let steps = self.scheduler.unsettled();
        let purse = self.purse.as_ref()?;
        purse.shortage(step, payer(&self.plan, step), steps)
    }

    /// Whether the next attempt at a step certainly uses nothing of what is limited.
    fn is_free(&mut self, step: u32) -> bool {
        let bound = self.bound(step);
        let purse = self.purse.as_ref();
        purse.is_none_or(|purse| purse.is_free(bound))
    }

    fn limits_usage(&self) -> bool {
        self.purse.as_ref().is_some_and(Purse::limits_usage)
    }

    /// What the next attempt at a step may use at most, as its agent says; noted, until it starts.
    fn bound(&mut self, step: u32) -> Allowance {
        if !self.limits_usage() {
            return Allowance::UNLIMITED;
        }
        if let Some(known) = self.purse.as_ref().and_then(|purse| purse.bound(step)) {
            return known;
        }
        let bound = self.ask_bound(step);
        if let Some(purse) = &mut self.purse {
            purse.note_bound(step, bound);
        }
        bound
    }

    fn ask_bound(&mut self, step: u32) -> Allowance {
        let at = step as usize;
        let Some(agent) = self.agents.get(at).cloned().flatten() else {
            return Allowance::NOTHING;
        };
        let made = self.slots[at].record.attempts.len();
        let number = u32::try_from(made + 1).unwrap_or(u32::MAX);
        // Most agents say the same of any prompt.
        let bare = agent.bound(Request::new("", self.id(), self.plan.key(at), number));
        if bare == Allowance::NOTHING || bare == Allowance::UNLIMITED {
            return bare;
        }
        let prompt = match self.work(step) {
            Ok(Work::Ask { prompt, .. }) => prompt,
            Ok(Work::AskLarge { rendering, .. }) => match rendering.render(&self.plan) {
                Ok(prompt) => Some(prompt),
                Err(_) => return Allowance::NOTHING,
            },
            Ok(Work::Render { code, context, .. }) => {
                // Its attempt will panic as well, and fail.
                let rendered = catch_unwind(AssertUnwindSafe(|| (code.render)(&context)));
                let Ok(Ok(prompt)) = rendered else {
                    return Allowance::NOTHING;
                };
                Some(prompt)
            }
            // Nobody is asked.
            Ok(Work::Native { .. }) | Err(_) => return Allowance::NOTHING,
        };
        let prompt = prompt.as_deref().unwrap_or(self.plan.prompt(at));
        let remark = self.remark(step);
        let whole = remark.map(|remark| format!("{prompt}\n\n{remark}"));
        let prompt = whole.as_deref().unwrap_or(prompt);
        let mut request = Request::new(prompt, self.id(), self.plan.key(at), number);
        if let Some(schema) = self.schema(step) {
            request = request.with_schema(schema.text());
        }
        agent.bound(request)
    }

    fn pause_for_budget(&mut self, shortage: &Shortage) -> bool {
        let Shortage { reason, change } = shortage;
        self.pausing = true;
        self.pause_reason.get_or_insert_with(|| {
            format!(
                "the run's budget is used up: {reason}; resume it with a larger budget, such as `{change}`"
            )
        });
        true
    }
}

/// Who pays for an attempt at a step.
pub(super) fn payer(plan: &Plan, step: u32) -> &str {
    plan.steps()
        .get(step as usize)
        .map_or("", |step| step.agent.as_str())
}
