//! A workflow in its two forms, `workflow!` and a file, is one workflow: the definition and the plan are equal, and so
//! is everything that a run of it tells and leaves behind, with the same agents on virtual time.
//!
//! `generated.rs` holds declarations that [`write`] makes of definitions: of the files that this repository has, and
//! of some that [`draw`] makes up. When one of these changes, `OVERWRITE=1 cargo test --test both_forms declarations` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod draw;
mod files;
#[rustfmt::skip]
mod generated;
mod play;
mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use wf_core::agent::Agents;
use wf_core::plan::{Definition, Inputs, Plan};
use wf_core::typed::{RunsOn, Source};
use wf_model::{Budget, InputKind, OnFailure};

/// How many definitions are made up.
const DRAWN: u64 = 16;

/// Where the workflows stand that are files, from the repository's root.
const FILES: [&str; 7] = [
    "examples/code-review.yaml",
    "examples/workflows/fan-out.yaml",
    "examples/workflows/inputs.json",
    "examples/workflows/on-failure.yaml",
    "examples/workflows/optional.yaml",
    "examples/workflows/retry.yaml",
    "wf-core/tests/workflows/review.yaml",
];

/// A definition that is written as a declaration, under the type's name.
struct Original {
    name: String,
    definition: Definition,
}

/// Every definition that a declaration can express.
fn originals() -> Vec<Original> {
    let files = FILES.iter().filter_map(|file| {
        let name = type_name(file);
        let plan = Plan::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let definition = declarable(&plan)?;
        Some(Original { name, definition })
    });
    let drawn = (0..DRAWN).map(|seed| Original {
        name: format!("Drawn{seed}"),
        definition: draw::definition(seed),
    });
    files.chain(drawn).collect()
}

/// `on-failure.yaml` is declared as `OnFailureDeclared`.
fn type_name(file: &str) -> String {
    let stem = Path::new(file).file_stem().unwrap().to_str().unwrap();
    let words = stem.split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "Declared"
}

/// The definition of a file as a declaration can have it: with every input declared and required. None when a
/// prompt has a path in it, which in Rust is a computed argument.
fn declarable(plan: &Plan) -> Option<Definition> {
    let mut definition = plan.definition().clone();
    let inputs: Vec<_> = plan
        .inputs()
        .iter()
        .map(|input| wf_model::Input {
            required: true,
            default: None,
            ..input.clone()
        })
        .collect();
    definition.inputs = Some(inputs).filter(|inputs| !inputs.is_empty());
    for step in &mut definition.steps {
        // What a declaration prints names the result, which a file need not.
        step.prompt = write::prompt(plan, &step.key)?;
    }
    Some(definition)
}

/// The plan of a definition by way of the file that it prints as.
fn plan_of(definition: &Definition) -> Arc<Plan> {
    Plan::from_yaml("printed.yaml", &definition.to_yaml())
        .unwrap_or_else(|report| panic!("{report}"))
}

/// Holds a declaration against its original, and its runs against those of the file that it prints as.
fn both_forms_are_equal<W: RunsOn<Agents>>(workflow: W) {
    let name = std::any::type_name::<W>().rsplit("::").next().unwrap();
    let original = originals()
        .into_iter()
        .find(|original| original.name == name)
        .unwrap();
    let declared = Plan::of::<W>();
    assert_eq!(*declared.definition(), original.definition);
    assert_eq!(W::to_definition(), original.definition);

    let printed = plan_of(&W::to_definition());
    assert_equal_plans(&declared, &printed);
    assert_eq!(plan_of(printed.definition()).hash(), printed.hash());

    let (log, inputs) = play::typed(workflow);
    assert_equal_logs(&log, &play::untyped(&printed, &inputs));
}

/// Holds a declaration that is a file against the same file read at run time.
fn a_file_is_equal_to_itself_at_run_time<W: RunsOn<Agents>>(workflow: W) {
    let (Source::Yaml(file, _) | Source::Json(file, _)) = W::spec().source else {
        panic!("the workflow is no file");
    };
    assert!(FILES.contains(&file), "{file}");
    let read = Plan::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let declared = Plan::of::<W>();
    assert_equal_plans(&declared, &read);
    assert_eq!(declared.hash(), read.hash());
    assert_eq!(declared.id(), read.id());
    assert_equal_plans(&plan_of(&W::to_definition()), &read);

    let (log, inputs) = play::typed(workflow);
    assert_equal_logs(&log, &play::untyped(&read, &inputs));
}

fn assert_equal_plans(one: &Plan, other: &Plan) {
    assert_eq!(one.definition(), other.definition());
    assert_eq!(one.graph(), other.graph());
    assert_eq!(one.inputs(), other.inputs());
    let chains = |plan: &Plan| -> Vec<u32> {
        (0..)
            .take(plan.steps().len())
            .map(|step| plan.chain_length(step))
            .collect()
    };
    assert_eq!(chains(one), chains(other));
}

fn assert_equal_logs(one: &str, other: &str) {
    assert!(one.contains("AttemptStarted"), "{one}");
    assert_eq!(one, other);
}

#[test]
fn the_declarations_are_those_of_the_definitions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/both_forms/generated.rs");
    let text = write::file(&originals());
    if std::env::var_os("OVERWRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(
        found == text,
        "tests/both_forms/generated.rs is stale; run `OVERWRITE=1 cargo test --test both_forms declarations`, and then the tests again"
    );
}

#[test]
fn every_example_is_among_the_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workflows");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_listed = FILES.contains(&format!("examples/workflows/{name}").as_str());
        assert!(is_listed || name == "agents.yaml", "{name}");
    }
}

#[test]
fn every_setting_is_among_the_drawn_ones() {
    let all: Vec<Definition> = (0..DRAWN).map(draw::definition).collect();
    let has = |what: &str, is_so: &dyn Fn(&Definition) -> bool| {
        assert!(all.iter().any(is_so), "no definition has {what}");
    };
    let step_has = |what: &str, is_so: &dyn Fn(&wf_model::Step) -> bool| {
        has(what, &|definition| definition.steps.iter().any(is_so));
    };
    has("a description", &|definition| {
        definition.description.is_some()
    });
    has("a version", &|definition| definition.version != "1.0.0");
    has("an author", &|definition| definition.author.is_some());
    has("tags", &|definition| definition.tags.len() > 1);
    has("no inputs", &|definition| definition.inputs.is_none());
    has("a limit to what runs at once", &|definition| {
        definition.config.max_parallel.get() < 4
    });
    has("a timeout", &|definition| {
        definition.config.timeout.is_some()
    });
    let budget = |limit: &dyn Fn(&Budget) -> bool| {
        has("a limit to what is used", &|definition| {
            limit(&definition.config.budget)
        });
    };
    budget(&|budget| budget.tokens.is_some());
    budget(&|budget| budget.cost.is_some());
    budget(&|budget| budget.wall_time.is_some());
    budget(&|budget| budget.attempts.is_some());
    budget(&|budget| budget.per_attempt.tokens.is_some());
    budget(&|budget| budget.per_attempt.cost.is_some());
    for on_failure in OnFailure::ALL {
        has(on_failure.name(), &|definition| {
            definition.config.on_failure == on_failure
        });
    }
    for kind in InputKind::ALL {
        has(kind.name(), &|definition| {
            let mut inputs = definition.inputs.iter().flatten();
            inputs.any(|input| input.kind == kind && input.required)
        });
    }
    has("an input that need not be given", &|definition| {
        definition
            .inputs
            .iter()
            .flatten()
            .any(|input| !input.required)
    });
    has("an input that is described", &|definition| {
        let mut inputs = definition.inputs.iter().flatten();
        inputs.any(|input| input.description.is_some())
    });
    let usual = wf_model::RetryPolicy::default();
    step_has("attempts", &|step| {
        step.retry.max_attempts != usual.max_attempts
    });
    step_has("a delay", &|step| {
        step.retry.initial_delay != usual.initial_delay
    });
    step_has("a multiplier", &|step| {
        (step.retry.backoff_multiplier - usual.backoff_multiplier).abs() > 0.1
    });
    step_has("a longest delay", &|step| {
        step.retry.max_delay != usual.max_delay
    });
    step_has("no jitter", &|step| !step.retry.jitter);
    step_has("a timeout", &|step| step.timeout.is_some());
    step_has("a schema", &|step| step.output_schema.is_some());
    step_has("optional", &|step| step.optional);
    step_has("parallel", &|step| !step.parallel);
    step_has("a capability", &|step| step.agent.starts_with('@'));
    step_has("an order without data", &|step| {
        let is_mentioned = |key: &String| step.prompt.contains(&format!("{{{{{key}.result}}}}"));
        !step.dependencies.iter().all(is_mentioned)
    });
    step_has("escaped braces", &|step| step.prompt.contains("{{{{"));
    let written = include_str!("generated.rs");
    for setting in ["\n    #[retry(", "\n        #[retry(", "#[key = ", "r#"] {
        assert!(written.contains(setting), "no declaration has `{setting}`");
    }
}

#[test]
fn every_key_of_a_file_is_among_the_drawn_ones_and_their_declarations() {
    let all = (0..DRAWN).map(|seed| draw::definition(seed).to_json());
    let all: Vec<serde_json::Value> = all
        .map(|json| serde_json::from_str(&json).unwrap())
        .collect();
    let written = include_str!("generated.rs");
    for section in wf_model::keys::SECTIONS {
        let mappings: Vec<&serde_json::Value> = match section.name {
            "workflow" => all.iter().collect(),
            "input" => all
                .iter()
                .flat_map(|one| one["inputs"].as_object())
                .flat_map(|inputs| inputs.values())
                .collect(),
            "config" => all.iter().map(|one| &one["config"]).collect(),
            "budget" => all.iter().map(|one| &one["config"]["budget"]).collect(),
            "perAttempt" => all
                .iter()
                .map(|one| &one["config"]["budget"]["perAttempt"])
                .collect(),
            "step" => steps(&all).collect(),
            "retryPolicy" => steps(&all).map(|step| &step["retryPolicy"]).collect(),
            other => panic!("where does `{other}` stand?"),
        };
        for key in section.keys {
            // One is resolved into the steps; the inputs of a declaration have no defaults.
            let is_resolved = matches!(
                (section.name, key.name),
                ("config", "retryPolicy") | ("input", "default")
            );
            let is_drawn = mappings
                .iter()
                .any(|mapping| mapping.get(key.name).is_some());
            let (section, name) = (section.name, key.name);
            assert!(is_drawn || is_resolved, "no drawn {section} has `{name}`");
            if let Some(attribute) = key.attribute {
                let is_written = [format!("#[{attribute}"), format!("{attribute} = ")];
                assert!(
                    is_written.iter().any(|form| written.contains(form)),
                    "no declaration has `{attribute}`, which is `{name}` of a {section}"
                );
            }
        }
    }
}

fn steps(all: &[serde_json::Value]) -> impl Iterator<Item = &serde_json::Value> {
    all.iter()
        .filter_map(|one| one["steps"].as_array())
        .flatten()
}

#[test]
fn every_course_of_a_run_is_among_those_of_the_drawn_ones() {
    let mut seen = BTreeSet::new();
    for seed in 0..DRAWN {
        let plan = plan_of(&draw::definition(seed));
        let inputs: Inputs = draw::inputs(plan.definition());
        let log = play::untyped(&plan, &inputs);
        let words = [
            "AttemptFailed",
            "retry_in: Some",
            "retry_in: None",
            "outcome: Failed",
            "outcome: Skipped",
            "Resume",
            "no answer within",
            "state completed",
            "state failed",
            "state paused",
            "does not fit the step's `outputSchema`",
        ];
        seen.extend(words.into_iter().filter(|word| log.contains(word)));
    }
    assert_eq!(seen.len(), 11, "{seen:?}");
}
