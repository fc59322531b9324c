//! From state to state: one arm per lifecycle state, one commit per turn.

use wf_model::OnFailure;

use super::intent::{Intent, PauseReason};
use super::landing::{Committing, End};
use super::settle::Batch;
use super::{Now, Progress, Transition};
use crate::lifecycle::{AnyExecution, Execution, Pending, State, StateType, state};
use crate::step::StepOutcome;
use crate::store::Writes;

/// Where an execution goes from a state.
pub(super) enum Next {
    /// A path is to be committed; it says where to.
    Commit(Committing),
    /// Nothing is to be recorded yet.
    Wait(AnyExecution),
    /// There is nothing left to do: the execution has ended or is paused.
    Over,
}

/// What has come up in an execution whose steps run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Attempts have ended.
    Ended,
    /// Steps have been running for a moment, and their rows do not say so yet.
    Show,
    /// The execution is to pause.
    Pause,
    /// The run has been driven for as long as it may.
    TimedOut,
    /// Nothing runs, and nothing will start by itself.
    Stalled,
}

impl Progress {
    /// Goes on from a state in which something is to be done at once; waits in one in which steps run.
    pub(super) fn proceed(&mut self, at: AnyExecution, now: Now) -> Next {
        match at {
            AnyExecution::Idle(e) => self.validate(e.start_workflow().workflow_parsed(), now),
            AnyExecution::Parsing(e) => self.validate(e.workflow_parsed(), now),
            AnyExecution::ValidatingWorkflow(e) => self.validate(e.path(), now),
            AnyExecution::BuildingDependencyGraph(e) => {
                self.schedule(e.dependency_graph_built(), Batch::default(), now)
            }
            AnyExecution::SchedulingSteps(e) => self.schedule(e.path(), Batch::default(), now),
            AnyExecution::RestoringFromCheckpoint(e) => {
                self.schedule(e.checkpoint_restored(), Batch::default(), now)
            }
            AnyExecution::AggregatingResults(e) => {
                self.commit(e.results_aggregated(), Batch::default(), now)
            }
            AnyExecution::Paused(e) if self.intent.take_resume() => {
                let path = e.resume().checkpoint_restored();
                self.schedule(path, Batch::default(), now)
            }
            AnyExecution::ExecutingSteps(_)
            | AnyExecution::AwaitingCompletion(_)
            | AnyExecution::CreatingCheckpoint(_) => Next::Wait(at),
            AnyExecution::Paused(_)
            | AnyExecution::Completed(_)
            | AnyExecution::Failed(_)
            | AnyExecution::Cancelled(_) => Next::Over,
        }
    }

    /// Goes on from any state, after everything that has happened was taken in.
    pub(super) fn advance(&mut self, at: AnyExecution, now: Now) -> Next {
        match self.proceed(at, now) {
            Next::Wait(AnyExecution::ExecutingSteps(e)) => self.run_steps(e, now),
            Next::Wait(AnyExecution::AwaitingCompletion(e)) => self.await_completion(e, now),
            Next::Wait(AnyExecution::CreatingCheckpoint(e)) => self.drain(e, now),
            next => next,
        }
    }

    /// The stored definition is a plan already, or there would be no run: names, types and order hold.
    fn validate<F: StateType>(
        &mut self,
        at: Pending<F, state::ValidatingWorkflow>,
        now: Now,
    ) -> Next {
        let path = at.validation_complete().dependency_graph_built();
        self.schedule(path, Batch::default(), now)
    }

    /// From the decision what may start: to its start, to the end, or to a pause.
    fn schedule<F: StateType>(
        &mut self,
        at: Pending<F, state::SchedulingSteps>,
        mut batch: Batch,
        now: Now,
    ) -> Next {
        let held = self.steps.held();
        let stuck = self.plan.on_failure() != OnFailure::Continue || held == 0;
        match self.steps.failed() {
            _ if self.intent.is_pause() => self.pause(at.pause(), batch, now),
            Some(step) if stuck => {
                let message = self.failure(step);
                while let Some(skipped) = self.steps.skip_blocked(now) {
                    batch.completed.push(skipped);
                }
                self.give_up(&mut batch, now);
                let mut completed = std::mem::take(&mut batch.completed).into_iter();
                let Some(first) = completed.next() else {
                    return self.fail(at.error(message.clone()), batch, message, now);
                };
                let path = at.steps_scheduled(0).step_completed(first);
                let path = completed.fold(path, |path, step| path.step_completed(step));
                let checkpoint = self.checkpoint(path.row(), &mut batch);
                let path = path.checkpoint_created(checkpoint);
                self.fail(path.error(message.clone()), batch, message, now)
            }
            _ if self.steps.is_done() => {
                self.commit(at.all_steps_completed().results_aggregated(), batch, now)
            }
            _ => self.commit(at.steps_scheduled(held), batch, now),
        }
    }

    /// Some steps are over: others may have become ready, or are awaited until something is to be recorded.
    fn await_completion(&mut self, e: Execution<state::AwaitingCompletion>, now: Now) -> Next {
        let ready = self.steps.held() > 0 && !self.intent.is_pause();
        if self.intent != Intent::TimeOut && (ready || self.is_idle()) {
            return self.after(e.path(), Batch::default(), now);
        }
        self.run_steps(e, now)
    }

    /// What has come up is recorded.
    fn run_steps<S: Underway>(&mut self, e: Execution<S>, now: Now) -> Next {
        if self.steps.is_changed() {
            return self.commit(e.path(), Batch::default(), now);
        }
        let Some(turn) = self.turn(true, now) else {
            return Next::Wait(S::any(e));
        };
        let mut batch = Batch::default();
        match turn {
            Turn::Ended => self.collect(&mut batch),
            Turn::Show => self.show(now),
            Turn::TimedOut => {
                if self.drop_running() {
                    return Next::Wait(S::any(e));
                }
                self.collect(&mut batch);
                self.give_up(&mut batch, now);
            }
            Turn::Pause => return self.pause(S::pause(e), batch, now),
            Turn::Stalled => batch.completed.extend(self.steps.skip_blocked(now)),
        }
        let mut completed = std::mem::take(&mut batch.completed).into_iter();
        match completed.next() {
            Some(first) => {
                let path = completed.fold(S::step_completed(e, first), |path, step| {
                    path.step_completed(step)
                });
                self.after(path, batch, now)
            }
            None if matches!(turn, Turn::TimedOut | Turn::Stalled) => {
                let message = self.reason();
                self.fail(S::error(e, message.clone()), batch, message, now)
            }
            None if turn == Turn::Ended && self.intent.is_pause() => {
                self.pause(S::pause(e), batch, now)
            }
            None => self.commit(e.path(), batch, now),
        }
    }

    /// Steps are over: on to the next ones, to the end, to a pause, or to wait for those that still run.
    fn after<F: StateType>(
        &mut self,
        mut path: Pending<F, state::AwaitingCompletion>,
        mut batch: Batch,
        now: Now,
    ) -> Next {
        let on_failure = self.plan.on_failure();
        // Under `pause` what a failure blocks is not over: the failed step runs again.
        while on_failure != OnFailure::Pause
            && let Some(skipped) = self.steps.skip_blocked(now)
        {
            path = path.step_completed(skipped);
        }
        let failed = self.steps.failed();
        let running = self.steps.running() > 0;
        if let Some(step) = failed
            && on_failure == OnFailure::Pause
        {
            let reason = self.failure(step);
            self.intent.pause_because(|| PauseReason::new(reason));
        }
        let timed_out = self.intent == Intent::TimeOut;
        let ended =
            self.steps.is_done() || (failed.is_some() && on_failure == OnFailure::Fail && !running);
        if timed_out || (ended && failed.is_some() && !self.intent.is_pause()) {
            let message = self.reason();
            self.give_up(&mut batch, now);
            for step in std::mem::take(&mut batch.completed) {
                path = path.step_completed(step);
            }
            let checkpoint = self.checkpoint(path.row(), &mut batch);
            let path = path.checkpoint_created(checkpoint);
            return self.fail(path.error(message.clone()), batch, message, now);
        }
        if ended && failed.is_none() {
            let checkpoint = self.checkpoint(path.row(), &mut batch);
            let path = path.checkpoint_created(checkpoint);
            return self.commit(path.all_steps_completed().results_aggregated(), batch, now);
        }
        if self.intent.is_pause() {
            return self.pause(path.pause(), batch, now);
        }
        let held = if failed.is_some() && on_failure == OnFailure::Fail {
            0
        } else {
            self.steps.held()
        };
        if held == 0 && self.is_idle() && batch.resting.is_empty() {
            let message = self.reason();
            return self.fail(path.error(message.clone()), batch, message, now);
        }
        if self.is_checkpoint_due() {
            let checkpoint = self.checkpoint(path.row(), &mut batch);
            path = path.checkpoint_created(checkpoint);
        }
        if held > 0 {
            return self.commit(path.steps_scheduled(held), batch, now);
        }
        self.commit(path, batch, now)
    }

    /// A pausing execution: what runs ends and is recorded, then the pause is complete.
    fn drain(&mut self, e: Execution<state::CreatingCheckpoint>, now: Now) -> Next {
        let mut batch = Batch::default();
        if self.steps.running() == 0 && self.ended.is_empty() && self.intent != Intent::TimeOut {
            return self.pause(e.path(), batch, now);
        }
        self.withdraw_queued();
        match self.turn(false, now) {
            Some(Turn::Ended) => self.collect(&mut batch),
            Some(Turn::Show) => self.show(now),
            Some(Turn::TimedOut) => {
                if self.drop_running() {
                    return Next::Wait(e.into());
                }
                self.collect(&mut batch);
                self.give_up(&mut batch, now);
            }
            Some(Turn::Pause | Turn::Stalled) | None => return Next::Wait(e.into()),
        }
        let completed = std::mem::take(&mut batch.completed);
        let path = completed
            .into_iter()
            .fold(e.path(), |path, step| path.step_completed(step));
        if self.intent == Intent::TimeOut {
            let message = self.reason();
            return self.fail(path.error(message.clone()), batch, message, now);
        }
        self.pause(path, batch, now)
    }

    /// On a path to a pause: completes it when nothing runs, and leaves it again if that was asked for.
    fn pause<F: StateType>(
        &mut self,
        path: Pending<F, state::CreatingCheckpoint>,
        mut batch: Batch,
        now: Now,
    ) -> Next {
        if self.steps.running() > 0 || !self.ended.is_empty() {
            self.withdraw_queued();
            return self.commit(path, batch, now);
        }
        let checkpoint = self.checkpoint(path.row(), &mut batch);
        let paused = path.checkpoint_created(checkpoint);
        if self.intent.take_resume() {
            return self.schedule(paused.resume().checkpoint_restored(), batch, now);
        }
        if let Intent::Pause(Some(reason)) = &self.intent {
            batch.error = Some(reason.text.clone());
            batch.resume_at = reason.resume_at;
        }
        self.commit(paused, batch, now)
    }

    fn fail<F: StateType>(
        &mut self,
        path: Pending<F, state::Failed>,
        mut batch: Batch,
        error: String,
        now: Now,
    ) -> Next {
        batch.error = Some(error);
        self.commit(path, batch, now)
    }

    /// Begins to write a path with a batch, and the rows of all steps that have changed.
    fn commit<F: StateType, T: StateType>(
        &mut self,
        path: Pending<F, T>,
        batch: Batch,
        now: Now,
    ) -> Next {
        let driven = now.elapsed.saturating_sub(self.driven_since).as_millis();
        let driven = self
            .driven_before
            .saturating_add(u64::try_from(driven).unwrap_or(u64::MAX));
        let mut writes = Writes::new(now.wall, driven);
        writes.steps = self.steps.take_changed();
        writes.checkpoint = batch.checkpoint;
        writes.error = batch.error;
        writes.resume_at = batch.resume_at;
        let rests = T::STATE.is_terminal() || T::STATE == State::Paused;
        let end = rests.then(|| {
            Box::new(End {
                completed_at: T::STATE.is_terminal().then_some(writes.at),
                resume_at: writes.resume_at,
                driven_millis: writes.driven_millis,
                last_seq: writes.last_seq().max(self.steps.seq()),
                error: writes.error.clone(),
            })
        });
        let rows = writes.steps.len();
        let (commit, unconfirmed) = path.into_commit(writes);
        self.due.commit = Some(Transition {
            commit,
            failures: batch.failures,
        });
        Next::Commit(Committing {
            unconfirmed,
            rows,
            end,
            resting: batch.resting,
        })
    }

    /// What has come up first; none when there is nothing to record.
    fn turn(&mut self, may_pause: bool, now: Now) -> Option<Turn> {
        if may_pause && self.intent.is_pause() {
            return Some(Turn::Pause);
        }
        if self.intent == Intent::TimeOut || self.is_over_time(now) {
            self.intent = Intent::TimeOut;
            return Some(Turn::TimedOut);
        }
        if may_pause {
            self.check_time(now.elapsed);
            if self.intent.is_pause() {
                return Some(Turn::Pause);
            }
        }
        if !self.ended.is_empty() {
            return Some(Turn::Ended);
        }
        if self.is_idle() {
            return Some(Turn::Stalled);
        }
        if may_pause {
            self.check_budget();
            if self.intent.is_pause() {
                return Some(Turn::Pause);
            }
        }
        if self.is_anything_to_show(now) {
            return Some(Turn::Show);
        }
        self.wake_rested(now);
        None
    }

    /// Whether nothing runs, nothing may start, and nothing waits for its next attempt.
    fn is_idle(&self) -> bool {
        let rests = !self.resting.is_empty() && !self.steps.is_stopped();
        self.steps.running() == 0 && self.ended.is_empty() && !rests && !self.steps.has_ready()
    }

    /// Why the run fails.
    fn reason(&self) -> String {
        if self.intent == Intent::TimeOut {
            let limit = self.plan.definition().config.timeout.unwrap_or_default();
            return format!(
                "the run was not done within its timeout of {}",
                wf_model::format_duration(limit)
            );
        }
        match self.steps.failed() {
            Some(step) => self.failure(step),
            None => "no step is left that could start".to_owned(),
        }
    }

    /// What the run says of the step that fails it.
    fn failure(&self, step: u32) -> String {
        let error = self.steps.record(step).error.as_deref();
        let error = error.unwrap_or("for an unknown reason");
        format!("step `{}` failed: {error}", self.plan.key(step as usize))
    }
}

/// The two states in which steps run: what is legal in both.
trait Underway: StateType + Sized {
    fn any(e: Execution<Self>) -> AnyExecution;
    fn step_completed(
        e: Execution<Self>,
        step: StepOutcome,
    ) -> Pending<Self, state::AwaitingCompletion>;
    fn pause(e: Execution<Self>) -> Pending<Self, state::CreatingCheckpoint>;
    fn error(e: Execution<Self>, message: String) -> Pending<Self, state::Failed>;
}

macro_rules! underway {
    ($($state:ident),+) => { $(
        impl Underway for state::$state {
            fn any(e: Execution<Self>) -> AnyExecution {
                e.into()
            }

            fn step_completed(e: Execution<Self>, step: StepOutcome) -> Pending<Self, state::AwaitingCompletion> {
                e.step_completed(step)
            }

            fn pause(e: Execution<Self>) -> Pending<Self, state::CreatingCheckpoint> {
                e.pause()
            }

            fn error(e: Execution<Self>, message: String) -> Pending<Self, state::Failed> {
                e.error(message)
            }
        }
    )+ };
}
underway!(ExecutingSteps, AwaitingCompletion);
