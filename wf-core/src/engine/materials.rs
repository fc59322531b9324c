//! What an attempt at a step is made of: a prompt to send, or code with the values that it reads.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::future::BoxFuture;

use super::attempt::Work;
use super::elsewhere::{LARGE, elsewhere};
use crate::agent::{Agent, Allowance, Request, StepError};
use crate::id::ExecutionId;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::prompt::{Known, Rendering, render};
use crate::schema::Schema;
use crate::step::Attempt;
use crate::typed::{Code, Codec, StepContext, Typed, Value};
use crate::value::Json;

/// What the attempts of an execution are made of, beside what is recorded.
pub(super) struct Materials {
    inputs: Vec<Json>,
    /// The inputs in both forms, once a step that is code needs them.
    input_values: Option<Arc<[Value]>>,
    agents: Vec<Option<Arc<dyn Agent>>>,
    /// The result of each step by type, once it was made or read.
    typed: Vec<Option<Typed>>,
    dry: bool,
}

/// What the next attempt at a step may use at most.
pub(super) enum Bound {
    Known(Allowance),
    /// It takes long to find out, since the prompt is large.
    Later(BoxFuture<'static, Allowance>),
}

impl Materials {
    /// Prepares the attempts of an execution with these inputs, each step asking the agent at its position.
    pub(super) fn new(inputs: Vec<Json>, agents: Vec<Option<Arc<dyn Agent>>>) -> Self {
        Materials {
            inputs,
            input_values: None,
            agents,
            typed: Vec::new(),
            dry: false,
        }
    }

    /// Sets whether the agents' answers are not to be taken for real.
    pub(super) const fn set_dry(&mut self, dry: bool) {
        self.dry = dry;
    }

    /// Takes the inputs by type, as they were given.
    pub(super) fn give_inputs(&mut self, given: Vec<Option<Typed>>) {
        let given: Option<Vec<Typed>> = given.into_iter().collect();
        let values = given.map(|given| {
            let values = self.inputs.iter().cloned().zip(given);
            values.map(|(json, typed)| Value { json, typed }).collect()
        });
        self.input_values = values;
    }

    /// Keeps the result of a step by type, where it has one.
    pub(super) fn keep(&mut self, step: u32, typed: Option<Typed>) {
        if typed.is_some() {
            *self.slot(step as usize) = typed;
        }
    }

    /// The results of so many steps by type, as far as they were made or read.
    pub(super) fn into_typed(mut self, steps: usize) -> Vec<Option<Typed>> {
        self.typed.resize(steps, None);
        self.typed
    }

    /// What the next attempt at a step does.
    ///
    /// # Errors
    ///
    /// A [`StepError`]: a terminal one when a path in the prompt leads nowhere; when a stored value does not fit its
    /// type, one that pauses the run, since a failed run could never be resumed by a program that reads it.
    pub(super) fn work(&mut self, progress: &Progress, step: u32) -> Result<Work, StepError> {
        let at = step as usize;
        let agent = self.agents.get(at).cloned().flatten();
        let agent = agent.ok_or_else(|| StepError::terminal("the step has no agent"));
        match progress.plan().code(at) {
            Some(Code::Agent(code)) => Ok(Work::Render {
                agent: agent?,
                code,
                context: self.context(progress, at)?,
            }),
            Some(Code::Native(_)) if agent.is_ok() => self.ask(progress, at, agent?),
            Some(Code::Native(code)) => Ok(Work::Native {
                code,
                context: self.context(progress, at)?,
            }),
            Some(Code::Template) | None => self.ask(progress, at, agent?),
        }
    }

    /// What the result of a step has to fit. Answers that were not really given need not.
    pub(super) fn schema<'a>(&self, plan: &'a Plan, step: u32) -> Option<&'a Arc<Schema>> {
        let schemas = plan.schemas().ok().filter(|_| !self.dry);
        schemas.and_then(|schemas| schemas.of_step(step))
    }

    /// What the agent hears when its last answer was refused.
    pub(super) fn remark(&self, progress: &Progress, step: u32) -> Option<String> {
        let schema = self.schema(progress.plan(), step)?;
        let made = &progress.record(step as usize)?.attempts;
        // The last one may be the attempt that is about to be made.
        let is_open = |made: &&Attempt| made.ended_at.is_none() && made.error.is_none();
        let ended = made.iter().rev().skip_while(is_open);
        let last = ended.into_iter().find(|made| !made.interrupted)?;
        let error = last.error.as_deref().filter(|_| last.rejected)?;
        Some(format!(
            "Your last answer was refused: {error}.\n\
             Answer again, with JSON that fits this JSON Schema and with nothing else:\n{}",
            schema.text()
        ))
    }

    /// What the next attempt at a step may use at most, as its agent says.
    pub(super) fn bound(&mut self, progress: &Progress, step: u32) -> Bound {
        let at = step as usize;
        let Some(agent) = self.agents.get(at).cloned().flatten() else {
            return Bound::Known(Allowance::NOTHING);
        };
        let plan = progress.plan();
        let made = progress
            .record(at)
            .map_or(0, |record| record.attempts.len());
        let asking = Asking {
            agent,
            execution: progress.id().clone(),
            plan: Arc::clone(plan),
            step: at,
            number: u32::try_from(made + 1).unwrap_or(u32::MAX),
            remark: self.remark(progress, step),
            schema: self.schema(plan, step).cloned(),
        };
        // Most agents say the same of any prompt.
        let bare = asking.ask("", None);
        if bare == Allowance::NOTHING || bare == Allowance::UNLIMITED {
            return Bound::Known(bare);
        }
        match self.work(progress, step) {
            Ok(Work::Ask { prompt, .. }) => {
                let prompt = prompt.as_deref();
                Bound::Known(asking.of(prompt.unwrap_or_else(|| asking.plan.prompt(at))))
            }
            Ok(Work::AskLarge { rendering, .. }) => Bound::Later(Box::pin(async move {
                let bound = elsewhere(move || {
                    let prompt = rendering.render(&asking.plan)?;
                    Ok(asking.of(&prompt))
                });
                bound.await.unwrap_or(Allowance::NOTHING)
            })),
            Ok(Work::Render { code, context, .. }) => {
                let rendered = catch_unwind(AssertUnwindSafe(|| (code.render)(&context)));
                Bound::Known(match rendered {
                    Ok(Ok(prompt)) => asking.of(&prompt),
                    // The attempt will fail as well, and nobody is asked.
                    Ok(Err(_)) | Err(_) => Allowance::NOTHING,
                })
            }
            // Nobody is asked.
            Ok(Work::Native { .. }) | Err(_) => Bound::Known(Allowance::NOTHING),
        }
    }

    fn ask(
        &self,
        progress: &Progress,
        step: usize,
        agent: Arc<dyn Agent>,
    ) -> Result<Work, StepError> {
        let plan = progress.plan();
        let known = Known {
            inputs: &self.inputs,
            result: |step: usize| progress.record(step)?.result.as_ref(),
            dry: self.dry,
        };
        if let Some(rendering) = Rendering::of_large(plan, step, &known, LARGE) {
            return Ok(Work::AskLarge { agent, rendering });
        }
        let prompt = match render(plan, step, &known)? {
            Cow::Borrowed(_) => None,
            Cow::Owned(prompt) => Some(prompt),
        };
        Ok(Work::Ask { agent, prompt })
    }

    /// The values that the code of a step reads.
    fn context(&mut self, progress: &Progress, step: usize) -> Result<StepContext, StepError> {
        let spec = progress.plan().step_spec(step);
        let dependencies = spec.map_or(&[][..], |step| step.dependencies);
        let mut steps = Vec::with_capacity(dependencies.len());
        for &dependency in dependencies {
            let output = self.output(progress, dependency as usize);
            // Another build of the program may read it: the run waits for that.
            steps.push(output.map_err(StepError::unavailable)?);
        }
        let inputs = self.input_values(progress.plan());
        Ok(StepContext {
            inputs: inputs.map_err(StepError::unavailable)?,
            steps,
        })
    }

    fn input_values(&mut self, plan: &Plan) -> Result<Arc<[Value]>, String> {
        if let Some(values) = &self.input_values {
            return Ok(Arc::clone(values));
        }
        let mut values = Vec::with_capacity(self.inputs.len());
        let inputs = plan.inputs().iter().zip(&self.inputs);
        for ((input, json), codec) in inputs.zip(plan.input_codecs()) {
            let typed = codec.decode(json).map_err(|error| {
                format!("input `{}` does not fit its type: {error}", input.name)
            })?;
            values.push(Value {
                json: json.clone(),
                typed,
            });
        }
        let values: Arc<[Value]> = values.into();
        self.input_values = Some(Arc::clone(&values));
        Ok(values)
    }

    /// The output of a step, read from its JSON when another process made it; none of one that failed.
    fn output(&mut self, progress: &Progress, step: usize) -> Result<Option<Value>, String> {
        let plan = progress.plan();
        let codec = plan.step_spec(step).and_then(|step| step.output());
        let result = progress
            .record(step)
            .and_then(|record| record.result.clone());
        let (Some(json), Some(codec)) = (result, codec) else {
            return Ok(None);
        };
        let slot = self.slot(step);
        let typed = match slot {
            Some(typed) => Arc::clone(typed),
            None => Arc::clone(slot.insert(read(plan, step, codec, &json)?)),
        };
        Ok(Some(Value { json, typed }))
    }

    fn slot(&mut self, step: usize) -> &mut Option<Typed> {
        if self.typed.len() <= step {
            self.typed.resize(step + 1, None);
        }
        &mut self.typed[step]
    }
}

/// An agent that is asked what an attempt may use, with what it would be asked.
struct Asking {
    agent: Arc<dyn Agent>,
    execution: ExecutionId,
    plan: Arc<Plan>,
    step: usize,
    number: u32,
    remark: Option<String>,
    schema: Option<Arc<Schema>>,
}

impl Asking {
    /// What an attempt with that prompt may use, its remark and its schema included.
    fn of(&self, prompt: &str) -> Allowance {
        let whole = self.remark.as_ref();
        let whole = whole.map(|remark| format!("{prompt}\n\n{remark}"));
        self.ask(whole.as_deref().unwrap_or(prompt), self.schema.as_deref())
    }

    fn ask(&self, prompt: &str, schema: Option<&Schema>) -> Allowance {
        let key = self.plan.key(self.step);
        let mut request = Request::new(prompt, &self.execution, key, self.number);
        if let Some(schema) = schema {
            request = request.with_schema(schema.text());
        }
        self.agent.bound(request)
    }
}

pub(super) fn read(plan: &Plan, step: usize, codec: &Codec, json: &Json) -> Result<Typed, String> {
    codec.decode(json).map_err(|error| {
        let key = plan.key(step);
        format!("the stored result of step `{key}` does not fit its type: {error}")
    })
}
