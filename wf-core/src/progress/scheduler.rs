//! Which step may start now: pure, no clock, no async, no store.
//!
//! Every driver of a [`Plan`] uses it: the engine, a simulator, a distributed backend. It is told what
//! happened and asked what may happen next; each step passes once through
//! waiting → ready → running (→ resting → ready …) → settled, so that a whole run costs
//! O((V + E) log V) for V steps and E dependencies.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use wf_model::OnFailure;

use crate::plan::Plan;
use crate::step::Outcome;

/// The most that one step is expected to take, in tenths of a second: about a day.
const LONGEST: u32 = 1 << 20;

/// Decides which steps of one execution may start.
#[derive(Debug)]
pub struct Scheduler {
    plan: Arc<Plan>,
    /// How much the longest chain takes that begins with each step, where it is known what the steps take.
    chains: Option<Box<[u32]>>,
    steps: Vec<Step>,
    ready: BinaryHeap<(u32, Reverse<u32>)>,
    /// What is ready and was set aside, for others to pass.
    aside: BinaryHeap<(u32, Reverse<u32>)>,
    /// What has become ready, but rests on what is not committed yet.
    held: Vec<u32>,
    /// What can never start, because something it needs failed, and is not settled yet.
    blocked: Vec<u32>,
    /// The longest chain that what has ended, and is not committed yet, makes ready.
    foreseen: u32,
    running: u32,
    /// How many attempts have failed of which it is not decided yet what follows.
    undecided: u32,
    exclusive: bool,
    stopped: bool,
    unsettled: usize,
    failed: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    waits_for: u32,
    phase: Phase,
    blocked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Ready,
    Running,
    Succeeded,
    Undecided,
    Resting,
    Settled,
}

impl Scheduler {
    /// A scheduler for a run of `plan` in which nothing has happened yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        let graph = plan.graph();
        let steps: Vec<Step> = (0..graph.len())
            .map(|step| Step {
                waits_for: u32::try_from(graph.dependencies(step).len()).unwrap_or(u32::MAX),
                phase: Phase::Waiting,
                blocked: false,
            })
            .collect();
        let held = (0_u32..)
            .zip(&steps)
            .filter(|(_, step)| step.waits_for == 0)
            .map(|(at, _)| at)
            .collect();
        Scheduler {
            unsettled: steps.len(),
            chains: None,
            ready: BinaryHeap::new(),
            aside: BinaryHeap::new(),
            blocked: Vec::new(),
            foreseen: 0,
            running: 0,
            undecided: 0,
            exclusive: false,
            stopped: false,
            failed: None,
            held,
            steps,
            plan,
        }
    }

    /// Takes into account how long steps took in an earlier run, before anything is started in this one: the longest
    /// chain is then the one that takes longest, and not the one of the most steps.
    ///
    /// Times are compared in tenths of a second, and no step takes less than one: runs whose steps are all that short
    /// keep the order that they have without. A step of which nothing is known takes as long as those that are known, on
    /// average.
    pub fn expect(&mut self, durations: &[(u32, Duration)]) {
        if durations.is_empty() {
            return;
        }
        let tenths = |taken: Duration| {
            let rounded = taken.as_millis().saturating_add(50) / 100;
            rounded.clamp(1, u128::from(LONGEST))
        };
        let all: u128 = durations.iter().map(|&(_, taken)| tenths(taken)).sum();
        let average = all / durations.len() as u128;
        let mut weights = vec![u32::try_from(average).unwrap_or(LONGEST); self.steps.len()];
        for &(step, taken) in durations {
            if let Some(weight) = weights.get_mut(step as usize) {
                *weight = u32::try_from(tenths(taken)).unwrap_or(LONGEST);
            }
        }
        self.chains = Some(self.plan.chains(weights).into());
    }

    /// The step to start now, if one may; it then holds a slot until it [`vacates`](Scheduler::vacate) it.
    ///
    /// The step with the longest chain of steps behind it, in steps or in [time](Scheduler::expect), comes first, then the first in the definition. A
    /// step with `parallel: false` whose turn has come waits until nothing runs, and holds back all others
    /// until it has run.
    ///
    /// A free slot is kept for a step with a longer chain that becomes ready with the next commit, and nothing
    /// starts while it is open what follows from a failure.
    pub fn start_next(&mut self) -> Option<u32> {
        let &(chain, Reverse(step)) = self.ready.peek()?;
        self.take_slot(chain, step)?;
        self.ready.pop();
        Some(step)
    }

    /// The step to start now among those that were [set aside](Scheduler::set_aside), if one may.
    pub fn start_aside(&mut self) -> Option<u32> {
        let &(chain, Reverse(step)) = self.aside.peek()?;
        self.take_slot(chain, step)?;
        self.aside.pop();
        Some(step)
    }

    /// Gives a slot to a step whose turn it is, if it may have one.
    fn take_slot(&mut self, chain: u32, step: u32) -> Option<()> {
        let full = self.exclusive || self.running >= self.plan.max_parallel();
        if full || self.stopped || self.undecided > 0 || chain < self.foreseen {
            return None;
        }
        let alone = self.plan.is_serial(step);
        if alone && self.running > 0 {
            return None;
        }
        self.exclusive = alone;
        self.running += 1;
        self.steps[step as usize].phase = Phase::Running;
        Some(())
    }

    /// The step whose turn is next, whether or not it may start now.
    pub fn next_ready(&self) -> Option<u32> {
        let &(_, Reverse(step)) = self.ready.peek()?;
        (!self.stopped).then_some(step)
    }

    /// The step whose turn is next among those that were [set aside](Scheduler::set_aside).
    pub fn next_aside(&self) -> Option<u32> {
        let &(_, Reverse(step)) = self.aside.peek()?;
        (!self.stopped).then_some(step)
    }

    /// Sets the step aside whose turn is next, so that those behind it may pass: its caller has no room for it now.
    pub fn set_aside(&mut self) {
        self.aside.extend(self.ready.pop());
    }

    /// An attempt at `step` has ended, and its slot is free. If it succeeded the step is to be
    /// [settled](Scheduler::settle), else settled or put to [rest](Scheduler::rest).
    pub fn vacate(&mut self, step: u32, succeeded: bool) {
        let at = step as usize;
        debug_assert_eq!(self.steps[at].phase, Phase::Running);
        self.running -= 1;
        // A step that runs alone is the only one that can end.
        self.exclusive = false;
        if !succeeded {
            self.steps[at].phase = Phase::Undecided;
            self.undecided += 1;
            return;
        }
        self.steps[at].phase = Phase::Succeeded;
        for &dependent in self.plan.graph().dependents(at) {
            if self.steps[dependent as usize].waits_for == 1 {
                self.foreseen = self.foreseen.max(self.chain(dependent));
            }
        }
    }

    /// A step whose attempt has failed waits for its next one.
    pub fn rest(&mut self, step: u32) {
        debug_assert_eq!(self.steps[step as usize].phase, Phase::Undecided);
        self.undecided -= 1;
        self.steps[step as usize].phase = Phase::Resting;
    }

    /// A resting step may start again.
    pub fn requeue(&mut self, step: u32) {
        debug_assert_eq!(self.steps[step as usize].phase, Phase::Resting);
        self.queue(step);
    }

    /// `step` is over. What only waited for it is held until [`release`](Scheduler::release).
    ///
    /// A failure that the definition does not tolerate blocks what depends on it, and stops the start of
    /// anything new unless the definition says `onFailure: continue`.
    pub fn settle(&mut self, step: u32, outcome: Outcome) {
        let at = step as usize;
        debug_assert_ne!(self.steps[at].phase, Phase::Settled);
        self.undecided -= u32::from(self.steps[at].phase == Phase::Undecided);
        self.steps[at].phase = Phase::Settled;
        self.unsettled -= 1;
        let blocks = match outcome {
            Outcome::Succeeded => false,
            Outcome::Skipped => true,
            Outcome::Failed => !self.plan.is_optional(step),
        };
        if blocks && outcome == Outcome::Failed {
            self.failed.get_or_insert(step);
            self.stopped |= self.plan.on_failure() != OnFailure::Continue;
        }
        let plan = Arc::clone(&self.plan);
        for &dependent in plan.graph().dependents(at) {
            let next = &mut self.steps[dependent as usize];
            next.waits_for -= 1;
            next.blocked |= blocks;
            if next.waits_for == 0 && next.phase == Phase::Waiting {
                if next.blocked {
                    self.blocked.push(dependent);
                } else {
                    self.held.push(dependent);
                    self.foreseen = self.foreseen.max(self.chain(dependent));
                }
            }
        }
    }

    /// A step that can never start, because something it needs failed; to be settled as skipped.
    pub fn next_blocked(&mut self) -> Option<u32> {
        while let Some(step) = self.blocked.pop() {
            if self.steps[step as usize].phase == Phase::Waiting {
                return Some(step);
            }
        }
        None
    }

    /// How many steps wait for [`release`](Scheduler::release).
    pub fn held(&self) -> u32 {
        let held = self
            .held
            .iter()
            .filter(|&&step| self.steps[step as usize].phase == Phase::Waiting)
            .count();
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    /// Everything settled so far is committed: what it made ready may start.
    pub fn release(&mut self) {
        self.foreseen = 0;
        for step in std::mem::take(&mut self.held) {
            if self.steps[step as usize].phase == Phase::Waiting {
                self.queue(step);
            }
        }
    }

    /// Whether a failure keeps every further step from starting.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// How many attempts are running.
    pub const fn running(&self) -> u32 {
        self.running
    }

    /// Whether an attempt at `step` is running.
    pub fn is_running(&self, step: u32) -> bool {
        let step = self.steps.get(step as usize);
        step.is_some_and(|step| step.phase == Phase::Running)
    }

    /// Whether a step is ready that could start as slots become free.
    pub fn has_ready(&self) -> bool {
        let is_empty = self.ready.is_empty() && self.aside.is_empty();
        !self.stopped && !is_empty
    }

    /// How many steps are not settled.
    pub const fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Whether every step is settled.
    pub const fn is_done(&self) -> bool {
        self.unsettled == 0
    }

    /// The first step whose failure fails the run.
    pub const fn failed(&self) -> Option<u32> {
        self.failed
    }

    fn queue(&mut self, step: u32) {
        self.steps[step as usize].phase = Phase::Ready;
        self.ready.push((self.chain(step), Reverse(step)));
    }

    /// The longest chain that begins with a step: in tenths of a second where times are known, else in steps.
    fn chain(&self, step: u32) -> u32 {
        match &self.chains {
            Some(chains) => chains.get(step as usize).copied().unwrap_or(0),
            None => self.plan.chain_length(step),
        }
    }
}
