//! Where an agent's program is.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Why a program cannot be run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// There is no such file.
    NotFound,
    /// No folder of PATH has it; `beside` tells whether the folder of the agents file has.
    NotInPath {
        searched: Vec<PathBuf>,
        beside: bool,
    },
    /// There is such a file, but it may not be executed.
    NotExecutable(PathBuf),
    /// There is such a script, but the interpreter that its first line names is missing.
    NoInterpreter(PathBuf, PathBuf),
}

/// Finds the file of a program: a bare name in the folders of `path` alone, any other from `folder`.
///
/// Folders of `path` that are relative, or empty, are passed over: they would mean another folder wherever the search
/// begins.
pub(super) fn find(
    program: &Path,
    folder: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, Missing> {
    let beside = folder.unwrap_or(Path::new("")).join(program);
    if program.as_os_str().as_bytes().contains(&b'/') {
        // The program starts in a folder of its own choice: only an absolute path means the same there.
        let place = std::path::absolute(&beside).unwrap_or(beside);
        return match look(&place) {
            Found::Nothing => Err(Missing::NotFound),
            Found::NotExecutable => Err(Missing::NotExecutable(place)),
            Found::Program => runnable(place),
        };
    }
    let path = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>());
    let mut searched = path.unwrap_or_default();
    searched.retain(|entry| entry.is_absolute());
    let mut refused = None;
    for place in searched.iter().map(|entry| entry.join(program)) {
        match look(&place) {
            Found::Program => return runnable(place),
            Found::NotExecutable => refused = refused.or(Some(place)),
            Found::Nothing => {}
        }
    }
    Err(match refused {
        Some(file) => Missing::NotExecutable(file),
        None => Missing::NotInPath {
            searched,
            beside: !program.as_os_str().is_empty() && beside.is_file(),
        },
    })
}

enum Found {
    Nothing,
    NotExecutable,
    Program,
}

fn look(place: &Path) -> Found {
    match std::fs::metadata(place) {
        Ok(file) if file.is_file() && access(place, Access::EXEC_OK).is_ok() => Found::Program,
        Ok(file) if file.is_file() => Found::NotExecutable,
        _ => Found::Nothing,
    }
}

/// The program, unless it is a script whose interpreter is missing.
fn runnable(file: PathBuf) -> Result<PathBuf, Missing> {
    match interpreter(&file) {
        Some(interpreter) if !interpreter.exists() => {
            Err(Missing::NoInterpreter(file, interpreter))
        }
        _ => Ok(file),
    }
}

/// The interpreter that the first line of a script names, where that is an absolute path: what else it may be, the system
/// says when the script is started.
fn interpreter(file: &Path) -> Option<PathBuf> {
    // Longer first lines are cut off by the system as well.
    let mut line = Vec::new();
    let open = File::open(file).ok()?;
    open.take(256).read_to_end(&mut line).ok()?;
    let line = line.strip_prefix(b"#!")?;
    let end = line.iter().position(|byte| *byte == b'\n')?;
    let line = line.get(..end)?.trim_ascii_start();
    let word = line.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    let interpreter = Path::new(OsStr::from_bytes(word));
    interpreter.is_absolute().then(|| interpreter.to_owned())
}

impl Missing {
    /// What is wrong with `program`.
    pub(super) fn problem(&self, program: &Path) -> String {
        let program = program.display();
        match self {
            Missing::NotFound => format!("there is no program `{program}`"),
            Missing::NotInPath { beside: true, .. } => format!("`{program}` is not in PATH"),
            Missing::NotInPath { searched, .. } => {
                let mut folders: Vec<String> = Vec::new();
                for folder in searched {
                    let folder = format!("`{}`", folder.display());
                    if !folders.contains(&folder) {
                        folders.push(folder);
                    }
                }
                let folders = if folders.is_empty() {
                    "PATH, which names no folder".to_owned()
                } else {
                    folders.join(", ")
                };
                format!("there is no program `{program}`; looked in {folders}")
            }
            Missing::NotExecutable(file) => {
                format!("the program `{}` may not be executed", file.display())
            }
            Missing::NoInterpreter(file, interpreter) => format!(
                "`{}` cannot be started: the interpreter `{}` that its first line names is missing",
                file.display(),
                interpreter.display()
            ),
        }
    }

    /// The way out.
    pub(super) fn help(&self, program: &Path) -> String {
        match self {
            Missing::NotInPath { beside: true, .. } => format!(
                "write `./{}` for the one beside the agents file",
                program.display()
            ),
            Missing::NotFound | Missing::NotInPath { .. } => {
                "install it, or say in the agent's `command` where it is".to_owned()
            }
            Missing::NotExecutable(file) => {
                format!("allow it with `chmod +x {}`", file.display())
            }
            Missing::NoInterpreter(..) => "install it, or correct the first line".to_owned(),
        }
    }

    /// What is wrong with `program`, and the way out.
    pub(super) fn describe(&self, program: &Path) -> String {
        format!("{}; {}", self.problem(program), self.help(program))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_bare_name_is_looked_up_in_path_alone() {
        let (beside, on_path) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        program(beside.path(), "audit", 0o755);
        let path = Some(on_path.path().as_os_str());
        let name = Path::new("audit");
        let missing = find(name, Some(beside.path()), path).unwrap_err();
        assert_eq!(
            missing.describe(name),
            "`audit` is not in PATH; write `./audit` for the one beside the agents file",
        );
        let far = program(on_path.path(), "audit", 0o755);
        assert_eq!(find(name, Some(beside.path()), path), Ok(far));
    }

    #[test]
    fn folders_of_path_that_are_empty_or_relative_are_passed_over() {
        let program = Path::new("Cargo.toml");
        assert!(program.is_file());
        for path in ["", ":", ".", "./", "..:.", "wf-core:"] {
            let missing = find(program, None, Some(OsStr::new(path))).unwrap_err();
            let none = Vec::new();
            assert_eq!(
                missing,
                Missing::NotInPath {
                    searched: none,
                    beside: true
                },
                "{path}"
            );
        }
    }

    #[test]
    fn a_name_with_a_slash_is_looked_up_from_the_folder_alone() {
        let (beside, on_path) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        program(on_path.path(), "agents/audit", 0o700);
        let path = Some(on_path.path().as_os_str());
        let name = Path::new("agents/audit");
        assert_eq!(
            find(name, Some(beside.path()), path),
            Err(Missing::NotFound)
        );
        let file = program(beside.path(), "agents/audit", 0o700);
        assert_eq!(find(name, Some(beside.path()), path), Ok(file));
    }

    #[test]
    fn a_file_that_may_not_be_executed_is_passed_over_and_then_reported() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let refused = program(first.path(), "audit", 0o644);
        let path = std::env::join_paths([first.path(), second.path()]).unwrap();
        let name = Path::new("audit");
        assert_eq!(
            find(name, None, Some(&path)),
            Err(Missing::NotExecutable(refused))
        );
        let file = program(second.path(), "audit", 0o755);
        assert_eq!(find(name, None, Some(&path)), Ok(file));
    }

    #[test]
    fn a_folder_of_the_name_is_no_program() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("audit")).unwrap();
        let path = Some(folder.path().as_os_str());
        let missing = find(Path::new("audit"), Some(folder.path()), path).unwrap_err();
        let said = missing.describe(Path::new("audit"));
        assert_eq!(
            said,
            format!(
                "there is no program `audit`; looked in `{}`; install it, or say in the agent's `command` where it is",
                folder.path().display(),
            ),
        );
    }

    #[test]
    fn a_script_whose_interpreter_is_missing_is_no_program() {
        let folder = tempfile::tempdir().unwrap();
        let file = program(folder.path(), "audit", 0o755);
        fs::write(&file, "#! /no/such/interpreter -x\n").unwrap();
        let interpreter = PathBuf::from("/no/such/interpreter");
        assert_eq!(
            find(Path::new("./audit"), Some(folder.path()), None),
            Err(Missing::NoInterpreter(
                folder.path().join("./audit"),
                interpreter
            ))
        );
    }

    #[test]
    fn each_folder_is_named_once() {
        let path = OsStr::new("/no/a:/no/b:/no/a");
        let missing = find(Path::new("audit"), Some(Path::new("/no/b")), Some(path)).unwrap_err();
        let said = missing.describe(Path::new("audit"));
        assert!(said.contains("looked in `/no/a`, `/no/b`; "), "{said}");
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
