//! The page about agents agrees with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ax::agents::AgentsFile;

const PAGE: &str = include_str!("../../docs/agents.md");

/// The agents files that the pages show.
#[cfg(feature = "openai")]
fn shown(page: &str) -> Vec<&str> {
    page.split("\n```yaml title=\"agents\"\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// What is said of an agents file, with a key and an authority's certificate in its folder.
fn report(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("keys/product"), "key").unwrap();
    #[cfg(feature = "openai")]
    fs::write(
        folder.path().join("company-ca.pem"),
        crate::https::authority("Company").pem(),
    )
    .unwrap();
    let file = folder.path().join("agents.yaml");
    fs::write(&file, text).unwrap();
    match AgentsFile::read(&file, Path::new("/")) {
        Ok(_) => String::new(),
        Err(report) => report.to_string(),
    }
}

/// The keys that a mapping can have, by what is said of one that it cannot have.
fn keys(text: &str) -> BTreeSet<String> {
    let said = report(text);
    let (_, rest) = said.split_once("the keys here are ").expect("a help");
    let keys = rest.lines().next().unwrap().split(", ");
    keys.map(|key| key.trim_matches('`').to_owned()).collect()
}

/// The keys that the tables under a heading have in their first column.
fn documented(from: &str, to: &str) -> BTreeSet<String> {
    let section = PAGE.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

#[cfg(feature = "openai")]
#[test]
fn every_agents_file_that_is_shown_is_right() {
    let guide = include_str!("../../docs/workflow-files.md");
    let files = [shown(PAGE), shown(guide)].concat();
    assert_eq!(files.len(), 6);
    for file in files {
        assert_eq!(report(file), "", "{file}");
    }
}

#[test]
fn every_key_of_an_agent_is_documented() {
    let known = keys("agents: { a: { zzzzzzzzzzzz: 1 } }");
    assert!(known.len() > 15, "{known:?}");
    assert_eq!(documented("\n### Every key\n", "\n## Programs\n"), known);
}

#[cfg(feature = "openai")]
#[test]
fn every_key_of_a_model_is_documented() {
    let known = keys("agents: { a: { openai: { zzzzzzzzzzzz: 1 } } }");
    assert!(known.len() > 10, "{known:?}");
    assert_eq!(documented("\n## Models\n", "\n## Echo\n"), known);
}
