//! What must hold of a definition as a whole, and the words in which its breach is reported.

use wf_model::{Form, Part, Source};

use crate::workflow::{definition, found, helps, read};

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
fn an_at_sign_alone_asks_for_no_capability() {
    let text =
        "name: w\nsteps: [{ key: a, agent: '@', prompt: p }, { key: b, agent: '@x', prompt: p }]\n";
    assert_eq!(
        found(text),
        [
            "2:26 the agent of step `a` is `@` without a capability: write `@` and what the agent must be able to do"
        ]
    );
}

#[test]
fn steps_that_are_code_are_warned_of_and_may_use_any_input() {
    let step = |key: &str| format!("- {{ key: {key}, agent: 'native:{key}', prompt: '' }}\n");
    let text = |steps: &str| format!("name: w\ninputs: {{ i: {{}} }}\nsteps:\n{steps}");
    let one = text(&step("a"));
    assert_eq!(found(&one), ["4:20 warning: step `a` is code of a program"]);
    let two = text(&(step("a") + &step("b")));
    let another = "4:20 warning: step `a` is code of a program, as is another";
    assert_eq!(found(&two), [another]);
    let three = text(&(step("a") + &step("b") + &step("c")));
    let others = "4:20 warning: step `a` is code of a program, as are 2 others";
    assert_eq!(found(&three), [others]);
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
        form: Form::Text,
    };
    let step = |keys: &[&str]| Part::Step {
        step: 0,
        path: path(keys),
        form: Form::Text,
    };
    assert_eq!(
        checked.templates.parts(0),
        [
            Part::Text(0..4),
            input(&[]),
            Part::Text(11..18),
            input(&["result", "x"])
        ]
    );
    assert_eq!(
        checked.templates.parts(1),
        [
            step(&[]),
            step(&[]),
            step(&["f", "0"]),
            step(&["f", "0"]),
            Part::Text(42..45),
            Part::Text(47..50),
        ]
    );
    assert_eq!(checked.templates.parts(2), []);
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
        checked.templates.parts(1)[2],
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
fn a_dotted_placeholder_may_stand_before_what_implies_its_input() {
    let text = "name: w\nsteps:\n- { key: a, agent: x, prompt: 'p {{known.path}} q {{other-one.0}}' }\n- { key: b, agent: x, prompt: '{{other_one}} {{known}}' }\n";
    assert_eq!(
        found(text),
        [
            "3:34 warning: input `known` is of type `string`, which has no path `path`",
            "3:51 unknown name `other-one` in `{{other-one.0}}`; did you mean `other_one`?",
        ]
    );
    let checked = read(&text.replace("other-one", "other_one"));
    let part = |input, path: &str| Part::Input {
        input,
        path: vec![path.to_owned()],
        form: Form::Text,
    };
    assert_eq!(
        checked.templates.parts(0),
        [
            Part::Text(0..2),
            part(1, "path"),
            Part::Text(16..19),
            part(0, "0"),
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
fn a_broken_inputs_section_does_not_make_every_placeholder_unknown() {
    let text = "name: w\ninputs: [a, b]\nsteps:\n- { key: s, agent: x, prompt: '{{a}} {{b.c}}' }\n";
    assert_eq!(
        found(text),
        ["2:9 `inputs` is a list, but must be a mapping"]
    );
}
