//! The file that a declaration names, read and checked as it would be at run time.

use std::path::{Path, PathBuf};

use wf_model::{Definition, Format, Input, Report, Source};

use crate::mistakes::Mistakes;
use crate::parse::FileDeclaration;

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
        let problem = if path.exists() {
            format!("`{given}` is not a file")
        } else {
            format!("there is no file `{given}`")
        };
        let mistake = format!(
            "{problem}; the path is relative to the crate's root, the folder of its `Cargo.toml`"
        );
        mistakes.add(declaration.path.span(), mistake);
        return file;
    }
    let source = match read(&path, &given) {
        Ok(source) => source,
        Err(report) => {
            mistakes.add(declaration.path.span(), told(&report));
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
            mistakes.add(declaration.path.span(), told(&report));
            if let Some((definition, inputs)) = source.sketch() {
                file.definition = definition;
                file.inputs = inputs;
            }
        }
    }
    file
}

/// Reads the file under the name that the declaration gives it, which is the same wherever it is compiled.
fn read(path: &Path, name: &str) -> Result<Source, Report> {
    let file = Source::file(path)?;
    Ok(match file.format() {
        Format::Yaml => Source::yaml(name, file.text()),
        Format::Json => Source::json(name, file.text()),
    })
}

/// A report as an error of the compiler, which puts `error:` before it itself.
fn told(report: &Report) -> String {
    let text = report.to_string();
    text.strip_prefix("error: ")
        .map_or(text.clone(), str::to_owned)
}
