//! The inputs of a run: every form, and every mistake.

use crate::workbench::{Outcome, Workbench};

/// A workflow that shows its inputs.
fn workbench() -> Workbench {
    let workbench = Workbench::new();
    workbench.write(
        "show.yaml",
        "
name: Show
inputs:
  text: { type: string, default: none }
  count: { type: integer, default: 0 }
  flag: { type: boolean, default: false }
  list: { type: array, default: [] }
  any: { type: any, default: null }
steps:
  - { key: show, agent: echo, prompt: '[{{text}}] {{count}} {{flag}} {{list}} {{any}}' }
",
    );
    workbench
}

fn shown(arguments: &[&str]) -> String {
    shown_of(
        &workbench()
            .workflow(&[&["run", "show.yaml"], arguments].concat())
            .assert_status(0),
    )
}

fn shown_of(run: &Outcome) -> String {
    run.id_and_result().1.to_owned()
}

fn refused(arguments: &[&str]) -> String {
    let workbench = workbench();
    let run = workbench
        .workflow(&[&["run", "show.yaml"], arguments].concat())
        .assert_status(2);
    assert_eq!(run.stdout, "");
    assert_eq!(
        workbench.content(),
        ["agents.yaml", "show.yaml"],
        "nothing may be recorded"
    );
    run.stderr
}

#[test]
fn a_text_is_taken_as_it_is() {
    assert_eq!(shown(&["--input", "text=5"]), "[5] 0 false [] null\n");
    assert_eq!(
        shown(&["--input", "text=a=b\"c"]),
        "[a=b\"c] 0 false [] null\n"
    );
    assert_eq!(shown(&["--input", "text="]), "[] 0 false [] null\n");
}

#[test]
fn a_value_of_another_type_is_read_as_json() {
    let arguments = [
        "--input",
        "count=5",
        "--input",
        "flag=true",
        "--input",
        "list=[1, \"x\"]",
        "-i",
        "any=\"y\"",
    ];
    assert_eq!(shown(&arguments), "[none] 5 true [1,\"x\"] y\n");
}

#[test]
fn a_value_comes_from_a_file_with_its_last_newline() {
    let workbench = workbench();
    workbench.write("text", "two\nlines\n");
    workbench.write("count", "7\n");
    let run = workbench.workflow(&[
        "run",
        "show.yaml",
        "--input",
        "text=@text",
        "--input",
        "count=@count",
    ]);
    assert_eq!(
        shown_of(&run.assert_status(0)),
        "[two\nlines\n] 7 false [] null\n"
    );
}

#[test]
fn a_value_comes_from_standard_input() {
    let run =
        workbench().workflow_with_input(&["run", "show.yaml", "--input", "text=@-"], "piped\n");
    assert_eq!(
        shown_of(&run.assert_status(0)),
        "[piped\n] 0 false [] null\n"
    );
}

#[test]
fn all_values_come_as_one_object() {
    let json = r#"{"text": "@x", "count": 2, "any": {"b": 1.50, "a": 2}}"#;
    assert_eq!(
        shown(&["--input-json", json]),
        "[@x] 2 false [] {\"b\":1.50,\"a\":2}\n"
    );
    let workbench = workbench();
    workbench.write("inputs.json", json);
    let run = workbench.workflow(&[
        "run",
        "show.yaml",
        "--input-json",
        "@inputs.json",
        "--input",
        "flag=true",
    ]);
    assert_eq!(
        shown_of(&run.assert_status(0)),
        "[@x] 2 true [] {\"b\":1.50,\"a\":2}\n"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_an_error_that_names_input_and_type() {
    let said = refused(&["--input", "count=five", "--input", "any=hello"]);
    assert!(
        said.contains("error: input `count` must be of type integer, and `five` is not JSON"),
        "{said}"
    );
    assert!(
        said.contains("input `any` must be of type any, and `hello` is not JSON"),
        "{said}"
    );
    assert!(
        said.contains("a text is written in double quotes"),
        "{said}"
    );
    let said = refused(&["--input", "count=1.5", "--input", "list={}"]);
    assert!(
        said.contains("input `count` must be of type integer, but is a number"),
        "{said}"
    );
    assert!(
        said.contains("input `list` must be of type array, but is an object"),
        "{said}"
    );
}

#[test]
fn an_unknown_input_is_an_error_with_the_nearest_name() {
    let said = refused(&["--input", "cuont=5"]);
    assert!(
        said.contains("unknown input `cuont`; did you mean `count`?"),
        "{said}"
    );
}

#[test]
fn a_missing_input_is_an_error() {
    let workbench = Workbench::greeting();
    let run = workbench
        .workflow(&["run", "greeting.yaml"])
        .assert_status(2);
    run.assert_says("error: input `name` (string) is missing");
}

#[test]
fn an_input_given_twice_is_an_error() {
    for arguments in [
        ["--input", "text=a", "--input", "text=b"],
        ["--input-json", r#"{"text": "a"}"#, "--input", "text=b"],
        [
            "--input-json",
            r#"{"text": "a", "text": "b"}"#,
            "--input",
            "count=1",
        ],
    ] {
        let said = refused(&arguments);
        assert!(
            said.contains("error: input `text` is given twice\n"),
            "{said}"
        );
    }
}

#[test]
fn several_mistakes_are_told_at_once() {
    let said = refused(&[
        "--input",
        "text",
        "--input",
        "count=x",
        "--input",
        "list=@nowhere",
    ]);
    for mistake in [
        "`--input text` has no `=`",
        "input `count` must be",
        "failed to read input `list` from `nowhere`",
    ] {
        assert!(said.contains(mistake), "{mistake} in {said}");
    }
}

#[test]
fn standard_input_can_be_read_once() {
    let run = workbench().workflow_with_input(
        &["run", "show.yaml", "-i", "text=@-", "-i", "list=@-"],
        "[]",
    );
    run.assert_status(2).assert_says(
        "input `list` is to be read from standard input, which another input is read from",
    );
}

#[test]
fn what_is_not_utf_8_or_not_an_object_is_an_error() {
    let workbench = workbench();
    workbench.write("binary", b"\xff\xfe");
    let run = workbench
        .workflow(&["run", "show.yaml", "--input", "text=@binary"])
        .assert_status(2);
    run.assert_says("input `text` is not UTF-8 (file `binary`)");
    assert!(refused(&["--input-json", "[1]"]).contains("`--input-json` must be a JSON object"));
    assert!(refused(&["--input-json", "{"]).contains("`--input-json` must be a JSON object"));
}

#[test]
fn inputs_that_are_too_large_exit_2_and_make_no_database() {
    let workbench = Workbench::greeting();
    workbench.write("large.txt", "x".repeat(9 << 20));
    workbench
        .workflow(&["run", "greeting.yaml", "--input", "name=@large.txt"])
        .assert_status(2)
        .assert_says("an execution takes at most 8 MiB; give the path of a file");
    assert!(!workbench.path(".ax").exists());
}

#[test]
fn a_workflow_is_read_from_standard_input() {
    let workbench = Workbench::new();
    let workflow = crate::workbench::GREETING;
    let run = ["run", "-", "-i", "name=Ada", "--id", "x"];
    let run = workbench
        .workflow_with_input(&run, workflow)
        .assert_status(0);
    assert_eq!(run.told(), "x\nhello Ada, hello Ada\n");
    let checked = workbench
        .workflow_with_input(&["validate", "-"], workflow)
        .assert_status(0);
    assert!(checked.stdout.starts_with("<stdin>: ok ("), "{checked:?}");
    let drawn = workbench
        .workflow_with_input(&["graph", "-"], workflow)
        .assert_status(0);
    assert!(drawn.stdout.contains("greet"), "{drawn:?}");
    // JSON is told by its beginning, and mistakes by their places.
    let json = "{ \"name\": \"J\",\n  \"steps\": [{ \"key\": \"a\", \"agent\": \"echo\", \"promt\": \"p\" }] }";
    workbench
        .workflow_with_input(&["run", "-"], json)
        .assert_status(2)
        .assert_says("<stdin>:2:");
    let twice = ["run", "-", "-i", "name=@-"];
    workbench
        .workflow_with_input(&twice, workflow)
        .assert_status(2)
        .assert_says("input `name` is to be read from standard input, which the workflow is read from already");
}

#[test]
fn a_value_of_the_wrong_kind_is_told_what_the_right_one_looks_like() {
    let workbench = Workbench::new();
    workbench.write(
        "w.yaml",
        "name: W
inputs: { limit: { type: integer }, tags: { type: array } }
steps: [{ key: a, agent: echo, prompt: '{{limit}} {{tags}}' }]
",
    );
    workbench
        .workflow(&["run", "w.yaml", "-i", "limit=ten", "-i", "tags=a,b"])
        .assert_status(2)
        .assert_says("input `limit` must be of type integer, and `ten` is not JSON")
        .assert_says("write a whole number, as in `-i limit=10`")
        .assert_says("as in `-i tags='[\"one\", \"two\"]'`");
}
