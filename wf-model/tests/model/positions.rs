//! Where a mistake is shown: lines, columns, carets, in every way of writing text.

use wf_model::{Diagnostic, Format, Report, Source};

fn report(source: &Source) -> Report {
    match source.read() {
        Ok((_, report)) | Err(report) => report,
    }
}

/// Returns each diagnostic as its line, column and the text that is underlined.
fn marked(text: &str) -> Vec<(usize, usize, &str)> {
    marked_in(&Source::yaml("w.yaml", text), text)
}

fn marked_in<'a>(source: &Source, text: &'a str) -> Vec<(usize, usize, &'a str)> {
    let report = report(source);
    let place = |diagnostic: &Diagnostic| {
        (
            diagnostic.line,
            diagnostic.column,
            &text[diagnostic.range.clone()],
        )
    };
    report.diagnostics().iter().map(place).collect()
}

const EIGHT_MISTAKES: &str = "\
name: eight
steps:
  - key: parse
    agent: backend
    prompt: Parse {{diff}
    timeout: 10 seconds
  - key: audit
    agent: security
    prompt: \"Audit {{parse.files}}\"
    dependencies: [prase]
  - key: audit
    agnet: security
    prompt: Audit again
  - key: report
    agent: product
    prompt: |
      Report on
      {{ parse }}
    dependencies: [report, left]
  - key: left
    agent: product
    prompt: left
    dependencies: [right]
  - key: right
    agent: product
    prompt: right
    dependencies: [left]
";

#[test]
fn eight_mistakes_give_eight_diagnostics_each_at_its_place() {
    assert_eq!(
        marked(EIGHT_MISTAKES),
        [
            (5, 19, "{{"),
            (6, 14, "10 seconds"),
            (10, 20, "prase"),
            (11, 10, "audit"),
            (12, 5, "agnet"),
            (18, 7, "{{ parse }}"),
            (19, 20, "report"),
            (23, 20, "right"),
        ]
    );
}

#[test]
fn a_report_is_shown_with_lines_carets_and_help() {
    let text = "name: w\nsteps:\n  - key: parse\n    agent: x\n    prompt: p\n  - key: parse\n    agent: x\n    prompt: p\n    dependencies: [prase]\n";
    let shown = report(&Source::yaml("flows/w.yaml", text)).to_string();
    let expected = "\
error: duplicate step key `parse`
 --> flows/w.yaml:6:10
  |
6 |   - key: parse
  |          ^^^^^
note: the first is here
 --> flows/w.yaml:3:10
  |
3 |   - key: parse
  |          -----
  = help: give each step a key of its own

error: unknown dependency `prase`; did you mean `parse`?
 --> flows/w.yaml:9:20
  |
9 |     dependencies: [prase]
  |                    ^^^^^";
    assert_eq!(shown, expected);
}

#[test]
fn the_pieces_of_a_report_say_what_they_are() {
    let report = report(&Source::yaml("w.yaml", "name: w\nsteps: 5\n"));
    let pieces = report.pieces();
    let joined: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(joined, report.to_string());
    let carets: Vec<_> = pieces
        .iter()
        .filter(|piece| piece.role == wf_model::Role::Error)
        .collect();
    assert_eq!(
        carets
            .iter()
            .map(|piece| piece.text.as_str())
            .collect::<Vec<_>>(),
        ["error", "^"]
    );
    assert!(report.has_errors() && !report.is_empty());
}

#[test]
fn columns_count_characters() {
    let text =
        "name: w\nsteps:\n- { key: ä, agent: 日本, prompt: 'ü→ {{ö}}', dependencies: [é] }\n";
    assert_eq!(marked(text), [(3, 10, "ä"), (3, 36, "{{ö}}"), (3, 59, "é")]);
}

#[test]
fn lines_may_end_in_carriage_returns() {
    let text =
        "name: w\r\nsteps:\r\n- key: a\r\n  agnt: x\r\n  prompt: |\r\n    é\r\n    x {{ }}\r\n";
    assert_eq!(marked(text), [(4, 3, "agnt"), (7, 7, "{{ }}")]);
}

#[test]
fn a_byte_order_mark_counts_for_nothing() {
    let text = "\u{feff}nme: w\nsteps: [{ key: a, agent: x, prompt: p }]\n";
    let source = Source::yaml("w.yaml", text);
    assert_eq!(marked_in(&source, source.text()), [(1, 1, "nme")]);
}

#[test]
fn a_tab_is_one_column_and_is_shown_as_spaces() {
    let text = "name: w\nsteps:\n- {\tkey: a,\tagent: x, prompt: \"\t{{ }}\" }\n";
    assert_eq!(marked(text), [(3, 33, "{{ }}")]);
    let shown = report(&Source::yaml("w.yaml", text)).to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[3].find("{{ }}"), lines[4].find("^^^^^"));
}

#[test]
fn placeholders_are_found_in_every_kind_of_scalar() {
    let prompts = [
        ("plain {{é}} and {{a b}}", (5, 17)),
        ("'it''s {{é}} {{a b}}'", (5, 18)),
        ("\"q\\u00e4 \\\" {{é}} {{a b}}\"", (5, 23)),
        (
            "|\n    one\n    {{{{ {{é}} {{a b}} {{\n    {{a b}}",
            (7, 10),
        ),
        (">-\n    folded\n    text {{é}}\n    {{a b}}", (7, 10)),
        ("plain\n    goes on {{é}}\n    {{a b}}", (6, 13)),
        ("\"quoted\n    goes on {{é}}\n    {{a b}}\"", (6, 13)),
    ];
    for (prompt, place) in prompts {
        let text = format!("name: w\nsteps:\n- key: k\n  agent: x\n  prompt: {prompt}\n");
        let found = marked(&text);
        assert_eq!(
            (found[0].0, found[0].1, found[0].2),
            (place.0, place.1, "{{é}}"),
            "{prompt}"
        );
        assert!(
            found[1..]
                .iter()
                .all(|(_, _, part)| ["{{a b}}", "{{"].contains(part)),
            "{prompt}: {found:?}"
        );
    }
}

#[test]
fn a_placeholder_that_escapes_make_unrecognisable_is_shown_as_its_prompt() {
    let text = "name: w\nsteps:\n- key: k\n  agent: x\n  prompt: \"x \\x7b\\x7b1}} y\"\n";
    assert_eq!(marked(text), [(5, 11, "\"x \\x7b\\x7b1}} y\"")]);
}

#[test]
fn a_placeholder_over_several_lines_is_marked_where_it_begins() {
    let text = "name: w\nsteps:\n- key: k\n  agent: x\n  prompt: |\n    {{ a\n      b }}\n";
    let found = marked(text);
    assert_eq!((found[0].0, found[0].1), (6, 5));
}

#[test]
fn what_an_alias_repeats_is_shown_where_it_is_written() {
    let text = "\
name: w
steps:
- key: a
  agent: x
  prompt: &p \"it's {{1}}\"
  dependencies: &d [b, nope]
- { key: b, agent: x, prompt: *p, dependencies: *d }
- { key: c, agent: x, prompt: p, timeout: *p }
";
    let found = marked(text);
    assert_eq!(
        found,
        [
            (5, 20, "{{1}}"),
            (5, 20, "{{1}}"),
            (6, 21, "b"),
            (6, 24, "nope"),
            (6, 24, "nope"),
            (8, 43, "*p"),
        ]
    );
}

#[test]
fn aliases_of_aliases_keep_the_count_of_nodes() {
    let text = "\
name: w
tags: [&t one, &u [*t, *t]]
author: *u
description: [*u, *u]
version: 5
steps: [{ key: a, agent: x, prompt: p, dependencies: [zzz] }]
";
    assert_eq!(
        marked(text),
        [
            (2, 19, "["),
            (3, 9, "*u"),
            (4, 14, "["),
            (5, 10, "5"),
            (6, 55, "zzz")
        ]
    );
}

#[test]
fn properties_and_comments_are_not_underlined() {
    let text = "name: &n !!str 'w' # name\nversion: &v 5 # version\ntags: !!seq &t { a: b } # tags\nsteps: [{ key: a, agent: x, prompt: p }]\n";
    assert_eq!(marked(text), [(2, 13, "5"), (3, 16, "{")]);
}

#[test]
fn json_has_the_same_mistakes_at_its_own_places() {
    let text = "{\n  \"name\": \"w\", \"nmae\": [1, {\"é\": null}],\n  \"steps\": [\n\t{\"key\": \"a\", \"agent\": \"ä\\\"{{\", \"prompt\": \"\\u00e4 \\\" {{é}} {{b}}\", \"dependencies\": [\"c\", \"a\"],\n    \"timeout\": -1.5e3}\n  ]\n}\n";
    let source = Source::json("w.json", text);
    assert_eq!(source.format(), Format::Json);
    assert_eq!(
        marked_in(&source, text),
        [
            (2, 16, "\"nmae\""),
            (4, 54, "{{é}}"),
            (4, 85, "\"c\""),
            (4, 90, "\"a\""),
            (5, 16, "-1.5e3"),
        ]
    );
}

#[test]
fn a_file_says_where_it_stops_being_text() {
    let folder = std::env::temp_dir().join(format!("wf-model-positions-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("latin.yaml");
    std::fs::write(&path, b"name: w\nauthor: caf\xe9\n").unwrap();
    let report = Source::file(&path).unwrap_err();
    let diagnostic = &report.diagnostics()[0];
    assert_eq!((diagnostic.line, diagnostic.column), (2, 12));
    assert_eq!(
        diagnostic.message,
        "the file is not UTF-8: byte 0xe9 at offset 19 begins no character"
    );
    assert_eq!(diagnostic.file.as_ref(), path.display().to_string());
    let renamed = Source::file_as(&path, "files/latin.yaml").unwrap_err();
    assert_eq!(renamed.diagnostics()[0].file.as_ref(), "files/latin.yaml");
    let missing = Source::file(&folder.join("nothing.yaml")).unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("error: cannot read the file: "),
        "{missing}"
    );
    assert!(Source::file(&folder).unwrap_err().has_errors());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_format_comes_from_the_extension_or_else_from_the_beginning() {
    let folder = std::env::temp_dir().join(format!("wf-model-formats-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let format = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        Source::file(&path).unwrap().format()
    };
    assert_eq!(format("a.json", "name: w"), Format::Json);
    assert_eq!(format("a.YML", "{\"a\": 1}"), Format::Yaml);
    assert_eq!(format("a.yaml", "{}"), Format::Yaml);
    assert_eq!(format("a.txt", "\u{feff} {\n \"a\": 1}"), Format::Json);
    assert_eq!(format("a", "{ name: w }"), Format::Yaml);
    assert_eq!(format("b", "name: w"), Format::Yaml);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_long_list_of_mistakes_is_cut() {
    let text = format!(
        "name: w\nsteps:\n{}",
        "- { key: 1, agent: x, prompt: p }\n".repeat(250)
    );
    let report = report(&Source::yaml("w.yaml", text));
    assert_eq!(report.diagnostics().len(), 250);
    assert!(report.to_string().ends_with("… and 150 more"));
    assert_eq!(report.to_string().matches("error: ").count(), 100);
}

#[test]
fn what_was_found_can_be_told_one_by_one() {
    let source = Source::yaml("review.yaml", "nme: review\nsteps: []\n");
    let report = source.read().unwrap_err();
    let apart: Vec<String> = report.apart().map(|one| one.to_string()).collect();
    assert!(apart.len() > 1, "{report}");
    assert_eq!(apart.join("\n\n"), report.to_string());
}
