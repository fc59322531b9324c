//! From a definition to the `workflow!` that declares it.

use std::fmt::Write as _;

use wf_core::plan::{Definition, Plan};
use wf_model::{
    Budget, Form, Input, InputKind, OnFailure, Part, RetryPolicy, Step, check_unplaced,
    format_duration,
};

use crate::{Original, draw};

/// The file of all declarations, each with its test.
pub(crate) fn file(originals: &[Original]) -> String {
    let mut text = String::from(
        "//! Written by the test `the_declarations_are_those_of_the_definitions`; not to be changed by hand.

use wf_core::value::{Object, Tree};
use wf_core::workflow;

use crate::both_forms_are_equal;
",
    );
    for original in originals {
        text.push('\n');
        text.push_str(&declaration(original));
        text.push('\n');
        text.push_str(&test(original));
    }
    text
}

/// The prompt of a step as a declaration prints it; none when there is a path in it.
pub(crate) fn prompt(plan: &Plan, key: &str) -> Option<String> {
    let (checked, _) = check_unplaced(plan.definition().clone()).unwrap();
    let at = plan.steps().iter().position(|step| step.key == key)?;
    let parts = checked.templates.parts(at).iter().map(|part| match part {
        Part::Text(range) => Some(plan.steps()[at].prompt[range.clone()].replace("{{", "{{{{")),
        Part::Input {
            input,
            path,
            form: Form::Text,
        } if path.is_empty() => Some(format!("{{{{{}}}}}", checked.inputs[*input].name)),
        Part::Step {
            step,
            path,
            form: Form::Text,
        } if path.is_empty() => Some(format!("{{{{{}.result}}}}", plan.steps()[*step].key)),
        Part::Input { .. } | Part::Step { .. } => None,
    });
    parts.collect()
}

fn declaration(original: &Original) -> String {
    let Original { name, definition } = original;
    let (checked, _) = check_unplaced(definition.clone()).unwrap();
    let usual = usual_retry(definition);
    let mut text = String::from("workflow! {\n");
    if let Some(description) = &definition.description {
        writeln!(text, "    /// {description}").unwrap();
    }
    writeln!(text, "    #[name = {:?}]", definition.name).unwrap();
    if definition.version != wf_model::DEFAULT_VERSION {
        writeln!(text, "    #[version = {:?}]", definition.version).unwrap();
    }
    if let Some(author) = &definition.author {
        writeln!(text, "    #[author = {author:?}]").unwrap();
    }
    if !definition.tags.is_empty() {
        let tags: Vec<_> = definition
            .tags
            .iter()
            .map(|tag| format!("{tag:?}"))
            .collect();
        writeln!(text, "    #[tags({})]", tags.join(", ")).unwrap();
    }
    let config = &definition.config;
    if config.max_parallel.get() != 16 {
        writeln!(text, "    #[max_parallel = {}]", config.max_parallel).unwrap();
    }
    if let Some(timeout) = config.timeout {
        writeln!(text, "    #[timeout = \"{}\"]", format_duration(timeout)).unwrap();
    }
    if let Some(budget) = budget(&config.budget) {
        writeln!(text, "    {budget}").unwrap();
    }
    if config.on_failure != OnFailure::default() {
        writeln!(text, "    #[on_failure = \"{}\"]", config.on_failure.name()).unwrap();
    }
    if let Some(retry) = retry(&usual, &RetryPolicy::default()) {
        writeln!(text, "    {retry}").unwrap();
    }
    writeln!(text, "    pub(crate) workflow {name}(").unwrap();
    for input in &checked.inputs {
        if let Some(description) = &input.description {
            writeln!(text, "        /// {description}").unwrap();
        }
        writeln!(text, "        {}: {},", ident(&input.name), type_of(input)).unwrap();
    }
    text.push_str("    ) {\n");
    for (at, step) in definition.steps.iter().enumerate() {
        text.push_str(&self::step(
            step,
            checked.templates.parts(at),
            &checked.inputs,
            &definition.steps,
            &usual,
        ));
    }
    text.push_str("    }\n}\n");
    text
}

fn step(
    step: &Step,
    parts: &[Part],
    inputs: &[Input],
    steps: &[Step],
    usual: &RetryPolicy,
) -> String {
    let mut text = String::new();
    let name = ident(&step.key);
    if name.trim_start_matches("r#").replace('_', "-") != step.key {
        writeln!(text, "        #[key = {:?}]", step.key).unwrap();
    }
    if let Some(retry) = retry(&step.retry, usual) {
        writeln!(text, "        {retry}").unwrap();
    }
    if let Some(timeout) = step.timeout {
        writeln!(
            text,
            "        #[timeout = \"{}\"]",
            format_duration(timeout)
        )
        .unwrap();
    }
    if let Some(schema) = &step.output_schema {
        writeln!(text, "        #[output_schema = {:?}]", schema.to_string()).unwrap();
    }
    if step.optional {
        text.push_str("        #[optional]\n");
    }
    if !step.parallel {
        text.push_str("        #[parallel = false]\n");
    }
    let mut prompt = String::new();
    let mut mentioned = Vec::new();
    for part in parts {
        match part {
            Part::Text(range) => {
                let text = &step.prompt[range.clone()];
                prompt.push_str(&text.replace('{', "{{").replace('}', "}}"));
            }
            Part::Input { input, .. } => {
                let name = ident(&inputs[*input].name);
                write!(prompt, "{{{}}}", name.trim_start_matches("r#")).unwrap();
            }
            Part::Step { step, .. } => {
                let key = &steps[*step].key;
                write!(prompt, "{{{}}}", ident(key).trim_start_matches("r#")).unwrap();
                mentioned.push(key);
            }
        }
    }
    let after = step
        .dependencies
        .iter()
        .filter(|key| !mentioned.contains(key));
    let after: Vec<_> = after.map(|key| ident(key)).collect();
    if !after.is_empty() {
        writeln!(text, "        #[after({})]", after.join(", ")).unwrap();
    }
    let agent = if wf_model::is_name(&step.agent) && !step.agent.contains('-') {
        step.agent.clone()
    } else {
        format!("{:?}", step.agent)
    };
    let output = output(&step.key);
    writeln!(
        text,
        "        step {name}: {output} = ask {agent} {prompt:?};"
    )
    .unwrap();
    text
}

/// A run of the workflow in both forms.
fn test(original: &Original) -> String {
    let Original { name, definition } = original;
    let given = draw::inputs(definition);
    let inputs = definition.inputs.iter().flatten();
    let fields = inputs.map(|input| {
        let json = given.get(&input.name).map_or("null", |json| json.as_str());
        let value = match input.kind {
            _ if !input.required => "None".to_owned(),
            InputKind::String => format!("String::from({json})"),
            InputKind::Number | InputKind::Integer | InputKind::Boolean => json.to_owned(),
            InputKind::Array | InputKind::Object | InputKind::Any => {
                format!("serde_json::from_str({json:?}).unwrap()")
            }
        };
        format!("{}: {value}", ident(&input.name))
    });
    let fields = fields.collect::<Vec<_>>().join(", ");
    let test = definition.name.to_lowercase().replace([' ', '-'], "_");
    format!(
        "#[test]\nfn {test}_is_the_same_in_both_forms() {{\n    both_forms_are_equal({name} {{ {fields} }});\n}}\n"
    )
}

/// A key as a Rust name.
fn ident(key: &str) -> String {
    let name = key.replace('-', "_").to_lowercase();
    if matches!(name.as_str(), "for" | "type") {
        format!("r#{name}")
    } else {
        name
    }
}

fn type_of(input: &Input) -> &'static str {
    match input.kind {
        _ if !input.required => "Option<String>",
        InputKind::String => "String",
        InputKind::Number => "f64",
        InputKind::Integer => "i64",
        InputKind::Boolean => "bool",
        InputKind::Array => "Vec<Tree>",
        InputKind::Object => "std::collections::BTreeMap<String, Tree>",
        InputKind::Any => "Tree",
    }
}

/// The type of what the agent of a step answers.
fn output(key: &str) -> &'static str {
    if key.ends_with("objects") {
        "Object"
    } else if key.ends_with("lists") {
        "Vec<String>"
    } else {
        "String"
    }
}

fn budget(budget: &Budget) -> Option<String> {
    let whole = |name: &str, limit: Option<u64>| limit.map(|limit| format!("{name} = {limit}"));
    let cost = |name: &str, limit: Option<f64>| limit.map(|limit| format!("{name} = {limit:?}"));
    let time = budget.wall_time.map(format_duration);
    let settings = [
        whole("attempts", budget.attempts),
        cost("cost", budget.cost),
        cost("cost_per_attempt", budget.per_attempt.cost),
        whole("tokens", budget.tokens),
        whole("tokens_per_attempt", budget.per_attempt.tokens),
        time.map(|time| format!("wall_time = \"{time}\"")),
    ];
    let settings: Vec<_> = settings.into_iter().flatten().collect();
    (!settings.is_empty()).then(|| format!("#[budget({})]", settings.join(", ")))
}

/// The policy that most steps have, setting by setting.
fn usual_retry(definition: &Definition) -> RetryPolicy {
    fn most<T: PartialEq + Copy>(steps: &[Step], setting: impl Fn(&RetryPolicy) -> T) -> T {
        let values: Vec<T> = steps.iter().map(|step| setting(&step.retry)).collect();
        let count = |value: &T| values.iter().filter(|other| *other == value).count();
        *values.iter().max_by_key(|value| count(value)).unwrap()
    }
    let steps = &definition.steps;
    RetryPolicy {
        max_attempts: most(steps, |retry| retry.max_attempts),
        initial_delay: most(steps, |retry| retry.initial_delay),
        backoff_multiplier: most(steps, |retry| retry.backoff_multiplier),
        max_delay: most(steps, |retry| retry.max_delay),
        jitter: most(steps, |retry| retry.jitter),
    }
}

/// What a policy sets beyond another.
fn retry(policy: &RetryPolicy, over: &RetryPolicy) -> Option<String> {
    let mut settings = Vec::new();
    if policy.max_attempts != over.max_attempts {
        settings.push(format!("attempts = {}", policy.max_attempts));
    }
    if policy.initial_delay != over.initial_delay {
        settings.push(format!(
            "delay = \"{}\"",
            format_duration(policy.initial_delay)
        ));
    }
    if policy.backoff_multiplier.to_bits() != over.backoff_multiplier.to_bits() {
        settings.push(format!("backoff = {:?}", policy.backoff_multiplier));
    }
    if policy.max_delay != over.max_delay {
        settings.push(format!(
            "max_delay = \"{}\"",
            format_duration(policy.max_delay)
        ));
    }
    if policy.jitter != over.jitter {
        settings.push(format!("jitter = {}", policy.jitter));
    }
    (!settings.is_empty()).then(|| format!("#[retry({})]", settings.join(", ")))
}
