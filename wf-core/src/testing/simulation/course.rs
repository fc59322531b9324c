//! One simulated run, from its creation to its end, through every engine that drives it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, BoxFuture, Either};

use super::Simulation;
use super::audit::{self, Audit};
use super::script::Actor;
use super::violation::{Invariant, Violation};
use crate::clock::Clock;
use crate::engine::{Engine, EngineError, Run, RunOptions, Status};
use crate::id::{CheckpointId, ExecutionId, Owner};
use crate::lifecycle::State;
use crate::store::Store;
use crate::testing::rng::Rng;
use crate::testing::{Fault, FaultyStore, VirtualClock};
use crate::value::Json;

/// How a simulated run went.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Course {
    /// The state in which it ended; `paused` when it pauses again each time that it is resumed.
    pub state: State,
    /// Its result, once it is completed.
    pub result: Option<Json>,
    /// Why it failed, or why it paused by itself.
    pub error: Option<String>,
    /// How many writes its first engine asked for: the moments at which it can be disturbed.
    pub writes: u64,
    /// How many engines drove it, one after the other.
    pub engines: u32,
}

/// What disturbs a run: at that write of the first engine, and perhaps at one of the second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Disturbance {
    pub(super) first: Option<(u64, Fault)>,
    pub(super) second: Option<(u64, Fault)>,
}

/// A run that does not end within this time of its own will not.
const LIMIT: Duration = Duration::from_secs(86_400);

/// Short, so that runs of seconds renew it.
const LEASE: Duration = Duration::from_secs(3);

/// A cancellation that the store has refused is asked for again after this.
const RETRY: Duration = Duration::from_millis(20);

/// A run that has paused so often by itself pauses always.
const PAUSES: u32 = 4;

/// More engines than disturbances and pauses can use up.
const ENGINES: u32 = 16;

impl Disturbance {
    /// Whether a process is stopped.
    fn stops(self) -> bool {
        let faults = [self.first, self.second];
        faults
            .iter()
            .flatten()
            .any(|(_, fault)| *fault == Fault::Stall)
    }

    /// A fault at a write of the first engine; at every fourth, by `seed`, the second engine meets one too.
    pub(super) fn at(seed: u64, write: u64, fault: Fault) -> Self {
        let mut draw = Rng::new(seed ^ write, "second");
        let kinds = u64::try_from(Fault::ALL.len()).unwrap_or(u64::MAX);
        let (meets, kind, write_of_second) = (draw.below(4), draw.below(kinds), draw.below(6));
        let second = usize::try_from(kind)
            .ok()
            .and_then(|kind| Fault::ALL.get(kind))
            .filter(|_| meets == 0)
            .map(|&fault| (1 + write_of_second, fault));
        Disturbance {
            first: Some((write, fault)),
            second,
        }
    }
}

/// One run under way.
pub(super) struct Stage<'a> {
    simulation: &'a Simulation,
    clock: VirtualClock,
    audit: Arc<Audit>,
    begins: Begins,
    disturbance: Disturbance,
    engines: u32,
}

/// How the execution of a stage comes to be.
#[derive(Debug, Clone)]
enum Begins {
    /// It is started.
    Anew,
    /// It is restored from a checkpoint.
    From(CheckpointId),
}

/// An engine, and the store that stands for its process.
struct Process {
    engine: Engine,
    store: Arc<FaultyStore>,
    begins: Begins,
}

/// A process that is stopped, with what it was about to do.
type Stopped = (
    Arc<FaultyStore>,
    BoxFuture<'static, Result<Status, EngineError>>,
);

impl<'a> Stage<'a> {
    pub(super) fn new(simulation: &'a Simulation, disturbance: Disturbance) -> Self {
        Stage {
            audit: Audit::new(&simulation.plan, &simulation.script, simulation.open()),
            clock: VirtualClock::new(),
            begins: Begins::Anew,
            engines: 0,
            simulation,
            disturbance,
        }
    }

    /// Plays the run to its end; if one is to be restored, that from a checkpoint of an undisturbed one.
    pub(super) fn play(self) -> Result<Course, Violation> {
        if !self.simulation.restores {
            return self.play_one();
        }
        let disturbance = self.disturbance;
        let source = Stage {
            disturbance: Disturbance::default(),
            ..self
        };
        let (simulation, audit) = (source.simulation, Arc::clone(&source.audit));
        let course = source.play_one()?;
        let clock = VirtualClock::new();
        let listed = clock.run(audit.checkpoints(&execution()));
        let listed = listed.ok().and_then(Result::ok).unwrap_or_default();
        let count = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let drawn = Rng::new(simulation.seed, "checkpoint").below(count);
        let checkpoint = usize::try_from(drawn).ok().and_then(|at| listed.get(at));
        let Some(checkpoint) = checkpoint else {
            // A run that has ended before anything was done has none.
            if simulation.is_judged && !matches!(course.state, State::Completed | State::Paused) {
                return Ok(course);
            }
            return Err(stuck("the run has left no checkpoint to restore"));
        };
        let restored = Stage {
            audit: audit.of_restored(checkpoint),
            begins: Begins::From(checkpoint.id.clone()),
            clock: clock.clone(),
            engines: 0,
            simulation,
            disturbance,
        };
        let course = restored.play_one()?;
        // What was restored from stands as it was left.
        clock
            .run(audit.load(&execution()))
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| stuck("what was restored from cannot be read any more"))?;
        audit.verdict()?;
        Ok(course)
    }

    fn play_one(mut self) -> Result<Course, Violation> {
        if self.simulation.is_judged {
            let restored = matches!(self.begins, Begins::From(_));
            self.audit.judge(&self.simulation.script, restored);
        }
        let (clock, audit) = (self.clock.clone(), Arc::clone(&self.audit));
        let limit = clock.sleep(LIMIT);
        let played = clock.run(async {
            match future::select(pin!(self.drive()), limit).await {
                Either::Left((course, _)) => course,
                Either::Right(_) => Err(stuck(&format!("the run does not end{}", audit.hint()))),
            }
        });
        audit.verdict()?;
        played.unwrap_or_else(|error| Err(stuck(&format!("{error}{}", audit.hint()))))
    }

    fn execution(&self) -> ExecutionId {
        self.begins.execution()
    }

    async fn drive(&mut self) -> Result<Course, Violation> {
        let (mut writes, mut lost, mut pauses) = (0, 0, 0);
        let mut stopped: Option<Stopped> = None;
        while self.engines < ENGINES {
            let first = self.engines == 0;
            let process = self.process();
            let store = Arc::clone(&process.store);
            let mut run: BoxFuture<'static, _> = Box::pin(process.finish(
                self.simulation.clone(),
                self.clock.clone(),
                stopped.take(),
                first,
            ));
            let ended = match future::select(&mut run, pin!(store.halted())).await {
                Either::Left((ended, _)) => Some(ended),
                Either::Right(_) => None,
            };
            if first {
                writes = store.writes();
            }
            self.audit.verdict()?;
            match ended {
                Some(Ok(status)) if status.state() == State::Paused && pauses < PAUSES => {
                    pauses += 1
                }
                Some(Ok(status)) => return self.end(status, writes, lost).await,
                Some(Err(error)) if error.is_store() => lost += 1,
                Some(Err(error)) => return Err(stuck(&format!("the engine gave up: {error}"))),
                None => {
                    lost += 1;
                    if !store.is_dead() {
                        stopped = Some((store, run));
                    }
                }
            }
        }
        Err(stuck("engine after engine was lost"))
    }

    /// The next process, with what is to go wrong in it.
    fn process(&mut self) -> Process {
        let number = self.engines;
        self.engines += 1;
        let inner: Arc<dyn Store> = self.audit.clone();
        let begins = self.begins.clone();
        let seed = self.simulation.seed.wrapping_add(u64::from(number));
        let mut store =
            FaultyStore::new(inner).with_latency(self.clock.clone(), self.simulation.latency, seed);
        let fault = match number {
            0 => self.disturbance.first,
            1 => self.disturbance.second,
            _ => None,
        };
        if let Some((write, fault)) = fault {
            store = store.with_fault(write, fault);
        }
        let store = Arc::new(store);
        let actor = Actor {
            script: Arc::clone(&self.simulation.script),
            clock: self.clock.clone(),
            audit: Arc::clone(&self.audit),
            engine: number,
        };
        let seen: Arc<dyn Store> = match &self.simulation.layer {
            Some(layer) => layer(store.clone()),
            None => store.clone(),
        };
        let audit = Arc::clone(&self.audit);
        // Who comes later knows that all before it are gone, or believes so of one that is stopped.
        let came_before =
            move |other: &Owner| audit::number(other).is_some_and(|other| other < number);
        let engine = Engine::new(seen, actor.agents(&self.simulation.plan))
            .with_clock(self.clock.clone())
            .with_lease(LEASE)
            .with_observer(move |notice| audit.told(number, notice))
            .with_owner(Owner::from(format!("engine {number}")), came_before);
        Process {
            engine,
            store,
            begins,
        }
    }

    /// Compares what is stored with what was acknowledged.
    async fn end(&self, status: Status, writes: u64, lost: u32) -> Result<Course, Violation> {
        let cancels = self.simulation.cancel_after.is_some();
        let stops = self.disturbance.stops();
        self.audit.over(lost, &status, cancels, stops);
        if let Err(error) = self.audit.load(&self.execution()).await {
            return Err(stuck(&format!("the end cannot be read: {error}")));
        }
        self.audit.verdict()?;
        Ok(Course {
            state: status.state(),
            result: status.result,
            error: status.execution.error,
            writes,
            engines: self.engines,
        })
    }
}

impl Process {
    /// Starts the run or takes it over, and drives it until it ends or is paused. A stopped process is woken as soon
    /// as the run is taken over.
    async fn finish(
        self,
        simulation: Simulation,
        clock: VirtualClock,
        stopped: Option<Stopped>,
        first: bool,
    ) -> Result<Status, EngineError> {
        let (engine, id) = (&self.engine, self.begins.execution());
        let run = match engine.store().execution(&id).await? {
            None => self.begin(&simulation).await?,
            Some(row) if row.state.is_terminal() => return engine.status(&id).await,
            Some(_) => {
                // Somebody pauses what nobody drives any more, before it is resumed.
                if simulation.pause_after.is_some()
                    && let Err(error) = engine.pause(&id).await
                    && error.is_store()
                {
                    return Err(error);
                }
                engine.resume_plan(&id, &simulation.plan).await?
            }
        };
        let pause = async {
            if let Some(after) = simulation.pause_after.filter(|_| first) {
                clock.sleep(after).await;
                // Too late, or the store fails: the run goes on.
                let _ = engine.pause(&id).await;
            }
        };
        let cancel = async {
            if let Some(after) = simulation.cancel_after {
                clock.sleep(after.saturating_sub(clock.elapsed())).await;
                while engine
                    .cancel(&id)
                    .await
                    .is_err_and(|error| error.is_store())
                {
                    clock.sleep(RETRY).await;
                }
            }
        };
        let finish = match stopped {
            None => run.finish(),
            Some((store, woken)) => {
                store.wake();
                // How the one who lost the run ends is its own affair; what it writes is the audit's.
                Box::pin(async move { future::join(run.finish(), woken).await.0 })
            }
        };
        match future::select(finish, pin!(future::join(pause, cancel))).await {
            Either::Left((ended, _)) => ended,
            Either::Right((_, finish)) => finish.await,
        }
    }

    async fn begin(&self, simulation: &Simulation) -> Result<Run, EngineError> {
        let options = RunOptions::default().with_id(self.begins.execution());
        match &self.begins {
            Begins::Anew => {
                let inputs = simulation.inputs.clone();
                self.engine.start(&simulation.plan, inputs, options).await
            }
            Begins::From(checkpoint) => {
                let plan = &simulation.plan;
                self.engine.restore_plan(checkpoint, options, plan).await
            }
        }
    }
}

impl Begins {
    fn execution(&self) -> ExecutionId {
        match self {
            Begins::Anew => execution(),
            Begins::From(_) => ExecutionId::from("restored"),
        }
    }
}

/// The execution that is started.
fn execution() -> ExecutionId {
    ExecutionId::from("run")
}

fn stuck(message: &str) -> Violation {
    Violation::new(Invariant::Progress, message)
}
