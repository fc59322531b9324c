//! A run in memory: to find every mistake before anything is recorded, and to show what a run would do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use wf_core::agent::{Agent, Agents, Allowance, Reply, Request, StepError};
use wf_core::engine::{Engine, Prepared, RunOptions, Status};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_core::store::MemoryStore;
use wf_model::AgentRef;

use super::arguments::Run;
use super::console::Console;
use super::document::raw;
use super::exit::{Exit, Failure, with_causes};
use super::{inputs, start};

/// Checks a run's agents and inputs, before there is anything that it could be recorded in.
pub(crate) fn prepare(
    plan: &Arc<Plan>,
    inputs: Inputs,
    agents: &Agents,
) -> Result<Prepared, Failure> {
    Prepared::new(plan, inputs, agents).map_err(|error| Failure::wrong(with_causes(&error)))
}

/// `run --dry-run`: the plan in the order in which it would run, and each prompt as far as it can be known.
pub(crate) async fn show(console: Console, arguments: &Run) -> Result<Exit, Failure> {
    let (workflow, plan) = start::read_workflow(console, &arguments.file)?;
    let inputs = inputs::read(&plan, arguments)?;
    match start::agents_file(arguments.agents.as_deref(), &arguments.file) {
        Ok(file) => {
            let agents = start::read_agents(&file, &start::current_directory()?, &workflow)?;
            prepare(&plan, inputs.clone(), &agents)?;
        }
        Err(missing) if arguments.agents.is_none() => {
            console.note(&format!(
                "the agents are not checked, because {}",
                missing.message
            ));
        }
        Err(missing) => return Err(missing),
    }
    let prompts = Prompts::default();
    let engine = Engine::new(Arc::new(MemoryStore::new()), prompts.agents(&plan));
    let mut options = RunOptions::default();
    options.dry = true;
    let status = async { engine.start(&plan, inputs, options).await?.finish().await }.await;
    let status = status.map_err(|error| Failure::wrong(with_causes(&error)))?;
    let shown = DryRun {
        plan: &plan,
        status: &status,
        waves: waves(&plan),
        prompts: prompts.take(),
    };
    if console.json {
        console.document(&shown)?;
    } else {
        console.text(&shown.to_text())?;
    }
    if status.state() == State::Failed {
        let reason = status
            .execution
            .error
            .as_deref()
            .unwrap_or("no reason is known");
        console.error(&format!("the dry run failed: {reason}"));
    }
    Ok(Exit::of(status.state()))
}

/// Answers with the prompt, and keeps it.
#[derive(Clone, Default)]
struct Prompts(Arc<Mutex<BTreeMap<String, String>>>);

impl Prompts {
    /// Itself, under each name and for each capability that a step asks for.
    fn agents(&self, plan: &Plan) -> Agents {
        let wanted: BTreeSet<&str> = plan
            .steps()
            .iter()
            .map(|step| step.agent.as_str())
            .collect();
        wanted.into_iter().fold(Agents::new(), |agents, wanted| {
            let capability = AgentRef::of(wanted).capability().map(str::to_owned);
            let capabilities = capability.into_iter().collect();
            agents.with_capable(wanted, Arc::new(self.clone()), capabilities)
        })
    }

    fn take(&self) -> BTreeMap<String, String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Agent for Prompts {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move {
            let mut prompts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            prompts.insert(request.step.to_owned(), request.prompt.to_owned());
            Ok(Reply::read(request.prompt))
        })
    }

    fn bound(&self, _: Request<'_>) -> Allowance {
        Allowance::NOTHING
    }
}

/// For each step how many steps must be done one after the other before it.
fn waves(plan: &Plan) -> Vec<usize> {
    let graph = plan.graph();
    let mut waves = vec![0; graph.len()];
    for step in graph
        .order()
        .iter()
        .filter_map(|step| usize::try_from(*step).ok())
    {
        let before = graph
            .dependencies(step)
            .iter()
            .filter_map(|before| usize::try_from(*before).ok());
        let wave = before
            .filter_map(|before| waves.get(before))
            .max()
            .map_or(0, |last| last + 1);
        if let Some(slot) = waves.get_mut(step) {
            *slot = wave;
        }
    }
    waves
}

struct DryRun<'a> {
    plan: &'a Plan,
    status: &'a Status,
    waves: Vec<usize>,
    prompts: BTreeMap<String, String>,
}

impl DryRun<'_> {
    fn to_text(&self) -> String {
        use std::fmt::Write as _;

        let mut out = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{line}");
        };
        line(format_args!(
            "{} {}: a dry run, nothing is recorded",
            self.plan.name(),
            self.plan.version()
        ));
        let last = self.waves.iter().copied().max().unwrap_or(0);
        let mut by_wave = vec![Vec::new(); last + 1];
        for (step, wave) in self.plan.steps().iter().zip(&self.waves) {
            if let Some(steps) = by_wave.get_mut(*wave) {
                steps.push(step);
            }
        }
        for (wave, steps) in by_wave.iter().enumerate() {
            line(format_args!("\nwave {}", wave + 1));
            for step in steps {
                let mut remarks = vec![format!("agent {}", step.agent)];
                if !step.parallel {
                    remarks.push("nothing beside it".to_owned());
                }
                if step.optional {
                    remarks.push("optional".to_owned());
                }
                if !step.dependencies.is_empty() {
                    remarks.push(format!("after {}", step.dependencies.join(", ")));
                }
                line(format_args!("  {} ({})", step.key, remarks.join("; ")));
                let prompt = self
                    .prompts
                    .get(&step.key)
                    .map_or("(not rendered)", String::as_str);
                for text in prompt.lines() {
                    line(format_args!("    {text}"));
                }
            }
        }
        out
    }
}

/// The form of a run's status, with each step's agent, wave and prompt.
impl Serialize for DryRun<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("dry_run", &true)?;
        map.serialize_entry("execution_id", self.status.execution.id.as_str())?;
        map.serialize_entry("workflow", self.plan.name())?;
        map.serialize_entry("version", self.plan.version())?;
        map.serialize_entry("state", self.status.state().name())?;
        map.serialize_entry("steps", &DrySteps(self))?;
        if let Some(result) = &self.status.result {
            map.serialize_entry("result", raw(result))?;
        }
        if let Some(error) = &self.status.execution.error {
            map.serialize_entry("error", error)?;
        }
        map.end()
    }
}

struct DrySteps<'a>(&'a DryRun<'a>);

#[derive(Serialize)]
struct DryStep<'a> {
    state: &'static str,
    attempts: usize,
    agent: &'a str,
    wave: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Serialize for DrySteps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DryRun {
            plan,
            status,
            waves,
            prompts,
        } = self.0;
        let mut map = serializer.serialize_map(Some(plan.steps().len()))?;
        for ((step, wave), status) in plan.steps().iter().zip(waves).zip(&status.steps) {
            let document = DryStep {
                state: status.state.name(),
                attempts: status.record.attempts.len(),
                agent: &step.agent,
                wave: wave + 1,
                prompt: prompts.get(&step.key).map(String::as_str),
                result: status.record.result.as_ref().map(raw),
                error: status.record.error.as_deref(),
            };
            map.serialize_entry(&step.key, &document)?;
        }
        map.end()
    }
}
