//! From a request to a run: what is checked, created or claimed before anything is driven.
//!
//! What leads to a claim is in [`takeover`](super::takeover).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::driver::Driver;
use super::finished::Finished;
use super::lease::Holding;
use super::materials::Materials;
use super::prepared::Prepared;
use super::{Budget, EngineError, Parts, RunHandle, Status, confirm, load};
use crate::agent::Agent;
use crate::id::ExecutionId;
use crate::lifecycle::{AnyExecution, State};
use crate::plan::Plan;
use crate::progress::{Known, Progress, Purpose};
use crate::store::{Claim, ExecutionRecord, LoadedExecution, NewExecution, Origin};
use crate::typed::Typed;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// How an execution is started.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// The execution's identifier; generated when absent.
    pub id: Option<ExecutionId>,
    /// Where the run came from.
    pub origin: Origin,
    /// Whether its agents' answers are not to be taken for real: a placeholder whose path is not in an
    /// answer then shows as `<step.path>` instead of failing the step.
    pub dry: bool,
}

impl RunOptions {
    /// Sets the execution's identifier.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<ExecutionId>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// How an execution goes on.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ResumeOptions {
    /// What it may use before it pauses, from now on and in all: what was used before counts. None leaves the
    /// budget as it is.
    pub budget: Option<Budget>,
}

impl ResumeOptions {
    /// Sets another budget.
    #[must_use]
    pub const fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }
}

/// An execution that this engine holds the lease of; it goes on when it is awaited.
///
/// # Cancellation
///
/// Dropping a run, or its future, drops the calls to its agents and leaves the execution as it was last
/// committed: this engine can resume it at once, another when the lease has ended.
#[must_use = "a run goes on only when it is finished"]
pub struct Run {
    pub(super) driver: Driver,
}

impl Run {
    /// The execution.
    pub const fn id(&self) -> &ExecutionId {
        self.driver.id()
    }

    /// What it runs.
    pub const fn plan(&self) -> &Arc<Plan> {
        self.driver.progress.plan()
    }

    /// A handle to control the execution with, wherever the run is driven.
    pub fn handle(&self) -> RunHandle {
        RunHandle::new(self.driver.engine.clone(), self.id().clone())
    }

    /// Drives the execution until it has ended or is paused, and returns how it then stands.
    ///
    /// # Errors
    ///
    /// [`is_store`](EngineError::is_store) when the store fails: what was not committed is run again when the
    /// execution is resumed. [`is_lost`](EngineError::is_lost) when another engine has taken it over.
    ///
    /// # Cancellation
    ///
    /// See [`Run`].
    pub fn finish(self) -> BoxFuture<'static, Result<Status, EngineError>> {
        Box::pin(async move { Ok(self.finish_typed().await?.status) })
    }

    /// Drives the execution as [`finish`](Run::finish) does, and returns the values that the steps have left as well.
    pub(crate) fn finish_typed(self) -> BoxFuture<'static, Result<Finished, EngineError>> {
        let Run { driver } = self;
        let within = driver.trace.execution();
        Box::pin(within.run(driver.drive()))
    }

    /// Takes the inputs as they were given, so that they need not be read again.
    pub(crate) fn with_typed_inputs(mut self, inputs: Vec<Option<Typed>>) -> Self {
        self.driver.materials.give_inputs(inputs);
        self
    }

    pub(super) async fn start(
        engine: &Parts,
        prepared: Prepared,
        options: RunOptions,
    ) -> Result<Run, EngineError> {
        let Prepared {
            plan,
            agents,
            inputs,
            context,
        } = prepared;
        let now = engine.clock.now();
        let id = options.id.unwrap_or_else(|| ExecutionId::generate(now));
        let workflow = plan.workflow().clone();
        let mut execution = ExecutionRecord::new(id.clone(), workflow.id.clone(), State::Idle, now);
        execution.token = 1;
        execution.origin = options.origin.clone();
        let holding = Holding::new(engine, &id).ok_or_else(|| EngineError::exists(&id))?;
        let new = NewExecution {
            id: id.clone(),
            workflow,
            context,
            owner: engine.owner.clone(),
            lease_until: now.after(engine.lease),
            at: now,
            origin: options.origin,
        };
        // Watching begins before there is anything to ask for, so that nothing is missed.
        let watch = engine.store.watch(&id);
        match confirm::create(&*engine.store, new).await {
            Err(error) if error.is_exists() => return Err(EngineError::exists(&id)),
            answer => answer?,
        }
        let at = AnyExecution::new(State::Idle, execution.row());
        let budget = plan.definition().config.budget;
        let known = Known {
            plan: Arc::clone(&plan),
            at,
            execution,
            steps: load::records(plan.graph().len(), Vec::new()),
            budget,
            durations: load::durations(engine, &plan).await,
            used: load::usage(engine, &plan, &agents, budget, &id).await,
        };
        let mut materials = Materials::new(inputs, agents);
        materials.set_dry(options.dry);
        Ok(Run::new(
            engine,
            known,
            Purpose::Finish,
            materials,
            holding,
            watch,
        ))
    }

    fn new(
        engine: &Parts,
        known: Known,
        purpose: Purpose,
        materials: Materials,
        holding: Holding,
        watch: BoxStream<'static, ()>,
    ) -> Run {
        let progress = Progress::new(known, purpose, engine.now());
        let driver = Driver::new(engine.clone(), progress, materials, holding, watch);
        Run { driver }
    }

    /// Takes the lease; none when the row was written by another since it was loaded.
    pub(super) async fn claim(
        engine: &Parts,
        plan: Arc<Plan>,
        agents: Vec<Option<Arc<dyn Agent>>>,
        loaded: LoadedExecution,
        purpose: Purpose,
        budget: Option<Budget>,
    ) -> Result<Option<Run>, EngineError> {
        let LoadedExecution {
            mut execution,
            steps,
            ..
        } = loaded;
        if let Some(budget) = &budget {
            execution.budget = Some(*budget);
        }
        let id = &execution.id;
        // A driver that only pauses renders no prompt.
        let inputs = match purpose {
            Purpose::Pause => Vec::new(),
            Purpose::Finish | Purpose::Recover => load::inputs(engine, &plan, id).await?,
        };
        let holding = Holding::new(engine, id)
            .ok_or_else(|| EngineError::held(&execution, Duration::ZERO))?;
        let lease_until = engine.clock.now().after(engine.lease);
        let mut claim = Claim::new(execution.row(), engine.owner.clone(), lease_until);
        claim.budget = budget;
        // Whoever takes it over may die as well: what was asked for stays until it is done.
        claim.keeps_pause = purpose != Purpose::Finish;
        let watch = engine.store.watch(id);
        let claimed = match confirm::claim(&*engine.store, claim).await {
            Err(error) if error.is_conflict() => return Ok(None),
            answer => answer?,
        };
        // It may have been asked for since the row was loaded.
        execution.pause_requested = claimed.pause_requested;
        execution.token = claimed.row.token;
        execution.revision = claimed.row.revision;
        let at = AnyExecution::new(execution.state, claimed.row);
        let durations = match purpose {
            Purpose::Pause => Vec::new(),
            Purpose::Finish | Purpose::Recover => load::durations(engine, &plan).await,
        };
        let budget = execution.budget(&plan);
        let used = load::usage(engine, &plan, &agents, budget, &execution.id).await;
        let known = Known {
            at,
            execution,
            steps: load::records(plan.graph().len(), steps),
            budget,
            durations,
            used,
            plan,
        };
        let materials = Materials::new(inputs, agents);
        let run = Run::new(engine, known, purpose, materials, holding, watch);
        Ok(Some(run))
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Run").field(self.id()).finish()
    }
}
