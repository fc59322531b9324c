//! The file that a declaration names, read and checked as it would be at run time.

use std::path::{Path, PathBuf};

use wf_model::{Format, Source};

use crate::mistakes::Mistakes;
use crate::parse::FileDeclaration;

/// The file, and what the checker says of it.
pub(crate) struct CheckedFile {
    /// Where the file is, so that the compiler can watch it, also when it is wrong; none when there is none.
    pub(crate) path: Option<PathBuf>,
    /// The definition and how it was written, unless it is wrong.
    pub(crate) checked: Option<(wf_model::Checked, Format)>,
}

/// Reads and checks the file; every mistake in it is told at its path's token.
pub(crate) fn check(declaration: &FileDeclaration, mistakes: &mut Mistakes) -> CheckedFile {
    let given = declaration.path.value();
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let path = root.join(&given);
    if !path.is_file() {
        let mistake = format!(
            "there is no file `{given}`; the path is relative to the crate's root, the folder of its `Cargo.toml`"
        );
        mistakes.add(declaration.path.span(), mistake);
        return CheckedFile {
            path: None,
            checked: None,
        };
    }
    let checked = match read(&path, &given) {
        Ok(checked) => Some(checked),
        Err(report) => {
            mistakes.add(declaration.path.span(), report);
            None
        }
    };
    CheckedFile {
        path: Some(path),
        checked,
    }
}

/// Reads the file under the name that the declaration gives it, which is the same wherever it is compiled.
fn read(path: &Path, name: &str) -> Result<(wf_model::Checked, Format), String> {
    // rustc puts `error:` before it itself.
    let told = |report: wf_model::Report| {
        let text = report.to_string();
        text.strip_prefix("error: ")
            .map_or(text.clone(), str::to_owned)
    };
    let file = Source::file(path).map_err(told)?;
    let source = match file.format() {
        Format::Yaml => Source::yaml(name, file.text()),
        Format::Json => Source::json(name, file.text()),
    };
    let (checked, _) = source.read().map_err(told)?;
    Ok((checked, source.format()))
}
