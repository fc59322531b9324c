//! A simulator that kills a workflow's run at every moment at which it can be killed, resumes it, and checks that
//! nothing was lost, repeated or reordered.
//!
//! The plan is run by the real engine, with scripted agents, on virtual time, over a store that stands between the
//! engine and the ledger of what was acknowledged. A seed decides how long everything takes, and so in which order
//! steps end; the same seed gives the same run.

mod audit;
mod course;
mod exploration;
mod ledger;
mod oracle;
mod scenario;
mod script;
#[cfg(test)]
mod tests;
mod violation;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use course::Course;
pub use exploration::{Counterexample, explore};
pub use scenario::Scenario;
pub use script::Act;
pub use violation::{Invariant, Violation};

use self::course::{Disturbance, Stage};
use self::script::Script;
use super::Fault;
use crate::engine::EngineError;
use crate::plan::{Inputs, Plan};
use crate::store::{MemoryStore, Store};
use crate::typed::{Workflow, given};

/// Runs a plan with scripted agents, disturbs it, and checks every [`Invariant`].
///
/// # Examples
///
/// ```
/// use wf_core::plan::Plan;
/// use wf_core::testing::{Fault, Simulation};
///
/// let plan = Plan::from_yaml("review.yaml", "
/// name: Review
/// steps:
///   - { key: read, agent: reader, prompt: read, retryPolicy: { maxAttempts: 3 } }
///   - { key: judge, agent: judge, prompt: 'judge {{read}}', dependencies: [read] }
/// ")?;
/// for seed in 0..5 {
///     let coverage = Simulation::new(&plan, seed).disturb_everywhere(Fault::ALL)?;
///     assert!(coverage.runs == coverage.points * Fault::ALL.len() as u64);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing runs before `run` or `disturb_everywhere`"]
pub struct Simulation {
    plan: Arc<Plan>,
    inputs: Inputs,
    seed: u64,
    script: Arc<Script>,
    pause_after: Option<Duration>,
    cancel_after: Option<Duration>,
    restores: bool,
    latency: Duration,
    /// Whether the oracle judges the calls and the end, instead of the undisturbed run.
    is_judged: bool,
    store: Option<Arc<Open>>,
    layer: Option<Arc<Layer>>,
}

type Open = dyn Fn() -> Arc<dyn Store> + Send + Sync;
type Layer = dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync;

/// How long a write takes at most until it lands, and until it is answered.
const LATENCY: Duration = Duration::from_millis(20);

/// How much was simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coverage {
    /// At how many writes the run can be disturbed.
    pub points: u64,
    /// How many disturbed runs were played, each to its end.
    pub runs: u64,
}

impl Simulation {
    /// A simulation of `plan`, whose agents do what is drawn from `seed`: every step takes up to 400 ms and answers
    /// with a digest of its prompt, after failing less often than its retry policy allows. An optional step may fail
    /// for good.
    pub fn new(plan: &Arc<Plan>, seed: u64) -> Self {
        Simulation {
            script: Arc::new(Script::drawn(plan, seed)),
            plan: Arc::clone(plan),
            inputs: Inputs::new(),
            seed,
            pause_after: None,
            cancel_after: None,
            restores: false,
            latency: LATENCY,
            is_judged: false,
            store: None,
            layer: None,
        }
    }

    /// A simulation of a workflow that was declared with `workflow!`, with its inputs.
    ///
    /// A step that is code runs, unless [`with_step`](Self::with_step) says what it does: it must then need no runtime, and
    /// wait for nothing but what it is given. A step whose agent gives anything but a text needs a script, with answers
    /// that are its type as JSON.
    ///
    /// # Errors
    ///
    /// [`is_input`](EngineError::is_input) when an input cannot be written as JSON.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use wf_core::lifecycle::State;
    /// use wf_core::testing::{Act, Fault, Simulation};
    /// use wf_core::value::Json;
    /// use wf_core::workflow;
    ///
    /// workflow! {
    ///     workflow Review(diff: String) {
    ///         step lines: usize = diff.lines().count();
    ///         #[retry(attempts = 3)]
    ///         step audit: String = ask expert "Audit these {lines} lines: {diff}";
    ///     }
    /// }
    ///
    /// let second = Duration::from_secs(1);
    /// let answer = Act::Answer(second, Json::string("fine"));
    /// let review = Simulation::of(Review { diff: "+ a\n+ b".to_owned() }, 1)?
    ///     .with_step("audit", &[Act::Fail(second), answer]);
    /// let course = review.run()?;
    /// assert_eq!(course.state, State::Completed, "{:?}", course.error);
    /// assert_eq!(course.result.unwrap().as_str(), r#"{"audit":"fine"}"#);
    /// // However it is killed and wherever, the run ends as the undisturbed one, and no step is done twice.
    /// review.disturb_everywhere(Fault::ALL)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of<W: Workflow>(workflow: W, seed: u64) -> Result<Self, EngineError> {
        let plan = Plan::of::<W>();
        let (inputs, _) = given(&plan, workflow)?;
        Ok(Simulation::new(&plan, seed).with_inputs(inputs))
    }

    /// Sets the inputs.
    pub fn with_inputs(mut self, inputs: Inputs) -> Self {
        self.inputs = inputs;
        self
    }

    /// Sets what a step does at its attempts, in turn, the last one for ever.
    ///
    /// A death can cut an attempt off, and its number is then used up: what is to succeed must not depend on the
    /// attempt at which it does.
    pub fn with_step(mut self, key: &str, acts: &[Act]) -> Self {
        Arc::make_mut(&mut self.script).set(key, acts);
        self
    }

    /// Requests a pause after that time. Whenever the run is paused, another engine resumes it; who takes it
    /// over from an engine that is lost pauses it first.
    pub fn with_pause(mut self, after: Duration) -> Self {
        self.pause_after = Some(after);
        self
    }

    /// Cancels the run after that time, repeatedly until the store takes it.
    ///
    /// It must come well before the end: a disturbed run may be over a little sooner than an undisturbed one.
    pub fn with_cancellation(mut self, after: Duration) -> Self {
        self.cancel_after = Some(after);
        self
    }

    /// Restores an execution from a checkpoint, which the seed draws, of a run that has ended: the
    /// run itself is left alone, and what is disturbed and checked is the restored one.
    pub fn with_restore(mut self) -> Self {
        self.restores = true;
        self
    }

    /// Sets another store than the one in memory: `open` gives an empty one for every run. Its futures must
    /// not wait for other threads, or virtual time passes meanwhile.
    pub fn with_store(mut self, open: impl Fn() -> Arc<dyn Store> + Send + Sync + 'static) -> Self {
        self.store = Some(Arc::new(open));
        self
    }

    /// Puts a layer between the engine and what is audited: with it a test shows that the simulation sees
    /// what it is there to see.
    pub fn with_layer(
        mut self,
        layer: impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static,
    ) -> Self {
        self.layer = Some(Arc::new(layer));
        self
    }

    /// Runs the plan undisturbed, and returns how it went.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant.
    pub fn run(&self) -> Result<Course, Violation> {
        self.play(Disturbance::default())
            .map_err(|violation| violation.during(&format!("seed {}, undisturbed", self.seed)))
    }

    /// Runs the plan with that fault at that write, counted from 1, and compares its end with that of the undisturbed
    /// run.
    ///
    /// After a death or an error another engine takes the run over. By the seed, at every fourth write that engine
    /// meets a fault too. A process that is stopped is woken when the other engine has taken over.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant.
    pub fn disturb(&self, write: u64, fault: Fault) -> Result<Course, Violation> {
        self.compare(&self.run()?, write, fault)
    }

    /// Runs the plan once for every write of the undisturbed run and each of `faults`, as [`disturb`](Self::disturb)
    /// does.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant.
    pub fn disturb_everywhere(&self, faults: &[Fault]) -> Result<Coverage, Violation> {
        let undisturbed = self.run()?;
        let mut coverage = Coverage {
            points: undisturbed.writes,
            runs: 0,
        };
        for write in 1..=undisturbed.writes {
            for &fault in faults {
                self.compare(&undisturbed, write, fault)?;
                coverage.runs += 1;
            }
        }
        Ok(coverage)
    }

    fn compare(&self, undisturbed: &Course, write: u64, fault: Fault) -> Result<Course, Violation> {
        let run = || format!("seed {}, {fault:?} at write {write}", self.seed);
        let course = self
            .play(Disturbance::at(self.seed, write, fault))
            .map_err(|violation| violation.during(&run()))?;
        if self.is_judged {
            return Ok(course);
        }
        let end = |course: &Course| (course.state, course.result.clone());
        if end(&course) == end(undisturbed) {
            return Ok(course);
        }
        let message = format!(
            "the run ended as {:?}, and the undisturbed one as {:?}",
            end(&course),
            end(undisturbed)
        );
        Err(Violation::new(Invariant::SameEnd, message).during(&run()))
    }

    fn play(&self, disturbance: Disturbance) -> Result<Course, Violation> {
        Stage::new(self, disturbance).play()
    }

    fn open(&self) -> Arc<dyn Store> {
        match &self.store {
            Some(open) => open(),
            None => Arc::new(MemoryStore::new()),
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("workflow", &self.plan.name())
            .field("seed", &self.seed)
            .field("script", &self.script)
            .field("pause_after", &self.pause_after)
            .field("cancel_after", &self.cancel_after)
            .field("restores", &self.restores)
            .finish_non_exhaustive()
    }
}
