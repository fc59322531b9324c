//! The file that a declaration names, read and checked as it would be at run time.

use std::path::{Path, PathBuf};

use wf_model::{Definition, Format, Source};

use crate::declaration::Declaration;

/// The file, and what the checker says of it.
pub(crate) struct Checked {
    /// Where the file is, so that the compiler can watch it; none when there is none.
    pub(crate) path: Option<PathBuf>,
    /// The definition and how it was written, or every mistake.
    pub(crate) definition: Result<(Definition, Format), String>,
}

pub(crate) fn check(declaration: &Declaration) -> Checked {
    let given = declaration.path.value();
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let path = root.join(&given);
    if !path.is_file() {
        let mistake = format!(
            "there is no file `{given}`; the path is relative to the crate's root, the folder of its `Cargo.toml`"
        );
        return Checked {
            path: None,
            definition: Err(mistake),
        };
    }
    Checked {
        definition: read(&path),
        path: Some(path),
    }
}

fn read(path: &Path) -> Result<(Definition, Format), String> {
    let read =
        Source::file(path).and_then(|source| Ok((source.read()?.0.definition, source.format())));
    read.map_err(|report| report.to_string())
}
