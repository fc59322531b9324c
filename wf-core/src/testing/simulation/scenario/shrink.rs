//! The smallest scenario that still fails.

use std::time::Duration;

use wf_model::OnFailure;

use super::{Scenario, Step};
use crate::testing::simulation::Act;

impl Scenario {
    /// Makes the scenario smaller, as long as `fails` says that what is left still fails.
    #[must_use]
    pub fn shrink(self, mut fails: impl FnMut(&Scenario) -> bool) -> Scenario {
        let mut smallest = self;
        while let Some(smaller) = smallest.smaller().into_iter().find(|one| fails(one)) {
            smallest = smaller;
        }
        smallest
    }

    /// Scenarios that are smaller by one thing, those without a whole step first.
    fn smaller(&self) -> Vec<Scenario> {
        let mut found = Vec::new();
        let mut add = |change: &dyn Fn(&mut Scenario)| {
            let mut changed = self.clone();
            change(&mut changed);
            if changed != *self {
                found.push(changed);
            }
        };
        for at in 0..self.steps.len() {
            if self.steps.len() > 1 {
                add(&|scenario| scenario.remove(at));
            }
        }
        add(&|scenario| scenario.restores = false);
        add(&|scenario| scenario.pause_after = None);
        add(&|scenario| scenario.cancel_after = None);
        add(&|scenario| scenario.timeout = None);
        add(&|scenario| scenario.budget = None);
        if self.budget.is_none() {
            add(&|scenario| scenario.tokens = None);
        }
        add(&|scenario| scenario.on_failure = OnFailure::Fail);
        add(&|scenario| scenario.latency = 0);
        for at in 0..self.steps.len() {
            for part in 0..8 {
                add(&|scenario| {
                    if let Some(step) = scenario.steps.get_mut(at) {
                        step.simplify(part);
                    }
                });
            }
        }
        found
    }

    fn remove(&mut self, at: usize) {
        let removed = self.steps.remove(at).key;
        for step in &mut self.steps {
            step.needs.retain(|needed| *needed != removed);
        }
    }
}

impl Step {
    fn simplify(&mut self, part: u32) {
        match part {
            0 => drop(self.needs.pop()),
            1 => self.parallel = true,
            2 => self.optional = false,
            3 => self.timeout = None,
            4 if self.acts.len() > 1 => drop(self.acts.pop()),
            5 => self.jitter = false,
            6 if self.attempts > 1 => self.attempts -= 1,
            7 => {
                let at = Duration::ZERO;
                if let Some(Act::Fail(time) | Act::Refuse(time) | Act::Digest(time)) =
                    self.acts.last_mut()
                {
                    *time = at;
                }
            }
            _ => {}
        }
    }
}
