//! Where an agent's program is.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why a program cannot be run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// There is no such file in any of these places.
    NotFound(Vec<PathBuf>),
    /// There is such a file, but it may not be executed.
    NotExecutable(PathBuf),
}

/// Finds the file of a program: an absolute path as it is, any other in `folder` and then in each folder
/// of `path`.
pub(super) fn find(
    program: &Path,
    folder: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, Missing> {
    let places: Vec<PathBuf> = if program.is_absolute() {
        vec![program.to_owned()]
    } else {
        let on_path = path
            .map(|path| std::env::split_paths(path).collect::<Vec<_>>())
            .unwrap_or_default();
        // An empty entry of PATH means the current folder, which is nobody's intention here.
        let on_path = on_path
            .into_iter()
            .filter(|entry| !entry.as_os_str().is_empty());
        let all = folder.map(Path::to_owned).into_iter().chain(on_path);
        // The program starts in a folder of its own choice: only an absolute path means the same there.
        all.filter_map(|entry| std::path::absolute(entry.join(program)).ok())
            .collect()
    };
    let mut refused = None;
    for place in &places {
        match std::fs::metadata(place) {
            Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => {
                return Ok(place.clone());
            }
            Ok(file) if file.is_file() => refused = refused.or_else(|| Some(place.clone())),
            _ => {}
        }
    }
    Err(match refused {
        Some(file) => Missing::NotExecutable(file),
        None => Missing::NotFound(places),
    })
}

impl Missing {
    /// What is wrong with `program`, and the way out.
    pub(super) fn describe(&self, program: &Path) -> String {
        let program = program.display();
        match self {
            Missing::NotFound(places)
                if places
                    .iter()
                    .any(|place| place.as_path() == Path::new(&program.to_string())) =>
            {
                format!(
                    "there is no program `{program}`; install it, or say in the agent's `command` where it is"
                )
            }
            Missing::NotFound(places) => {
                let mut folders: Vec<String> = Vec::new();
                for folder in places.iter().filter_map(|place| place.parent()) {
                    let folder = format!("`{}`", folder.display());
                    if !folders.contains(&folder) {
                        folders.push(folder);
                    }
                }
                let folders = if folders.is_empty() {
                    "no folder: PATH is empty".to_owned()
                } else {
                    folders.join(", ")
                };
                format!(
                    "there is no program `{program}`; looked in {folders}; install it, or say in the agent's `command` where it is"
                )
            }
            Missing::NotExecutable(file) => {
                let file = file.display();
                format!("the program `{file}` may not be executed; allow it with `chmod +x {file}`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn program(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn the_folder_comes_before_path() {
        let (beside, on_path) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let far = program(on_path.path(), "audit", 0o755);
        let path = Some(on_path.path().as_os_str());
        assert_eq!(find(Path::new("audit"), Some(beside.path()), path), Ok(far));
        let near = program(beside.path(), "audit", 0o755);
        assert_eq!(
            find(Path::new("audit"), Some(beside.path()), path),
            Ok(near)
        );
    }

    #[test]
    fn a_program_in_a_folder_below_is_found() {
        let beside = tempfile::tempdir().unwrap();
        let file = program(beside.path(), "agents/audit", 0o700);
        assert_eq!(
            find(Path::new("agents/audit"), Some(beside.path()), None),
            Ok(file)
        );
    }

    #[test]
    fn a_file_that_may_not_be_executed_is_passed_over_and_then_reported() {
        let (beside, on_path) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let refused = program(beside.path(), "audit", 0o644);
        let path = Some(on_path.path().as_os_str());
        assert_eq!(
            find(Path::new("audit"), Some(beside.path()), path),
            Err(Missing::NotExecutable(refused))
        );
        let file = program(on_path.path(), "audit", 0o755);
        assert_eq!(
            find(Path::new("audit"), Some(beside.path()), path),
            Ok(file)
        );
    }

    #[test]
    fn a_folder_of_the_name_is_no_program() {
        let beside = tempfile::tempdir().unwrap();
        fs::create_dir(beside.path().join("audit")).unwrap();
        let missing = find(Path::new("audit"), Some(beside.path()), None).unwrap_err();
        let said = missing.describe(Path::new("audit"));
        assert_eq!(
            said,
            format!(
                "there is no program `audit`; looked in `{}`; install it, or say in the agent's `command` where it is",
                beside.path().display(),
            ),
        );
    }

    #[test]
    fn each_folder_is_named_once() {
        let path = OsStr::new("/no/a:/no/b:/no/a");
        let missing = find(Path::new("audit"), Some(Path::new("/no/b")), Some(path)).unwrap_err();
        let said = missing.describe(Path::new("audit"));
        assert!(said.contains("looked in `/no/b`, `/no/a`; "), "{said}");
    }

    #[test]
    fn an_absolute_path_is_looked_for_nowhere_else() {
        let missing = find(Path::new("/nowhere/audit"), Some(Path::new("/tmp")), None).unwrap_err();
        assert_eq!(
            missing.describe(Path::new("/nowhere/audit")),
            "there is no program `/nowhere/audit`; install it, or say in the agent's `command` where it is",
        );
    }
}
