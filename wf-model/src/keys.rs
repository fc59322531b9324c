//! Every key of a workflow file, in one table.
//!
//! The reader takes its keys from here. That the printer, the attributes of `workflow!`, the documentation and the
//! generator of random definitions know the same keys is tested: a key that is added here alone fails tests that say
//! where it is missing.

/// A key of a mapping in a workflow file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key, as files write it.
    pub name: &'static str,
    /// What `workflow!` calls it in an attribute; none where the declaration itself says it.
    pub attribute: Option<&'static str>,
    /// A value that is not the default, as YAML.
    pub sample: &'static str,
}

/// The keys of one kind of mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// What the mapping is: `workflow` for the whole file.
    pub name: &'static str,
    /// Its keys, in the order in which they are documented.
    pub keys: &'static [Key],
}

const fn key(name: &'static str, attribute: &'static str, sample: &'static str) -> Key {
    Key {
        name,
        attribute: Some(attribute),
        sample,
    }
}

/// A key that is no attribute of `workflow!`.
const fn plain(name: &'static str, sample: &'static str) -> Key {
    Key {
        name,
        attribute: None,
        sample,
    }
}

/// The names of the keys, for the reader.
pub(crate) const fn names<const N: usize>(keys: &[Key; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = keys[at].name;
        at += 1;
    }
    names
}

pub(crate) const WORKFLOW: [Key; 8] = [
    key("name", "name", "Everything"),
    plain("description", "Has every key."),
    key("version", "version", "'2.0.0'"),
    key("author", "author", "A. U. Thor"),
    key("tags", "tags", "[one, two words]"),
    plain("inputs", "{}"),
    plain("config", "{}"),
    plain("steps", "[]"),
];

pub(crate) const INPUT: [Key; 4] = [
    plain("type", "integer"),
    plain("required", "false"),
    plain("default", "7"),
    plain("description", "How many."),
];

pub(crate) const CONFIG: [Key; 5] = [
    key("maxParallel", "max_parallel", "3"),
    key("timeout", "timeout", "90s"),
    key("onFailure", "on_failure", "continue"),
    key("retryPolicy", "retry", "{ maxAttempts: 2 }"),
    key("budget", "budget", "{}"),
];

pub(crate) const BUDGET: [Key; 5] = [
    key("tokens", "tokens", "1000"),
    key("cost", "cost", "2.5"),
    key("wallTime", "wall_time", "1h"),
    key("attempts", "attempts", "50"),
    plain("perAttempt", "{}"),
];

pub(crate) const PER_ATTEMPT: [Key; 2] = [
    key("tokens", "tokens_per_attempt", "10"),
    key("cost", "cost_per_attempt", "0.5"),
];

pub(crate) const STEP: [Key; 9] = [
    key("key", "key", "last"),
    plain("agent", "somebody"),
    plain("prompt", "'Look at {{n}} and {{first}}'"),
    key("dependencies", "after", "[first]"),
    key("parallel", "parallel", "false"),
    key("optional", "optional", "true"),
    key("timeout", "timeout", "30s"),
    key("retryPolicy", "retry", "{}"),
    key("outputSchema", "output_schema", "{ type: object }"),
];

pub(crate) const RETRY_POLICY: [Key; 5] = [
    key("maxAttempts", "attempts", "4"),
    key("initialDelay", "delay", "2s"),
    key("backoffMultiplier", "backoff", "3.0"),
    key("maxDelay", "max_delay", "40s"),
    key("jitter", "jitter", "false"),
];

/// Every section of a workflow file.
pub const SECTIONS: &[Section] = &[
    section("workflow", &WORKFLOW),
    section("input", &INPUT),
    section("config", &CONFIG),
    section("budget", &BUDGET),
    section("perAttempt", &PER_ATTEMPT),
    section("step", &STEP),
    section("retryPolicy", &RETRY_POLICY),
];

const fn section(name: &'static str, keys: &'static [Key]) -> Section {
    Section { name, keys }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::Value;

    use super::*;
    use crate::Source;

    /// The section as a mapping in one line, with other values where `other` gives them.
    fn mapping(keys: &[Key], other: &[(&str, String)]) -> String {
        let mut text = String::from("{ ");
        for key in keys {
            let other = other.iter().find(|(name, _)| *name == key.name);
            let value = other.map_or(key.sample, |(_, value)| value);
            let _ = write!(text, "{}: {value}, ", key.name);
        }
        text + "}"
    }

    /// A file in which every key stands.
    fn everything() -> String {
        let retry = mapping(&RETRY_POLICY, &[]);
        let budget = mapping(&BUDGET, &[("perAttempt", mapping(&PER_ATTEMPT, &[]))]);
        let config = mapping(&CONFIG, &[("budget", budget)]);
        let step = mapping(&STEP, &[("retryPolicy", retry)]);
        let first = "{ key: first, agent: somebody, prompt: begin }";
        let inputs = format!("{{ n: {} }}", mapping(&INPUT, &[]));
        let sections = [
            ("inputs", inputs),
            ("config", config),
            ("steps", format!("[{first}, {step}]")),
        ];
        mapping(&WORKFLOW, &sections)
    }

    #[test]
    fn every_key_is_read_and_printed() {
        let text = everything();
        let read = Source::yaml("everything.yaml", &text).read();
        let (checked, report) = read.unwrap_or_else(|report| panic!("{report}\n{text}"));
        assert!(report.is_empty(), "{text}: {report:?}");
        let printed = checked.definition.to_json();
        let value: Value = serde_json::from_str(&printed).unwrap();
        let step = &value["steps"][1];
        for section in SECTIONS {
            let found = match section.name {
                "workflow" => &value,
                "input" => &value["inputs"]["n"],
                "config" => &value["config"],
                "budget" => &value["config"]["budget"],
                "perAttempt" => &value["config"]["budget"]["perAttempt"],
                "step" => step,
                "retryPolicy" => &step["retryPolicy"],
                other => panic!("where does `{other}` stand?"),
            };
            for key in section.keys {
                // One is resolved into the steps, the other follows from the default.
                let is_resolved = matches!(
                    (section.name, key.name),
                    ("config", "retryPolicy") | ("input", "required")
                );
                let (section, key) = (section.name, key.name);
                assert_eq!(
                    found.get(key).is_none(),
                    is_resolved,
                    "`{key}` of {section}: {printed}"
                );
            }
        }
        let again = Source::json("everything.json", &printed).read();
        let (again, _) = again.unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(again.definition.to_json(), printed);
    }
}
