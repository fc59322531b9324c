//! Agents that can do the same, and who of them is asked.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, ready};
use serde_json::{Value, json};

use super::{Agent, Allowance, Asked, Failure, Reply, Request, StepError};
use crate::usage::{add_reported, set_reported};

/// An agent remembers this many steps that it has failed.
const REMEMBERED: usize = 256;

/// Counts who was asked when, over all agents of a host.
pub(super) type Turns = Arc<AtomicU64>;

/// An agent, how many of its calls are under way, and how the last ones went.
pub(super) struct Counted {
    name: String,
    agent: Arc<dyn Agent>,
    calls: AtomicUsize,
    /// Failures since its last success.
    failures: AtomicUsize,
    /// The turn in which it was chosen last.
    turn: AtomicU64,
    /// The steps that it has failed since its last success, as hashes, the latest last.
    failed: Mutex<VecDeque<u64>>,
}

impl Counted {
    pub(super) fn new(name: String, agent: Arc<dyn Agent>) -> Self {
        Counted {
            name,
            agent,
            calls: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            turn: AtomicU64::new(0),
            failed: Mutex::default(),
        }
    }

    /// How much speaks against asking it.
    fn burden(&self) -> usize {
        let failures = self.failures.load(Ordering::Relaxed);
        self.calls.load(Ordering::Relaxed).saturating_add(failures)
    }

    fn has_failed(&self, step: u64) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.contains(&step)
    }
}

impl Agent for Counted {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(Underway::new(self, request).ask(request))
    }

    fn bound(&self, request: Request<'_>) -> Allowance {
        self.agent.bound(request)
    }
}

/// A call that is under way, until it is dropped; without an answer by then, it has failed: its time was over.
struct Underway<'a> {
    agent: &'a Counted,
    step: u64,
    succeeded: bool,
}

impl<'a> Underway<'a> {
    fn new(agent: &'a Counted, request: Request<'_>) -> Self {
        agent.calls.fetch_add(1, Ordering::Relaxed);
        Underway {
            agent,
            step: hash(request),
            succeeded: false,
        }
    }

    async fn ask(mut self, request: Request<'_>) -> Result<Reply, StepError> {
        let answer = self.agent.agent.call(request).await;
        self.succeeded = answer.is_ok();
        answer
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let agent = self.agent;
        agent.calls.fetch_sub(1, Ordering::Relaxed);
        let mut failed = agent.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.succeeded {
            agent.failures.store(0, Ordering::Relaxed);
            failed.clear();
            return;
        }
        agent.failures.fetch_add(1, Ordering::Relaxed);
        if failed.len() >= REMEMBERED {
            failed.pop_front();
        }
        failed.push_back(self.step);
    }
}

/// Agents that can do the same, at least one.
pub(super) struct Capable {
    agents: Vec<Arc<Counted>>,
    turns: Turns,
}

/// The agents that were down, with what they said.
type Down<'a> = Vec<(&'a Counted, Failure)>;

impl Capable {
    /// None where nobody can do it.
    pub(super) fn new(agents: Vec<Arc<Counted>>, turns: Turns) -> Option<Self> {
        (!agents.is_empty()).then_some(Capable { agents, turns })
    }

    /// Who is asked, of those that were not asked yet.
    fn choose(&self, request: Request<'_>, asked: &Asked) -> Option<&Counted> {
        let step = hash(request);
        let is_new = |agent: &&Counted| !asked.contains(&agent.name);
        let agents = self.agents.iter().map(Arc::as_ref).filter(is_new);
        let chosen = agents.min_by_key(|agent| {
            let has_failed = request.attempt > 1 && agent.has_failed(step);
            let turn = agent.turn.load(Ordering::Relaxed);
            (has_failed, agent.burden(), turn)
        })?;
        let turn = self.turns.fetch_add(1, Ordering::Relaxed) + 1;
        chosen.turn.store(turn, Ordering::Relaxed);
        Some(chosen)
    }

    async fn ask<'a>(
        &'a self,
        request: Request<'a>,
        mut underway: Underway<'a>,
        alone: Asked,
    ) -> Result<Reply, StepError> {
        // Their fallbacks are among those that are asked.
        let asked = request.asked.unwrap_or(&alone);
        let request = request.with_asked(asked);
        let mut down: Down<'a> = Vec::new();
        loop {
            let agent = underway.agent;
            match underway.ask(request).await {
                Ok(mut reply) => {
                    reply.usage = Some(told(agent, down, reply.usage));
                    return Ok(reply);
                }
                Err(StepError::Unavailable(failure)) => {
                    down.push((agent, failure));
                    // An agent without fallbacks does not say that it was asked.
                    asked.add(&agent.name);
                    let Some(next) = self.choose(request, asked) else {
                        return Err(StepError::Unavailable(all_down(down)));
                    };
                    let (from, to) = (&agent.name, &next.name);
                    let line = format!("[agent `{from}` is down; asking `{to}`]\n");
                    request.output.write(&line);
                    underway = Underway::new(next, request);
                }
                Err(StepError::Retryable(failure)) => {
                    return Err(StepError::Retryable(failed(agent, down, failure)));
                }
                Err(StepError::Terminal(failure)) => {
                    return Err(StepError::Terminal(failed(agent, down, failure)));
                }
            }
        }
    }
}

impl Agent for Capable {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        let alone = Asked::default();
        match self.choose(request, request.asked.unwrap_or(&alone)) {
            // Counted at once, before the next choice is made.
            Some(agent) => Box::pin(self.ask(request, Underway::new(agent, request), alone)),
            None => Box::pin(ready(Err(StepError::terminal(
                "no agent has the capability",
            )))),
        }
    }

    /// What whoever is asked may use; one that is down and asks nobody uses nothing.
    fn bound(&self, request: Request<'_>) -> Allowance {
        let bounds = self.agents.iter().map(|agent| agent.bound(request));
        bounds.fold(Allowance::NOTHING, Allowance::or)
    }
}

/// The usage with who answered, unless an agent in its place is named already, and with those that were down.
fn told(agent: &Counted, down: Down<'_>, usage: Option<Value>) -> Value {
    let mut usage = usage.unwrap_or_default();
    if usage.get("agent").is_none() {
        set_reported(&mut usage, "agent", agent.name.as_str().into());
    }
    if down.is_empty() {
        return usage;
    }
    let mut failures = Vec::with_capacity(down.len());
    for (agent, failure) in down {
        failures.push(json!({"agent": agent.name, "error": failure.message}));
        add_reported(&mut usage, failure.usage);
    }
    if let Some(Value::Array(more)) = usage.get_mut("failed") {
        failures.append(more);
    }
    set_reported(&mut usage, "failed", failures.into());
    usage
}

/// The failure with the name of the agent.
fn failed(agent: &Counted, down: Down<'_>, mut failure: Failure) -> Failure {
    failure.message = format!("`{}`: {}", agent.name, failure.message);
    failure.usage = Some(told(agent, down, failure.usage));
    failure
}

/// That nobody is left to ask.
fn all_down(mut down: Down<'_>) -> Failure {
    if down.len() == 1
        && let Some((agent, failure)) = down.pop()
    {
        return failed(agent, down, failure);
    }
    let said: Vec<String> = down
        .iter()
        .map(|(agent, failure)| format!("`{}`: {}", agent.name, failure.message))
        .collect();
    let mut all = Failure::new(format_args!(
        "every agent that has the capability is down: {}",
        said.join("; ")
    ));
    all.retry_after = down
        .iter()
        .filter_map(|(_, failure)| failure.retry_after)
        .min();
    let mut usage = Value::Null;
    for (_, failure) in down {
        add_reported(&mut usage, failure.usage);
    }
    all.usage = Some(usage).filter(|usage| !usage.is_null());
    all
}

fn hash(request: Request<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (request.execution.as_str(), request.step).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::super::Agents;
    use super::*;
    use crate::id::ExecutionId;

    /// Fails as it is told, or answers with its name.
    struct Fixed(&'static str, Option<StepError>);

    impl Agent for Fixed {
        fn call<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
            let answer = match &self.1 {
                Some(error) => Err(error.clone()),
                None => Ok(Reply::text(self.0)),
            };
            Box::pin(ready(answer))
        }
    }

    fn agents(all: &[(&'static str, Option<StepError>)]) -> Agents {
        let all = all.iter().cloned();
        all.fold(Agents::new(), |agents, (name, error)| {
            let agent = Arc::new(Fixed(name, error));
            agents.with_capable(name, agent, vec!["x".into()])
        })
    }

    fn ask(agents: &Agents, step: &str, attempt: u32) -> Result<Reply, StepError> {
        let execution = ExecutionId::from("e");
        let agent = agents.agent("@x").unwrap();
        block_on(agent.call(Request::new("", &execution, step, attempt)))
    }

    fn who(reply: &Reply) -> &str {
        let agent = reply.usage.as_ref().and_then(|usage| usage.get("agent"));
        agent.and_then(Value::as_str).unwrap_or_default()
    }

    #[test]
    fn equals_take_turns_and_the_usage_names_them() {
        let agents = agents(&[("b", None), ("a", None), ("c", None)]);
        let asked: Vec<String> = (0..6)
            .map(|_| who(&ask(&agents, "s", 1).unwrap()).to_owned())
            .collect();
        assert_eq!(asked, ["a", "b", "c", "a", "b", "c"]);
    }

    #[test]
    fn a_broken_agent_is_asked_less_and_a_retry_goes_to_another() {
        let broken = StepError::retryable("exited with status 1");
        let agents = agents(&[("a", Some(broken)), ("b", None)]);
        let error = ask(&agents, "s", 1).unwrap_err();
        assert_eq!(error.to_string(), "`a`: exited with status 1");
        assert_eq!(
            error.failure().usage,
            Some(json!({"agent": "a"})),
            "the attempt says who made it"
        );
        assert_eq!(who(&ask(&agents, "s", 2).unwrap()), "b");
        // Each failure counts as a call under way, until it succeeds again.
        for step in 0..10 {
            assert_eq!(who(&ask(&agents, &step.to_string(), 1).unwrap()), "b");
        }
    }

    #[test]
    fn a_retry_goes_to_another_agent_also_where_that_has_more_calls_under_way() {
        let agents = agents(&[("a", Some(StepError::retryable("no"))), ("b", None)]);
        ask(&agents, "s", 1).unwrap_err();
        let (execution, by_name) = (ExecutionId::from("e"), agents.agent("b").unwrap());
        let _calls: Vec<_> = (0..5)
            .map(|_| by_name.call(Request::new("", &execution, "other", 1)))
            .collect();
        assert_eq!(who(&ask(&agents, "s", 2).unwrap()), "b");
        assert_eq!(ask(&agents, "t", 1).unwrap_err().to_string(), "`a`: no");
    }

    #[test]
    fn a_call_that_was_dropped_without_an_answer_has_failed() {
        let never = |_: String| std::future::pending::<String>();
        let agents = Agents::new()
            .with_capable("a", Arc::new(never), vec!["x".into()])
            .with_capable("b", Arc::new(Fixed("b", None)), vec!["x".into()]);
        let (execution, agent) = (ExecutionId::from("e"), agents.agent("@x").unwrap());
        drop(agent.call(Request::new("", &execution, "s", 1)));
        assert_eq!(who(&ask(&agents, "s", 2).unwrap()), "b");
    }

    #[test]
    fn when_an_agent_is_down_the_next_is_asked_within_the_attempt() {
        let down = StepError::unavailable("nobody is there").with_usage(json!({"cost": 1}));
        let agents = agents(&[("a", Some(down)), ("b", None)]);
        let reply = ask(&agents, "s", 1).unwrap();
        let failed = json!([{"agent": "a", "error": "nobody is there"}]);
        assert_eq!(
            reply.usage.unwrap(),
            json!({"agent": "b", "cost": 1, "failed": failed})
        );
    }

    #[test]
    fn only_when_all_are_down_the_capability_is() {
        let down = |why: &str| Some(StepError::unavailable(why));
        let error = ask(&agents(&[("a", down("x")), ("b", down("y"))]), "s", 1).unwrap_err();
        assert!(error.is_unavailable());
        assert_eq!(
            error.to_string(),
            "every agent that has the capability is down: `a`: x; `b`: y"
        );
        let busy = Some(StepError::retryable("busy"));
        let error = ask(&agents(&[("a", down("x")), ("b", busy)]), "s", 1).unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        let error = ask(&agents(&[("a", down("x"))]), "s", 1).unwrap_err();
        assert!(error.is_unavailable());
        assert_eq!(error.to_string(), "`a`: x");
    }
}
