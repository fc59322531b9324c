//! The JSON Schemas that the results of steps have to fit.

#[cfg(feature = "schema")]
mod breadth;

use std::sync::Arc;

use serde_json::Value;
use wf_model::Definition;

use crate::value::Json;

/// The `outputSchema` of each step that has one.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    /// By position of the step, ascending.
    of_steps: Vec<(u32, Arc<Schema>)>,
}

/// What the result of a step has to fit.
#[derive(Debug)]
pub(crate) struct Schema {
    text: Value,
    validator: Validator,
}

impl Schemas {
    /// Prepares the schemas of a definition.
    ///
    /// # Errors
    ///
    /// Which step's schema cannot be used, and why.
    pub(crate) fn of(definition: &Definition) -> Result<Self, String> {
        let mut of_steps = Vec::new();
        for (step, position) in definition.steps.iter().zip(0_u32..) {
            let Some(schema) = &step.output_schema else {
                continue;
            };
            let validator = Validator::new(schema)
                .map_err(|fault| format!("the `outputSchema` of step `{}` {fault}", step.key))?;
            let text = schema.clone();
            of_steps.push((position, Arc::new(Schema { text, validator })));
        }
        Ok(Schemas { of_steps })
    }

    /// What the result of a step has to fit, if anything.
    pub(crate) fn of_step(&self, step: u32) -> Option<&Arc<Schema>> {
        let found = self.of_steps.binary_search_by_key(&step, |(step, _)| *step);
        found
            .ok()
            .and_then(|at| self.of_steps.get(at))
            .map(|(_, schema)| schema)
    }
}

impl Schema {
    /// The schema, as it was given.
    pub(crate) const fn text(&self) -> &Value {
        &self.text
    }

    /// Whether the schema names text as a type that fits.
    fn asks_for_text(&self) -> bool {
        match self.text.get("type") {
            Some(Value::String(name)) => name == "string",
            Some(Value::Array(names)) => names.iter().any(|name| name == "string"),
            _ => false,
        }
    }

    /// Takes a result as it fits: a text that fits only when it is read as JSON counts as that JSON, and JSON that fits
    /// only as a text counts as its text. Every digit of it stays.
    ///
    /// # Errors
    ///
    /// What does not fit, and where, for whoever is to answer again.
    pub(crate) fn admit(&self, result: Json) -> Result<Json, String> {
        let value: Value =
            serde_json::from_str(result.as_str()).map_err(|error| error.to_string())?;
        let Err(misfit) = self.validator.check(&value) else {
            return Ok(result);
        };
        match &value {
            Value::String(text) => match Json::parse(text) {
                Ok(read) => {
                    self.validator.check(&read.to_value())?;
                    Ok(read)
                }
                Err(_) => Err(misfit),
            },
            // What looks like JSON is a text as well.
            Value::Object(_) | Value::Array(_) if self.asks_for_text() => {
                let text = Value::from(result.as_str());
                match self.validator.check(&text) {
                    Ok(()) => Ok(Json::string(result.as_str())),
                    Err(_) => Err(misfit),
                }
            }
            _ => Err(misfit),
        }
    }
}

#[cfg(feature = "schema")]
use checked::Validator;
#[cfg(feature = "schema")]
pub(crate) use checked::fault;
#[cfg(not(feature = "schema"))]
use unchecked::Validator;

#[cfg(feature = "schema")]
mod checked {
    use jsonschema::ReferencingError;
    use jsonschema::error::ValidationErrorKind;
    use serde_json::Value;

    /// At most this many misfits are told at once.
    const TOLD: usize = 8;

    /// A value that does not fit is told about in at most this many characters.
    const SHOWN: usize = 200;

    #[derive(Debug)]
    pub(super) struct Validator(jsonschema::Validator);

    impl Validator {
        pub(super) fn new(schema: &Value) -> Result<Self, String> {
            compile(schema)
                .map(Validator)
                .map_err(|fault| format!("is no JSON Schema: {fault}"))
        }

        pub(super) fn check(&self, value: &Value) -> Result<(), String> {
            let mut misfits = self.0.iter_errors(value);
            let mut told = Vec::new();
            for misfit in misfits.by_ref().take(TOLD) {
                let place = misfit.instance_path().to_string();
                let place = if place.is_empty() {
                    "the answer".to_owned()
                } else {
                    format!("`{place}`")
                };
                told.push(format!("{place}: {}", shortened(&misfit.to_string())));
            }
            let more = misfits.next().is_some();
            match told.is_empty() {
                true => Ok(()),
                false if more => Err(format!("{}; and more", told.join("; "))),
                false => Err(told.join("; ")),
            }
        }
    }

    /// Says what is wrong with a JSON Schema.
    pub(crate) fn fault(schema: &Value) -> Result<(), String> {
        compile(schema).map(|_| ())
    }

    /// Patterns are matched in time that is linear in the text: a schema may come from anywhere.
    fn compile(schema: &Value) -> Result<jsonschema::Validator, String> {
        super::breadth::fault(schema)?;
        jsonschema::options()
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .build(schema)
            .map_err(|fault| {
                let text = shortened(&fault.to_string());
                match fault.kind() {
                    // The engine whose time is linear has neither look-around nor back-references.
                    ValidationErrorKind::Format { format } if format == "regex" => format!(
                        "{text}; patterns have no look-around and no back-references, so that they take linear time"
                    ),
                    ValidationErrorKind::Referencing(ReferencingError::Unretrievable {
                        ..
                    }) => {
                        format!("{text}; nothing is fetched; put it under `$defs`")
                    }
                    _ => text,
                }
            })
    }

    fn shortened(text: &str) -> String {
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        }
    }
}

#[cfg(not(feature = "schema"))]
mod unchecked {
    use serde_json::Value;

    /// There is none: this build cannot check answers, and refuses to pretend.
    #[derive(Debug)]
    pub(super) enum Validator {}

    impl Validator {
        pub(super) fn new(_: &Value) -> Result<Self, String> {
            Err("cannot be checked by this program: build it with the feature `schema` of `wf-core`".to_owned())
        }

        pub(super) fn check(&self, _: &Value) -> Result<(), String> {
            match *self {}
        }
    }
}

#[cfg(test)]
#[cfg(feature = "schema")]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(text: Value) -> Schema {
        Schema {
            validator: Validator::new(&text).unwrap(),
            text,
        }
    }

    fn admit(text: Value, result: &str) -> Result<String, String> {
        let result = Json::parse(result).unwrap();
        schema(text)
            .admit(result)
            .map(|admitted| admitted.as_str().to_owned())
    }

    #[test]
    fn a_text_that_is_json_counts_as_what_it_holds_when_only_that_fits() {
        let integer = json!({"type": "integer"});
        assert_eq!(admit(integer.clone(), r#""42""#), Ok("42".to_owned()));
        assert_eq!(admit(integer, "42"), Ok("42".to_owned()));
        assert_eq!(
            admit(json!({"type": "string"}), r#""42""#),
            Ok(r#""42""#.to_owned())
        );
    }

    #[test]
    fn every_misfit_is_told_with_its_place() {
        let text = json!({
            "type": "object",
            "required": ["name"],
            "properties": {"count": {"type": "integer"}},
        });
        let misfit = admit(text, r#"{"count": "many"}"#).unwrap_err();
        assert!(
            misfit.contains("`/count`: \"many\" is not of type \"integer\""),
            "{misfit}"
        );
        assert!(
            misfit.contains("the answer: \"name\" is a required property"),
            "{misfit}"
        );
    }

    #[test]
    fn digits_and_the_order_of_members_stay() {
        let object = json!({"type": "object", "properties": {"z": {"type": "integer"}}});
        let digits = r#"{"z":12345678901234567890123,"a":1.10}"#;
        assert_eq!(admit(object.clone(), digits), Ok(digits.to_owned()));
        let quoted = serde_json::to_string(digits).unwrap();
        assert_eq!(admit(object, &quoted), Ok(digits.to_owned()));
    }

    #[test]
    fn json_that_is_to_be_a_text_is_its_text() {
        let string = json!({"type": "string"});
        assert_eq!(
            admit(string.clone(), r#"{"a":1.10}"#),
            Ok(r#""{\"a\":1.10}""#.to_owned())
        );
        assert_eq!(admit(string, "[1]"), Ok(r#""[1]""#.to_owned()));
    }

    #[test]
    fn a_pattern_with_look_around_is_said_to_be_unsupported() {
        let said = fault(&json!({"pattern": "^(?=a)a"})).unwrap_err();
        assert!(said.contains("no look-around"), "{said}");
    }

    #[test]
    fn many_and_long_misfits_are_cut() {
        let text = json!({"items": {"type": "integer"}});
        let long = "x".repeat(10_000);
        let items: Vec<&str> = (0..100).map(|_| long.as_str()).collect();
        let misfit = admit(text, &json!(items).to_string()).unwrap_err();
        assert!(
            misfit.ends_with("; and more") && misfit.len() < 3_000,
            "{misfit}"
        );
    }

    #[test]
    fn what_is_no_schema_is_said_to_be_none() {
        assert!(fault(&json!({"type": "objekt"})).is_err());
        assert!(fault(&json!({"pattern": "("})).is_err());
        for outside in ["http://127.0.0.1:9/elsewhere", "file:///etc/passwd"] {
            let said = fault(&json!({"$ref": outside})).unwrap_err();
            assert!(said.contains(outside), "{said}");
            assert!(
                said.ends_with("; nothing is fetched; put it under `$defs`"),
                "{said}"
            );
        }
        let said = fault(&json!({"$ref": "#/$defs/missing"})).unwrap_err();
        assert!(!said.contains("fetched"), "{said}");
        assert_eq!(fault(&json!(true)), Ok(()));
    }

    #[test]
    fn a_pattern_that_explodes_in_other_engines_does_not_here() {
        let text = json!({"pattern": "^(a+)+$"});
        let hostile = format!("{}b", "a".repeat(50_000));
        assert!(admit(text, &json!(hostile).to_string()).is_err());
    }
}
