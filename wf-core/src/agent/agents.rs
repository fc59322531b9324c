//! The agents of a host.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use wf_model::AgentRef;

use super::Agent;
use super::routing::{Capable, Counted, Turns};

/// The agents of a host, by name.
#[derive(Clone, Default)]
pub struct Agents {
    by_name: BTreeMap<String, Registered>,
    turns: Turns,
    /// Whether an agent may stand in for code: only in simulations.
    stand_in: bool,
}

#[derive(Clone)]
struct Registered {
    agent: Arc<dyn Agent>,
    /// The agent, where steps may ask for what it can do: only then its calls are counted.
    capable: Option<Arc<Counted>>,
    capabilities: Vec<String>,
}

impl Agents {
    /// No agents.
    pub fn new() -> Self {
        Agents::default()
    }

    /// Adds an agent of that name; one of the same name is replaced.
    #[must_use]
    pub fn with(self, name: impl Into<String>, agent: impl Agent + 'static) -> Self {
        self.with_capable(name, Arc::new(agent), Vec::new())
    }

    /// Adds an agent that steps may also ask for by what it can do: `@capability`.
    #[must_use]
    pub fn with_capable(
        mut self,
        name: impl Into<String>,
        agent: Arc<dyn Agent>,
        capabilities: Vec<String>,
    ) -> Self {
        let name = name.into();
        let capable = (!capabilities.is_empty())
            .then(|| Arc::new(Counted::new(name.clone(), Arc::clone(&agent))));
        let registered = Registered {
            agent: match &capable {
                Some(counted) => Arc::clone(counted) as Arc<dyn Agent>,
                None => agent,
            },
            capable,
            capabilities,
        };
        self.by_name.insert(name, registered);
        self
    }

    /// The agent that a step's `agent` names: by its name, or with `@capability` any that lists the capability.
    ///
    /// Each attempt of an `@capability` goes to the one with the fewest calls under way, through these agents
    /// and their clones; each failure since its last success counts as a call. Among equals they take turns, the
    /// first by name first. Another attempt at a step goes to another agent than those that failed it, where there
    /// is one, and when an agent [is down](super::StepError::Unavailable), the next is asked within the same attempt.
    /// The recorded usage has who answered as `agent`, and the message of a failure names who failed.
    pub fn agent(&self, wanted: &str) -> Option<Arc<dyn Agent>> {
        let Some(capability) = AgentRef::of(wanted).capability() else {
            return self
                .by_name
                .get(wanted)
                .map(|found| Arc::clone(&found.agent));
        };
        let able = |agent: &&Registered| agent.capabilities.iter().any(|can| can == capability);
        let able = self.by_name.values().filter(able);
        let able: Vec<Arc<Counted>> = able.filter_map(|found| found.capable.clone()).collect();
        let turns = Arc::clone(&self.turns);
        Capable::new(able, turns).map(|agent| Arc::new(agent) as Arc<dyn Agent>)
    }

    /// The agent that stands in for the code of a step, in a simulation.
    pub(crate) fn stand_in(&self, native: &str) -> Option<Arc<dyn Agent>> {
        let found = self.by_name.get(native).filter(|_| self.stand_in);
        found.map(|found| Arc::clone(&found.agent))
    }

    /// Lets agents that have the names of steps that are code stand in for them.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) const fn standing_in(mut self) -> Self {
        self.stand_in = true;
        self
    }

    /// The agents' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The capabilities that agents list, sorted, each once.
    pub fn capabilities(&self) -> impl Iterator<Item = &str> {
        let all: std::collections::BTreeSet<&str> = self
            .by_name
            .values()
            .flat_map(|agent| agent.capabilities.iter().map(String::as_str))
            .collect();
        all.into_iter()
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::channel::oneshot;

    use super::super::Request;
    use super::*;
    use crate::id::ExecutionId;

    /// Answers with its name once the gate opens.
    fn gated(
        name: &'static str,
        gate: futures::future::Shared<oneshot::Receiver<()>>,
    ) -> Arc<dyn Agent> {
        Arc::new(move |_: String| {
            let gate = gate.clone();
            async move {
                let _ = gate.await;
                name
            }
        })
    }

    #[test]
    fn a_capability_goes_to_the_agent_with_the_fewest_calls_under_way() {
        let (open, gate) = oneshot::channel();
        let gate = gate.shared();
        let agents = Agents::new()
            .with_capable("b", gated("b", gate.clone()), vec!["review".into()])
            .with_capable(
                "a",
                gated("a", gate.clone()),
                vec!["review".into(), "write".into()],
            );
        let execution = ExecutionId::from("e");
        let request = || Request::new("", &execution, "s", 1);
        let (by_name, by_capability) =
            (agents.agent("a").unwrap(), agents.agent("@review").unwrap());
        let direct = by_name.call(request());
        let calls: Vec<_> = (0..3).map(|_| by_capability.call(request())).collect();
        open.send(()).unwrap();
        let answers = futures::executor::block_on(async {
            direct.await.unwrap();
            futures::future::try_join_all(calls).await.unwrap()
        });
        let answers: Vec<&str> = answers.iter().map(|reply| reply.result.as_str()).collect();
        // `a` has the direct call, so `b` comes first; then they are even, and `a` comes before `b`.
        assert_eq!(answers, [r#""b""#, r#""a""#, r#""b""#]);
        let again = futures::executor::block_on(by_capability.call(request())).unwrap();
        assert_eq!(again.result.as_str(), r#""a""#);
    }

    #[test]
    fn what_no_agent_lists_is_not_found() {
        let echo = |prompt: String| async move { prompt };
        let agents = Agents::new()
            .with_capable("b", Arc::new(echo), vec!["review".into()])
            .with_capable("a", Arc::new(echo), vec!["review".into(), "write".into()]);
        assert!(agents.agent("@fly").is_none());
        assert!(agents.agent("review").is_none());
        assert_eq!(
            agents.capabilities().collect::<Vec<_>>(),
            ["review", "write"]
        );
    }
}
