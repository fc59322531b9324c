//! The engine: drives executions of plans, on any executor.
//!
//! An [`Engine`] brings a store, agents, a clock and, if wanted, a spawner together. It spawns nothing by
//! itself: [`start`](Engine::start) and [`resume`](Engine::resume) give a [`Run`], a `Send` future that the
//! host awaits wherever it likes.
//!
//! Inside, two things meet. What is decided (which step starts, what a failure leads to, what a commit carries) is
//! decided in the crate's folder `progress`, which waits for nothing. The *driver* here does what is decided: it makes
//! attempts, writes commits, keeps the lease, and takes in what happens.

mod announce;
mod attempt;
mod begin;
mod bounds;
mod checkpoint;
mod confirm;
mod driver;
mod elsewhere;
mod error;
mod finished;
mod handle;
mod lease;
mod load;
mod materials;
mod notice;
mod parts;
mod prepared;
mod run;
mod status;
mod stored_definition;
mod takeover;
#[cfg(test)]
mod tests;
mod trace;
mod withdraw;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

pub use checkpoint::{Checkpoint, RETENTION};
pub use error::EngineError;
pub use handle::RunHandle;
pub use notice::Notice;
pub use prepared::Prepared;
pub use run::{ResumeOptions, Run, RunOptions};
pub use status::{Status, StepStatus};
pub use wf_model::{Budget, PerAttempt};

use crate::agent::Agents;
use crate::clock::{Clock, SystemClock};
use crate::id::{CheckpointId, ExecutionId, Owner};
use crate::lifecycle::State;
use crate::plan::{Inputs, Plan};
use crate::spawn::Spawn;
use crate::store::{ExecutionRecord, Store};
use crate::typed::AgentSet;
use parts::{Observer, Parts};

/// How long a lease lasts unless the host says otherwise.
const LEASE: Duration = Duration::from_secs(30);

/// Runs workflows. Cheap to clone; clones share their runs.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use wf_core::agent::Agents;
/// use wf_core::engine::{Engine, RunOptions};
/// use wf_core::plan::{Inputs, Plan};
/// use wf_core::store::MemoryStore;
/// use wf_core::value::Json;
///
/// let plan = Plan::from_yaml("greeting.yaml", "
/// name: Greeting
/// steps:
///   - { key: greet, agent: shout, prompt: 'hello {{name}}' }
/// ")?;
/// let agents = Agents::new().with("shout", |prompt: String| async move { prompt.to_uppercase() });
/// let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
/// let inputs = Inputs::from([("name".to_owned(), Json::string("world"))]);
/// let status = futures::executor::block_on(async {
///     engine.start(&plan, inputs, RunOptions::default()).await?.finish().await
/// })?;
/// assert_eq!(status.result.unwrap().as_str(), r#"{"greet":"HELLO WORLD"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `A` is the host's set of agents: [`Agents`], put together at run time, or a struct with
/// `#[derive(AgentSet)]`, whose agents the compiler knows. Typed workflows are [run](Engine::run) by value.
pub struct Engine<A = Agents> {
    parts: Parts,
    agent_set: PhantomData<fn() -> A>,
}

impl Engine {
    const fn of(parts: Parts) -> Self {
        Engine {
            parts,
            agent_set: PhantomData,
        }
    }
}

impl<A: AgentSet> Engine<A> {
    /// An engine on the machine's clock, whose steps share the task that drives their run.
    pub fn new(store: Arc<dyn Store>, agents: A) -> Self {
        let clock = SystemClock::new();
        let parts = Parts {
            owner: Owner::generate(clock.now()),
            store,
            agents: Arc::new(agents.into_agents()),
            clock: Arc::new(clock),
            spawner: None,
            observer: None,
            lease: LEASE,
            gone: None,
            active: Arc::default(),
        };
        Engine {
            parts,
            agent_set: PhantomData,
        }
    }
}

impl<A> Engine<A> {
    /// Returns the same engine, with its agents known at run time only.
    pub fn erased(&self) -> Engine {
        Engine::of(self.parts.clone())
    }

    /// Sets the clock. The default is [`SystemClock`].
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.parts.clock = Arc::new(clock);
        self
    }

    /// Runs each attempt as a task of the host's executor.
    #[must_use]
    pub fn with_spawner(mut self, spawner: impl Spawn) -> Self {
        self.parts.spawner = Some(Arc::new(spawner));
        self
    }

    /// Sets the observer, which hears what happens. It is called on the task that drives the run, and for
    /// [`Notice::Output`] on the one that makes the attempt: it must return soon.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.parts.observer = Some(Arc::new(observer));
        self
    }

    /// Sets the length of the leases, 30 seconds by default: how long after this engine has died or
    /// lost its database another one may take its runs over. It renews them three times as often.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.parts.lease = lease;
        self
    }

    /// Sets the owner's name, and how to find out that the bearer of such a name
    /// is gone for good: its runs may then be taken over before their leases end.
    ///
    /// The name must be unique among all that ever drive runs in this store.
    #[must_use]
    pub fn with_owner(
        mut self,
        owner: Owner,
        gone: impl Fn(&Owner) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.parts.owner = owner;
        self.parts.gone = Some(Arc::new(gone));
        self
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// Creates an execution of `plan` and returns its run, which goes on when it is awaited.
    ///
    /// # Errors
    ///
    /// Nothing is recorded when an agent is missing ([`is_agent`](EngineError::is_agent)), an input is
    /// wrong or the inputs are more than 8 MiB of JSON ([`is_input`](EngineError::is_input)), the identifier is taken
    /// ([`is_exists`](EngineError::is_exists)) or the store fails ([`is_store`](EngineError::is_store)).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the execution is created.
    pub fn start<'a>(
        &'a self,
        plan: &'a Arc<Plan>,
        inputs: Inputs,
        options: RunOptions,
    ) -> BoxFuture<'a, Result<Run, EngineError>> {
        Box::pin(async move {
            let prepared = self.prepare(plan, inputs)?;
            Run::start(&self.parts, prepared, options).await
        })
    }

    /// Checks that an execution of `plan` could be created, and creates none.
    ///
    /// # Errors
    ///
    /// Those of [`Prepared::new`].
    pub fn prepare(&self, plan: &Arc<Plan>, inputs: Inputs) -> Result<Prepared, EngineError> {
        Prepared::new(plan, inputs, &self.parts.agents)
    }

    /// Creates an execution of what was [prepared](Prepared::new) with the agents of this engine, and returns its run.
    ///
    /// # Errors
    ///
    /// Nothing is recorded when the identifier is taken ([`is_exists`](EngineError::is_exists)) or the store fails
    /// ([`is_store`](EngineError::is_store)).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the execution is created.
    pub fn start_prepared(
        &self,
        prepared: Prepared,
        options: RunOptions,
    ) -> BoxFuture<'_, Result<Run, EngineError>> {
        Box::pin(Run::start(&self.parts, prepared, options))
    }

    /// Takes over an execution that is paused, or whose driver is gone, and returns its run.
    ///
    /// An execution that was being paused is paused first, then resumed.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](EngineError::is_not_found); [`is_illegal`](EngineError::is_illegal) when it has ended;
    /// [`is_held`](EngineError::is_held) when a living engine drives it;
    /// [`is_definition`](EngineError::is_definition) when its definition is compiled into a program
    /// ([`resume_as`](Engine::resume_as) takes it up there);
    /// [`is_agent`](EngineError::is_agent); [`is_store`](EngineError::is_store).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the lease is taken; the execution can be resumed again.
    pub fn resume<'a>(&'a self, id: &'a ExecutionId) -> BoxFuture<'a, Result<Run, EngineError>> {
        self.resume_with(id, ResumeOptions::default())
    }

    /// Resumes an execution as [`resume`](Engine::resume) does, with a say in how the run goes on.
    ///
    /// # Errors
    ///
    /// Those of [`resume`](Engine::resume).
    ///
    /// # Cancellation
    ///
    /// As [`resume`](Engine::resume).
    pub fn resume_with<'a>(
        &'a self,
        id: &'a ExecutionId,
        options: ResumeOptions,
    ) -> BoxFuture<'a, Result<Run, EngineError>> {
        Box::pin(Run::resume(&self.parts, id, None, options))
    }

    /// Takes over every execution that was driven and whose driver is gone, and returns their runs, the oldest
    /// execution first.
    ///
    /// For hosts that start: each run goes on when it is awaited, to its end, or to the pause that was asked for
    /// before its driver went. Left as it is, without an error, is what is paused, what cannot be driven here because
    /// an agent is missing or the definition is damaged, and every execution of a workflow that is declared in Rust:
    /// the program that declares `W` takes those over with [`recover_as`](Engine::recover_as).
    ///
    /// # Errors
    ///
    /// [`is_store`](EngineError::is_store); what was taken over by then can be taken over again.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open which leases are taken; this engine can recover their executions again.
    pub fn recover(&self) -> BoxFuture<'_, Result<Vec<Run>, EngineError>> {
        Box::pin(Run::recover(&self.parts, None))
    }

    /// Takes over one execution whose driver is gone, and returns its run, as [`recover`](Engine::recover) does for
    /// all: it goes on to its end, or to the pause that was asked for.
    ///
    /// # Errors
    ///
    /// Those of [`resume`](Engine::resume), and [`is_illegal`](EngineError::is_illegal) when it is paused.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the lease is taken; the execution can be taken over again.
    pub fn take_over<'a>(&'a self, id: &'a ExecutionId) -> BoxFuture<'a, Result<Run, EngineError>> {
        Box::pin(Run::recover_one(&self.parts, id, None))
    }

    /// Asks for a pause, and returns the execution's row as it then is.
    ///
    /// The engine that drives the execution starts no further attempt, lets the running ones end and
    /// pauses. Without a living driver the execution is paused before this returns. Pausing what is paused
    /// succeeds.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](EngineError::is_not_found), [`is_illegal`](EngineError::is_illegal) when it has ended,
    /// [`is_store`](EngineError::is_store).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the request is made.
    pub fn pause<'a>(
        &'a self,
        id: &'a ExecutionId,
    ) -> BoxFuture<'a, Result<ExecutionRecord, EngineError>> {
        Box::pin(Run::pause(&self.parts, id))
    }

    /// Cancels an execution for good, and returns its row.
    ///
    /// The engine that drives it learns of it within a second, drops its agents' calls and writes nothing
    /// more. Cancelling what is cancelled succeeds.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](EngineError::is_not_found), [`is_illegal`](EngineError::is_illegal) when it has ended
    /// otherwise, [`is_store`](EngineError::is_store).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the execution is cancelled.
    pub fn cancel<'a>(
        &'a self,
        id: &'a ExecutionId,
    ) -> BoxFuture<'a, Result<ExecutionRecord, EngineError>> {
        Box::pin(async move {
            let now = self.parts.clock.now();
            let execution = match confirm::cancel(&*self.parts.store, id, now).await {
                Err(error) if error.is_not_found() => return Err(EngineError::not_found(id)),
                answer => answer?,
            };
            match execution.state {
                State::Cancelled => Ok(execution),
                state => Err(EngineError::ended(id, state, "cancelled")),
            }
        })
    }

    /// Reads how an execution stands.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](EngineError::is_not_found), [`is_store`](EngineError::is_store), also when what is stored cannot
    /// be read.
    pub fn status<'a>(&'a self, id: &'a ExecutionId) -> BoxFuture<'a, Result<Status, EngineError>> {
        Box::pin(async move {
            let loaded = load::load(&self.parts, id).await?;
            load::status(&self.parts, loaded).await
        })
    }

    /// Takes over an execution of that plan, and of no other.
    pub(crate) async fn resume_plan(
        &self,
        id: &ExecutionId,
        plan: &Arc<Plan>,
    ) -> Result<Run, EngineError> {
        Run::resume(&self.parts, id, Some(plan), ResumeOptions::default()).await
    }

    /// Takes over what is unfinished of that plan, and of no other.
    pub(crate) async fn recover_plan(&self, plan: &Arc<Plan>) -> Result<Vec<Run>, EngineError> {
        Run::recover(&self.parts, Some(plan)).await
    }

    /// Takes over an execution of that plan whose driver is gone, and of no other.
    pub(crate) async fn take_over_plan(
        &self,
        id: &ExecutionId,
        plan: &Arc<Plan>,
    ) -> Result<Run, EngineError> {
        Run::recover_one(&self.parts, id, Some(plan)).await
    }

    /// Restores an execution of that plan, and of no other.
    pub(crate) async fn restore_plan(
        &self,
        checkpoint: &CheckpointId,
        options: RunOptions,
        plan: &Arc<Plan>,
    ) -> Result<Run, EngineError> {
        Run::restore(&self.parts, checkpoint, options, Some(plan)).await
    }
}

impl<A> Clone for Engine<A> {
    fn clone(&self) -> Self {
        Engine {
            parts: self.parts.clone(),
            agent_set: PhantomData,
        }
    }
}

impl<A> fmt::Debug for Engine<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("owner", &self.parts.owner)
            .field("agents", &self.parts.agents)
            .finish_non_exhaustive()
    }
}

impl Parts {
    fn tell(&self, notice: &Notice<'_>) {
        if let Some(observer) = &self.observer {
            observer(notice);
        }
    }
}
