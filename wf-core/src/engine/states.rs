//! The loop: one arm per lifecycle state, one commit per turn.

use wf_model::OnFailure;

use super::commit::Next;
use super::drive::{Drive, Finished};
use super::pump::Turn;
use super::stored::records;
use super::wave::Wave;
use super::{EngineError, Status};
use crate::lifecycle::{AnyExecution, Execution, Pending, State, StateType, state};
use crate::step::StepOutcome;

impl Drive {
    /// Drives from whatever state the execution is in until it has ended or is paused.
    pub(super) async fn finish(mut self, mut at: AnyExecution) -> Result<Finished, EngineError> {
        loop {
            let next = match at {
                AnyExecution::Idle(e) => self.validate(e.start_workflow().workflow_parsed()),
                AnyExecution::Parsing(e) => self.validate(e.workflow_parsed()),
                AnyExecution::ValidatingWorkflow(e) => self.validate(e.path()),
                AnyExecution::BuildingDependencyGraph(e) => {
                    self.schedule(e.dependency_graph_built(), Wave::default())
                }
                AnyExecution::SchedulingSteps(e) => self.schedule(e.path(), Wave::default()),
                AnyExecution::ExecutingSteps(e) => self.execute(e).await?,
                AnyExecution::AwaitingCompletion(e) => self.await_completion(e).await?,
                AnyExecution::CreatingCheckpoint(e) => self.drain(e).await?,
                AnyExecution::RestoringFromCheckpoint(e) => {
                    self.schedule(e.checkpoint_restored(), Wave::default())
                }
                AnyExecution::AggregatingResults(e) => {
                    self.commit(e.results_aggregated(), Wave::default())
                }
                AnyExecution::Paused(e) if std::mem::take(&mut self.resuming) => {
                    self.schedule(e.resume().checkpoint_restored(), Wave::default())
                }
                AnyExecution::Paused(_)
                | AnyExecution::Completed(_)
                | AnyExecution::Failed(_)
                | AnyExecution::Cancelled(_) => Next::Over,
            };
            at = match next {
                Next::Commit(committing) => match self.land(committing).await? {
                    Some(at) => at,
                    None => return self.status().await,
                },
                Next::Over => return self.status().await,
            };
        }
    }

    /// The stored definition is a plan already, or there would be no run: names, types and order hold.
    fn validate<F: StateType>(&mut self, at: Pending<F, state::ValidatingWorkflow>) -> Next {
        self.schedule(
            at.validation_complete().dependency_graph_built(),
            Wave::default(),
        )
    }

    /// From the decision what may start: to its start, to the end, or to a pause.
    fn schedule<F: StateType>(
        &mut self,
        at: Pending<F, state::SchedulingSteps>,
        mut wave: Wave,
    ) -> Next {
        let held = self.scheduler.held();
        let stuck = self.plan.on_failure() != OnFailure::Continue || held == 0;
        match self.scheduler.failed() {
            _ if self.pausing => self.pause(at.pause(), wave),
            Some(step) if stuck => {
                let message = self.failure(step);
                while let Some(blocked) = self.scheduler.next_blocked() {
                    wave.completed.push(self.skip(blocked));
                }
                self.give_up(&mut wave, &message);
                let mut completed = std::mem::take(&mut wave.completed).into_iter();
                let Some(first) = completed.next() else {
                    return self.fail(at.error(message.clone()), wave, message);
                };
                let path = at.steps_scheduled(0).step_completed(first);
                let path = completed.fold(path, |path, step| path.step_completed(step));
                self.fail(path.error(message.clone()), wave, message)
            }
            _ if self.scheduler.is_done() => {
                self.commit(at.all_steps_completed().results_aggregated(), wave)
            }
            _ => self.commit(at.steps_scheduled(held), wave),
        }
    }

    /// Scheduled steps run until something is to be recorded.
    async fn execute(&mut self, e: Execution<state::ExecutingSteps>) -> Result<Next, EngineError> {
        if !self.changed.is_empty() {
            // What others have left is put in order before anything starts again.
            return Ok(self.commit(e.path(), Wave::default()));
        }
        // What was scheduled before this engine took over need not be scheduled again.
        self.scheduler.release();
        self.run_steps(e).await
    }

    /// Some steps are over: others may have become ready, or are awaited until something is to be recorded.
    async fn await_completion(
        &mut self,
        e: Execution<state::AwaitingCompletion>,
    ) -> Result<Next, EngineError> {
        let ready = self.scheduler.held() > 0 && !self.draining;
        if ready || self.is_idle() {
            return Ok(self.after(e.path(), Wave::default()));
        }
        self.run_steps(e).await
    }

    /// One turn of the pump, and what is recorded of it.
    async fn run_steps<S: Underway>(&mut self, e: Execution<S>) -> Result<Next, EngineError> {
        if !self.changed.is_empty() {
            return Ok(self.commit(e.path(), Wave::default()));
        }
        let turn = self.turn(e.row()).await?;
        let mut wave = Wave::default();
        match turn {
            Turn::Ended => self.collect(&mut wave),
            Turn::Show => self.show(),
            Turn::TimedOut => {
                self.collect(&mut wave);
                self.give_up(&mut wave, "the run is out of time");
            }
            Turn::Pause => return Ok(self.pause(S::pause(e), wave)),
            Turn::Gone => return Ok(Next::Over),
            Turn::Stalled => {
                if let Some(step) = self.scheduler.next_blocked() {
                    wave.completed.push(self.skip(step));
                }
            }
        }
        let mut completed = std::mem::take(&mut wave.completed).into_iter();
        Ok(match completed.next() {
            Some(first) => {
                let path = completed.fold(S::step_completed(e, first), |path, step| {
                    path.step_completed(step)
                });
                self.after(path, wave)
            }
            None if self.timed_out || turn == Turn::Stalled => {
                let message = self.reason();
                self.fail(S::error(e, message.clone()), wave, message)
            }
            None if self.pausing && turn == Turn::Ended => self.pause(S::pause(e), wave),
            None => self.commit(e.path(), wave),
        })
    }

    /// Steps are over: on to the next ones, to the end, to a pause, or to wait for those that still run.
    fn after<F: StateType>(
        &mut self,
        mut path: Pending<F, state::AwaitingCompletion>,
        mut wave: Wave,
    ) -> Next {
        let on_failure = self.plan.on_failure();
        // Under `pause` what a failure blocks is not over: the failed step runs again.
        while on_failure != OnFailure::Pause
            && let Some(step) = self.scheduler.next_blocked()
        {
            path = path.step_completed(self.skip(step));
        }
        let failed = self.scheduler.failed();
        let running = self.scheduler.running() > 0;
        if let Some(step) = failed
            && on_failure == OnFailure::Pause
        {
            self.pausing = true;
            let reason = self.failure(step);
            self.pause_reason.get_or_insert(reason);
        }
        let ended = self.scheduler.is_done()
            || (failed.is_some() && on_failure == OnFailure::Fail && !running);
        if self.timed_out || (ended && failed.is_some() && !self.pausing) {
            let message = self.reason();
            self.give_up(&mut wave, &message);
            for step in std::mem::take(&mut wave.completed) {
                path = path.step_completed(step);
            }
            let path = {
                let checkpoint = self.checkpoint(path.row(), &mut wave);
                path.checkpoint_created(checkpoint)
            };
            return self.fail(path.error(message.clone()), wave, message);
        }
        if ended && failed.is_none() {
            let path = {
                let checkpoint = self.checkpoint(path.row(), &mut wave);
                path.checkpoint_created(checkpoint)
            };
            return self.commit(path.all_steps_completed().results_aggregated(), wave);
        }
        if self.pausing {
            return self.pause(path.pause(), wave);
        }
        let held = if failed.is_some() && on_failure == OnFailure::Fail {
            0
        } else {
            self.scheduler.held()
        };
        if held == 0 && self.is_idle() && wave.resting.is_empty() {
            let message = self.reason();
            return self.fail(path.error(message.clone()), wave, message);
        }
        if self.is_checkpoint_due() {
            path = {
                let checkpoint = self.checkpoint(path.row(), &mut wave);
                path.checkpoint_created(checkpoint)
            };
        }
        if held > 0 {
            return self.commit(path.steps_scheduled(held), wave);
        }
        self.commit(path, wave)
    }

    /// A pausing execution: what runs ends and is recorded, then the pause is complete.
    async fn drain(
        &mut self,
        e: Execution<state::CreatingCheckpoint>,
    ) -> Result<Next, EngineError> {
        self.drain_steps();
        let mut wave = Wave::default();
        if self.scheduler.running() == 0 && self.ended.is_empty() {
            return Ok(self.pause(e.path(), wave));
        }
        match self.turn(e.row()).await? {
            Turn::Gone => return Ok(Next::Over),
            Turn::Ended => self.collect(&mut wave),
            Turn::Show => self.show(),
            Turn::TimedOut => {
                self.collect(&mut wave);
                self.give_up(&mut wave, "the run is out of time");
            }
            Turn::Pause | Turn::Stalled => {}
        }
        let completed = std::mem::take(&mut wave.completed);
        let path = completed
            .into_iter()
            .fold(e.path(), |path, step| path.step_completed(step));
        if self.timed_out {
            let message = self.reason();
            return Ok(self.fail(path.error(message.clone()), wave, message));
        }
        Ok(self.pause(path, wave))
    }

    /// Lets no further attempt start, and calls back those that wait for their turn.
    fn drain_steps(&mut self) {
        self.draining = true;
        self.recall.call();
    }

    /// On a path to a pause: completes it when nothing runs, and leaves it again if that was asked for.
    fn pause<F: StateType>(
        &mut self,
        path: Pending<F, state::CreatingCheckpoint>,
        mut wave: Wave,
    ) -> Next {
        self.drain_steps();
        if self.scheduler.running() > 0 || !self.ended.is_empty() {
            return self.commit(path, wave);
        }
        let checkpoint = self.checkpoint(path.row(), &mut wave);
        let paused = path.checkpoint_created(checkpoint);
        if std::mem::take(&mut self.resuming) {
            self.draining = false;
            return self.schedule(paused.resume().checkpoint_restored(), wave);
        }
        wave.error = self.pause_reason.take();
        wave.resume_at = self.resume_at.take();
        self.commit(paused, wave)
    }

    /// How the execution stands, now that it is not driven any further.
    async fn status(mut self) -> Result<Finished, EngineError> {
        self.drop_attempts();
        let id = self.id().clone();
        // What this engine has brought to its end stays as it was written.
        let execution = if self.execution.state.is_terminal() {
            *self.execution
        } else {
            let read = self.engine.store.execution(&id).await?;
            read.ok_or_else(|| EngineError::not_found(&id))?
        };
        if execution.state == State::Cancelled {
            // By another: what this engine had not committed by then did not happen.
            let loaded = self.engine.store.load(&id).await?;
            let loaded = loaded.ok_or_else(|| EngineError::not_found(&id))?;
            let records = records(self.plan.graph().len(), loaded.steps);
            return Ok(Finished {
                status: Status::new(&self.plan, loaded.execution, records.into_iter()),
                typed: vec![None; self.slots.len()],
                plan: self.plan,
            });
        }
        let typed = self.slots.iter_mut().map(|slot| slot.typed.take());
        let typed = typed.collect();
        let records = self.slots.into_iter().map(|slot| slot.record);
        Ok(Finished {
            status: Status::new(&self.plan, execution, records),
            typed,
            plan: self.plan,
        })
    }
}

/// The two states in which steps run: what is legal in both.
trait Underway: StateType + Sized {
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
