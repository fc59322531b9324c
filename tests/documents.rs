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
