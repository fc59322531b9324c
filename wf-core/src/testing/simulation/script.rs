//! What the simulated agents do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::audit::Audit;
use crate::agent::{Agent, Agents, Reply, Request, StepError};
use crate::clock::Clock;
use crate::plan::Plan;
use crate::retry;
use crate::testing::VirtualClock;
use crate::testing::draw::Draw;
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
}

/// What every step does at each of its attempts; the last act for ever.
#[derive(Debug, Clone)]
pub(super) struct Script(BTreeMap<String, Vec<Act>>);

/// The longest time that a drawn attempt takes.
const LONGEST: u64 = 400;

impl Script {
    /// Draws how long each attempt takes, and how often each step fails before it succeeds: less often than its
    /// retry policy allows; an optional one perhaps for good.
    pub(super) fn drawn(plan: &Plan, seed: u64) -> Self {
        let mut draw = Draw::new(seed, "script");
        let mut acts = BTreeMap::new();
        for step in plan.steps() {
            let time = |draw: &mut Draw| Duration::from_millis(1 + draw.below(LONGEST));
            let allowed = u64::from(step.retry.max_attempts.get());
            let failures = draw.below(allowed.min(4) + u64::from(step.optional));
            let fails = (0..failures).map(|_| Act::Fail(time(&mut draw)));
            let mut script: Vec<Act> = fails.collect();
            if failures < allowed {
                script.push(Act::Digest(time(&mut draw)));
            }
            acts.insert(step.key.clone(), script);
        }
        Script(acts)
    }

    pub(super) fn set(&mut self, step: &str, acts: &[Act]) {
        self.0.insert(step.to_owned(), acts.to_vec());
    }

    fn act(&self, step: &str, attempt: u32) -> Act {
        let acts = self.0.get(step).map_or(&[][..], Vec::as_slice);
        let at = (attempt as usize).min(acts.len()).saturating_sub(1);
        acts.get(at)
            .cloned()
            .unwrap_or(Act::Digest(Duration::from_millis(1)))
    }
}

/// The agents of one simulated engine.
pub(super) struct Actor {
    pub(super) script: Arc<Script>,
    pub(super) clock: VirtualClock,
    pub(super) audit: Arc<Audit>,
    pub(super) engine: u32,
}

impl Actor {
    /// Under every name, and with every capability, that the plan asks for.
    pub(super) fn agents(self, plan: &Plan) -> Agents {
        let actor: Arc<dyn Agent> = Arc::new(self);
        plan.steps().iter().fold(Agents::new(), |agents, step| {
            let capability = step.agent.strip_prefix('@').map(str::to_owned);
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
        self.audit
            .starts(self.engine, request.step, request.attempt);
        let (after, answer) = match self.script.act(request.step, request.attempt) {
            Act::Answer(after, result) => (after, Ok(Reply::json(result))),
            Act::Digest(after) => {
                let digest = retry::seed(request.prompt, 0);
                let text = format!("{} {digest:016x}", request.step);
                (after, Ok(Reply::text(&text)))
            }
            Act::Fail(after) => (after, Err(StepError::retryable("the script says so"))),
            Act::Refuse(after) => (after, Err(StepError::terminal("the script says so"))),
        };
        let wait = self.clock.sleep(after);
        Box::pin(async move {
            wait.await;
            answer
        })
    }
}
