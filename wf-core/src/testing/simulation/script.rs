//! What the simulated agents do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use wf_model::Step;

use super::audit::Audit;
use crate::agent::{Agent, Agents, Reply, Request, StepError};
use crate::clock::Clock;
use crate::plan::Plan;
use crate::progress::retry;
use crate::testing::VirtualClock;
use crate::testing::rng::Rng;
use crate::value::Json;

/// What an agent does at one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Answers, after that time.
    Answer(Duration, Json),
    /// Answers with a digest of its prompt, after that time: the end of a run then shows what each step was told.
    Digest(Duration),
    /// Fails, after that time; another attempt may succeed.
    Fail(Duration),
    /// Fails for good, after that time.
    Refuse(Duration),
    /// Is down, after that time, until somebody has fixed it: the run pauses, unless the step is optional.
    Down(Duration),
    /// Fails after the first time, and asks to be left alone for the second.
    Busy(Duration, Duration),
}

impl Act {
    /// How long it takes.
    pub(super) const fn time(&self) -> Duration {
        match self {
            Act::Answer(time, _)
            | Act::Digest(time)
            | Act::Fail(time)
            | Act::Refuse(time)
            | Act::Down(time)
            | Act::Busy(time, _) => *time,
        }
    }
}

/// What every step does at each of its attempts; the last act for ever.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    acts: BTreeMap<String, Vec<Act>>,
    /// How many tokens each attempt reports, if any.
    tokens: Option<u64>,
}

/// The longest time that a drawn attempt takes.
const LONGEST: u64 = 400;

impl Script {
    /// Draws how long each attempt takes, and how often each step fails before it succeeds: less often than its
    /// retry policy allows; an optional one perhaps for good.
    pub(super) fn drawn(plan: &Plan, seed: u64) -> Self {
        let mut rng = Rng::new(seed, "script");
        let mut acts = BTreeMap::new();
        for step in plan
            .steps()
            .iter()
            .filter(|step| !step.agent_ref().is_native())
        {
            let time = |rng: &mut Rng| Duration::from_millis(1 + rng.below(LONGEST));
            let allowed = u64::from(step.retry.max_attempts.get());
            let failures = rng.below(allowed.min(4) + u64::from(step.optional));
            let fails = (0..failures).map(|_| Act::Fail(time(&mut rng)));
            let mut script: Vec<Act> = fails.collect();
            if failures < allowed {
                script.push(Act::Digest(time(&mut rng)));
            }
            acts.insert(step.key.clone(), script);
        }
        Script { acts, tokens: None }
    }

    /// A script in which every attempt reports so many tokens.
    pub(super) fn reporting(tokens: Option<u64>) -> Self {
        Script {
            acts: BTreeMap::new(),
            tokens,
        }
    }

    pub(super) fn set(&mut self, step: &str, acts: &[Act]) {
        self.acts.insert(step.to_owned(), acts.to_vec());
    }

    /// What each attempt reports to have used.
    pub(super) fn usage(&self) -> Option<serde_json::Value> {
        self.tokens
            .map(|tokens| serde_json::json!({ "total_tokens": tokens }))
    }

    pub(super) fn act(&self, step: &str, attempt: u32) -> Act {
        let acts = self.acts.get(step).map_or(&[][..], Vec::as_slice);
        let at = (attempt as usize).min(acts.len()).saturating_sub(1);
        acts.get(at)
            .cloned()
            .unwrap_or(Act::Digest(Duration::from_millis(1)))
    }
}

/// Whether a step is code that the simulation runs, since no script says what it does.
pub(super) fn is_run(step: &Step, script: &Script) -> bool {
    step.agent_ref().is_native() && !script.acts.contains_key(&step.key)
}

/// The agents of one simulated engine.
pub(super) struct Actor {
    pub(super) script: Arc<Script>,
    pub(super) clock: VirtualClock,
    pub(super) audit: Arc<Audit>,
    pub(super) engine: u32,
}

impl Actor {
    /// Under every name, and with every capability, that the plan asks for; for a step that is code where it has a script.
    pub(super) fn agents(self, plan: &Plan) -> Agents {
        let is_run = |step: &&Step| is_run(step, &self.script);
        let steps: Vec<&Step> = plan.steps().iter().filter(|step| !is_run(step)).collect();
        let actor: Arc<dyn Agent> = Arc::new(self);
        let agents = Agents::new().standing_in();
        steps.into_iter().fold(agents, |agents, step| {
            let capability = step.agent_ref().capability().map(str::to_owned);
            agents.with_capable(
                step.agent.clone(),
                Arc::clone(&actor),
                capability.into_iter().collect(),
            )
        })
    }
}

impl Agent for Actor {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        let now = self.clock.elapsed();
        let call = self.audit.starts(self.engine, &request, now);
        let underway = Underway { actor: self, call };
        let act = self.script.act(request.step, request.attempt);
        let why = "the script says so";
        let answer = match &act {
            Act::Answer(_, result) => Ok(Reply::json(result.clone())),
            Act::Digest(_) => Ok(Reply::text(&digest(request.step, request.prompt))),
            Act::Fail(_) => Err(StepError::retryable(why)),
            Act::Refuse(_) => Err(StepError::terminal(why)),
            Act::Down(_) => Err(StepError::unavailable(why)),
            Act::Busy(_, wait) => Err(StepError::retryable(why).retry_after(*wait)),
        };
        let answer = match self.script.usage() {
            None => answer,
            Some(usage) => match answer {
                Ok(reply) => Ok(reply.with_usage(usage)),
                Err(error) => Err(error.with_usage(usage)),
            },
        };
        let wait = self.clock.sleep(act.time());
        Box::pin(async move {
            wait.await;
            underway.end();
            answer
        })
    }
}

/// What a step answers that answers with a digest of its prompt.
pub(super) fn digest(step: &str, prompt: &str) -> String {
    format!("{step} {:016x}", retry::seed(prompt, 0))
}

/// A call under way; the audit hears when it ends, or is dropped.
struct Underway<'a> {
    actor: &'a Actor,
    call: Option<usize>,
}

impl Underway<'_> {
    fn end(mut self) {
        self.actor.audit.ends(self.call.take(), &self.actor.clock);
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.actor.audit.drops(self.call.take(), &self.actor.clock);
    }
}
