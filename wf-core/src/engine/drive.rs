//! What is known of an execution that is being driven: what the pump, the waves and the loop work on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};

use super::attempt::Attempted;
use super::budget::Purse;
use super::holding::Holding;
use super::recall::Recall;
use super::trace::Trace;
use super::{Parts, Status};
use crate::agent::{Agent, InterimSlot};
use crate::id::{ExecutionId, Timestamp};
use crate::lifecycle::State;
use crate::plan::Plan;
use crate::scheduler::Scheduler;
use crate::store::{ExecutionRecord, StepRecord, StoreError};
use crate::typed::{Typed, Value};
use crate::value::Json;

/// What an execution is driven for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To bring it to its end, through a pause that was interrupted, and out of one.
    Finish,
    /// To bring it as far as it was to come: to its end, or to the pause that was asked for.
    Recover,
    /// To pause it.
    Pause,
}

/// What is recorded of an execution when it is taken up.
pub(super) struct Recorded {
    pub(super) execution: ExecutionRecord,
    /// One for each step of its plan.
    pub(super) steps: Vec<Arc<StepRecord>>,
}

/// Drives one execution. Its fields are what the pump and the waves work on.
pub(super) struct Drive {
    pub(super) engine: Parts,
    pub(super) plan: Arc<Plan>,
    pub(super) holding: Holding,
    /// The execution's row, as of the last commit.
    pub(super) execution: Box<ExecutionRecord>,
    pub(super) inputs: Vec<Json>,
    /// The inputs in both forms, once a step that is code needs them.
    pub(super) input_values: Option<Arc<[Value]>>,
    pub(super) agents: Vec<Option<Arc<dyn Agent>>>,
    pub(super) dry: bool,
    pub(super) slots: Vec<Slot>,
    pub(super) scheduler: Scheduler,
    pub(super) trace: Trace,
    /// What may still be used, where that is limited.
    pub(super) purse: Option<Purse>,
    /// The calls that were started and not looked at yet.
    pub(super) started: VecDeque<(u32, BoxFuture<'static, Attempted>)>,
    /// The calls that are under way.
    pub(super) attempts: FuturesUnordered<BoxFuture<'static, Attempted>>,
    /// What those of them have come to that run when the run's time is over.
    pub(super) interims: BTreeMap<u32, InterimSlot>,
    /// Calls back those of them that wait for their turn.
    pub(super) recall: Recall,
    /// The calls that have ended and are not yet part of a commit.
    pub(super) ended: Vec<Attempted>,
    /// How many results the commit under way carries.
    pub(super) unanswered: usize,
    /// Steps that wait for their next attempt, by when it is due on the engine's clock.
    pub(super) resting: BinaryHeap<Reverse<(Duration, u32)>>,
    /// Running steps whose rows do not say so yet, by when they shall, with the attempt.
    pub(super) unshown: VecDeque<(Duration, u32, usize)>,
    /// Steps whose records have changed since the last commit; the next one writes their rows.
    pub(super) changed: Vec<u32>,
    pub(super) alarm: Option<(Duration, BoxFuture<'static, ()>)>,
    pub(super) renewal: Option<BoxFuture<'static, Result<(), StoreError>>>,
    pub(super) renew_at: Duration,
    pub(super) watch: BoxStream<'static, ()>,
    /// No further attempt may start.
    pub(super) draining: bool,
    /// Somebody has asked for a pause.
    pub(super) pausing: bool,
    /// Why the run pauses by itself.
    pub(super) pause_reason: Option<String>,
    /// When it can go on, where the reason is a limit that is lifted.
    pub(super) resume_at: Option<Timestamp>,
    /// A pause is to be left again.
    pub(super) resuming: bool,
    pub(super) timed_out: bool,
    pub(super) deadline: Option<Duration>,
    pub(super) driven_before: u64,
    pub(super) driven_since: Duration,
    pub(super) seq: u64,
    pub(super) checkpoint_seq: u64,
}

/// What is known of a step.
pub(super) struct Slot {
    pub(super) record: Arc<StepRecord>,
    /// Whether its row is there, or in a commit that was begun. A run ends with the first commit that fails.
    pub(super) is_recorded: bool,
    /// Whether the next commit writes its row.
    pub(super) is_changed: bool,
    /// Its result by type, once it was made or read.
    pub(super) typed: Option<Typed>,
}

impl Slot {
    /// Its record, to be changed: one of its own, if others share it.
    pub(super) fn record_mut(&mut self) -> &mut StepRecord {
        Arc::make_mut(&mut self.record)
    }
}

impl Drive {
    pub(super) fn new(
        engine: Parts,
        plan: Arc<Plan>,
        holding: Holding,
        recorded: Recorded,
        inputs: Vec<Json>,
        agents: Vec<Option<Arc<dyn Agent>>>,
        watch: BoxStream<'static, ()>,
    ) -> Self {
        let now = engine.clock.elapsed();
        let nothing = StepRecord::pending();
        let slots = recorded.steps.into_iter().map(|record| Slot {
            is_recorded: *record != nothing,
            is_changed: false,
            record,
            typed: None,
        });
        Drive {
            watch,
            scheduler: Scheduler::new(Arc::clone(&plan)),
            trace: Trace::new(&holding.id, &plan),
            purse: Purse::new(plan.definition().config.budget, std::iter::empty()),
            deadline: plan
                .definition()
                .config
                .timeout
                .map(|timeout| now.saturating_add(timeout)),
            renew_at: now + engine.lease / 3,
            driven_since: now,
            slots: slots.collect(),
            engine,
            plan,
            holding,
            execution: Box::new(recorded.execution),
            inputs,
            input_values: None,
            agents,
            dry: false,
            started: VecDeque::new(),
            attempts: FuturesUnordered::new(),
            interims: BTreeMap::new(),
            recall: Recall::new(),
            ended: Vec::new(),
            unanswered: 0,
            resting: BinaryHeap::new(),
            unshown: VecDeque::new(),
            changed: Vec::new(),
            alarm: None,
            renewal: None,
            draining: false,
            pausing: false,
            pause_reason: None,
            resume_at: None,
            resuming: false,
            timed_out: false,
            driven_before: 0,
            seq: 0,
            checkpoint_seq: 0,
        }
    }

    /// The same with what is known of how long the steps take.
    pub(super) fn expecting(mut self, durations: &[(u32, Duration)]) -> Self {
        self.scheduler.expect(durations);
        self
    }

    pub(super) fn dry(mut self, dry: bool) -> Self {
        self.dry = dry;
        self
    }

    /// The same for an execution that others have driven before, to where its row says.
    pub(super) fn taken_over(mut self, purpose: Purpose) -> Self {
        let execution = &self.execution;
        let driven = execution.driven_millis;
        self.driven_before = driven;
        self.pausing = match purpose {
            Purpose::Finish => false,
            Purpose::Recover => execution.pause_requested,
            Purpose::Pause => true,
        };
        self.resuming = purpose == Purpose::Finish
            && matches!(execution.state, State::Paused | State::CreatingCheckpoint);
        self.seq = execution.last_seq;
        let steps = self.plan.steps().iter().map(|step| step.agent.as_str());
        let made = self
            .slots
            .iter()
            .map(|slot| slot.record.attempts.as_slice());
        self.purse = Purse::new(execution.budget(&self.plan), steps.zip(made));
        if let Some(timeout) = self.plan.definition().config.timeout {
            let left = timeout.saturating_sub(Duration::from_millis(driven));
            self.deadline = Some(self.driven_since.saturating_add(left));
        }
        self.reconcile();
        self
    }

    /// Drops the calls that were started.
    pub(super) fn drop_attempts(&mut self) {
        self.started.clear();
        self.attempts.clear();
    }

    pub(super) const fn id(&self) -> &ExecutionId {
        &self.holding.id
    }

    pub(super) const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Nothing runs, nothing may start, and nothing waits for its next attempt.
    pub(super) fn is_idle(&self) -> bool {
        let rests = !self.resting.is_empty() && !self.scheduler.is_stopped();
        self.scheduler.running() == 0
            && self.ended.is_empty()
            && !rests
            && !self.scheduler.has_ready()
    }
}

/// An execution that is not driven any further, with the values that its steps have left.
pub(crate) struct Finished {
    pub(crate) status: Status,
    /// The result of each step by type, as far as it was made or read.
    pub(super) typed: Vec<Option<Typed>>,
    pub(super) plan: Arc<Plan>,
}
