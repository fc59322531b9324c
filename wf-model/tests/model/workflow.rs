//! Small workflows, and what is found in them.

use wf_model::{Checked, Definition, Severity, Source};

/// Reads YAML and returns what was found, each as `line:column message`, warnings marked.
pub(crate) fn found(text: &str) -> Vec<String> {
    let report = match Source::yaml("w.yaml", text).read() {
        Ok((_, report)) | Err(report) => report,
    };
    let diagnostics = report.diagnostics().iter();
    diagnostics
        .map(|diagnostic| {
            let mark = if diagnostic.severity == Severity::Warning {
                "warning: "
            } else {
                ""
            };
            format!(
                "{}:{} {mark}{}",
                diagnostic.line, diagnostic.column, diagnostic.message
            )
        })
        .collect()
}

/// Returns what to do about each mistake and each warning.
pub(crate) fn helps(text: &str) -> Vec<String> {
    let report = match Source::yaml("w.yaml", text).read() {
        Ok((_, report)) | Err(report) => report,
    };
    report
        .diagnostics()
        .iter()
        .filter_map(|diagnostic| diagnostic.help.clone())
        .collect()
}

/// Reads a workflow that is right.
pub(crate) fn read(text: &str) -> Checked {
    match Source::yaml("w.yaml", text).read() {
        Ok((checked, _)) => checked,
        Err(report) => panic!("{report}"),
    }
}

/// Reads the definition of a workflow that is right.
pub(crate) fn definition(text: &str) -> Definition {
    read(text).definition
}

/// A workflow whose one step has these further lines.
pub(crate) fn with_step(lines: &str) -> String {
    format!("name: w\nsteps:\n  - key: a\n    agent: x\n    prompt: p\n{lines}")
}

/// A workflow with this section before its one step.
pub(crate) fn with_section(section: &str) -> String {
    format!("name: w\n{section}steps:\n  - {{ key: a, agent: x, prompt: p }}\n")
}
