//! The canonical form: what it looks like, and that nothing is lost in it.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use wf_model::{
    Config, Definition, Input, InputKind, OnFailure, RetryPolicy, Source, Step, check_unplaced,
};

fn read(source: &Source) -> Definition {
    match source.read() {
        Ok((checked, _)) => checked.definition,
        Err(report) => panic!("{report}\n{}", source.text()),
    }
}

const YAML: &str = r#"
name: Code Review
tags: [a]
version: "1.0.0"
inputs:
  diff: { type: string, description: what changed }
  depth: { type: integer, default: 3 }
config: { parallelism: 8, timeout: 30m, maxRetries: 2 }
steps:
  - { key: parse, agent: backend, prompt: "Parse {{diff}}, {{depth}}", dependencies: [], parallel: true }
  - key: audit
    agent: "@security"
    prompt: |
      Audit {{parse.files.0}}
    dependencies: [parse]
    timeoutMs: 90000
    retryPolicy: { retryDelayMs: 250, jitter: false }
    outputSchema: { type: object, required: [a], properties: { b: {}, a: { type: number } } }
"#;

const JSON: &str = r#"{"name":"Code Review","tags":["a"],"inputs":{"diff":{"type":"string","description":"what changed"},"depth":{"type":"integer","default":3}},"config":{"maxParallel":8,"timeout":1800000},"steps":[{"key":"parse","agent":"backend","prompt":"Parse {{diff}}, {{depth}}","retryPolicy":{"maxAttempts":3}},{"key":"audit","agent":"@security","prompt":"Audit {{parse.files.0}}\n","dependencies":["parse"],"timeout":90000,"retryPolicy":{"maxAttempts":3,"initialDelay":250,"jitter":false},"outputSchema":{"properties":{"a":{"type":"number"},"b":{}},"required":["a"],"type":"object"}}]}"#;

#[test]
fn the_canonical_form_has_a_fixed_order_and_no_defaults() {
    assert_eq!(read(&Source::yaml("w.yaml", YAML)).to_json(), JSON);
}

#[test]
fn yaml_and_json_give_equal_definitions() {
    let definition = read(&Source::yaml("w.yaml", YAML));
    assert_eq!(read(&Source::json("w.json", JSON)), definition);
    assert_eq!(read(&Source::yaml("w.yaml", JSON)), definition);
}

#[test]
fn the_form_for_people_has_durations_with_units() {
    let definition = read(&Source::yaml("w.yaml", YAML));
    let yaml = definition.to_yaml();
    assert!(
        yaml.contains("timeout: 30m\n") && yaml.contains("initialDelay: 250ms\n"),
        "{yaml}"
    );
    assert_eq!(read(&Source::yaml("w.yaml", yaml)), definition);
}

#[test]
fn equal_meaning_gives_equal_bytes() {
    let one = "name: w\nsteps:\n- { key: a, agent: x, prompt: p, timeout: 60s, retryPolicy: { maxRetries: 1 } }\n";
    let other = r#"{"steps": [{"retryPolicy": {"backoffMultiplier": 2, "maxAttempts": 2}, "prompt": "p", "timeout": "1m", "agent": "x", "key": "a", "optional": false}], "version": "1.0.0", "config": {}, "name": "w"}"#;
    assert_eq!(
        read(&Source::yaml("w", one)).to_json(),
        read(&Source::json("w", other)).to_json()
    );
}

#[test]
fn a_section_without_inputs_is_not_the_same_as_no_section() {
    let mut definition = Definition::new("w");
    definition.steps.push(Step::new("a", "x", "p"));
    assert!(!definition.to_json().contains("inputs"));
    definition.inputs = Some(Vec::new());
    assert_eq!(read(&Source::json("w", definition.to_json())), definition);
}

#[test]
fn what_a_program_gets_wrong_is_reported_too() {
    let mut definition = Definition::new("");
    definition.version = " ".into();
    definition.config.timeout = Some(Duration::ZERO);
    definition.config.budget.tokens = Some(5);
    definition.config.budget.per_attempt.tokens = Some(6);
    let kinds = [
        (InputKind::Integer, json!("x")),
        (InputKind::Any, Value::Null),
    ];
    let inputs = kinds
        .into_iter()
        .enumerate()
        .map(|(index, (kind, default))| Input {
            default: Some(default.into()),
            ..Input::required(format!("i{index}"), kind)
        });
    definition.inputs = Some(inputs.collect());
    definition.steps.push(Step {
        timeout: Some(Duration::from_micros(1500)),
        retry: RetryPolicy {
            backoff_multiplier: f64::NAN,
            ..RetryPolicy::default()
        },
        output_schema: Some(json!(5)),
        ..Step::new("a", " ", "{{i0}} {{i1}}")
    });
    let problems = check_unplaced(definition).unwrap_err();
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "the workflow's name is empty",
            "the workflow's version is empty",
            "the default of input `i0` is a string, but its type is `integer`",
            "the workflow's timeout is zero",
            "the workflow's budget sets more aside for one attempt than it has, so that none could start",
            "the agent of step `a` is empty",
            "the timeout of step `a` is not a whole number of milliseconds",
            "the retry policy of step `a` has a multiplier that is not a finite number of at least 1",
            "the output schema of step `a` must be a JSON Schema: an object, `true` or `false`",
        ]
    );
    assert_eq!(
        check_unplaced(Definition::new("w")).unwrap_err()[0].message,
        "the workflow has no steps"
    );
}

#[test]
fn a_default_makes_an_input_optional() {
    let mut definition = Definition::new("w");
    definition.inputs = Some(vec![Input {
        default: Some(json!("x").into()),
        ..Input::required("i", InputKind::String)
    }]);
    definition.steps.push(Step::new("a", "x", "{{i}}"));
    let (checked, _) = check_unplaced(definition).unwrap();
    assert!(!checked.inputs[0].required);
    assert_eq!(checked.definition.inputs, Some(checked.inputs));
}

/// Any text, with a liking for what YAML and JSON treat specially.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\\n\\t]{0,30}",
        "[ :#'\"\\\\\\-?|>%@`!&*\\[\\]{},\\n\\r\\t~é\u{85}\u{2028}\u{feff}]{0,20}",
        prop_oneof![
            Just("null"),
            Just("~"),
            Just("true"),
            Just("no"),
            Just("1.0"),
            Just("0x1F"),
            Just("1e3"),
            Just("-"),
            Just("0o7"),
            Just("007"),
            Just(".inf"),
            Just(".nan"),
            Just("<<"),
            Just("="),
            Just("1_000"),
            Just(""),
            Just("---"),
            Just("..."),
            Just(" x "),
            Just("\n\n"),
            Just("x\n"),
            Just("2001-01-01"),
            Just("+1"),
        ]
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter(
                "finite, and not the zero whose sign YAML forgets",
                |float| float.is_finite() && *float != 0.0
            )
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(
                (
                    text().prop_filter("a merge key in YAML", |key| key != "<<"),
                    inner
                ),
                0..4
            )
            .prop_map(|entries| entries
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

fn duration(least: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![
        least..100_000,
        (1u64..36_500).prop_map(|days| days * 86_400_000)
    ]
    .prop_map(Duration::from_millis)
}

fn retry() -> impl Strategy<Value = RetryPolicy> {
    (
        1..u32::MAX,
        duration(0),
        1.0..1e9f64,
        duration(0),
        any::<bool>(),
    )
        .prop_map(
            |(attempts, initial_delay, backoff_multiplier, max_delay, jitter)| RetryPolicy {
                max_attempts: NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN),
                initial_delay,
                backoff_multiplier,
                max_delay,
                jitter,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let schema = option::of(vec(
        (
            text().prop_filter("a merge key in YAML", |key| key != "<<"),
            value(),
        ),
        0..3,
    ));
    (
        text(),
        text(),
        any::<(bool, bool)>(),
        option::of(duration(1)),
        retry(),
        schema,
    )
        .prop_map(
            |(agent, prompt, (parallel, optional), timeout, retry, schema)| Step {
                agent: format!("a{agent}"),
                prompt: prompt.replace('{', "{ "),
                parallel,
                optional,
                timeout,
                retry,
                output_schema: schema
                    .map(|schema| schema.into_iter().collect::<serde_json::Map<_, _>>().into()),
                ..Step::new("", "", "")
            },
        )
}

fn definition() -> impl Strategy<Value = Definition> {
    let input = (any::<bool>(), option::of(value()), option::of(text())).prop_map(
        |(required, default, description)| Input {
            name: String::new(),
            kind: InputKind::Any,
            required: required && default.is_none(),
            default: default.map(Into::into),
            description,
        },
    );
    let cost = || option::of((0_u32..10_000).prop_map(|cents| f64::from(cents) / 100.0));
    let reserved = (option::of(any::<u64>()), cost());
    let budget = (
        option::of(1..u64::MAX),
        cost(),
        option::of(duration(1)),
        option::of(1..u64::MAX),
        reserved,
    )
        .prop_map(
            |(tokens, cost, wall_time, attempts, reserved)| wf_model::Budget {
                tokens,
                cost,
                wall_time,
                attempts,
                // No more than there is.
                per_attempt: wf_model::PerAttempt {
                    tokens: reserved.0.map(|more| more.min(tokens.unwrap_or(more))),
                    cost: reserved.1.map(|more| more.min(cost.unwrap_or(more))),
                },
            },
        );
    let config = (1..u32::MAX, option::of(duration(1)), 0..3usize, budget).prop_map(
        |(parallel, timeout, choice, budget)| Config {
            max_parallel: NonZeroU32::new(parallel).unwrap_or(NonZeroU32::MIN),
            timeout,
            on_failure: OnFailure::ALL[choice],
            budget,
        },
    );
    let texts = (
        text(),
        option::of(text()),
        text(),
        option::of(text()),
        vec(text(), 0..3),
    );
    (
        texts,
        option::of(vec(input, 0..3)),
        config,
        vec((step(), any::<u8>()), 1..5),
    )
        .prop_map(
            |((name, description, version, author, tags), inputs, config, steps)| {
                let mut inputs = inputs;
                for (index, input) in inputs.iter_mut().flatten().enumerate() {
                    input.name = format!("i-{index}");
                }
                let mut definition = Definition {
                    name: format!("n{name}"),
                    description,
                    version: format!("v{version}"),
                    author,
                    tags,
                    inputs,
                    config,
                    steps: Vec::new(),
                };
                for (index, (step, before)) in steps.into_iter().enumerate() {
                    let dependencies = (0..index).filter(|other| before & (1 << other) != 0);
                    let dependencies = dependencies.map(|other| format!("s_{other}")).collect();
                    definition.steps.push(Step {
                        key: format!("s_{index}"),
                        dependencies,
                        ..step
                    });
                }
                definition
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_definition_survives_being_written_and_read(definition in definition()) {
        let (checked, _) = check_unplaced(definition.clone()).unwrap();
        prop_assert_eq!(&checked.definition, &definition);
        let json = definition.to_json();
        let read_back = read(&Source::json("w.json", json.as_str()));
        prop_assert_eq!(&read_back, &definition);
        prop_assert_eq!(read_back.to_json(), json);
        prop_assert_eq!(&read(&Source::yaml("w.yaml", definition.to_yaml())), &definition);
    }
}
