//! The documentation agrees with the code.

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
    let program = include_str!("../examples/embed_yaml.rs");
    let code = program.find("use std::sync").map(|at| &program[at..]);
    assert!(
        code.is_some_and(|code| readme.contains(code)),
        "the README's program is not that of examples/embed_yaml.rs"
    );
    assert!(program.lines().count() < 40, "the program has become long");
}
