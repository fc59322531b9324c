//! An execution that is not driven any further, with the values that its steps have left.

use std::sync::Arc;

use super::driver::Driver;
use super::load::records;
use super::materials::read;
use super::{EngineError, Status};
use crate::lifecycle::State;
use crate::plan::Plan;
use crate::typed::{Output, Outputs, Typed, Value};

/// An execution that is not driven any further.
pub(crate) struct Finished {
    pub(crate) status: Status,
    /// The result of each step by type, as far as it was made or read.
    pub(super) typed: Vec<Option<Typed>>,
    pub(super) plan: Arc<Plan>,
}

impl Driver {
    /// How the execution stands, now that it is not driven any further.
    pub(super) async fn finished(mut self) -> Result<Finished, EngineError> {
        self.started.clear();
        self.attempts.clear();
        let id = self.id().clone();
        // What this engine has brought to an end or a pause is as it was written then.
        let execution = match self.progress.ended() {
            Some(execution) => execution.clone(),
            None => {
                let read = self.engine.store.execution(&id).await?;
                read.ok_or_else(|| EngineError::not_found(&id))?
            }
        };
        let plan = Arc::clone(self.progress.plan());
        if execution.state == State::Cancelled {
            // By another: what this engine had not committed by then did not happen.
            let loaded = self.engine.store.load(&id).await?;
            let loaded = loaded.ok_or_else(|| EngineError::not_found(&id))?;
            let records = records(plan.graph().len(), loaded.steps);
            return Ok(Finished {
                status: Status::new(&plan, loaded.execution, records.into_iter()),
                typed: vec![None; plan.graph().len()],
                plan,
            });
        }
        Ok(Finished {
            status: Status::new(&plan, execution, self.progress.into_records()),
            typed: self.materials.into_typed(plan.graph().len()),
            plan,
        })
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
