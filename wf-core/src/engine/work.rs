//! From a step to what an attempt at it does: a prompt to send, or code with the values that it reads.

use std::borrow::Cow;
use std::sync::Arc;

use super::EngineError;
use super::attempt::Work;
use super::drive::{Drive, Finished};
use super::elsewhere::LARGE;
use crate::agent::{Agent, StepError};
use crate::plan::Plan;
use crate::prompt::{Known, Rendering, render};
use crate::schema::Schema;
use crate::step::Attempt;
use crate::typed::{Code, Codec, Output, Outputs, StepContext, Typed, Value};

use crate::value::Json;

impl Drive {
    /// Takes the inputs by type, as they were given.
    pub(super) fn give_inputs(&mut self, given: Vec<Option<Typed>>) {
        let given: Option<Vec<Typed>> = given.into_iter().collect();
        let values = given.map(|given| {
            let values = self.inputs.iter().cloned().zip(given);
            values.map(|(json, typed)| Value { json, typed }).collect()
        });
        self.input_values = values;
    }

    /// What the next attempt at a step does.
    ///
    /// # Errors
    ///
    /// A [`StepError`]: a terminal one when a path in the prompt leads nowhere; when a stored value does not fit its
    /// type, one that pauses the run, since a failed run could never be resumed by a program that reads it.
    pub(super) fn work(&mut self, step: u32) -> Result<Work, StepError> {
        let at = step as usize;
        let agent = self.agents.get(at).cloned().flatten();
        let agent = agent.ok_or_else(|| StepError::terminal("the step has no agent"));
        match self.plan.code(at) {
            Some(Code::Agent(code)) => Ok(Work::Render {
                agent: agent?,
                code,
                context: self.context(at)?,
            }),
            Some(Code::Native(code)) => Ok(Work::Native {
                code,
                context: self.context(at)?,
            }),
            Some(Code::Template) | None => self.ask(at, agent?),
        }
    }

    /// What the result of a step has to fit. Answers that were not really given need not.
    pub(super) fn schema(&self, step: u32) -> Option<&Arc<Schema>> {
        let schemas = self.plan.schemas().ok().filter(|_| !self.dry);
        schemas.and_then(|schemas| schemas.of_step(step))
    }

    /// What the agent is told when its last answer was refused.
    pub(super) fn remark(&self, step: u32) -> Option<String> {
        let schema = self.schema(step)?;
        let made = &self.slots.get(step as usize)?.record.attempts;
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

    fn ask(&self, step: usize, agent: Arc<dyn Agent>) -> Result<Work, StepError> {
        let known = Known {
            inputs: &self.inputs,
            result: |step: usize| {
                self.slots
                    .get(step)
                    .and_then(|slot| slot.record.result.as_ref())
            },
            dry: self.dry,
        };
        if let Some(rendering) = Rendering::of_large(&self.plan, step, &known, LARGE) {
            return Ok(Work::AskLarge { agent, rendering });
        }
        let prompt = match render(&self.plan, step, &known)? {
            Cow::Borrowed(_) => None,
            Cow::Owned(prompt) => Some(prompt),
        };
        Ok(Work::Ask { agent, prompt })
    }

    /// The values that the code of a step reads.
    fn context(&mut self, step: usize) -> Result<StepContext, StepError> {
        let dependencies = self
            .plan
            .step_spec(step)
            .map_or(&[][..], |step| step.dependencies);
        let mut steps = Vec::with_capacity(dependencies.len());
        for &dependency in dependencies {
            steps.push(
                // Another build of the program may read it: the run waits for that.
                self.output(dependency as usize)
                    .map_err(StepError::unavailable)?,
            );
        }
        Ok(StepContext {
            inputs: self.input_values().map_err(StepError::unavailable)?,
            steps,
        })
    }

    fn input_values(&mut self) -> Result<Arc<[Value]>, String> {
        if let Some(values) = &self.input_values {
            return Ok(Arc::clone(values));
        }
        let mut values = Vec::with_capacity(self.inputs.len());
        let inputs = self.plan.inputs().iter().zip(&self.inputs);
        for ((input, json), codec) in inputs.zip(self.plan.input_codecs()) {
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
    fn output(&mut self, step: usize) -> Result<Option<Value>, String> {
        let Some(slot) = self.slots.get_mut(step) else {
            return Ok(None);
        };
        let codec = self.plan.step_spec(step).and_then(|step| step.output());
        let (Some(json), Some(codec)) = (&slot.record.result, codec) else {
            return Ok(None);
        };
        let typed = match &slot.typed {
            Some(typed) => Arc::clone(typed),
            None => Arc::clone(slot.typed.insert(read(&self.plan, step, codec, json)?)),
        };
        Ok(Some(Value {
            json: json.clone(),
            typed,
        }))
    }
}

impl Finished {
    /// The outputs of every step.
    ///
    /// # Errors
    ///
    /// [`is_value`](EngineError::is_value) when a stored value does not fit its type.
    pub(crate) fn outputs(self) -> Result<Outputs, EngineError> {
        let mut outputs = Vec::with_capacity(self.typed.len());
        for (step, (status, typed)) in self.status.steps.into_iter().zip(self.typed).enumerate() {
            let output = self.plan.step_spec(step).and_then(|step| step.output());
            let result = status.record.result.clone();
            outputs.push(match (result, output, typed) {
                (None, ..) => Output::None,
                (Some(json), None, _) => Output::Json(json),
                (Some(json), Some(_), Some(typed)) => Output::Value(Value { json, typed }),
                (Some(json), Some(codec), None) => {
                    let typed = read(&self.plan, step, codec, &json).map_err(EngineError::value)?;
                    Output::Value(Value { json, typed })
                }
            });
        }
        Ok(Outputs::new(outputs))
    }
}

fn read(plan: &Plan, step: usize, codec: &Codec, json: &Json) -> Result<Typed, String> {
    codec.decode(json).map_err(|error| {
        let key = plan.key(step);
        format!("the stored result of step `{key}` does not fit its type: {error}")
    })
}
