//! The values of a run's inputs.

use std::collections::BTreeMap;

use wf_model::nearest;

use super::Plan;
use crate::value::Json;

/// The values of a run's inputs, by name.
pub type Inputs = BTreeMap<String, Json>;

impl Plan {
    /// The value of each input, in order: what was given, else the default.
    ///
    /// # Errors
    ///
    /// Every mistake at once: an unknown input, a missing one, one of the wrong type.
    pub(crate) fn bind(&self, mut given: Inputs) -> Result<Vec<Json>, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut values = Vec::with_capacity(self.inputs().len());
        for input in self.inputs() {
            let value = match (given.remove(&input.name), &input.default) {
                (Some(value), _) => {
                    let tree = value.to_value();
                    if !input.kind.accepts(&tree) {
                        mistakes.push(format!(
                            "input `{}` must be of type {}, but is {}",
                            input.name,
                            input.kind.name(),
                            kind_of(&tree)
                        ));
                    }
                    value
                }
                (None, Some(default)) => Json::from_stored(default.text()),
                (None, None) if input.required => {
                    mistakes.push(format!(
                        "input `{}` ({}) is missing",
                        input.name,
                        input.kind.name()
                    ));
                    Json::null()
                }
                (None, None) => Json::null(),
            };
            values.push(value);
        }
        for name in given.keys() {
            let names = || self.inputs().iter().map(|input| input.name.as_str());
            let help = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.inputs().is_empty() => "the workflow takes none".to_owned(),
                None => format!("the inputs are: {}", quoted(names())),
            };
            mistakes.push(format!("unknown input `{name}`; {help}"));
        }
        if mistakes.is_empty() {
            Ok(values)
        } else {
            Err(mistakes)
        }
    }
}

/// `a`, `b`, `c`.
pub(crate) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

const fn kind_of(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "a boolean",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a string",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}
