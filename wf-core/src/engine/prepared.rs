//! What is checked before an execution is created: that its agents are there, and its inputs right.

use std::fmt;
use std::sync::Arc;

use wf_model::AgentRef;

use super::{EngineError, load};
use crate::agent::{Agent, Agents};
use crate::plan::{Inputs, Plan, quoted};
use crate::typed::Code;
use crate::value::Json;

/// The inputs of an execution may have so many bytes as JSON, all together: they are stored in its row, which every
/// commit reads.
const LARGEST_CONTEXT: usize = 8 << 20;

/// A run that could be started: its agents are there and its inputs are right. Nothing is recorded of it.
#[derive(Clone)]
pub struct Prepared {
    pub(super) plan: Arc<Plan>,
    pub(super) agents: Vec<Option<Arc<dyn Agent>>>,
    pub(super) inputs: Vec<Json>,
    pub(super) context: Json,
}

impl Prepared {
    /// Prepares a run of `plan` with those agents. An engine that has the same agents can
    /// [start](super::Engine::start_prepared) it; no store is needed before.
    ///
    /// # Errors
    ///
    /// [`is_agent`](EngineError::is_agent) when an agent is missing, [`is_input`](EngineError::is_input) when an input is
    /// wrong or the inputs are more than 8 MiB of JSON, [`is_definition`](EngineError::is_definition) when an
    /// `outputSchema` cannot be used.
    pub fn new(plan: &Arc<Plan>, inputs: Inputs, agents: &Agents) -> Result<Self, EngineError> {
        let agents = agents_of(plan, agents)?;
        let inputs = plan.bind(inputs);
        let inputs = inputs.map_err(|mistakes| EngineError::inputs(&mistakes))?;
        let context = load::context(plan, &inputs);
        if context.as_str().len() > LARGEST_CONTEXT {
            return Err(EngineError::inputs(&[too_large(context.as_str().len())]));
        }
        Ok(Prepared {
            plan: Arc::clone(plan),
            agents,
            inputs,
            context,
        })
    }

    /// Returns what it would run.
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Returns the context that its execution would have: `{"inputs": …}`, with the defaults of those that were not given.
    pub const fn context(&self) -> &Json {
        &self.context
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.plan.name()).finish()
    }
}

fn too_large(bytes: usize) -> String {
    let mebibytes = LARGEST_CONTEXT >> 20;
    format!(
        "the inputs are {bytes} bytes as JSON, and an execution takes at most {mebibytes} MiB; give the path of a file, \
         and let the agents read it"
    )
}

/// The agent of each step; none for one that is code, unless an agent stands in for it.
pub(super) fn agents_of(
    plan: &Plan,
    agents: &Agents,
) -> Result<Vec<Option<Arc<dyn Agent>>>, EngineError> {
    plan.schemas().map_err(EngineError::definition)?;
    let mut found = Vec::with_capacity(plan.steps().len());
    let mut mistakes = Vec::new();
    // Many steps ask whom the one before them asks.
    let mut last: Option<(&str, Arc<dyn Agent>)> = None;
    for (position, step) in plan.steps().iter().enumerate() {
        let wanted = match plan.code(position) {
            Some(Code::Native(_)) => {
                found.push(agents.stand_in(&step.agent));
                continue;
            }
            Some(Code::Agent(step)) => step.agent,
            Some(Code::Template) | None => &step.agent,
        };
        if let Some((_, agent)) = last.as_ref().filter(|(name, _)| *name == wanted) {
            found.push(Some(Arc::clone(agent)));
            continue;
        }
        let agent = Some(wanted).filter(|wanted| !AgentRef::of(wanted).is_native());
        match agent.and_then(|wanted| agents.agent(wanted)) {
            Some(agent) => {
                // Who is asked for a capability is chosen for each step.
                if let AgentRef::Named(_) = AgentRef::of(wanted) {
                    last = Some((wanted, Arc::clone(&agent)));
                }
                found.push(Some(agent));
            }
            None => mistakes.push(missing(agents, &step.key, wanted)),
        }
    }
    if mistakes.is_empty() {
        Ok(found)
    } else {
        Err(EngineError::agents(&mistakes))
    }
}

fn missing(agents: &Agents, step: &str, agent: &str) -> String {
    match AgentRef::of(agent) {
        AgentRef::Native(_) => {
            return format!(
                "step `{step}` is native code of the program that declares the workflow; only that program can run it"
            );
        }
        AgentRef::Capability(capability) => {
            let capabilities = quoted(agents.capabilities());
            let known = if capabilities.is_empty() {
                "no agent lists any".to_owned()
            } else {
                format!("listed are: {capabilities}")
            };
            return format!(
                "step `{step}` asks an agent that can `{capability}`, and there is none; {known}"
            );
        }
        AgentRef::Named(_) => {}
    }
    let help = match wf_model::nearest(agent, agents.names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if agents.names().next().is_none() => "there are no agents".to_owned(),
        None => format!("the agents are: {}", quoted(agents.names())),
    };
    format!("step `{step}` asks agent `{agent}`, which is not there; {help}")
}
