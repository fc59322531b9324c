//! Values that a definition holds keep every digit, and what other tools write is told by what to write here.

use wf_model::{Form, Input, Part, Source};

use crate::workflow::{definition, found, helps, read, with_section, with_step};

const DIGITS: &str = "12345678901234567890123";

fn default_of(inputs: &[Input], index: usize) -> &str {
    inputs[index]
        .default
        .as_ref()
        .map_or("none", |default| default.text())
}

#[test]
fn a_default_keeps_its_digits_and_the_order_of_its_members() {
    let yaml = format!(
        "name: w\ninputs:\n  a: {{ type: number, default: {DIGITS} }}\n  b: {{ type: number, default: 1.10 }}\n  c: {{ type: object, default: {{ z: [1.0, -0.0, 1E5], y: &n 2.50, x: *n }} }}\n  d: {{ type: number, default: .5 }}\n  e: {{ type: integer, default: 0x10 }}\nsteps:\n  - {{ key: s, agent: x, prompt: '{{{{a}}}}{{{{b}}}}{{{{c}}}}{{{{d}}}}{{{{e}}}}' }}\n"
    );
    let json = format!(
        r#"{{"name":"w","inputs":{{"a":{{"type":"number","default":{DIGITS}}},"b":{{"type":"number","default":1.10}},
            "c":{{"type":"object","default":{{"z":[1.0,-0.0,1E5],"y":2.50,"x":2.50}}}},"d":{{"type":"number","default":0.5}},
            "e":{{"type":"integer","default":16}}}},
            "steps":[{{"key":"s","agent":"x","prompt":"{{{{a}}}}{{{{b}}}}{{{{c}}}}{{{{d}}}}{{{{e}}}}"}}]}}"#
    );
    let from_yaml = definition(&yaml);
    let from_json = Source::json("w.json", json).read().unwrap().0.definition;
    for read in [&from_yaml, &from_json] {
        let inputs = read.inputs.as_deref().unwrap();
        assert_eq!(default_of(inputs, 0), DIGITS);
        assert_eq!(default_of(inputs, 1), "1.10");
        assert_eq!(
            default_of(inputs, 2),
            r#"{"z":[1.0,-0.0,1E5],"y":2.50,"x":2.50}"#
        );
        assert_eq!(default_of(inputs, 3), "0.5");
        assert_eq!(default_of(inputs, 4), "16");
    }
    assert_eq!(from_yaml, from_json);
    let stored = from_yaml.to_json();
    assert!(
        stored.contains(r#"{"x":2.50,"y":2.50,"z":[1.0,-0.0,1e5]}"#),
        "{stored}"
    );
    let again = Source::json("stored", stored.clone())
        .read()
        .unwrap()
        .0
        .definition;
    assert_eq!(again, from_yaml);
    assert_eq!(again.to_json(), stored);
}

#[test]
fn a_placeholder_can_ask_for_json() {
    let text = "name: w\ninputs: { x: { type: string }, y: { type: object } }\nsteps:\n  - { key: s, agent: a, prompt: '{{x | json}} {{ y.b|json }} {{x}}' }\n";
    let checked = read(text);
    let part = |input, path: &[&str], form| Part::Input {
        input,
        path: path.iter().map(|&key| key.to_owned()).collect(),
        form,
    };
    assert_eq!(
        checked.templates.parts(0),
        [
            part(0, &[], Form::Json),
            Part::Text(12..13),
            part(1, &["b"], Form::Json),
            Part::Text(27..28),
            part(0, &[], Form::Text),
        ]
    );
}

#[test]
fn an_unknown_filter_is_named() {
    let text = "name: w\nsteps:\n  - { key: s, agent: a, prompt: '{{x | upper}}' }\n";
    assert_eq!(found(text), ["3:34 unknown filter in `{{x | upper}}`"]);
    assert!(helps(text)[0].contains("{{name | json}}"));
}

#[test]
fn a_name_has_a_bound() {
    let long = "k".repeat(257);
    let found_in = |text: String| found(&text);
    let step = format!("name: w\nsteps:\n  - {{ key: {long}, agent: a, prompt: p }}\n");
    assert!(found_in(step)[0].ends_with("is longer than 256 bytes"));
    let input = with_section(&format!("inputs: {{ {long}: {{ type: string }} }}\n"));
    assert!(found_in(input)[0].ends_with("is longer than 256 bytes"));
    let fits = format!(
        "name: w\nsteps:\n  - {{ key: {}, agent: a, prompt: p }}\n",
        "k".repeat(256)
    );
    assert!(found_in(fits).is_empty());
}

#[test]
fn references_of_other_tools_are_told_by_what_to_write() {
    for (written, meant) in [
        ("steps.load.output", "load"),
        ("steps.load.outputs.files.0", "load.files.0"),
        ("steps.load", "load"),
        ("inputs.diff", "diff"),
        ("input.diff", "diff"),
    ] {
        let text = format!(
            "name: w\ninputs: {{ diff: {{ type: string }} }}\nsteps:\n  - {{ key: load, agent: a, prompt: '{{{{diff}}}}' }}\n  - {{ key: s, agent: a, dependencies: [load], prompt: 'x {{{{ {written} }}}}' }}\n"
        );
        assert_eq!(
            helps(&text),
            [format!("names stand alone here: write `{{{{{meant}}}}}`")],
            "{written}"
        );
    }
}

#[test]
fn keys_of_other_tools_are_told_once_and_taken_for_what_they_mean() {
    let text = "name: w\nsteps:\n  - { stepId: a, agent: x, config: { prompt: p, model: m } }\n  - { id: b, agent: x, prompt: '{{a}}', dependsOn: [a] }\n";
    assert_eq!(
        found(text),
        [
            "3:7 unknown key `stepId`; did you mean `key`?",
            "3:28 unknown key `config`",
            "4:7 unknown key `id`; did you mean `key`?",
            "4:41 unknown key `dependsOn`; did you mean `dependencies`?",
        ]
    );
    assert_eq!(helps(text), ["write `prompt` beside the step's `key`"]);
    assert_eq!(found(&with_step("    config: 5\n")).len(), 1);
}

#[test]
fn keys_that_have_no_like_here_are_told_where_it_is_said_instead() {
    for (line, key, hint) in [
        ("type: prompt", "type", "every step asks its `agent`"),
        ("run: make", "run", "`command: [\"sh\", \"-c\", \"…\"]`"),
        ("uses: actions/checkout@v4", "uses", "write `agent: …`"),
        ("model: m", "model", "in the agents file"),
    ] {
        let text = with_step(&format!("    {line}\n"));
        assert_eq!(found(&text).len(), 1, "{line}");
        assert!(found(&text)[0].ends_with(&format!("unknown key `{key}`")));
        assert!(helps(&text)[0].contains(hint), "{:?}", helps(&text));
    }
}

#[test]
fn a_placeholder_as_github_writes_it_is_told_by_what_to_write() {
    let prompt = |prompt: &str| {
        format!(
            "name: w\nsteps:\n  - {{ key: load, agent: a, prompt: p }}\n  - {{ key: s, agent: a, dependencies: [load], prompt: '{prompt}' }}\n"
        )
    };
    let known = prompt("see ${{ load }}");
    assert_eq!(
        found(&known),
        ["4:61 warning: the `$` before `{{load}}` stays in the prompt"]
    );
    assert_eq!(helps(&known), ["write `{{load}}` without it"]);
    let path = prompt("see ${{ load.files.0 }}");
    assert_eq!(helps(&path), ["write `{{load.files.0}}` without it"]);
    let nested = prompt("see ${{ steps.load.outputs.files }}");
    assert_eq!(found(&nested).len(), 1);
    assert_eq!(
        helps(&nested),
        ["names stand alone here: write `{{load.files}}`, without the `$`"]
    );
    // An amount of money.
    assert_eq!(found(&prompt("costs ${{load}}")), [""; 0]);
}
