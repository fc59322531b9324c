//! How much work a JSON Schema asks for at one place of an answer: `allOf` of `allOf` may double at every level.

use std::collections::HashMap;

use serde_json::Value;

/// At one place of an answer at most so many schemas are applied.
const MOST: u64 = 10_000;

/// The keywords whose one schema is applied to the same place.
const ONE: [&str; 4] = ["not", "if", "then", "else"];

/// The keywords whose schemas are applied to the same place.
const MANY: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Says that a schema would apply more than ten thousand schemas to one place of an answer, or refers to itself there.
///
/// What `$ref` leads to in the schema itself is followed; the sums are kept, so that this takes time linear in the
/// schema.
pub(super) fn fault(schema: &Value) -> Result<(), String> {
    let mut sums = Sums {
        root: schema,
        known: HashMap::new(),
    };
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        if sums.of(value)? > MOST {
            return Err(format!(
                "it applies more than {MOST} schemas to one place of an answer; let it branch less"
            ));
        }
        match value {
            Value::Object(members) => open.extend(members.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    Ok(())
}

struct Sums<'a> {
    root: &'a Value,
    /// By the address of the schema, which stays where it is: its sum, or nothing while that is being computed.
    known: HashMap<*const Value, Option<u64>>,
}

impl<'a> Sums<'a> {
    /// How many schemas this one applies to the place that it is applied to, itself included.
    fn of(&mut self, schema: &'a Value) -> Result<u64, String> {
        let Value::Object(members) = schema else {
            return Ok(1);
        };
        let address: *const Value = schema;
        match self.known.get(&address) {
            Some(Some(sum)) => return Ok(*sum),
            Some(None) => {
                return Err(
                    "it refers to itself for one and the same place of an answer".to_owned(),
                );
            }
            None => {}
        }
        self.known.insert(address, None);
        let mut sum = 1_u64;
        for (keyword, value) in members {
            let applied: Vec<&'a Value> = match (keyword.as_str(), value) {
                (one, value) if ONE.contains(&one) => vec![value],
                (many, Value::Array(schemas)) if MANY.contains(&many) => schemas.iter().collect(),
                ("dependentSchemas", Value::Object(schemas)) => schemas.values().collect(),
                ("$ref", Value::String(target)) => self.target(target).into_iter().collect(),
                _ => continue,
            };
            for schema in applied {
                sum = sum.saturating_add(self.of(schema)?);
            }
        }
        self.known.insert(address, Some(sum));
        Ok(sum)
    }

    /// What a reference within the schema leads to.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let root = self.root;
        root.pointer(reference.strip_prefix('#')?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_that_double_at_every_level_are_refused() {
        let mut definitions = serde_json::Map::new();
        definitions.insert("s0".to_owned(), json!({"type": "object"}));
        for level in 1..=40 {
            let below = json!({"$ref": format!("#/$defs/s{}", level - 1)});
            definitions.insert(
                format!("s{level}"),
                json!({"allOf": [below.clone(), below]}),
            );
        }
        let doubled = json!({"$ref": "#/$defs/s40", "$defs": definitions});
        assert!(fault(&doubled).unwrap_err().contains("more than 10000"));
    }

    #[test]
    fn what_nests_without_doubling_is_taken() {
        let mut nested = json!({"type": "string"});
        for _ in 0..40 {
            nested = json!({"allOf": [nested]});
        }
        assert_eq!(fault(&nested), Ok(()));
        let tree = json!({"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        assert_eq!(fault(&tree), Ok(()));
    }

    #[test]
    fn a_schema_that_is_its_own_condition_is_refused() {
        let own = json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}});
        assert!(fault(&own).unwrap_err().contains("refers to itself"));
    }
}
