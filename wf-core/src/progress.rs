//! What is decided of an execution while it is driven: a value that takes inputs and gives actions.
//!
//! [`Progress`] knows the plan, what is recorded of every step, and what the execution is driven towards. It is told what
//! has happened ([`Input`]) and when ([`Now`]), and says what is to be done ([`Action`]). It is pure: no clock, no store,
//! no agent and no future is in this folder, and the same inputs give the same actions, always. Whoever drives it waits:
//! the [engine](crate::engine), or a simulator.
//!
//! A driver does what [`next`](Progress::next) gives, takes in whatever has happened meanwhile, and when there is nothing
//! left says so with [`Input::TimePassed`]: only then is it decided what one commit carries, so that what ends together is
//! written together. It calls again when something has happened, and at the latest at the
//! [`deadline`](Progress::deadline).

mod budget;
mod due;
mod intent;
mod landing;
#[cfg(all(test, debug_assertions))]
mod replay;
pub(crate) mod retry;
pub mod scheduler;
mod settle;
mod showing;
mod spending;
mod steps;
#[cfg(test)]
mod tests;
mod transitions;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use wf_model::{Budget, OnFailure};

use crate::agent::{Allowance, Reply, StepError};
use crate::id::{ExecutionId, Timestamp};
use crate::lifecycle::{AnyExecution, Committed, State};
use crate::plan::Plan;
use crate::store::{Commit, ExecutionRecord, StepRecord};
use crate::usage::Usage;
use budget::BudgetLedger;
use due::Due;
use intent::Intent;
use landing::At;
pub(crate) use settle::FailedAttempt;
pub(crate) use spending::payer;
use steps::{Startable, Steps};

/// A store takes at most this many unanswered results of one execution.
const UNANSWERED: usize = 1024;

/// One commit takes half of them, so that the other half gathers while it is under way.
const TOGETHER: usize = UNANSWERED / 2;

/// The present, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// The moment on the wall clock, which is written down.
    pub(crate) wall: Timestamp,
    /// The time on a clock that never runs backwards, by which what is due is due.
    pub(crate) elapsed: Duration,
}

/// What has happened.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// Nothing else is left to take in at this moment.
    TimePassed,
    /// An attempt has begun, and goes on; with the moment where it had to wait for its turn.
    Begun {
        step: u32,
        number: u32,
        at: Option<Timestamp>,
    },
    /// An attempt has ended, or was withdrawn before it began.
    Ended(Ended),
    /// An attempt was dropped; with what it has used, as far as that is known.
    Dropped {
        step: u32,
        usage: Option<serde_json::Value>,
    },
    /// What the next attempt at a step may use at most.
    Bound { step: u32, bound: Allowance },
    /// Somebody has asked for a pause.
    PauseRequested,
    /// The execution was cancelled by another.
    Cancelled,
    /// The commit that was asked for has landed.
    Landed(Committed),
}

/// An attempt that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) step: u32,
    pub(crate) ended_at: Timestamp,
    pub(crate) answer: Result<Reply, StepError>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Action {
    /// Start an attempt at a step. [`Input::Ended`] follows.
    Start(Start),
    /// Ask what the next attempt at a step may use. [`Input::Bound`] follows.
    AskBound { step: u32 },
    /// Withdraw the attempts that still wait for their turn, now and from now on.
    Withdraw,
    /// Drop all attempts under way. [`Input::Dropped`] follows for each, before anything else.
    DropAttempts,
    /// Write a path. [`Input::Landed`] follows, or the end of the drive.
    Commit(Transition),
    /// Stop: the execution has ended, is paused, or was cancelled by another.
    Finished,
}

/// A path to be written, and what is to be reported once it is.
#[derive(Debug)]
pub(crate) struct Transition {
    pub(crate) commit: Commit,
    pub(crate) failures: Vec<FailedAttempt>,
}

/// What an execution is driven for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To bring it to its end, through a pause that was interrupted, and out of one.
    Finish,
    /// To bring it as far as it was to come: to its end, or to the pause that was asked for.
    Recover,
    /// To pause it.
    Pause,
}

/// What is known of an execution when it is taken up.
pub(crate) struct Known {
    pub(crate) plan: Arc<Plan>,
    pub(crate) execution: ExecutionRecord,
    pub(crate) at: AnyExecution,
    /// One for each step of the plan.
    pub(crate) steps: Vec<Arc<StepRecord>>,
    pub(crate) budget: Budget,
    /// How long the steps took before.
    pub(crate) durations: Vec<(u32, Duration)>,
    /// The most that an attempt of each agent has used before.
    pub(crate) used: Vec<(String, Usage)>,
}

/// Decides of one execution while it is driven.
pub(crate) struct Progress {
    plan: Arc<Plan>,
    /// The execution's row, as it was when it was taken up, or as its end has left it.
    execution: Box<ExecutionRecord>,
    at: At,
    intent: Intent,
    steps: Steps,
    /// What may still be used, where that is limited.
    ledger: Option<BudgetLedger>,
    /// The attempts that have ended and are not part of a commit yet.
    ended: Vec<Ended>,
    /// The attempts that were dropped and are not part of a commit yet.
    stopped: Vec<FailedAttempt>,
    /// Steps that wait for their next attempt, by when it is due.
    resting: BinaryHeap<Reverse<(Duration, u32)>>,
    /// Running steps whose rows do not say so yet, by when they shall, with the attempt.
    unshown: VecDeque<(Duration, u32, u32)>,
    due: Due,
    /// It was asked what the next attempt at a step may use, and not answered.
    is_asking: bool,
    /// A commit that ends or pauses the execution has landed.
    has_ended: bool,
    has_withdrawn: bool,
    has_dropped: bool,
    deadline: Option<Duration>,
    driven_before: u64,
    driven_since: Duration,
    checkpoint_seq: u64,
    #[cfg(all(test, debug_assertions))]
    journal: Option<replay::Journal>,
}

/// An attempt that is to be started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) step: u32,
    pub(crate) number: u32,
    pub(crate) allowance: Allowance,
}

impl Progress {
    /// Takes up an execution where its rows say it is.
    pub(crate) fn new(known: Known, purpose: Purpose, now: Now) -> Self {
        #[cfg(all(test, debug_assertions))]
        let journal = replay::Journal::of(&known, purpose, now);
        let Known {
            plan,
            execution,
            at,
            steps,
            budget,
            durations,
            used,
        } = known;
        let intent = match purpose {
            Purpose::Pause => Intent::Pause(None),
            Purpose::Recover if execution.pause_requested => Intent::Pause(None),
            Purpose::Finish
                if matches!(execution.state, State::Paused | State::CreatingCheckpoint) =>
            {
                Intent::Resume
            }
            Purpose::Finish | Purpose::Recover => Intent::Finish,
        };
        let agents = plan.steps().iter().map(|step| step.agent.as_str());
        let made = steps.iter().map(|record| record.attempts.as_slice());
        let mut ledger = BudgetLedger::new(budget, agents.zip(made));
        if let Some(ledger) = &mut ledger {
            ledger.remember(used);
        }
        let deadline = plan.definition().config.timeout.map(|timeout| {
            let left = timeout.saturating_sub(Duration::from_millis(execution.driven_millis));
            now.elapsed.saturating_add(left)
        });
        let mut steps = Steps::new(Arc::clone(&plan), steps, execution.last_seq);
        steps.expect(&durations);
        steps.reconcile(intent == Intent::Resume && plan.on_failure() == OnFailure::Pause);
        // What was scheduled need not be scheduled again. What others have left is put in order first.
        if execution.state == State::ExecutingSteps && !steps.is_changed() {
            steps.release();
        }
        Progress {
            at: At::State(at),
            intent,
            ledger,
            ended: Vec::new(),
            stopped: Vec::new(),
            resting: BinaryHeap::new(),
            unshown: VecDeque::new(),
            due: Due::default(),
            is_asking: false,
            has_ended: false,
            has_withdrawn: false,
            has_dropped: false,
            deadline,
            driven_before: execution.driven_millis,
            driven_since: now.elapsed,
            checkpoint_seq: steps.seq(),
            steps,
            execution: Box::new(execution),
            plan,
            #[cfg(all(test, debug_assertions))]
            journal,
        }
    }

    /// Takes in what has happened.
    pub(crate) fn handle(&mut self, input: Input, now: Now) {
        #[cfg(all(test, debug_assertions))]
        if let Some(journal) = &mut self.journal {
            journal.take_in(&input, now);
        }
        match input {
            Input::TimePassed => self.look(now),
            Input::Begun { step, number, at } => self.note_begun(step, number, at, now),
            Input::Ended(ended) => {
                self.steps.vacate(ended.step, ended.answer.is_ok());
                self.charge(&ended);
                self.ended.push(ended);
            }
            Input::Dropped { step, usage } => self.stop(step, usage, now),
            Input::Bound { step, bound } => {
                self.is_asking = false;
                if let Some(ledger) = &mut self.ledger {
                    ledger.note_bound(step, bound);
                }
            }
            Input::PauseRequested => self.intent.ask_for_pause(),
            Input::Cancelled => self.finish(),
            Input::Landed(committed) => self.land(committed, now),
        }
        self.start_steps(now);
    }

    /// The next thing to be done.
    pub(crate) fn next(&mut self) -> Option<Action> {
        let action = self.due.next();
        #[cfg(all(test, debug_assertions))]
        if let (Some(journal), Some(action)) = (&mut self.journal, &action) {
            journal.give(action);
        }
        action
    }

    /// Whether there is something to be done.
    pub(crate) fn is_acting(&self) -> bool {
        self.due.is_any()
    }

    /// When to call again at the latest, though nothing has happened: never where there is none.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let At::State(_) = self.at else {
            return None;
        };
        let rested = self
            .resting
            .peek()
            .filter(|_| self.intent == Intent::Finish);
        let rested = rested.map(|Reverse((due, _))| *due);
        let shown = self.unshown.front().map(|(due, ..)| *due);
        let spent = self.spent_at().filter(|_| self.intent == Intent::Finish);
        [rested, shown, self.deadline, spent]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether no more attempts that have ended are taken in before what was is written.
    pub(crate) fn is_full(&self) -> bool {
        let unanswered = match &self.at {
            At::Committing(committing) => committing.rows,
            At::State(_) | At::Over => 0,
        };
        self.ended.len() >= TOGETHER || self.ended.len() + unanswered >= UNANSWERED
    }

    pub(crate) const fn id(&self) -> &ExecutionId {
        &self.execution.id
    }

    /// The fencing token under which the execution is driven.
    pub(crate) const fn token(&self) -> u64 {
        self.execution.token
    }

    pub(crate) const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Whether the run's time is limited.
    pub(crate) const fn is_timed(&self) -> bool {
        self.deadline.is_some()
    }

    /// The steps of which an attempt is under way.
    pub(crate) fn running(&self) -> Vec<u32> {
        self.steps.under_way()
    }

    /// What is known of the step at that position.
    pub(crate) fn record(&self, step: usize) -> Option<&Arc<StepRecord>> {
        self.steps.get(step)
    }

    /// The execution's row, if the end or the pause that it has come to was written here.
    pub(crate) fn ended(&self) -> Option<&ExecutionRecord> {
        Some(&*self.execution).filter(|_| self.has_ended)
    }

    /// What is known of all steps.
    pub(crate) fn into_records(self) -> impl ExactSizeIterator<Item = Arc<StepRecord>> {
        self.steps.into_records()
    }

    /// Decides what is to be written.
    fn look(&mut self, now: Now) {
        match std::mem::replace(&mut self.at, At::Over) {
            At::State(at) => {
                let next = self.advance(at, now);
                self.go(next);
            }
            other => self.at = other,
        }
    }

    /// Starts what may start.
    fn start_steps(&mut self, now: Now) {
        while self.may_start(now) {
            match self.next_start() {
                Startable::Step(step) => {
                    let number = self.steps.start(step, now);
                    let allowance = self.reserve(step);
                    self.due.starts.push_back(Start {
                        step,
                        number,
                        allowance,
                    });
                }
                Startable::Unknown(step) => {
                    self.is_asking = true;
                    self.due.ask = Some(step);
                }
                Startable::Nothing => return,
            }
        }
    }

    fn may_start(&self, now: Now) -> bool {
        let goes_on = match &self.at {
            At::State(_) => true,
            At::Committing(committing) => committing.end.is_none(),
            At::Over => false,
        };
        goes_on
            && self.intent == Intent::Finish
            && !self.is_asking
            && !self.is_full()
            && !self.is_over_time(now)
    }

    fn is_over_time(&self, now: Now) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= now.elapsed)
    }

    /// Puts steps whose next attempt is due back into the queue.
    fn wake_rested(&mut self, now: Now) {
        while self.intent == Intent::Finish
            && let Some(&Reverse((due, step))) = self.resting.peek()
            && due <= now.elapsed
        {
            self.resting.pop();
            self.steps.requeue(step);
        }
    }

    /// Withdraws the attempts that wait for their turn.
    fn withdraw_queued(&mut self) {
        self.due.withdraw |= !std::mem::replace(&mut self.has_withdrawn, true);
    }

    /// Drops the attempts that are under way; tells whether there are any.
    fn drop_running(&mut self) -> bool {
        let running = self.steps.running() > 0;
        self.due.drop |= running && !std::mem::replace(&mut self.has_dropped, true);
        running
    }
}
