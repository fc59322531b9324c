//! An execution that is not driven any further, with the values that its steps have left.

use std::sync::Arc;

use super::materials::read;
use super::{EngineError, Status};
use crate::plan::Plan;
use crate::typed::{Output, Outputs, Typed, Value};

/// An execution that is not driven any further.
pub(crate) struct Finished {
    pub(crate) status: Status,
    /// The result of each step by type, as far as it was made or read.
    pub(super) typed: Vec<Option<Typed>>,
    pub(super) plan: Arc<Plan>,
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
