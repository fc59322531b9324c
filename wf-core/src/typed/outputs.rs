//! The outputs of a completed run.

use std::any::Any;
use std::fmt;

use super::Value;
use crate::value::Json;

/// The outputs of every step of a completed run; what `workflow!` names them by is made of this.
pub struct Outputs {
    values: Vec<Output>,
}

/// One step's output.
pub(crate) enum Output {
    /// An optional step that failed.
    None,
    /// A step whose output stays JSON.
    Json(Json),
    /// A step whose output has a type.
    Value(Value),
}

impl Outputs {
    pub(crate) const fn new(values: Vec<Output>) -> Self {
        Outputs { values }
    }

    /// The output of a step.
    ///
    /// # Panics
    ///
    /// On a position or a type that the workflow does not have there; what `workflow!` writes never does.
    pub fn step<T: Any>(&self, step: usize) -> &T {
        match self.optional_step(step) {
            Some(value) => value,
            None => panic!("a step that is not optional has no output"),
        }
    }

    /// The output of an optional step; none when it failed.
    ///
    /// # Panics
    ///
    /// See [`step`](Outputs::step).
    pub fn optional_step<T: Any>(&self, step: usize) -> Option<&T> {
        match &self.values[step] {
            Output::Value(value) => Some(value.get()),
            Output::None | Output::Json(_) => None,
        }
    }

    /// The output of a step as JSON; none when it is optional and failed.
    pub fn json(&self, step: usize) -> Option<&Json> {
        match self.values.get(step)? {
            Output::None => None,
            Output::Json(json) => Some(json),
            Output::Value(value) => Some(&value.json),
        }
    }
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = (0..self.values.len()).map(|step| self.json(step));
        f.debug_list().entries(values).finish()
    }
}
