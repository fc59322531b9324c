//! Drives one execution: does what its [`Progress`] decides, and waits for whatever happens next.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, StreamExt};

use super::announce::News;
use super::attempt::{Answer, Attempted, Call};
use super::begin::{Beginnings, Begun, Started};
use super::elsewhere::taken;
use super::finished::Finished;
use super::lease::Holding;
use super::materials::{Bound, Materials};
use super::trace::Trace;
use super::withdraw::Withdrawal;
use super::{EngineError, Notice, Parts};
use crate::agent::{Allowance, Interim, InterimSlot};
use crate::id::ExecutionId;
use crate::lifecycle::{Committed, State};
use crate::progress::{Action, Ended, Input, Now, Progress, Start, Transition, payer};
use crate::store::{self, StoreError};

/// Drives one execution.
pub(super) struct Driver {
    pub(super) engine: Parts,
    pub(super) progress: Progress,
    pub(super) materials: Materials,
    pub(super) trace: Trace,
    pub(super) holding: Holding,
    /// The attempts that were started and not looked at yet.
    pub(super) started: VecDeque<BoxFuture<'static, Attempted>>,
    /// The attempts that are under way.
    pub(super) attempts: FuturesUnordered<BoxFuture<'static, Attempted>>,
    /// What those of them have come to that run when the run's time is over.
    interims: BTreeMap<u32, InterimSlot>,
    /// Where attempts report that they have begun.
    beginnings: Beginnings,
    begun: UnboundedReceiver<Begun>,
    withdrawal: Withdrawal,
    /// The moment at which the clock was last looked at.
    now: Now,
    /// What the attempts have used that were dropped, where it takes long to find out.
    dropped: Vec<BoxFuture<'static, (u32, Option<serde_json::Value>)>>,
    /// The step of which is found out what its next attempt may use.
    bound: Option<(u32, BoxFuture<'static, Allowance>)>,
    commit: Option<Writing>,
    alarm: Option<(Duration, BoxFuture<'static, ()>)>,
    watch: BoxStream<'static, ()>,
}

/// A commit under way.
struct Writing {
    to: State,
    answer: BoxFuture<'static, Result<Committed, StoreError>>,
    news: Option<News>,
}

/// What cannot be dealt with in passing.
enum Event {
    /// The commit is answered; the execution's row may have been changed by others as well.
    Answered {
        answer: Result<Committed, StoreError>,
        news: Option<News>,
        is_changed: bool,
    },
    /// The execution's row may have changed.
    RowChanged,
    /// Nothing is left to do.
    Finished,
}

impl Driver {
    pub(super) fn new(
        engine: Parts,
        progress: Progress,
        materials: Materials,
        holding: Holding,
        watch: BoxStream<'static, ()>,
    ) -> Self {
        let (beginnings, begun) = mpsc::unbounded();
        Driver {
            trace: Trace::new(&holding.id, progress.plan()),
            progress,
            materials,
            holding,
            started: VecDeque::new(),
            attempts: FuturesUnordered::new(),
            interims: BTreeMap::new(),
            beginnings,
            begun,
            withdrawal: Withdrawal::new(),
            now: engine.now(),
            dropped: Vec::new(),
            bound: None,
            commit: None,
            alarm: None,
            watch,
            engine,
        }
    }

    pub(super) const fn id(&self) -> &ExecutionId {
        self.progress.id()
    }

    /// Drives until the execution has ended or is paused.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would hold the driver twice"
    )]
    pub(super) fn drive(mut self) -> impl Future<Output = Result<Finished, EngineError>> + Send {
        async move {
            loop {
                match poll_fn(|cx| self.poll(cx)).await {
                    Event::Answered {
                        answer: Ok(committed),
                        news,
                        is_changed,
                    } => {
                        if let Some(news) = news {
                            self.announce(&news);
                        }
                        // What is wanted is heard before anything starts.
                        if is_changed {
                            self.is_cancelled().await?;
                        }
                        self.handle(Input::Landed(committed));
                    }
                    Event::Answered {
                        answer: Err(error), ..
                    } => {
                        if !error.is_conflict() || !self.is_cancelled().await? {
                            return Err(EngineError::from(error));
                        }
                    }
                    Event::RowChanged => {
                        self.is_cancelled().await?;
                    }
                    // Large, and awaited once.
                    Event::Finished => return Box::pin(self.finished()).await,
                }
            }
        }
    }

    /// Looks at the clock, which what follows goes by until time may have passed.
    fn look_at_clock(&mut self) {
        self.now = self.engine.now();
    }

    fn handle(&mut self, input: Input) {
        self.progress.handle(input, self.now);
    }

    /// Does what is to be done and takes in what has happened, until nothing more happens by itself.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            self.look_at_clock();
            if self.act() {
                return Poll::Ready(Event::Finished);
            }
            if let Some(writing) = &mut self.commit {
                if let Poll::Ready(answer) = writing.answer.poll_unpin(cx) {
                    let (news, to) = (writing.news.take(), writing.to);
                    let rests = to.is_terminal() || to == State::Paused;
                    self.commit = None;
                    // Who has come to a rest holds the execution no longer: others may go on with it.
                    let is_changed = !rests && self.poll_watch(cx);
                    return Poll::Ready(Event::Answered {
                        answer,
                        news,
                        is_changed,
                    });
                }
            } else if self.poll_watch(cx) {
                // What is wanted from outside is heard first: there are runs in which some step has always just ended.
                return Poll::Ready(Event::RowChanged);
            }
            self.holding.renew(&self.engine, self.now, cx);
            self.take_in(cx);
            self.poll_bound(cx);
            self.poll_dropped(cx);
            self.handle(Input::TimePassed);
            if !self.progress.is_acting() && self.poll_alarm(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_watch(&mut self, cx: &mut Context<'_>) -> bool {
        matches!(self.watch.poll_next_unpin(cx), Poll::Ready(Some(())))
    }

    /// Does what was decided; tells whether nothing is left to do.
    fn act(&mut self) -> bool {
        while let Some(action) = self.progress.next() {
            match action {
                Action::Start(start) => {
                    let attempt = self.start(start);
                    self.started.push_back(attempt);
                }
                Action::AskBound { step } => match self.materials.bound(&self.progress, step) {
                    Bound::Known(bound) => self.handle(Input::Bound { step, bound }),
                    Bound::Later(bound) => self.bound = Some((step, bound)),
                },
                Action::Withdraw => self.withdrawal.call(),
                Action::DropAttempts => self.drop_attempts(),
                Action::Commit(transition) => self.commit = Some(self.write(transition)),
                Action::Finished => return true,
            }
        }
        false
    }

    /// Takes in the attempts that have ended, and starts what may start then.
    fn take_in(&mut self, cx: &mut Context<'_>) {
        while !self.progress.is_full() {
            // Most of what is started first waits for something; what does not is done where it stands.
            let attempted = match self.started.pop_front() {
                Some(mut attempt) => match attempt.poll_unpin(cx) {
                    Poll::Ready(attempted) => attempted,
                    Poll::Pending => {
                        self.attempts.push(attempt);
                        continue;
                    }
                },
                None => match self.attempts.poll_next_unpin(cx) {
                    Poll::Ready(Some(attempted)) => attempted,
                    Poll::Ready(None) | Poll::Pending => return self.poll_begun(cx),
                },
            };
            // Whatever ran may have taken its time.
            self.look_at_clock();
            while let Ok(begun) = self.begun.try_recv() {
                self.note_begun(begun);
            }
            self.interims.remove(&attempted.step);
            let Attempted {
                step,
                ended_at,
                answer,
            } = attempted;
            let answer = answer.map(|Answer { reply, typed }| {
                self.materials.keep(step, typed);
                reply
            });
            self.handle(Input::Ended(Ended {
                step,
                ended_at,
                answer,
            }));
            if self.act() {
                return;
            }
        }
    }

    /// Takes in which attempts have begun and not ended at once.
    fn poll_begun(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(begun)) = self.begun.poll_next_unpin(cx) {
            self.note_begun(begun);
        }
    }

    fn note_begun(&mut self, begun: Begun) {
        let Begun { step, number, at } = begun;
        self.handle(Input::Begun { step, number, at });
    }

    /// Takes in what attempts have used that were dropped.
    fn poll_dropped(&mut self, cx: &mut Context<'_>) {
        let mut dropped = std::mem::take(&mut self.dropped);
        dropped.retain_mut(|used| match used.poll_unpin(cx) {
            Poll::Ready((step, usage)) => {
                self.handle(Input::Dropped { step, usage });
                false
            }
            Poll::Pending => true,
        });
        self.dropped = dropped;
    }

    fn poll_bound(&mut self, cx: &mut Context<'_>) {
        if let Some((step, bound)) = &mut self.bound
            && let Poll::Ready(bound) = bound.poll_unpin(cx)
        {
            let step = *step;
            self.bound = None;
            self.handle(Input::Bound { step, bound });
        }
    }

    fn start(&mut self, start: Start) -> BoxFuture<'static, Attempted> {
        let Start {
            step,
            number,
            allowance,
        } = start;
        let started = Started {
            at: self.now.wall,
            elapsed: self.now.elapsed,
        };
        let interim = self.progress.is_timed().then(InterimSlot::default);
        if let Some(interim) = &interim {
            self.interims.insert(step, interim.clone());
        }
        let plan = self.progress.plan();
        let work = self.materials.work(&self.progress, step);
        let call = work.map(|work| Call {
            execution: self.id().clone(),
            plan: Arc::clone(plan),
            step,
            number,
            started,
            work,
            remark: self.materials.remark(&self.progress, step),
            schema: self.materials.schema(plan, step).cloned(),
            allowance,
            interim,
            store: Arc::clone(&self.engine.store),
        });
        let key = plan.key(step as usize);
        let within = self.trace.attempt(key, payer(plan, step), number);
        match call {
            Ok(call) => {
                let beginnings = self.beginnings.clone();
                call.make(&self.engine, within, self.withdrawal.hear(), beginnings)
            }
            Err(error) => {
                self.engine.tell(&Notice::AttemptStarted {
                    execution: self.id(),
                    step: key,
                    attempt: number,
                });
                Box::pin(futures::future::ready(Attempted {
                    step,
                    ended_at: started.at,
                    answer: Err(error),
                }))
            }
        }
    }

    /// Drops the attempts that are under way, and takes in what they have used.
    fn drop_attempts(&mut self) {
        self.started.clear();
        self.attempts.clear();
        for step in self.progress.running() {
            let interim = self.interims.remove(&step);
            match interim {
                Some(slow) if slow.is_slow() => self.dropped.push(Box::pin(async move {
                    let left = taken(&slow).await;
                    (step, left.ok().flatten().and_then(Interim::into_usage))
                })),
                quick => {
                    let usage = quick.and_then(|left| left.take()?.into_usage());
                    self.handle(Input::Dropped { step, usage });
                }
            }
        }
    }

    fn write(&self, transition: Transition) -> Writing {
        let Transition { commit, failures } = transition;
        let is_heard = self.engine.observer.is_some() || Trace::is_heard();
        let news = is_heard.then(|| News::of(&commit, failures));
        let store = Arc::clone(&self.engine.store);
        Writing {
            to: commit.to,
            answer: Box::pin(store::commit(store, commit)),
            news,
        }
    }

    /// Reads the row again: whether the execution was cancelled by another, which is taken in, as is a request to pause.
    ///
    /// # Errors
    ///
    /// [`is_lost`](EngineError::is_lost) when another engine has taken it over.
    async fn is_cancelled(&mut self) -> Result<bool, EngineError> {
        let id = self.id().clone();
        let execution = self.engine.store.execution(&id).await?;
        let execution = execution.ok_or_else(|| EngineError::not_found(&id))?;
        if execution.token == self.progress.token() {
            if execution.pause_requested {
                self.handle(Input::PauseRequested);
            }
            return Ok(false);
        }
        self.started.clear();
        self.attempts.clear();
        if execution.state != State::Cancelled {
            return Err(EngineError::lost(&id));
        }
        self.handle(Input::Cancelled);
        Ok(true)
    }

    /// Waits for the next moment at which something is due.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let renewal = self.holding.renews_at();
        let due = self
            .progress
            .deadline()
            .map_or(renewal, |due| due.min(renewal));
        if self.alarm.as_ref().is_none_or(|(armed, _)| due < *armed) {
            let wait = due.saturating_sub(self.now.elapsed);
            self.alarm = Some((due, self.engine.clock.sleep(wait)));
        }
        let Some((_, alarm)) = &mut self.alarm else {
            return Poll::Pending;
        };
        let rung = alarm.poll_unpin(cx);
        if rung.is_ready() {
            self.alarm = None;
        }
        rung
    }
}
