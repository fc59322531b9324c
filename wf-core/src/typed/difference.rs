//! What differs between two definitions of a workflow.

use std::collections::HashMap;

use wf_model::{Definition, Step};

/// What differs between the definition that an execution started with and the one it is to go on with.
pub(crate) fn difference(stored: &Definition, current: &Definition) -> String {
    let before: HashMap<&str, &Step> = by_key(stored);
    let after: HashMap<&str, &Step> = by_key(current);
    let mut differences = Vec::new();
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
        "the inputs differ"
    } else if stored.config != current.config {
        "the configuration differs"
    } else {
        "the steps stand in another order, or the description differs"
    }
}
