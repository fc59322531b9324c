//! Every [`Progress`] of a test that is built with debug assertions is played again when it is dropped: the same inputs give the same actions.
//!
//! A driver that keeps a journal of the inputs, and rebuilds what it knows from it, rests on that.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::{Action, Input, Known, Now, Progress, Purpose};
use crate::lifecycle::AnyExecution;
use crate::plan::Plan;
use crate::store::{ExecutionRecord, StepRecord};
use crate::usage::Usage;
use wf_model::Budget;

thread_local! {
    /// Whether what is made on this thread is played again.
    static IS_KEPT: Cell<bool> = const { Cell::new(true) };
}

/// What a progress was made of, and what it has taken in and given since.
pub(super) struct Journal {
    plan: Arc<Plan>,
    execution: ExecutionRecord,
    steps: Vec<Arc<StepRecord>>,
    budget: Budget,
    durations: Vec<(u32, Duration)>,
    used: Vec<(String, Usage)>,
    purpose: Purpose,
    began: Now,
    inputs: Vec<(Input, Now)>,
    actions: Vec<String>,
}

impl Journal {
    /// Begins a journal; none on a thread that plays one again.
    pub(super) fn of(known: &Known, purpose: Purpose, began: Now) -> Option<Self> {
        IS_KEPT.get().then(|| Journal {
            plan: Arc::clone(&known.plan),
            execution: known.execution.clone(),
            steps: known.steps.clone(),
            budget: known.budget,
            durations: known.durations.clone(),
            used: known.used.clone(),
            purpose,
            began,
            inputs: Vec::new(),
            actions: Vec::new(),
        })
    }

    pub(super) fn take_in(&mut self, input: &Input, now: Now) {
        self.inputs.push((input.clone(), now));
    }

    pub(super) fn give(&mut self, action: &Action) {
        self.actions.push(format!("{action:?}"));
    }

    /// Plays the inputs again, and returns the actions that come of them.
    fn play(&mut self) -> Vec<String> {
        let known = Known {
            at: AnyExecution::new(self.execution.state, self.execution.row()),
            plan: Arc::clone(&self.plan),
            execution: self.execution.clone(),
            steps: std::mem::take(&mut self.steps),
            budget: self.budget,
            durations: std::mem::take(&mut self.durations),
            used: std::mem::take(&mut self.used),
        };
        IS_KEPT.set(false);
        let mut again = Progress::new(known, self.purpose, self.began);
        let mut actions = Vec::new();
        for (input, now) in self.inputs.drain(..) {
            again.handle(input, now);
            while let Some(action) = again.next() {
                actions.push(format!("{action:?}"));
            }
        }
        IS_KEPT.set(true);
        actions
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let again = self.play();
        // What was decided last may not have been asked for any more.
        let given = std::mem::take(&mut self.actions);
        assert_eq!(again.get(..given.len()), Some(&given[..]), "played again");
    }
}
