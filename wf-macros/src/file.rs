//! The file that a declaration names, read and checked as it would be at run time.

use std::path::PathBuf;

use wf_model::{Definition, Diagnostic, Format, Input, Report, Severity, Source};

use crate::mistakes::Mistakes;
use crate::parse::FileDeclaration;

/// The most errors of one file that are told.
const MOST_TOLD: usize = 100;

/// The file, and what is in it.
pub(crate) struct CheckedFile {
    /// Where the file is, so that the compiler can watch it, also when it is wrong; none when there is none.
    pub(crate) path: Option<PathBuf>,
    /// Whether the checker has passed it.
    pub(crate) is_right: bool,
    /// How it is written.
    pub(crate) format: Format,
    /// The definition, as far as it could be read: what uses it is not told of the file's mistakes again.
    pub(crate) definition: Definition,
    /// The inputs of a run.
    pub(crate) inputs: Vec<Input>,
}

/// Reads and checks the file; every mistake in it is told at its path's token.
pub(crate) fn check(declaration: &FileDeclaration, mistakes: &mut Mistakes) -> CheckedFile {
    let given = declaration.path.value();
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let path = root.join(&given);
    let mut file = CheckedFile {
        path: None,
        is_right: false,
        format: Format::Yaml,
        definition: Definition::new(given.clone()),
        inputs: Vec::new(),
    };
    if !path.is_file() {
        let root = "relative to the crate's root, the folder of its `Cargo.toml`";
        let mistake = if given.is_empty() {
            format!("the path is empty; write the file's, {root}")
        } else if path.exists() {
            format!("`{given}` is not a file; the path is {root}")
        } else {
            format!("there is no file `{given}`; the path is {root}")
        };
        mistakes.add(declaration.path.span(), mistake);
        return file;
    }
    let source = match Source::file_as(&path, &*given) {
        Ok(source) => source,
        Err(report) => {
            tell(&report, declaration, mistakes);
            return file;
        }
    };
    file.path = Some(path);
    file.format = source.format();
    match source.read() {
        Ok((checked, _)) => {
            file.is_right = true;
            file.definition = checked.definition;
            file.inputs = checked.inputs;
        }
        Err(report) => {
            tell(&report, declaration, mistakes);
            if let Some((definition, inputs)) = source.sketch() {
                file.definition = definition;
                file.inputs = inputs;
            }
        }
    }
    file
}

/// Tells each error of the file as one of the compiler's, which puts `error:` before it itself.
fn tell(report: &Report, declaration: &FileDeclaration, mistakes: &mut Mistakes) {
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    let errors = report
        .apart()
        .filter(|report| report.diagnostics().iter().any(is_error));
    let place = declaration.path.span();
    for (index, error) in errors.enumerate() {
        if index == MOST_TOLD {
            let more = report
                .diagnostics()
                .iter()
                .filter(|found| is_error(found))
                .count()
                - index;
            mistakes.add(
                place,
                format!("… and {more} more in `{}`", declaration.path.value()),
            );
            break;
        }
        let text = error.to_string();
        mistakes.add(
            place,
            text.strip_prefix("error: ").unwrap_or(&text).to_owned(),
        );
    }
}
