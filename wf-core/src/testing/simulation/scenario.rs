//! A workflow that chance has drawn, with all that its agents and its host do.

mod draw;
mod shrink;

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use wf_model::OnFailure;

use super::script::Script;
use super::violation::{Invariant, Violation};
use super::{Act, Coverage, Simulation};
use crate::plan::Plan;
use crate::testing::Fault;

/// A workflow of up to six steps, drawn from a seed with all its settings, what its agents do at each attempt, and when
/// the run is paused or cancelled.
///
/// Times are drawn so that many fall together: attempts take 0, 10 or 20 ms. What may come of it is worked out
/// from the scenario alone, and every run is held against that. Displayed as a workflow file with its script.
///
/// # Examples
///
/// ```
/// use wf_core::testing::{Fault, Scenario};
///
/// let scenario = Scenario::drawn(7);
/// let coverage = scenario.play(&[Fault::DeathAfter, Fault::LostAnswer], |simulation| simulation)?;
/// assert!(coverage.runs > 0, "{scenario}");
/// # Ok::<(), wf_core::testing::Violation>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    seed: u64,
    on_failure: OnFailure,
    max_parallel: u64,
    timeout: Option<u64>,
    budget: Option<Limit>,
    /// What each attempt reports.
    tokens: Option<u64>,
    steps: Vec<Step>,
    pause_after: Option<u64>,
    cancel_after: Option<u64>,
    restores: bool,
    /// How long a write takes at most.
    latency: u64,
}

/// What the budget limits. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    Attempts(u64),
    Tokens(u64),
    WallTime(u64),
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    key: String,
    /// The keys of steps before it.
    needs: Vec<String>,
    parallel: bool,
    optional: bool,
    timeout: Option<u64>,
    attempts: u64,
    delay: u64,
    jitter: bool,
    /// Whether its answers must be objects.
    is_checked: bool,
    acts: Vec<Act>,
}

impl Scenario {
    /// The seed that it was drawn from.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The workflow, as a file.
    pub fn workflow(&self) -> String {
        let mut config = vec![format!("maxParallel: {}", self.max_parallel)];
        match self.on_failure {
            OnFailure::Fail => {}
            OnFailure::Continue => config.push("onFailure: continue".to_owned()),
            OnFailure::Pause => config.push("onFailure: pause".to_owned()),
        }
        if let Some(timeout) = self.timeout {
            config.push(format!("timeout: {timeout}ms"));
        }
        if let Some(budget) = self.budget {
            config.push(match budget {
                Limit::Attempts(limit) => format!("budget: {{ attempts: {limit} }}"),
                Limit::Tokens(limit) => {
                    let each = self.tokens.unwrap_or(0);
                    format!("budget: {{ tokens: {limit}, perAttempt: {{ tokens: {each} }} }}")
                }
                Limit::WallTime(limit) => format!("budget: {{ wallTime: {limit}ms }}"),
            });
        }
        let steps: String = self
            .steps
            .iter()
            .map(|step| format!("  - {{ {step} }}\n"))
            .collect();
        format!(
            "name: drawn\nconfig: {{ {} }}\nsteps:\n{steps}",
            config.join(", ")
        )
    }

    /// Plays it undisturbed, and with each of `faults` at every write. `prepare` may put another store or a layer under
    /// the simulation.
    ///
    /// # Errors
    ///
    /// The first [`Violation`].
    pub fn play(
        &self,
        faults: &[Fault],
        prepare: impl Fn(Simulation) -> Simulation,
    ) -> Result<Coverage, Violation> {
        prepare(self.simulation()?).disturb_everywhere(faults)
    }

    fn simulation(&self) -> Result<Simulation, Violation> {
        let plan = Plan::from_yaml("drawn.yaml", &self.workflow())
            .map_err(|report| Violation::new(Invariant::Progress, report.to_string()))?;
        let mut script = Script::reporting(self.tokens);
        for step in &self.steps {
            script.set(&step.key, &step.acts);
        }
        let mut simulation = Simulation::new(&plan, self.seed);
        simulation.script = Arc::new(script);
        simulation.pause_after = self.pause_after.map(Duration::from_millis);
        simulation.cancel_after = self.cancel_after.map(Duration::from_millis);
        simulation.restores = self.restores;
        simulation.latency = Duration::from_millis(self.latency);
        simulation.is_judged = true;
        Ok(simulation)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.workflow())?;
        for step in &self.steps {
            writeln!(f, "# {} does {:?}", step.key, step.acts)?;
        }
        if let Some(tokens) = self.tokens {
            writeln!(f, "# every attempt reports {tokens} tokens")?;
        }
        if let Some(after) = self.pause_after {
            writeln!(f, "# paused after {after} ms")?;
        }
        if let Some(after) = self.cancel_after {
            writeln!(f, "# cancelled after {after} ms")?;
        }
        if self.restores {
            writeln!(f, "# restored from a checkpoint of an undisturbed run")?;
        }
        writeln!(
            f,
            "# a write takes up to {} ms, drawn from seed {}",
            self.latency, self.seed
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut prompt = format!("do {}:", self.key);
        for needed in &self.needs {
            let _ = write!(prompt, " {{{{{needed}}}}}");
        }
        write!(f, "key: {}, agent: a, prompt: '{prompt}'", self.key)?;
        if !self.needs.is_empty() {
            write!(f, ", dependencies: [{}]", self.needs.join(", "))?;
        }
        if !self.parallel {
            f.write_str(", parallel: false")?;
        }
        if self.optional {
            f.write_str(", optional: true")?;
        }
        if let Some(timeout) = self.timeout {
            write!(f, ", timeout: {timeout}ms")?;
        }
        if self.is_checked {
            f.write_str(", outputSchema: { type: object }")?;
        }
        let (attempts, delay, jitter) = (self.attempts, self.delay, self.jitter);
        write!(
            f,
            ", retryPolicy: {{ maxAttempts: {attempts}, initialDelay: {delay}ms, jitter: {jitter} }}"
        )
    }
}
