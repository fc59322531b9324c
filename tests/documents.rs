//! The documentation agrees with the code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use wf_core::lifecycle::MERMAID;

#[test]
fn the_lifecycle_page_holds_the_diagram_of_the_table() {
    let page = include_str!("../docs/lifecycle.md");
    assert!(
        page.contains(&format!("```mermaid\n{MERMAID}```\n")),
        "docs/lifecycle.md is stale: its diagram must read\n{MERMAID}"
    );
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = include_str!("../README.md");
    assert!(
        readme.contains(include_str!("../examples/code-review.yaml")),
        "the README's workflow is not that of examples/code-review.yaml"
    );
    for (program, most) in [
        (include_str!("../examples/review.rs"), 26),
        (include_str!("../examples/embed_yaml.rs"), 40),
    ] {
        let code = program.find("\nuse ").map(|at| &program[at + 1..]);
        assert!(
            code.is_some_and(|code| readme.contains(code)),
            "the README does not show this program as it is:\n{program}"
        );
        assert!(
            program.lines().count() <= most,
            "the program has become long:\n{program}"
        );
    }
}

#[test]
fn every_test_that_the_durability_page_names_exists() {
    let page = include_str!("../docs/durability.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for folder in ["tests", "wf-core/src", "wf-diesel/src", "wf-diesel/tests"] {
        read_rust(&root.join(folder), &mut code);
    }
    let named: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.matches('_').count() > 3 && !word.contains(['/', ':', '(', ' ']))
        .collect();
    assert!(named.len() > 35, "{named:?}");
    for test in named {
        assert!(
            code.contains(&format!("fn {test}(")),
            "there is no test `{test}`"
        );
    }
}

/// Appends the text of every Rust file in a folder and below it.
fn read_rust(folder: &Path, code: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_rust(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_key_of_a_workflow_file_is_in_the_table_of_its_section() {
    let page = include_str!("../docs/workflow-files.md");
    let tables = || page.split("| --- |").skip(1);
    let keys_of = |table: &str| -> Vec<String> {
        let rows = table
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with('|'));
        let first = rows.filter_map(|row| row.split('`').nth(1));
        first.map(str::to_owned).collect()
    };
    for section in wf_model::keys::SECTIONS {
        // Its two keys are named in the row of the key that they stand under.
        if section.name == "perAttempt" {
            continue;
        }
        let keys: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
        assert!(
            tables().any(|table| keys_of(table) == keys),
            "docs/workflow-files.md has no table of the keys of a {}, in this order: {keys:?}",
            section.name
        );
    }
}
