//! The workflows in `examples` and in the guide are right, and the guide shows mistakes as they are reported.

use std::path::{Path, PathBuf};

use wf_core::plan::Plan;
use wf_model::{Report, Source};

#[test]
fn every_example_is_a_workflow_without_mistakes_or_warnings() {
    let mut files = vec![root().join("examples/code-review.yaml")];
    let small = std::fs::read_dir(root().join("examples/workflows")).expect("the folder is there");
    files.extend(
        small
            .map(|entry| entry.expect("a file").path())
            .filter(|path| !path.ends_with("agents.yaml")),
    );
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let source = Source::file(&file).unwrap_or_else(|report| panic!("{report}"));
        let plan = sound(&source);
        let has = |name: &str| read(&root().join("examples/README.md")).contains(name);
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        assert!(has(name), "examples/README.md does not mention {name}");
        assert_eq!(plan.version(), "1.0.0");
    }
}

#[test]
fn the_code_review_is_a_diamond() {
    let plan = Plan::from_file(root().join("examples/code-review.yaml")).unwrap();
    let shape: Vec<_> = plan
        .steps()
        .iter()
        .map(|step| {
            (
                step.key.as_str(),
                step.agent.as_str(),
                step.parallel,
                step.dependencies.join(" "),
            )
        })
        .collect();
    assert_eq!(
        shape,
        [
            ("parse-changes", "backend", false, String::new()),
            ("security-audit", "security", true, "parse-changes".into()),
            ("quality-check", "quality", true, "parse-changes".into()),
            (
                "aggregate-results",
                "product",
                false,
                "security-audit quality-check".into()
            ),
        ]
    );
    assert_eq!(
        plan.inputs()
            .iter()
            .map(|input| input.name.as_str())
            .collect::<Vec<_>>(),
        ["git_diff"]
    );
}

#[test]
fn the_fan_out_has_ten_steps() {
    let plan = Plan::from_file(root().join("examples/workflows/fan-out.yaml")).unwrap();
    assert_eq!(plan.steps().len(), 10);
}

#[test]
fn every_workflow_in_the_guide_is_right() {
    let guide = guide();
    let workflows = blocks(&guide, "yaml title=\"workflow\"");
    assert_eq!(workflows.len(), 3);
    for workflow in workflows {
        sound(&Source::yaml("guide.yaml", workflow));
    }
}

#[test]
fn the_guide_shows_mistakes_as_they_are_reported() {
    let guide = guide();
    let (_, section) = guide.split_once("\n## Mistakes\n").expect("the section");
    let [file, ..] = blocks(section, "yaml fragment")[..] else {
        panic!("no file with mistakes")
    };
    let [shown, ..] = blocks(section, "text")[..] else {
        panic!("no report")
    };
    let report = Plan::from_yaml("review.yaml", file)
        .unwrap_err()
        .to_string();
    assert_eq!(shown.trim_end(), report.trim_end());
}

/// The plan of a workflow; fails with the report if there is anything to report.
fn sound(source: &Source) -> std::sync::Arc<Plan> {
    let (plan, warnings): (_, Report) =
        Plan::from_source(source).unwrap_or_else(|report| panic!("{report}"));
    assert!(warnings.diagnostics().is_empty(), "{warnings}");
    plan
}

/// The contents of the code blocks that begin with these words.
fn blocks<'a>(page: &'a str, words: &str) -> Vec<&'a str> {
    let start = format!("\n```{words}\n");
    page.split(&start)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect()
}

fn guide() -> String {
    read(&root().join("docs/workflow-files.md"))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file is there")
}
