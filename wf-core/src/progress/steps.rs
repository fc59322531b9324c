//! The steps of an execution that is being driven: what is recorded of each, and which may start.
//!
//! The scheduler hears of a step here and nowhere else, together with the step's record.

use std::sync::Arc;
use std::time::Duration;

use super::Now;
use super::scheduler::Scheduler;
use crate::agent::Reply;
use crate::id::Timestamp;
use crate::plan::Plan;
use crate::step::{Attempt, Outcome, StepOutcome, StepState};
use crate::store::{StepRecord, StepWrite};

/// The steps of one execution.
pub(super) struct Steps {
    plan: Arc<Plan>,
    slots: Vec<Slot>,
    scheduler: Scheduler,
    /// Steps whose records have changed since the last commit; the next one writes their rows.
    changed: Vec<u32>,
    /// The last place in the order of ended steps that was given away.
    seq: u64,
}

/// What is known of a step.
struct Slot {
    record: Arc<StepRecord>,
    /// Whether its row is there, or in a commit that was begun. A run ends with the first commit that fails.
    is_recorded: bool,
    /// Whether the next commit writes its row.
    is_changed: bool,
}

impl Slot {
    /// Its record, to be changed: one of its own, if others share it.
    fn record_mut(&mut self) -> &mut StepRecord {
        Arc::make_mut(&mut self.record)
    }
}

/// Whether the budget has room for the next attempt at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// The attempt certainly uses nothing that is limited.
    Free,
    /// There is room for what it may use.
    Enough,
    /// There is none, and others that use nothing may pass it.
    Short,
    /// There is none for any step.
    Exhausted,
    /// That is not known yet: what the attempt may use is to be asked.
    Unknown,
}

/// What may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Startable {
    Step(u32),
    /// Perhaps this step; first it has to be known what its next attempt may use.
    Unknown(u32),
    Nothing,
}

impl Steps {
    /// The steps of an execution as they are recorded, of which nothing is under way.
    pub(super) fn new(plan: Arc<Plan>, records: Vec<Arc<StepRecord>>, last_seq: u64) -> Self {
        let nothing = StepRecord::pending();
        let slots = records.into_iter().map(|record| Slot {
            is_recorded: *record != nothing,
            is_changed: false,
            record,
        });
        Steps {
            slots: slots.collect(),
            scheduler: Scheduler::new(Arc::clone(&plan)),
            changed: Vec::new(),
            seq: last_seq,
            plan,
        }
    }

    /// Takes into account how long the steps took before.
    pub(super) fn expect(&mut self, durations: &[(u32, Duration)]) {
        self.scheduler.expect(durations);
    }

    /// Puts what others have left in order: what was running is pending again, what failed is tried again where
    /// `renews` says so, and what is over is over for the scheduler.
    pub(super) fn reconcile(&mut self, renews: bool) {
        for (step, slot) in (0_u32..).zip(&mut self.slots) {
            let failed = slot.record.state == StepState::Failed && !self.plan.is_optional(step);
            let is_left = slot.record.state == StepState::Running || (failed && renews);
            if is_left {
                let record = slot.record_mut();
                if record.state == StepState::Running {
                    if let Some(attempt) = record.attempts.last_mut()
                        && attempt.ended_at.is_none()
                    {
                        let died = "the process that ran it is gone".to_owned();
                        *attempt = attempt.clone().interrupt(None, died);
                    }
                    record.state = StepState::Pending;
                } else {
                    record.state = StepState::Pending;
                    record.completed_at = None;
                    record.seq = None;
                    record.retry_base = u32::try_from(record.attempts.len()).unwrap_or(u32::MAX);
                }
                slot.is_changed = true;
                self.changed.push(step);
            }
            let outcome = match slot.record.state {
                StepState::Completed => Outcome::Succeeded,
                StepState::Failed => Outcome::Failed,
                StepState::Skipped => Outcome::Skipped,
                StepState::Pending | StepState::Running | StepState::Cancelled => continue,
            };
            self.scheduler.settle(step, outcome);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) const fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn record(&self, step: u32) -> &Arc<StepRecord> {
        &self.slots[step as usize].record
    }

    pub(super) fn get(&self, step: usize) -> Option<&Arc<StepRecord>> {
        Some(&self.slots.get(step)?.record)
    }

    pub(super) fn into_records(self) -> impl ExactSizeIterator<Item = Arc<StepRecord>> {
        self.slots.into_iter().map(|slot| slot.record)
    }

    // What may start, and what is under way.

    /// The next step to start, and its slot taken. One that the budget has no room for is set aside; what uses nothing may
    /// pass it.
    pub(super) fn next_start(&mut self, mut room: impl FnMut(u32) -> Room) -> Startable {
        if let Some(step) = self.scheduler.next_aside() {
            match room(step) {
                Room::Free | Room::Enough => return Startable::of(self.scheduler.start_aside()),
                Room::Exhausted => return Startable::Nothing,
                Room::Unknown => return Startable::Unknown(step),
                Room::Short => {}
            }
        }
        while let Some(step) = self.scheduler.next_ready() {
            let is_first = self.scheduler.next_aside().is_none();
            match room(step) {
                Room::Free => return Startable::of(self.scheduler.start_next()),
                Room::Enough if is_first => return Startable::of(self.scheduler.start_next()),
                Room::Exhausted => return Startable::Nothing,
                Room::Unknown => return Startable::Unknown(step),
                Room::Enough | Room::Short => self.scheduler.set_aside(),
            }
        }
        Startable::Nothing
    }

    /// The next step to start where nothing is limited, and its slot taken.
    pub(super) fn next_start_unlimited(&mut self) -> Startable {
        Startable::of(self.scheduler.start_next())
    }

    /// The step that would start next if there were room.
    pub(super) fn next_waiting(&self) -> Option<u32> {
        let aside = self.scheduler.next_aside();
        aside.or_else(|| self.scheduler.next_ready())
    }

    /// Records that an attempt starts, and returns its number.
    pub(super) fn start(&mut self, step: u32, now: Now) -> u32 {
        let record = self.slots[step as usize].record_mut();
        let number = u32::try_from(record.attempts.len() + 1).unwrap_or(u32::MAX);
        record.attempts.begin(Attempt::start(number, now.wall));
        if number == 1 {
            record.started_at = Some(now.wall);
        }
        number
    }

    /// Records when an attempt has begun that had to wait for its turn.
    pub(super) fn begin(&mut self, step: u32, number: u32, at: Timestamp) {
        let record = self.slots[step as usize].record_mut();
        if let Some(last) = record.attempts.last_mut() {
            last.started_at = at;
        }
        if number == 1 {
            record.started_at = Some(at);
        }
    }

    /// Frees the slot of an attempt that has ended.
    pub(super) fn vacate(&mut self, step: u32, succeeded: bool) {
        self.scheduler.vacate(step, succeeded);
    }

    /// Whether that attempt at the step is under way.
    pub(super) fn is_running(&self, step: u32, number: u32) -> bool {
        let attempts = &self.slots[step as usize].record.attempts;
        attempts.len() == number as usize
            && attempts
                .last()
                .is_some_and(|last| last.ended_at.is_none() && !last.interrupted)
    }

    /// Whether the row of a step under way does not say yet that it is.
    pub(super) fn is_hidden(&self, step: u32, number: u32) -> bool {
        self.record(step).state == StepState::Pending && self.is_running(step, number)
    }

    /// Records that a step is running.
    pub(super) fn show(&mut self, step: u32) {
        self.slots[step as usize].record_mut().state = StepState::Running;
        self.note_change(step);
    }

    // How attempts end.

    /// Takes an attempt back that was withdrawn before it began: it was not made.
    pub(super) fn withdraw(&mut self, step: u32) {
        let record = self.slots[step as usize].record_mut();
        record.attempts.pop();
        // A row that has shown it as running stays, without it.
        let is_shown =
            std::mem::replace(&mut record.state, StepState::Pending) == StepState::Running;
        self.scheduler.rest(step);
        if is_shown {
            self.note_change(step);
        }
    }

    /// Records the success of the attempt that is under way.
    pub(super) fn succeed(&mut self, step: u32, ended_at: Timestamp, reply: Reply) -> StepOutcome {
        let record = self.slots[step as usize].record_mut();
        if let Some(attempt) = record.attempts.pop() {
            let mut attempt = attempt.end(ended_at, None);
            attempt.usage = reply.usage;
            record.attempts.push(attempt);
        }
        record.result = Some(reply.result);
        record.error = None;
        self.over(step, Outcome::Succeeded, ended_at)
    }

    /// Records the end of the attempt that is under way, made of it by `end`.
    pub(super) fn end_attempt(&mut self, step: u32, end: impl FnOnce(Attempt) -> Attempt) {
        let record = self.slots[step as usize].record_mut();
        if let Some(attempt) = record.attempts.pop() {
            record.attempts.push(end(attempt));
        }
    }

    /// The number of a step's last attempt.
    pub(super) fn last_attempt(&self, step: u32) -> u32 {
        let last = self.record(step).attempts.last();
        last.map_or(0, |attempt| attempt.number)
    }

    /// Records the error of a step's last attempt; it is not the attempt's fault where `is_interrupted`.
    pub(super) fn note_error(&mut self, step: u32, error: &str, is_interrupted: bool) {
        let record = self.slots[step as usize].record_mut();
        record.error = Some(error.to_owned());
        if is_interrupted && let Some(attempt) = record.attempts.last_mut() {
            attempt.error = Some(error.to_owned());
            attempt.interrupted = true;
        }
    }

    /// Lets a step wait for its next attempt.
    pub(super) fn rest(&mut self, step: u32) {
        self.slots[step as usize].record_mut().state = StepState::Pending;
        self.scheduler.rest(step);
        self.note_change(step);
    }

    /// Ends the wait of a step for its next attempt.
    pub(super) fn requeue(&mut self, step: u32) {
        self.scheduler.requeue(step);
    }

    /// Ends a step.
    pub(super) fn over(&mut self, step: u32, outcome: Outcome, at: Timestamp) -> StepOutcome {
        self.seq += 1;
        let seq = self.seq;
        let record = self.slots[step as usize].record_mut();
        record.state = outcome.state();
        record.seq = Some(seq);
        record.completed_at = Some(at);
        self.scheduler.settle(step, outcome);
        self.note_change(step);
        StepOutcome { step, outcome }
    }

    /// Ends a step that can never start, if there is one.
    pub(super) fn skip_blocked(&mut self, now: Now) -> Option<StepOutcome> {
        let step = self.scheduler.next_blocked()?;
        Some(self.over(step, Outcome::Skipped, now.wall))
    }

    /// The steps of which an attempt is under way.
    pub(super) fn under_way(&self) -> Vec<u32> {
        let steps = 0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        steps
            .filter(|&step| self.scheduler.is_running(step))
            .collect()
    }

    /// The steps that were started and are not over.
    pub(super) fn open(&self) -> Vec<u32> {
        let open = |slot: &Slot| {
            let record = &slot.record;
            matches!(record.state, StepState::Pending | StepState::Running)
                && !record.attempts.is_empty()
        };
        let slots = (0_u32..).zip(&self.slots);
        slots
            .filter(|(_, slot)| open(slot))
            .map(|(step, _)| step)
            .collect()
    }

    // What is written.

    /// Notes that the record of a step has changed: the next commit writes its row.
    fn note_change(&mut self, step: u32) {
        let slot = &mut self.slots[step as usize];
        if !std::mem::replace(&mut slot.is_changed, true) {
            self.changed.push(step);
        }
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Takes the rows of all steps that have changed since the last commit, for a commit that is begun with them.
    pub(super) fn take_changed(&mut self) -> Vec<StepWrite> {
        let Steps { changed, slots, .. } = self;
        let rows = changed.drain(..).map(|step| {
            let slot = &mut slots[step as usize];
            slot.is_changed = false;
            StepWrite {
                step,
                exists: std::mem::replace(&mut slot.is_recorded, true),
                record: Arc::clone(&slot.record),
            }
        });
        rows.collect()
    }

    /// Lets what was held until a commit start, now that it has landed.
    pub(super) fn release(&mut self) {
        self.scheduler.release();
    }

    // How the run stands.

    pub(super) fn held(&self) -> u32 {
        self.scheduler.held()
    }

    pub(super) const fn running(&self) -> u32 {
        self.scheduler.running()
    }

    pub(super) fn has_ready(&self) -> bool {
        self.scheduler.has_ready()
    }

    pub(super) const fn is_stopped(&self) -> bool {
        self.scheduler.is_stopped()
    }

    pub(super) const fn unsettled(&self) -> usize {
        self.scheduler.unsettled()
    }

    pub(super) const fn is_done(&self) -> bool {
        self.scheduler.is_done()
    }

    pub(super) const fn failed(&self) -> Option<u32> {
        self.scheduler.failed()
    }
}

impl Startable {
    fn of(step: Option<u32>) -> Self {
        step.map_or(Startable::Nothing, Startable::Step)
    }
}
