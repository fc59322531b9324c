//! Texts that mean harm, or that only look like it: each ends in a result or a clear error, and soon.

use std::fmt::Write;

use serde_json::json;
use wf_model::{Checked, Definition, MAX_LENGTH, Report, Source, Step, check_unplaced};

fn refused(source: &Source) -> Report {
    let report = source.read().expect_err("not a workflow");
    assert!(report.has_errors());
    assert!(report.to_string().len() < 200_000);
    report
}

fn first_message(text: impl Into<String>) -> String {
    refused(&Source::yaml("h.yaml", text)).diagnostics()[0]
        .message
        .clone()
}

fn yaml_of(
    steps: usize,
    dependencies: impl Fn(usize) -> String,
    prompt: impl Fn(usize) -> String,
) -> String {
    let mut text = "name: w\nsteps:\n".to_owned();
    for step in 0..steps {
        let (dependencies, prompt) = (dependencies(step), prompt(step));
        text.push_str(&format!(
            "- {{ key: s{step}, agent: x, prompt: '{prompt}', dependencies: [{dependencies}] }}\n"
        ));
    }
    text
}

fn read(text: String) -> Checked {
    match Source::yaml("h.yaml", text).read() {
        Ok((checked, _)) => checked,
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn deep_brackets_are_refused_in_both_formats() {
    const DEEP: &str = "the document nests deeper than 100 levels";
    for part in ["[", "{a: ", "[\"]\",", "- ", "[{"] {
        assert_eq!(first_message(part.repeat(300_000)), DEEP, "{part}");
    }
    assert_eq!(
        first_message("? ".repeat(300_000)),
        "a list or mapping stands where a key is expected"
    );
    let balanced = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(first_message(balanced), DEEP);
    for part in ["[", "{\"a\":"] {
        assert_eq!(
            refused(&Source::json("h.json", part.repeat(300_000))).diagnostics()[0].message,
            DEEP
        );
    }
    let mut stairs = String::new();
    for level in 0..500 {
        writeln!(stairs, "{}a:", " ".repeat(level)).unwrap();
    }
    assert_eq!(first_message(stairs), DEEP);
}

#[test]
fn a_hundred_levels_are_the_same_limit_in_both_formats() {
    let nested = |levels: usize| {
        let value = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        format!(
            "{{\"name\": \"w\", \"inputs\": {{\"i\": {{\"type\": \"any\", \"default\": {value}}}}}, \"steps\": [{{\"key\": \"a\", \"agent\": \"x\", \"prompt\": \"{{{{i}}}}\"}}]}}"
        )
    };
    let (yaml, json) = (Source::yaml("h", nested(97)), Source::json("h", nested(97)));
    let definition = yaml.read().unwrap().0.definition;
    assert_eq!(definition, json.read().unwrap().0.definition);
    assert_eq!(
        Source::json("h", definition.to_json())
            .read()
            .unwrap()
            .0
            .definition,
        definition
    );
    assert_eq!(
        Source::yaml("h", definition.to_yaml())
            .read()
            .unwrap()
            .0
            .definition,
        definition
    );
    assert!(Source::yaml("h", nested(98)).read().is_err());
    assert!(Source::json("h", nested(98)).read().is_err());
    // A program cannot build what could not be read back.
    let mut definition = definition;
    if let Some(input) = definition
        .inputs
        .as_mut()
        .and_then(|inputs| inputs.first_mut())
    {
        input.default = input.default.take().map(|old| json!([old.value()]).into());
    }
    assert_eq!(
        check_unplaced(definition).unwrap_err()[0].message,
        "the default of input `i` nests too deep"
    );
}

#[test]
fn aliases_that_multiply_are_refused_at_once() {
    const BOMB: &str = "the aliases expand to more than this document may hold";
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let alias = format!("*a{}", level - 1);
        writeln!(
            laughs,
            "a{level}: &a{level} [{}]",
            vec![alias; 9].join(", ")
        )
        .unwrap();
    }
    assert_eq!(first_message(laughs), BOMB);
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        "*a, ".repeat(1_000)
    );
    assert_eq!(first_message(long), BOMB);
    assert_eq!(
        first_message("a: &a [*a]\n"),
        "the document nests deeper than 100 levels"
    );
}

#[test]
fn anchors_and_directives_by_the_thousand_are_read() {
    let numbers = 0..20_000;
    let tags: String = numbers
        .clone()
        .map(|tag| format!("%TAG !t{tag}! x\n"))
        .collect();
    let nested: String = (0..90).map(|anchor| format!("&n{anchor} [")).collect();
    let again: String = numbers.map(|_| "&a 1, *a, ").collect();
    let text = format!(
        "{tags}---\nname: w\ninputs:\n  i: {{ type: any, default: {nested}{again}*a{} }}\nsteps:\n- {{ key: a, agent: x, prompt: '{{{{i}}}}' }}\n",
        "]".repeat(90)
    );
    let checked = read(text);
    let default = checked.inputs[0].default.as_ref().unwrap();
    assert_eq!(default.text().matches('1').count(), 40_001);
}

#[test]
fn a_modest_use_of_aliases_is_no_bomb() {
    let text = format!(
        "name: w\nauthor: &p {}\nsteps:\n{}",
        "x".repeat(1000),
        (0..1000)
            .map(|step| format!("- {{ key: s{step}, agent: x, prompt: *p }}\n"))
            .collect::<String>()
    );
    assert_eq!(read(text).graph.len(), 1000);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let folder = std::env::temp_dir().join(format!("wf-model-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("random.yaml");
    let bytes: Vec<u8> = (0..125_000).flat_map(|_| random().to_le_bytes()).collect();
    std::fs::write(&path, bytes).unwrap();
    assert!(
        Source::file(&path)
            .unwrap_err()
            .to_string()
            .contains("the file is not UTF-8")
    );
    std::fs::remove_dir_all(&folder).unwrap();
    let letters: Vec<char> = "ab:- \n\t'\"[]{},#&*!|>%@`?.0é<~\u{85}\u{2028}\u{feff}\0"
        .chars()
        .collect();
    let pick = |number: u64| letters[usize::try_from(number).unwrap_or_default() % letters.len()];
    for length in [5, 20, 100, 1_000, 300_000] {
        for _ in 0..(20_000 / length).max(1) {
            let text: String = (0..length).map(|_| pick(random() >> 8)).collect();
            for source in [
                Source::yaml("h.yaml", text.as_str()),
                Source::json("h.json", text.as_str()),
            ] {
                let report = refused(&source);
                let diagnostic = &report.diagnostics()[0];
                assert!(
                    source.text().get(diagnostic.range.clone()).is_some(),
                    "{text:?}"
                );
                assert!(
                    !diagnostic.message.contains("struct")
                        && !diagnostic.message.contains("Visitor")
                );
            }
        }
    }
}

#[test]
fn nul_bytes_and_one_long_line_are_refused_where_they_stand() {
    assert_eq!(
        first_message("\0".repeat(300_000)),
        "the control character U+0000 cannot stand in YAML"
    );
    let line = format!("name: {}\nsteps: 5\n", "x".repeat(1_000_000));
    assert_eq!(
        first_message(line),
        "`steps` is a number, but must be a list"
    );
    let many = format!(
        "name: w\nsteps: [{}]",
        "{ key: 1, agent: x, prompt: '{{ zz' }, ".repeat(3_000)
    );
    let report = refused(&Source::yaml("h.yaml", many));
    assert_eq!(report.diagnostics().len(), 6_000);
}

#[test]
fn a_text_of_yaml_that_is_too_long_is_refused_before_it_is_parsed() {
    let long = "#".repeat(MAX_LENGTH + 1);
    let report = refused(&Source::yaml("h.yaml", long.as_str()));
    assert_eq!(
        report.diagnostics()[0].message,
        "the text is longer than 64 MiB"
    );
    // The canonical form of a definition may be longer than what it was read from.
    let report = refused(&Source::json("h.json", long));
    assert_eq!(report.diagnostics()[0].message, "expected a value");
}

#[test]
fn one_prompt_with_endless_mistakes_is_reported_up_to_a_bound() {
    let text = |part: &str| {
        format!(
            "name: w\nsteps:\n- key: a\n  agent: x\n  prompt: '{}'\n",
            part.repeat(30_000)
        )
    };
    for part in ["{{ ", "{{zz.y}} ", "{{}}", "{{a b}}"] {
        let report = refused(&Source::yaml("h.yaml", text(part)));
        assert_eq!(report.diagnostics().len(), 10_000);
        assert!(report.to_string().ends_with("… and at least 9900 more"));
        assert!(
            report
                .diagnostics()
                .is_sorted_by_key(|diagnostic| diagnostic.range.start)
        );
    }
}

#[test]
fn undeclared_inputs_that_clash_by_the_thousand_are_reported() {
    let prompt: String = (0..20_000)
        .map(|name| format!("{{{{a-{name}}}}}{{{{a_{name}}}}}"))
        .collect();
    let text = format!("name: w\nsteps:\n- key: k\n  agent: x\n  prompt: '{prompt}'\n");
    let report = refused(&Source::yaml("h.yaml", text));
    assert_eq!(
        report.diagnostics()[0].message,
        "unknown name `a_0`; did you mean `a-0`?"
    );
}

#[test]
fn an_error_is_shown_even_after_thousands_of_warnings() {
    let inputs: String = (0..12_000)
        .map(|input| format!("  i{input}: {{}}\n"))
        .collect();
    let text = format!(
        "name: w\ninputs:\n{inputs}steps:\n- {{ key: a, agent: x, prompt: p, timeout: 0 }}\n"
    );
    assert!(refused(&Source::yaml("h.yaml", text.as_str())).has_errors());
    let warned = text.replace("timeout: 0", "timeout: 1");
    assert!(
        Source::yaml("h.yaml", warned)
            .read()
            .is_ok_and(|(_, report)| !report.has_errors())
    );
}

#[test]
fn unknown_names_by_the_thousand_are_all_reported() {
    let text = yaml_of(3_000, |step| format!("zz{step}"), |_| String::new());
    assert_eq!(
        refused(&Source::yaml("h.yaml", text)).diagnostics().len(),
        3_000
    );
}

#[test]
fn a_long_chain_and_a_wide_fan_are_read() {
    let before = |step: usize| {
        step.checked_sub(1)
            .map(|before| format!("s{before}"))
            .unwrap_or_default()
    };
    let chain = read(yaml_of(8_000, before, |step| {
        if step > 1 {
            format!("{{{{s{}}}}}", step / 2)
        } else {
            String::new()
        }
    }));
    assert_eq!(chain.graph.sinks().collect::<Vec<_>>(), [7_999]);
    let fan = read(yaml_of(
        5_000,
        |step| {
            if step > 0 {
                "s0".to_owned()
            } else {
                String::new()
            }
        },
        |_| String::new(),
    ));
    assert_eq!(fan.graph.dependents(0).len(), 4_999);
    let ring = yaml_of(
        5_000,
        |step| format!("s{}", (step + 1) % 5_000),
        |_| String::new(),
    );
    let report = refused(&Source::yaml("h.yaml", ring));
    assert_eq!(report.diagnostics().len(), 1);
    assert!(
        report.diagnostics()[0]
            .message
            .contains("(4988 more) → s0`"),
        "{}",
        report.diagnostics()[0].message
    );
}

#[test]
fn many_steps_that_stand_in_reverse_are_checked_without_recursion() {
    let mut definition = Definition::new("w");
    let steps = 100_000usize;
    for step in 0..steps {
        let after = (step + 1 < steps).then(|| format!("s{}", step + 1));
        definition.steps.push(Step {
            dependencies: after.into_iter().collect(),
            ..Step::new(format!("s{step}"), "x", "")
        });
    }
    let (checked, _) = check_unplaced(definition).unwrap();
    assert_eq!(checked.graph.order().first(), Some(&99_999));
    assert_eq!(checked.graph.order().last(), Some(&0));
}

#[test]
fn names_of_any_length_fit_into_a_message() {
    let key = "k".repeat(100_000);
    let text = format!(
        "name: w\n{key}: 1\nsteps:\n- {{ key: a, agent: x, prompt: p, dependencies: [{key}, \"\\e[31m\\u202e\"] }}\n"
    );
    let report = refused(&Source::yaml("h.yaml", text));
    assert!(
        report
            .diagnostics()
            .iter()
            .all(|diagnostic| diagnostic.message.len() < 200)
    );
    assert!(!report.to_string().contains(['\u{1b}', '\u{202e}']));
}
