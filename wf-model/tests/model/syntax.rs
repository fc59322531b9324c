//! YAML and JSON as such: what is no document, and what of YAML is read.

use std::time::Duration;

use wf_model::Source;

use crate::workflow::{definition, found};

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
fn an_alias_means_the_last_anchor_of_its_name() {
    let text =
        "name: &a w\nauthor: *a\ntags: [&a b, *a]\nsteps: [{ key: a, agent: *a, prompt: p }]\n";
    let definition = definition(text);
    assert_eq!(definition.author.as_deref(), Some("w"));
    assert_eq!(definition.tags, ["b", "b"]);
    assert_eq!(definition.steps[0].agent, "b");
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
    assert_eq!(
        first("name: w\nsteps: [a\n"),
        "2:8 a `[` that is never closed"
    );
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
        "2:1 expected `:` after a key"
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
fn syntax_errors_stand_at_the_character_that_is_wrong() {
    for (text, message) in [
        (
            "a:\n  b: c\n\td: e\n",
            "3:1 a tab where spaces are expected",
        ),
        ("a: [b, {c: d]\n", "1:8 a `{` that is closed by `]`"),
        ("a: {b: c\n", "1:4 a `{` that is never closed"),
        ("a: [b]]\n", "1:7 a bracket or brace that closes nothing"),
        ("a: 'b' c\n", "1:8 more text after a text in quotes"),
        (
            "a: \"\\n \\u00e4 \\x4\"\n",
            "1:15 an escape that is not complete",
        ),
        (
            "a: b\n  c \u{7}d\n",
            "2:5 the control character U+0007 cannot stand in YAML",
        ),
        (
            "a: |b\n c\n",
            "1:4 more text after the `|` or `>` that begins a text of several lines",
        ),
        ("a: b # c\n  d\n", "1:6 a comment in the middle of a text"),
        ("%TAG x\n---\na: b\n", "1:1 a directive that cannot be read"),
        ("a: !!int b\n", "1:10 `b` does not fit its tag `!!int`"),
        ("a: !x\n", "1:4 unknown tag `!x`"),
        ("a: [!x {b: c}]\n", "1:8 unknown tag `!x`"),
        (
            "a\n---\nb: [\n",
            "2:1 the file holds more than one document",
        ),
    ] {
        assert!(
            found(text).contains(&message.to_owned()),
            "{text:?}: {:?}",
            found(text)
        );
    }
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
