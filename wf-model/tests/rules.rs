//! Every rule of a definition, and the words in which its breach is reported.

use std::num::NonZeroU32;
use std::time::Duration;

use wf_model::{Checked, Definition, OnFailure, Part, RetryPolicy, Severity, Source, Step};

/// Reads YAML and returns what was found, each as `line:column message`, warnings marked.
fn found(text: &str) -> Vec<String> {
    let report = match Source::yaml("w.yaml", text).read() {
        Ok((_, report)) | Err(report) => report,
    };
    let diagnostics = report.diagnostics().iter();
    diagnostics
        .map(|diagnostic| {
            let mark = if diagnostic.severity == Severity::Warning {
                "warning: "
            } else {
                ""
            };
            format!(
                "{}:{} {mark}{}",
                diagnostic.line, diagnostic.column, diagnostic.message
            )
        })
        .collect()
}

fn helps(text: &str) -> Vec<String> {
    let report = Source::yaml("w.yaml", text).read().unwrap_err();
    report
        .diagnostics()
        .iter()
        .filter_map(|diagnostic| diagnostic.help.clone())
        .collect()
}

fn read(text: &str) -> Checked {
    match Source::yaml("w.yaml", text).read() {
        Ok((checked, _)) => checked,
        Err(report) => panic!("{report}"),
    }
}

fn definition(text: &str) -> Definition {
    read(text).definition
}

/// A workflow whose one step has these further lines.
fn with_step(lines: &str) -> String {
    format!("name: w\nsteps:\n  - key: a\n    agent: x\n    prompt: p\n{lines}")
}

/// A workflow with this section before its one step.
fn with_section(section: &str) -> String {
    format!("name: w\n{section}steps:\n  - {{ key: a, agent: x, prompt: p }}\n")
}

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
    assert_eq!(inputs[1].default, Some(3.into()));
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
fn empty_documents_and_other_roots_are_explained() {
    assert_eq!(found(""), ["1:1 the file is empty"]);
    assert_eq!(found("# nothing\n"), ["1:1 the file is empty"]);
    assert_eq!(
        found("- a\n"),
        ["1:1 the file is a list, but must be a mapping"]
    );
    assert_eq!(
        found("just text\n"),
        ["1:1 the file is a string, but must be a mapping"]
    );
    assert_eq!(
        found("name: w\nsteps: []\n"),
        ["2:8 the workflow has no steps"]
    );
    assert_eq!(
        found("name: w\nsteps:\n"),
        ["2:6 `steps` is empty, but must be a list"]
    );
    assert_eq!(
        found("name: w\nsteps: { a: 1 }\n"),
        ["2:8 `steps` is a mapping, but must be a list"]
    );
    assert_eq!(
        found("a: 1\n---\nb: 2\n"),
        ["2:1 the file holds more than one document"]
    );
    let json = Source::json("w.json", " \n").read().unwrap_err();
    assert_eq!(json.diagnostics()[0].message, "the file is empty");
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
fn names_keep_to_their_grammar_and_do_not_clash() {
    let text = "name: ' '\ninputs: { 1st: {}, a-b: {}, a_b: {}, same: {}, other_one: {} }\nsteps:\n- { key: 'x y', agent: '', prompt: '{{a-b}} {{a_b}}' }\n- { key: k-1, agent: x, prompt: p }\n- { key: k_1, agent: x, prompt: p }\n- { key: k-1, agent: x, prompt: p }\n- { key: same, agent: x, prompt: p }\n- { key: other-one, agent: x, prompt: p }\n";
    assert_eq!(
        found(text),
        [
            "1:7 the workflow's name is empty",
            "2:11 input `1st` is not a name",
            "2:11 warning: unused input `1st`: no prompt refers to it",
            "2:29 inputs `a-b` and `a_b` differ only in `-` and `_`",
            "2:29 warning: unused input `a_b`: no prompt refers to it",
            "2:38 warning: unused input `same`: no prompt refers to it",
            "2:48 warning: unused input `other_one`: no prompt refers to it",
            "4:10 step key `x y` is not a name",
            "4:24 the agent of step `x y` is empty",
            "4:45 unknown name `a_b`; did you mean `a-b`?",
            "6:10 step keys `k-1` and `k_1` differ only in `-` and `_`",
            "7:10 duplicate step key `k-1`",
            "8:10 `same` is both an input and a step",
            "9:10 input `other_one` and step `other-one` differ only in `-` and `_`",
        ]
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
fn dependencies_must_name_other_steps() {
    let text = "name: w\ninputs: { i: {} }\nsteps:\n- { key: parse-changes, agent: x, prompt: '{{i}}' }\n- { key: b, agent: x, prompt: p, dependencies: [parse-chnages, zzzz, b, i, parse_changes] }\n";
    assert_eq!(
        found(text),
        [
            "5:49 unknown dependency `parse-chnages`; did you mean `parse-changes`?",
            "5:64 unknown dependency `zzzz`",
            "5:70 step `b` depends on itself",
            "5:73 dependency `i` is an input, not a step",
            "5:76 unknown dependency `parse_changes`; did you mean `parse-changes`?",
        ]
    );
    assert_eq!(helps(text)[0], "the steps are `parse-changes`, `b`");
}

#[test]
fn a_dependency_that_is_listed_twice_is_a_warning_and_counts_once() {
    let text = "name: w\nsteps:\n- { key: a, agent: x, prompt: p }\n- { key: b, agent: x, prompt: p, dependencies: [a, a] }\n";
    assert_eq!(
        found(text),
        ["4:52 warning: dependency `a` is listed twice"]
    );
    assert_eq!(definition(text).steps[1].dependencies, ["a"]);
}

#[test]
fn each_cycle_is_reported_once_with_its_path() {
    let step = |key: &str, dependencies: &str| {
        format!("- {{ key: {key}, agent: x, prompt: p, dependencies: [{dependencies}] }}\n")
    };
    let text = [
        "name: w\nsteps:\n".to_owned(),
        step("a", "b"),
        step("b", "a"),
        step("c", "e"),
        step("d", "c"),
        step("e", "d, f"),
        step("f", ""),
    ]
    .concat();
    assert_eq!(
        found(&text),
        [
            "3:49 dependency cycle: `a → b → a`",
            "5:49 dependency cycle: `c → e → d → c`"
        ]
    );
    let report = Source::yaml("w.yaml", text).read().unwrap_err();
    let notes: Vec<_> = report.diagnostics()[1]
        .notes
        .iter()
        .map(|note| (note.line, note.message.as_str()))
        .collect();
    assert_eq!(
        notes,
        [
            (7, "`e` depends on `d` here"),
            (6, "`d` depends on `c` here")
        ]
    );
}

#[test]
fn templates_resolve_to_inputs_and_steps() {
    let text = "name: w\ninputs: { i: { type: object } }\nsteps:\n- { key: a, agent: x, prompt: 'all {{ i }}, part {{i.result.x}}' }\n- { key: b, agent: x, prompt: '{{a}}{{a.result}}{{a.result.f.0}}{{a.f.0}} {{{{x}}', dependencies: [a] }\n";
    let checked = read(text);
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let input = |keys: &[&str]| Part::Input {
        input: 0,
        path: path(keys),
    };
    let step = |keys: &[&str]| Part::Step {
        step: 0,
        path: path(keys),
    };
    let text = |text: &str| Part::Text(text.to_owned());
    assert_eq!(
        checked.templates[0].parts(),
        [
            text("all "),
            input(&[]),
            text(", part "),
            input(&["result", "x"])
        ]
    );
    assert_eq!(
        checked.templates[1].parts(),
        [
            step(&[]),
            step(&[]),
            step(&["f", "0"]),
            step(&["f", "0"]),
            text(" {{x}}")
        ]
    );
}

#[test]
fn undeclared_inputs_are_required_strings_in_order_of_first_mention() {
    let text = "name: w\nsteps:\n- { key: a, agent: x, prompt: '{{zeta}} {{alpha}} {{zeta}}' }\n- { key: b, agent: x, prompt: '{{a}} {{alpha}} {{mid}}', dependencies: [a] }\n";
    let checked = read(text);
    let inputs: Vec<_> = checked
        .inputs
        .iter()
        .map(|input| (input.name.as_str(), input.kind.name(), input.required))
        .collect();
    assert_eq!(
        inputs,
        [
            ("zeta", "string", true),
            ("alpha", "string", true),
            ("mid", "string", true)
        ]
    );
    assert_eq!(checked.definition.inputs, None);
    assert!(matches!(
        checked.templates[1].parts()[2],
        Part::Input { input: 1, .. }
    ));
}

#[test]
fn a_dotted_placeholder_never_declares_an_input() {
    let text = "name: w\nsteps:\n- { key: parse, agent: x, prompt: '{{diff.path}} {{known}} {{known.path}} {{parze.x}}' }\n";
    assert_eq!(
        found(text),
        [
            "3:36 unknown name `diff` in `{{diff.path}}`",
            "3:60 warning: input `known` is of type `string`, which has no path `path`",
            "3:75 unknown name `parze` in `{{parze.x}}`; did you mean `parse`?",
        ]
    );
}

#[test]
fn placeholders_must_name_what_exists() {
    let text = "name: w\ninputs: { git_diff: {} }\nsteps:\n- { key: parse, agent: x, prompt: '{{git_dif}} {{zzzz}} {{git-diff}} {{zzzz.x}}' }\n";
    assert_eq!(
        found(text),
        [
            "4:36 unknown name `git_dif`; did you mean `git_diff`?",
            "4:48 unknown name `zzzz`",
            "4:57 unknown name `git-diff`; did you mean `git_diff`?",
            "4:70 unknown name `zzzz` in `{{zzzz.x}}`",
        ]
    );
    assert_eq!(
        helps(text)[0],
        "no step has this name; to make it an input, add `zzzz` to `inputs`"
    );
}

#[test]
fn undeclared_inputs_do_not_clash_with_steps_or_each_other() {
    let text = "name: w\nsteps:\n- { key: parse-it, agent: x, prompt: '{{a-b}} {{a_b}}' }\n- { key: b, agent: x, prompt: '{{parse_it}}', dependencies: [parse-it] }\n";
    assert_eq!(
        found(text),
        [
            "3:47 unknown name `a_b`; did you mean `a-b`?",
            "4:32 unknown name `parse_it`; did you mean `parse-it`?",
        ]
    );
}

#[test]
fn an_undeclared_input_one_letter_from_a_step_is_a_warning() {
    let text = "name: w\nsteps:\n- { key: parse-changes, agent: x, prompt: p }\n- { key: b, agent: x, prompt: '{{parse-chnages}}', dependencies: [parse-changes] }\n";
    assert_eq!(
        found(text),
        [
            "4:32 warning: `parse-chnages` names no step, so it stands for an input; did you mean `parse-changes`?"
        ]
    );
}

#[test]
fn broken_placeholders_are_reported_one_by_one() {
    let text = "name: w\nsteps:\n- key: a\n  agent: x\n  prompt: \"{{x {{y}} {{}} {{ a b }} {{1}} }} {{{{ok}} {{open\"\n";
    assert_eq!(
        found(text),
        [
            "5:12 unclosed `{{` in the prompt of step `a`",
            "5:22 empty placeholder `{{}}`",
            "5:27 `{{ a b }}` is not a placeholder",
            "5:37 `{{1}}` is not a placeholder",
            "5:55 unclosed `{{` in the prompt of step `a`",
        ]
    );
    assert_eq!(
        helps(text)[0],
        "close it with `}}`, or write `{{{{` for a literal `{{`"
    );
}

#[test]
fn what_a_prompt_reads_must_be_upstream() {
    let text = "name: w\nsteps:\n- { key: a, agent: x, prompt: p }\n- { key: b, agent: x, prompt: '{{a}}', dependencies: [a] }\n- { key: c, agent: x, prompt: '{{a}} {{b}}', dependencies: [b] }\n- { key: d, agent: x, prompt: '{{c}} {{a}} {{a.x}} {{d}}', dependencies: [b] }\n- { key: e, agent: x, prompt: '{{f}}' }\n- { key: f, agent: x, prompt: p }\n";
    assert_eq!(
        found(text),
        [
            "6:32 step `d` reads `c`, which is not upstream of it",
            "6:52 step `d` reads its own result",
            "7:32 step `e` reads `f`, which is not upstream of it",
        ]
    );
    assert_eq!(helps(text)[0], "add `c` to its `dependencies`");
}

#[test]
fn what_may_be_upstream_of_an_unknown_dependency_is_not_reported_again() {
    let text = "name: w\nsteps:\n- { key: a, agent: x, prompt: p }\n- { key: b, agent: x, prompt: '{{a}}', dependencies: [aa1] }\n- { key: c, agent: x, prompt: '{{a}}', dependencies: [b] }\n- { key: d, agent: x, prompt: '{{b}}' }\n";
    assert_eq!(
        found(text),
        [
            "4:55 unknown dependency `aa1`",
            "6:32 step `d` reads `b`, which is not upstream of it"
        ]
    );
}

#[test]
fn templates_add_their_edges_to_the_graph() {
    let text = "name: w\nsteps:\n- { key: c, agent: x, prompt: '{{a}}', dependencies: [b] }\n- { key: b, agent: x, prompt: p, dependencies: [a] }\n- { key: a, agent: x, prompt: p }\n- { key: d, agent: x, prompt: p }\n";
    let graph = read(text).graph;
    assert_eq!(graph.dependencies(0), [1, 2]);
    assert_eq!(graph.dependents(2), [0, 1]);
    assert_eq!(graph.order(), [2, 1, 0, 3]);
    assert_eq!(graph.sinks().collect::<Vec<_>>(), [0, 3]);
}

#[test]
fn an_unused_declared_input_is_a_warning() {
    let text = "name: w\ninputs: { used: {}, unused: {} }\nsteps:\n- { key: a, agent: x, prompt: '{{used}}' }\n";
    assert_eq!(
        found(text),
        ["2:21 warning: unused input `unused`: no prompt refers to it"]
    );
    assert_eq!(read(text).inputs.len(), 2);
    // The input that a mistyped placeholder probably meant is not unused as well.
    let text = text.replace("{{used}}", "{{used}} {{unusd}}");
    assert_eq!(
        found(&text),
        ["4:41 unknown name `unusd`; did you mean `unused`?"]
    );
}

#[test]
fn an_empty_inputs_section_declares_that_there_are_none() {
    let text = "name: w\ninputs:\nsteps:\n- { key: a, agent: x, prompt: '{{b}}' }\n";
    assert_eq!(found(text), ["4:32 unknown name `b`"]);
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
fn a_broken_inputs_section_does_not_make_every_placeholder_unknown() {
    let text = "name: w\ninputs: [a, b]\nsteps:\n- { key: s, agent: x, prompt: '{{a}} {{b.c}}' }\n";
    assert_eq!(
        found(text),
        ["2:9 `inputs` is a list, but must be a mapping"]
    );
}

#[test]
fn tags_are_errors_and_what_is_behind_them_is_read_all_the_same() {
    let text = "name: !secret w\nsteps: !list\n- { key: a, agent: !x y, prompt: {{oops: 1}: 2} }\n";
    assert_eq!(
        found(text),
        ["3:35 a list or mapping stands where a key is expected"]
    );
    let text = "name: !secret w\nsteps: !list\n- { key: a, agent: !x y, prompt: !!str 5 }\n";
    let tags = found(text);
    assert_eq!(tags.len(), 3, "{tags:?}");
    assert!(tags[0].ends_with("unknown tag `!secret`") && tags[2].ends_with("unknown tag `!x`"));
}

#[test]
fn aliases_and_merge_keys_are_read() {
    let text = "name: w\nsteps:\n- &first\n  key: a\n  agent: x\n  prompt: &p do it\n  retryPolicy: &retry { maxAttempts: 3, initialDelay: 2s }\n- <<: *first\n  key: b\n  prompt: *p\n- { key: c, agent: x, prompt: *p, retryPolicy: { <<: [*retry], maxAttempts: 5 } }\n";
    let definition = definition(text);
    let retry = |step: usize| {
        (
            definition.steps[step].retry.max_attempts.get(),
            definition.steps[step].retry.initial_delay,
        )
    };
    assert_eq!(definition.steps[1].key, "b");
    assert_eq!(definition.steps[2].prompt, "do it");
    assert_eq!(retry(1), (3, Duration::from_secs(2)));
    assert_eq!(retry(2), (5, Duration::from_secs(2)));
    assert_eq!(
        found("name: w\n<<: 5\nsteps: [{ key: a, agent: x, prompt: p }]\n"),
        ["2:5 `<<` names a number, but must name a mapping"]
    );
}

#[test]
fn an_anchor_of_a_name_that_is_taken_is_an_error() {
    let text = "name: &a w\nauthor: &a b\nsteps: [{ key: a, agent: *a, prompt: p }]\n";
    assert_eq!(found(text), ["2:9 anchor `a` is defined twice"]);
}

#[test]
fn syntax_errors_are_put_in_words_of_the_file() {
    let first = |text: &str| found(text).remove(0);
    assert_eq!(first("name: a: b\n"), "1:8 a `:` that cannot stand here");
    assert_eq!(
        first("name: w\nsteps:\n\t- key: a\n"),
        "3:1 a tab where spaces are expected"
    );
    assert_eq!(
        first("name: \"w\nsteps: []\n"),
        "1:7 a quote that is never closed"
    );
    assert_eq!(first("name: w\nsteps: [a\n"), "3:1 expected `,` or `]`");
    assert_eq!(
        first("name: w\nagent: @x\n"),
        "2:8 text cannot begin with `@`"
    );
    assert_eq!(
        first("name: `x`\n"),
        "1:7 text cannot begin with a backtick"
    );
    assert_eq!(first("name: *x\n"), "1:7 unknown alias");
    assert_eq!(
        first("name: \"a\\qb\"\n"),
        "1:9 unknown escape in a text in double quotes"
    );
    assert_eq!(
        first("name: w\n prompt: p\n"),
        "2:8 a `:` that cannot stand here"
    );
    assert_eq!(
        first("name: w\nx\nsteps: []\n"),
        "3:1 expected `:` after a key"
    );
    assert_eq!(first("steps:\n  - a\n b: c\n"), "3:2 expected a key");
    assert_eq!(
        first("prompt: {{x}}\n"),
        "1:10 a list or mapping stands where a key is expected"
    );
    assert_eq!(
        first("é: a\0b\n"),
        "1:5 the control character U+0000 cannot stand in YAML"
    );
}

#[test]
fn json_syntax_errors_are_put_in_words_of_the_file() {
    let first = |text: &str| {
        let report = Source::json("w.json", text).read().unwrap_err();
        let diagnostic = &report.diagnostics()[0];
        format!(
            "{}:{} {}",
            diagnostic.line, diagnostic.column, diagnostic.message
        )
    };
    assert_eq!(
        first("{\n  \"a\": 1,\n}"),
        "3:1 a comma with nothing after it"
    );
    assert_eq!(first("{'a': 1}"), "1:2 expected a key in double quotes");
    assert_eq!(
        first("{\"é\": nope}"),
        "1:8 expected `true`, `false` or `null`"
    );
    assert_eq!(first("{\"a\": [1"), "1:8 the file ends inside a list");
    assert_eq!(first("{\"a\": \"b"), "1:8 the file ends inside a string");
    assert_eq!(
        first("{} {}"),
        "1:4 more text after the end of the document"
    );
    assert_eq!(first("{\"a\" 1}"), "1:6 expected `:`");
    assert_eq!(first("{\"a\": 1 \"b\": 2}"), "1:9 expected `,` or `}`");
}
