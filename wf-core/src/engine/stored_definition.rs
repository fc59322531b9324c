//! What the status of an execution shows of its definition: read alone, without a check of what was checked before it was
//! stored.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Budget;
use crate::value::Json;

/// The keys of the steps, those of them that nothing depends on, and the budget.
#[derive(Debug, PartialEq)]
pub(super) struct Outline {
    pub(super) keys: Vec<String>,
    /// The positions of the steps whose results are the run's, where that was asked for.
    pub(super) sinks: Vec<usize>,
    pub(super) budget: Budget,
}

impl Outline {
    /// Reads a stored definition; none where it is not what a store was given, which its check explains.
    pub(super) fn of(definition: &Json, with_sinks: bool) -> Option<Self> {
        let Definition { steps, config } = serde_json::from_str(definition.as_str()).ok()?;
        let budget = match config.budget {
            Some(budget) => Budget::from_json(&budget)?,
            None => Budget::default(),
        };
        if steps.is_empty() {
            return None;
        }
        Some(Outline {
            sinks: if with_sinks {
                sinks(&steps)?
            } else {
                Vec::new()
            },
            keys: steps
                .iter()
                .map(|step| step.key.as_ref().to_owned())
                .collect(),
            budget,
        })
    }
}

/// The steps that no other names.
fn sinks(steps: &[Step<'_>]) -> Option<Vec<usize>> {
    let mut needed: HashSet<String> = HashSet::new();
    for dependencies in steps.iter().filter_map(|step| step.dependencies) {
        let dependencies: Vec<String> = serde_json::from_str(dependencies.get()).ok()?;
        needed.extend(dependencies);
    }
    let steps = steps.iter().enumerate();
    let sinks = steps.filter(|(_, step)| !needed.contains(step.key.as_ref()));
    Some(sinks.map(|(position, _)| position).collect())
}

#[derive(Deserialize)]
struct Definition<'a> {
    #[serde(borrow)]
    steps: Vec<Step<'a>>,
    #[serde(default)]
    config: Config,
}

#[derive(Deserialize)]
struct Step<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    dependencies: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Config {
    budget: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn an_outline_says_what_the_plan_says() {
        for (config, steps) in [
            (
                "",
                "[{ key: a, agent: x, prompt: p }, { key: b, agent: x, prompt: p, dependencies: [a] }]",
            ),
            (
                "config: { budget: { tokens: 7, wallTime: 5m } }",
                "[{ key: a, agent: x, prompt: p }, { key: b, agent: x, prompt: p }]",
            ),
            (
                "config: { maxParallel: 2 }",
                "[{ key: a, agent: x, prompt: \"p\\n\" }, { key: b, agent: x, prompt: 'of {{a}}', dependencies: [a] }]",
            ),
        ] {
            let text = format!("name: t\n{config}\nsteps: {steps}\n");
            let plan = Plan::from_yaml("t.yaml", &text).unwrap_or_else(|r| panic!("{r}"));
            let stored = plan.workflow().canonical.clone();
            let outline = Outline::of(&stored, true).unwrap();
            let keys: Vec<&str> = plan.steps().iter().map(|step| step.key.as_str()).collect();
            assert_eq!(outline.keys, keys);
            assert_eq!(outline.sinks, plan.graph().sinks().collect::<Vec<_>>());
            assert_eq!(outline.budget, plan.definition().config.budget);
            let shorter = Outline {
                sinks: Vec::new(),
                ..outline
            };
            assert_eq!(Outline::of(&stored, false), Some(shorter));
        }
    }

    #[test]
    fn what_is_no_definition_has_no_outline() {
        for text in ["{}", r#"{"steps":[]}"#, r#"{"steps":[{}]}"#, "nonsense"] {
            assert_eq!(Outline::of(&Json::from_stored(text), true), None, "{text}");
            assert!(Plan::from_json("t.json", text).is_err());
        }
    }
}
