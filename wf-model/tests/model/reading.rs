//! How each key of a definition is read, and the words in which a mistake in it is reported.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use wf_model::{Definition, OnFailure, RetryPolicy, Source, Step};

use crate::workflow::{definition, found, helps, with_section, with_step};

#[test]
fn a_minimal_workflow_has_the_documented_defaults() {
    let definition = definition("name: w\nsteps:\n  - { key: a, agent: x, prompt: p }\n");
    assert_eq!(
        definition,
        Definition {
            steps: vec![Step::new("a", "x", "p")],
            ..Definition::new("w")
        }
    );
    assert_eq!(definition.version, "1.0.0");
    assert_eq!(definition.config.max_parallel.get(), 16);
    assert_eq!(definition.config.on_failure, OnFailure::Fail);
    let step = &definition.steps[0];
    assert!(step.parallel && !step.optional && step.timeout.is_none());
    let retry = RetryPolicy {
        max_attempts: NonZeroU32::MIN,
        initial_delay: Duration::from_secs(1),
        backoff_multiplier: 2.0,
        max_delay: Duration::from_secs(60),
        jitter: true,
    };
    assert_eq!(step.retry, retry);
}

#[test]
fn every_key_is_read() {
    let text = r#"
name: w
description: d
version: "2"
author: me
tags: [a, b]
inputs:
  diff: { type: string, required: true, description: what changed }
  count: { type: integer, default: 3 }
  extra: { required: false }
config:
  maxParallel: 8
  timeout: 30m
  onFailure: pause
  retryPolicy: { maxAttempts: 2, jitter: false }
steps:
  - key: a
    agent: "@review"
    prompt: "{{diff}} {{count}} {{extra}}"
    dependencies: []
    parallel: false
    optional: true
    timeout: 60s
    retryPolicy: { maxAttempts: 3, initialDelay: 2s, backoffMultiplier: 1.5, maxDelay: 10s }
    outputSchema: { type: object }
"#;
    let definition = definition(text);
    assert_eq!(definition.description.as_deref(), Some("d"));
    assert_eq!(definition.version, "2");
    assert_eq!(definition.author.as_deref(), Some("me"));
    assert_eq!(definition.tags, ["a", "b"]);
    let inputs = definition.inputs.as_deref().unwrap();
    assert_eq!(
        inputs
            .iter()
            .map(|input| input.required)
            .collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!(inputs[0].description.as_deref(), Some("what changed"));
    assert_eq!(inputs[1].default, Some(json!(3).into()));
    assert_eq!(inputs[2].kind.name(), "string");
    assert_eq!(definition.config.max_parallel.get(), 8);
    assert_eq!(definition.config.timeout, Some(Duration::from_secs(1800)));
    assert_eq!(definition.config.on_failure, OnFailure::Pause);
    let step = &definition.steps[0];
    assert_eq!(step.agent, "@review");
    assert!(!step.parallel && step.optional);
    assert_eq!(step.timeout, Some(Duration::from_secs(60)));
    let retry = RetryPolicy {
        max_attempts: NonZeroU32::new(3).unwrap(),
        initial_delay: Duration::from_secs(2),
        backoff_multiplier: 1.5,
        max_delay: Duration::from_secs(10),
        jitter: false,
    };
    assert_eq!(step.retry, retry);
    assert_eq!(
        step.output_schema,
        Some(serde_json::json!({ "type": "object" }))
    );
}

#[test]
fn the_other_spellings_mean_the_same() {
    let section = "config: { parallelism: 4, continueOnError: true, maxRetries: 2 }\n";
    let definition_of = |section: &str| definition(&with_section(section));
    let canonical =
        "config: { maxParallel: 4, onFailure: continue, retryPolicy: { maxAttempts: 3 } }\n";
    assert_eq!(definition_of(section), definition_of(canonical));
    assert_eq!(
        definition_of("config: { continueOnError: false }\n"),
        definition_of("")
    );
    let old = "    timeoutMs: 1500\n    retryPolicy: { maxRetries: 0, retryDelayMs: 250, retryBackoffMultiplier: 3 }\n";
    let new = "    timeout: 1500ms\n    retryPolicy: { maxAttempts: 1, initialDelay: 250ms, backoffMultiplier: 3.0 }\n";
    assert_eq!(definition(&with_step(old)), definition(&with_step(new)));
}

#[test]
fn giving_both_spellings_is_an_error() {
    let two = |section: &str| found(&with_section(section));
    assert_eq!(
        two("config: { maxParallel: 4, parallelism: 4 }\n"),
        ["2:27 `maxParallel` and `parallelism` are two spellings of one thing"]
    );
    assert_eq!(
        two("config: { continueOnError: false, onFailure: fail }\n"),
        ["2:35 `continueOnError` and `onFailure` are two spellings of one thing"]
    );
    assert_eq!(
        two("config: { maxRetries: 1, retryPolicy: { maxAttempts: 2 } }\n"),
        ["2:41 `maxRetries` and `maxAttempts` are two spellings of one thing"]
    );
    let step = |lines: &str| found(&with_step(lines));
    assert_eq!(
        step("    timeout: 1s\n    timeoutMs: 1000\n"),
        ["7:5 `timeout` and `timeoutMs` are two spellings of one thing"]
    );
    let policy = "    retryPolicy: { maxRetries: 1, maxAttempts: 2, retryDelayMs: 1, initialDelay: 1, backoffMultiplier: 2, retryBackoffMultiplier: 2 }\n";
    assert_eq!(
        step(policy),
        [
            "6:35 `maxRetries` and `maxAttempts` are two spellings of one thing",
            "6:68 `retryDelayMs` and `initialDelay` are two spellings of one thing",
            "6:107 `backoffMultiplier` and `retryBackoffMultiplier` are two spellings of one thing",
        ]
    );
}

#[test]
fn a_step_keeps_what_the_workflow_says_of_retries_key_by_key() {
    let text = "name: w\nsteps:\n- { key: a, agent: x, prompt: p, retryPolicy: { initialDelay: 5s } }\n- { key: b, agent: x, prompt: p }\nconfig: { retryPolicy: { maxAttempts: 4, initialDelay: 2s } }\n";
    let definition = definition(text);
    let retry = |step: usize| {
        (
            definition.steps[step].retry.max_attempts.get(),
            definition.steps[step].retry.initial_delay,
        )
    };
    assert_eq!(retry(0), (4, Duration::from_secs(5)));
    assert_eq!(retry(1), (4, Duration::from_secs(2)));
}

#[test]
fn unknown_keys_are_errors_with_the_key_that_was_meant() {
    assert_eq!(
        found(&with_section("descripton: d\n")),
        ["2:1 unknown key `descripton`; did you mean `description`?"]
    );
    assert_eq!(
        found(&with_step("    dependson: []\n")),
        ["6:5 unknown key `dependson`; did you mean `dependencies`?"]
    );
    assert_eq!(
        found(&with_section(
            "config: { max_parallel: 3, retryPolicy: { maxAttemps: 2 } }\n"
        )),
        [
            "2:11 unknown key `max_parallel`; did you mean `maxParallel`?",
            "2:43 unknown key `maxAttemps`; did you mean `maxAttempts`?",
        ]
    );
    assert_eq!(
        found(
            "name: w\ninputs: { i: { typ: string } }\nsteps: [{ key: a, agent: x, prompt: '{{i}}' }]\n"
        ),
        ["2:16 unknown key `typ`; did you mean `type`?"]
    );
    let far = with_section("zzz: 1\n");
    assert_eq!(found(&far), ["2:1 unknown key `zzz`"]);
    assert_eq!(
        helps(&far),
        [
            "the keys here are `name`, `description`, `version`, `author`, `tags`, `inputs`, `config`, `steps`"
        ]
    );
}

#[test]
fn a_mistyped_key_is_reported_once_and_its_value_still_counts() {
    let text = "nmae: w\nstepz:\n- { kye: a, agnet: x, promt: 'do {{in}}' }\n- { key: b, agent: x, prompt: '{{a}}', dependancies: [a] }\ninput: { in: { type: string } }\n";
    assert_eq!(
        found(text),
        [
            "1:1 unknown key `nmae`; did you mean `name`?",
            "2:1 unknown key `stepz`; did you mean `steps`?",
            "3:5 unknown key `kye`; did you mean `key`?",
            "3:13 unknown key `agnet`; did you mean `agent`?",
            "3:23 unknown key `promt`; did you mean `prompt`?",
            "4:40 unknown key `dependancies`; did you mean `dependencies`?",
            "5:1 unknown key `input`; did you mean `inputs`?",
        ]
    );
}

#[test]
fn missing_keys_are_reported_where_the_mapping_begins() {
    assert_eq!(
        found("version: '1'\n"),
        ["1:1 missing key `name`", "1:1 missing key `steps`"]
    );
    assert_eq!(
        found("name: w\nsteps:\n  - agent: x\n  - key: b\n  - { key: c, agent: x }\n"),
        [
            "3:5 missing key `key`",
            "3:5 missing key `prompt`",
            "4:5 missing key `agent`",
            "4:5 missing key `prompt`",
            "5:5 missing key `prompt`",
        ]
    );
}

#[test]
fn wrong_types_are_named_as_the_user_wrote_them() {
    let text = "name: 1\nversion: 1.0\ntags: x\ninputs: [a]\nconfig: 3\nsteps:\n- 5\n- key: true\n  agent: [x]\n  prompt:\n  dependencies: a\n  parallel: 'no'\n  optional: 1\n  timeout: true\n  retryPolicy: 2\n  outputSchema: text\n";
    assert_eq!(
        found(text),
        [
            "1:7 `name` is a number, but must be a string",
            "2:10 `version` is a number, but must be a string",
            "3:7 `tags` is a string, but must be a list",
            "4:9 `inputs` is a list, but must be a mapping",
            "5:9 `config` is a number, but must be a mapping",
            "7:3 a step is a number, but must be a mapping",
            "8:8 `key` is a boolean, but must be a string",
            "9:10 `agent` is a list, but must be a string",
            "10:9 `prompt` is empty, but must be a string",
            "11:17 `dependencies` is a string, but must be a list",
            "12:13 `parallel` is a string, but must be `true` or `false`",
            "13:13 `optional` is a number, but must be `true` or `false`",
            "14:12 `timeout` is a boolean, but must be a duration",
            "15:16 `retryPolicy` is a number, but must be a mapping",
            "16:17 `outputSchema` must be a JSON Schema: an object, `true` or `false`",
        ]
    );
    assert_eq!(
        helps("name: w\nversion: 1.0\nsteps: [{ key: a, agent: x, prompt: p }]\n"),
        ["put it in quotes"]
    );
}

#[test]
fn an_optional_key_may_be_left_empty() {
    let text = "name: w\ndescription:\nversion: null\nauthor: ~\ntags:\nconfig: { timeout: null }\nsteps:\n- key: a\n  agent: x\n  prompt: p\n  dependencies:\n  timeout:\n  retryPolicy:\n";
    assert_eq!(definition(text), definition(&with_section("")));
}

#[test]
fn durations_are_checked() {
    let timeout = |written: &str| found(&with_step(&format!("    timeout: {written}\n")));
    for good in ["250ms", "10s", "5m", "2h", "1d", "1500", "\"1500\"", "1e3"] {
        assert_eq!(timeout(good), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "10 s",
        "1.5s",
        "10 seconds",
        "1h30m",
        "s",
        "''",
        "1.5",
        ".inf",
    ] {
        let shown = bad.trim_matches('\'');
        assert_eq!(
            timeout(bad),
            [format!(
                "6:14 `timeout` is `{shown}`, which is not a duration"
            )],
            "{bad}"
        );
    }
    for negative in ["-5s", "-1", "-1.0"] {
        assert_eq!(
            timeout(negative),
            [format!("6:14 `timeout` is `{negative}`, which is negative")]
        );
    }
    for long in ["36501d", "99999999999999999999s", "18446744073709551615"] {
        assert_eq!(
            timeout(long),
            [format!("6:14 `timeout` is `{long}`, which is too long")]
        );
    }
    for zero in ["0", "0s", "0ms"] {
        assert_eq!(
            timeout(zero),
            ["6:14 `timeout` is zero, so nothing could ever finish"]
        );
    }
    assert_eq!(found(&with_section("config: { timeout: 0 }\n")).len(), 1);
    assert!(
        found(&with_step(
            "    retryPolicy: { initialDelay: 0, maxDelay: 0 }\n"
        ))
        .is_empty()
    );
}

#[test]
fn numbers_keep_to_their_ranges() {
    let config = |written: &str| found(&with_section(&format!("config: {{ {written} }}\n")));
    assert_eq!(
        config("maxParallel: 0"),
        ["2:24 `maxParallel` is 0, but must be a whole number of at least 1"]
    );
    assert_eq!(
        config("maxParallel: -1"),
        ["2:24 `maxParallel` is -1, but must be a whole number of at least 1"]
    );
    assert_eq!(
        config("maxParallel: 1.5"),
        ["2:24 `maxParallel` is 1.5, but must be a whole number of at least 1"]
    );
    assert_eq!(
        config("maxParallel: 4294967296"),
        ["2:24 `maxParallel` is 4294967296, but must be a whole number of at least 1"]
    );
    assert_eq!(
        config("maxRetries: -1"),
        ["2:23 `maxRetries` is -1, but must be a whole number of at least 0"]
    );
    assert_eq!(
        config("maxRetries: 4294967295"),
        ["2:23 `maxRetries` is 4294967295, but must be a whole number of at least 0"]
    );
    assert_eq!(
        config("retryPolicy: { maxAttempts: 0 }"),
        ["2:39 `maxAttempts` is 0, but must be a whole number of at least 1"]
    );
    assert_eq!(
        config("retryPolicy: { backoffMultiplier: 0.5 }"),
        ["2:45 `backoffMultiplier` is 0.5, but must be at least 1"]
    );
    assert_eq!(
        config("retryPolicy: { backoffMultiplier: .nan }"),
        ["2:45 `backoffMultiplier` is not finite"]
    );
    assert_eq!(
        config("maxParallel: x"),
        ["2:24 `maxParallel` is a string, but must be a whole number"]
    );
    assert!(config("maxParallel: 8.0, maxRetries: 4294967294").is_empty());
}

#[test]
fn choices_are_checked_with_a_suggestion() {
    assert_eq!(
        found(&with_section("config: { onFailure: contine }\n")),
        ["2:22 `onFailure` is `contine`, which is none of its values; did you mean `continue`?"]
    );
    let text =
        "name: w\ninputs: { i: { type: int } }\nsteps: [{ key: a, agent: x, prompt: '{{i}}' }]\n";
    assert_eq!(
        found(text),
        ["2:22 `type` is `int`, which is none of its values; did you mean `integer`?"]
    );
}

#[test]
fn a_first_delay_above_the_longest_is_a_warning() {
    assert_eq!(
        found(&with_step("    retryPolicy: { initialDelay: 5m }\n")),
        ["6:34 warning: the first delay is longer than the longest, so every delay is 1m"]
    );
    assert_eq!(
        found(&with_section(
            "config: { retryPolicy: { initialDelay: 5m } }\n"
        ))
        .len(),
        1
    );
}

#[test]
fn a_duplicate_says_where_the_first_is() {
    let text = "name: w\nname: v\nsteps:\n- { key: a, agent: x, prompt: p }\n- { key: a, agent: x, agent: y, prompt: p }\n";
    let report = Source::yaml("w.yaml", text).read().unwrap_err();
    let notes: Vec<_> = report
        .diagnostics()
        .iter()
        .map(|diagnostic| {
            let note = &diagnostic.notes[0];
            (
                diagnostic.line,
                diagnostic.message.as_str(),
                note.line,
                note.column,
            )
        })
        .collect();
    assert_eq!(
        notes,
        [
            (2, "duplicate key `name`", 1, 1),
            (5, "duplicate step key `a`", 4, 10),
            (5, "duplicate key `agent`", 5, 13),
        ]
    );
}

#[test]
fn the_default_of_an_input_has_its_type() {
    let input = |input: &str| {
        found(&format!(
            "name: w\ninputs:\n  i: {input}\nsteps: [{{ key: a, agent: x, prompt: '{{{{i}}}}' }}]\n"
        ))
    };
    for good in [
        "{ default: text }",
        "{ type: number, default: 1.5 }",
        "{ type: integer, default: 2.0 }",
        "{ type: boolean, default: false }",
        "{ type: array, default: [1] }",
        "{ type: object, default: { a: 1 } }",
        "{ type: any, default: null }",
        "",
    ] {
        assert!(input(good).is_empty(), "{good}: {:?}", input(good));
    }
    assert_eq!(
        input("{ type: integer, default: 1.5 }"),
        ["3:32 the default of input `i` is a number, but its type is `integer`"]
    );
    assert_eq!(
        input("{ default: 5 }"),
        ["3:17 the default of input `i` is a number, but its type is `string`"]
    );
    assert_eq!(
        input("{ type: array, default: { a: 1 } }"),
        ["3:30 the default of input `i` is an object, but its type is `array`"]
    );
    assert_eq!(
        input("{ default: null }"),
        ["3:17 the default of input `i` is null, but its type is `string`"]
    );
    assert_eq!(
        input("string"),
        ["3:6 input `i` is a string, but must be a mapping"]
    );
    assert_eq!(
        input("{ type: number, default: .inf }"),
        ["3:31 `default` holds a number that is not finite"]
    );
}

#[test]
fn a_wrong_text_is_sketched_as_far_as_it_can_be_read() {
    let sketch = |text: &str| wf_model::Source::yaml("t.yaml", text).sketch();
    let text = "name: w\ncolour: red\nsteps:\n- { key: a, agent: x, prompt: '{{diff}} {{b' }\n- { key: b, dependencies: [c] }\n- 7\n";
    let (definition, inputs) = sketch(text).unwrap();
    assert_eq!(definition.name, "w");
    let keys: Vec<_> = definition
        .steps
        .iter()
        .map(|step| step.key.as_str())
        .collect();
    assert_eq!(keys[..2], ["a", "b"]);
    let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["diff"]);
    assert!(sketch("- 1").is_none());
    assert!(sketch("a: [").is_none());
}

#[test]
fn keys_of_other_tools_are_told_with_what_to_write() {
    let text = r#"
workflowId: develop
steps:
  - key: plan
    agent: backend
    prompt: Plan
    retryPolicy: { maxAttempts: 3, backoffMs: 5000, retryOn: [timeout] }
metadata: { category: development }
"#;
    assert_eq!(
        found(text),
        [
            "2:1 unknown key `workflowId`",
            "7:36 unknown key `backoffMs`",
            "7:53 unknown key `retryOn`",
            "8:1 unknown key `metadata`",
        ]
    );
    let helps = helps(text);
    assert_eq!(helps.len(), 4, "{helps:?}");
    assert_eq!(helps[..2], ["write `name: …`", "write `initialDelay: …`"]);
}
