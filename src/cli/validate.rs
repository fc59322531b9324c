//! `validate`.

use std::path::Path;

use serde::Serialize;
use wf_core::plan::Plan;
use wf_model::Report;

use super::arguments::Validate;
use super::console::Console;
use super::document::{DiagnosticDocument, diagnostics};
use super::exit::{Exit, Failure};
use super::start;
use wf_agents::AgentsFile;

/// Checks workflow files, each on its own and with its agents, and tells all that is wrong with any of them.
pub(crate) fn validate(console: Console, arguments: &Validate) -> Result<Exit, Failure> {
    let stdin = arguments.files.iter().filter(|file| start::is_stdin(file));
    if stdin.count() > 1 {
        return Err(Failure::wrong(
            "standard input holds one workflow; give `-` once",
        ));
    }
    let directory = start::current_directory()?;
    let agents = arguments.agents.as_deref();
    let files = arguments.files.iter();
    let checked: Vec<Checked<'_>> = files
        .map(|file| Checked::read(file, agents, &directory))
        .collect();
    let bad = checked.iter().filter(|file| file.summary.is_none()).count();
    for file in &checked {
        console.warnings(&file.report);
        if let Some(summary) = file.summary.as_ref().filter(|_| !console.json) {
            console.text(&format!("{}: ok ({summary})", start::named(file.path)))?;
        }
    }
    let error = match (bad, checked.len()) {
        (0, _) => None,
        (1, 1) => Some("the workflow is not valid".to_owned()),
        (bad, all) => Some(format!("{bad} of {all} workflows are not valid")),
    };
    if let Some(error) = &error {
        console.error(error);
    }
    if console.json {
        console.document(&ValidationDocument {
            error: error.as_deref(),
            files: checked.iter().map(FileDocument::new).collect(),
        })?;
    }
    Ok(if error.is_some() {
        Exit::Wrong
    } else {
        Exit::Done
    })
}

/// A file and what the checker says of it.
struct Checked<'a> {
    path: &'a Path,
    /// What is in it, when it is valid.
    summary: Option<String>,
    report: Report,
}

impl<'a> Checked<'a> {
    fn read(path: &'a Path, agents: Option<&Path>, directory: &Path) -> Self {
        let read = start::source(path).and_then(|source| {
            let (plan, warnings) = Plan::from_source(&source)?;
            // Whoever has no agents file yet can check the workflow all the same.
            if let Ok(file) = start::agents_file(agents, path)
                && let Err(report) = AgentsFile::read_for_workflow(&file, directory, None, &source)
            {
                return Err(warnings.and(report));
            }
            Ok((plan, warnings))
        });
        match read {
            Ok((plan, warnings)) => {
                let (steps, inputs) = (plan.steps().len(), plan.inputs().len());
                let summary = format!("{}, {}", counted(steps, "step"), counted(inputs, "input"));
                Checked {
                    path,
                    summary: Some(summary),
                    report: warnings,
                }
            }
            Err(report) => Checked {
                path,
                summary: None,
                report,
            },
        }
    }
}

#[derive(Serialize)]
struct ValidationDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    files: Vec<FileDocument<'a>>,
}

#[derive(Serialize)]
struct FileDocument<'a> {
    file: String,
    valid: bool,
    diagnostics: Vec<DiagnosticDocument<'a>>,
}

impl<'a> FileDocument<'a> {
    fn new(checked: &'a Checked<'_>) -> Self {
        FileDocument {
            file: start::named(checked.path),
            valid: checked.summary.is_some(),
            diagnostics: diagnostics(&checked.report),
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
