//! What differs between two definitions of a workflow.

use std::collections::HashMap;

use wf_model::{Definition, Input, Step};

/// What differs between the definition that an execution started with and the one it is to go on with.
pub(crate) fn difference(stored: &Definition, current: &Definition) -> String {
    let before: HashMap<&str, &Step> = by_key(stored);
    let after: HashMap<&str, &Step> = by_key(current);
    let mut differences = inputs(stored, current);
    for step in &current.steps {
        match before.get(step.key.as_str()) {
            None => differences.push(format!("step `{}` is new", step.key)),
            Some(old) if *old != step => differences.push(format!(
                "step `{}` has another {}",
                step.key,
                what_differs(old, step)
            )),
            Some(_) => {}
        }
    }
    for step in &stored.steps {
        if !after.contains_key(step.key.as_str()) {
            differences.push(format!("step `{}` is gone", step.key));
        }
    }
    if differences.is_empty() {
        differences.push(what_else_differs(stored, current).to_owned());
    }
    differences.join("; ")
}

/// The inputs that are new, other than they were, or gone.
fn inputs(stored: &Definition, current: &Definition) -> Vec<String> {
    let before = stored.inputs.as_deref().unwrap_or_default();
    let after = current.inputs.as_deref().unwrap_or_default();
    let mut differences = Vec::new();
    for input in after {
        match named(before, &input.name) {
            None => differences.push(format!("input `{}` is new", input.name)),
            Some(old) => differences.extend(changed(old, input)),
        }
    }
    let gone = before
        .iter()
        .filter(|input| named(after, &input.name).is_none());
    differences.extend(gone.map(|input| format!("input `{}` is gone", input.name)));
    differences
}

fn named<'a>(inputs: &'a [Input], name: &str) -> Option<&'a Input> {
    inputs.iter().find(|input| input.name == name)
}

fn changed(before: &Input, after: &Input) -> Option<String> {
    let parts = [
        (
            "type",
            before.kind != after.kind || before.required != after.required,
        ),
        ("default", before.default != after.default),
        ("description", before.description != after.description),
    ];
    let (part, _) = parts.iter().find(|(_, differs)| *differs)?;
    Some(format!("input `{}` has another {part}", after.name))
}

fn by_key(definition: &Definition) -> HashMap<&str, &Step> {
    let steps = definition.steps.iter();
    steps.map(|step| (step.key.as_str(), step)).collect()
}

fn what_differs(before: &Step, after: &Step) -> String {
    let parts = [
        ("agent", before.agent != after.agent),
        ("prompt", before.prompt != after.prompt),
        ("output type", before.output_schema != after.output_schema),
        (
            "set of dependencies",
            before.dependencies != after.dependencies,
        ),
        ("`parallel`", before.parallel != after.parallel),
        ("`optional`", before.optional != after.optional),
        ("timeout", before.timeout != after.timeout),
        ("retry policy", before.retry != after.retry),
    ];
    let differing = parts.iter().filter(|(_, differs)| *differs);
    differing
        .map(|(part, _)| *part)
        .collect::<Vec<_>>()
        .join(" and another ")
}

fn what_else_differs(stored: &Definition, current: &Definition) -> &'static str {
    if stored.name != current.name {
        "the name differs"
    } else if stored.version != current.version {
        "the version differs"
    } else if stored.inputs != current.inputs {
        "the inputs stand in another order"
    } else if stored.config != current.config {
        "the configuration differs"
    } else {
        "the steps stand in another order, or the description differs"
    }
}

#[cfg(test)]
mod tests {
    use wf_model::InputKind;

    use super::*;

    fn with(inputs: &[(&str, InputKind)]) -> Definition {
        let inputs = inputs.iter();
        let inputs = inputs.map(|(name, kind)| Input::required(*name, *kind));
        let mut definition = Definition::new("Review");
        definition.inputs = Some(inputs.collect());
        definition.steps = vec![Step::new("audit", "expert", "Audit")];
        definition
    }

    #[test]
    fn inputs_are_told_by_name_before_the_steps() {
        let stored = with(&[
            ("diff", InputKind::String),
            ("depth", InputKind::String),
            ("tone", InputKind::String),
        ]);
        let mut current = with(&[
            ("diff", InputKind::String),
            ("depth", InputKind::Integer),
            ("style", InputKind::String),
        ]);
        current.steps = vec![Step::new("audit", "expert", "Audit again")];
        assert_eq!(
            difference(&stored, &current),
            "input `depth` has another type; input `style` is new; input `tone` is gone; step `audit` has another prompt"
        );
    }

    #[test]
    fn inputs_in_another_order_are_told() {
        let (diff, tone) = (("diff", InputKind::String), ("tone", InputKind::String));
        let (stored, current) = (with(&[diff, tone]), with(&[tone, diff]));
        let told = difference(&stored, &current);
        assert_eq!(told, "the inputs stand in another order");
    }
}
