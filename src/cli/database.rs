//! Where the database is.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use wf_core::store::StoreError;
use wf_diesel::SqliteStore;

use super::exit::{Exit, Failure, with_causes};
use wf_agents::ownership;
pub(crate) use wf_agents::shell::quoted;

/// The database of those who name none, under the current folder.
const DEFAULT: &str = ".ax/ax.db";

/// The location of a SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Database {
    path: PathBuf,
    /// As the user wrote it; none for the default.
    given: Option<String>,
}

impl Database {
    /// Reads what `--db` or `AX_DATABASE_URL` says; none and the empty text mean the default.
    pub(crate) fn locate(url: Option<&OsStr>) -> Result<Self, Failure> {
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            return Ok(Database {
                path: DEFAULT.into(),
                given: None,
            });
        };
        let bytes = url.as_bytes();
        let given = Some(url.to_string_lossy().into_owned());
        let path = if let Some(path) = bytes.strip_prefix(b"sqlite:") {
            path.strip_prefix(b"//").unwrap_or(path)
        } else if let Some(scheme) = scheme(bytes).filter(|scheme| *scheme != "file") {
            return Err(Failure::wrong(match scheme {
                "postgres" | "postgresql" => {
                    "this build of `ax` stores in SQLite only; give `--db sqlite:PATH` or a path"
                        .to_owned()
                }
                other => {
                    format!("unknown kind of database `{other}`; give `--db sqlite:PATH` or a path")
                }
            }));
        } else {
            bytes
        };
        if let Some(mistake) = mistaken(path, bytes) {
            return Err(Failure::wrong(mistake));
        }
        match path {
            b"" => Err(Failure::wrong(
                "the database has no path; give `--db sqlite:PATH`",
            )),
            b":memory:" => Err(Failure::wrong(
                "a database in memory would forget every run; give a path, or `--dry-run`",
            )),
            path => Ok(Database {
                path: OsStr::from_bytes(path).into(),
                given,
            }),
        }
    }

    /// Opens the database; makes it, and its folder, readable by their owner only, when it is not there.
    pub(crate) fn open(&self) -> Result<SqliteStore, Failure> {
        self.open_path()
    }

    /// Opens the database, if it is there; makes nothing.
    pub(crate) fn open_existing(&self) -> Result<Option<SqliteStore>, Failure> {
        // Any trouble but this is the store's to describe.
        if self.is_missing() {
            return Ok(None);
        }
        self.open_path().map(Some)
    }

    /// Opens the database to read from it, if it is there: where it may not be written to as well.
    pub(crate) fn open_to_read(&self) -> Result<Option<SqliteStore>, Failure> {
        if self.is_missing() {
            return Ok(None);
        }
        // Who may write leaves the folder as it was: SQLite takes its files away again.
        let open = |path: &Path| match SqliteStore::open(path) {
            Err(error) if error.is_rejected() => SqliteStore::options().read_only().open(path),
            opened => opened,
        };
        self.open_trusted(open).map(Some)
    }

    /// The folder of the journals of its executions: its path with `-logs` added.
    pub(crate) fn journals(&self) -> PathBuf {
        let mut folder = self.path.as_os_str().to_owned();
        folder.push("-logs");
        folder.into()
    }

    /// The arguments that lead another call to the same database, with a space before; empty for the default.
    pub(crate) fn arguments(&self) -> String {
        let given = self.given.as_ref();
        let mut arguments = given
            .map(|given| format!(" --db {}", quoted(given)))
            .unwrap_or_default();
        if ownership::trusts_all() {
            arguments.push_str(" --trust-files");
        }
        arguments
    }

    /// What it failed with, with the causes and what to do about it.
    pub(crate) fn failure(&self, error: &StoreError) -> Failure {
        Failure {
            exit: Exit::Store,
            message: format!("{}; {}", with_causes(error), self.way_out(error)),
            report: None,
        }
    }

    /// What to do about a failure. What was committed is there whatever the failure.
    fn way_out(&self, error: &StoreError) -> String {
        let path = self.path.display();
        let is_short =
            std::error::Error::source(error).is_some_and(|cause| cause.is::<io::Error>());
        if error.is_busy() && is_short {
            "end other programs, or raise the limit of processes (`ulimit -u`), then try again"
                .to_owned()
        } else if error.is_busy() {
            format!("another process holds `{path}`: try again when it has ended")
        } else if error.is_full() {
            format!(
                "make room for `{path}`, by deleting the journals in `{}` for example, then try again",
                self.journals().display()
            )
        } else if error.is_unanswered() {
            format!(
                "see that the disk of `{path}` works and has room, look with `ax workflow executions{}` how things \
                 stand, then try again",
                self.arguments()
            )
        } else if error.is_gone() {
            "if it was moved, move it back together with its `-wal` file, or name where it is with `--db`, and go on with \
             `ax workflow resume`; if it was deleted, put a backup in its place, or run the workflow again"
                .to_owned()
        } else if error.is_damaged() {
            format!(
                "put a backup in the place of `{path}`, with `{path}-wal` and `{path}-shm` moved away, or name another \
                 database with `--db`"
            )
        } else {
            format!(
                "see that `{path}` is a database that you may write to, or name another one with `--db`"
            )
        }
    }

    fn open_path(&self) -> Result<SqliteStore, Failure> {
        self.open_trusted(|path| SqliteStore::open(path))
    }

    /// Opens the database unless others choose what is in it.
    fn open_trusted(
        &self,
        open: impl FnOnce(&Path) -> Result<SqliteStore, StoreError>,
    ) -> Result<SqliteStore, Failure> {
        let path = self.absolute()?;
        self.check_owners()?;
        let store = open(&path).map_err(|error| self.failure(&error))?;
        // Also what SQLite has opened since then.
        self.check_owners()?;
        Ok(store)
    }

    fn check_owners(&self) -> Result<(), Failure> {
        ownership::check_database(&self.path, &self.journals()).map_err(|untrusted| Failure {
            exit: Exit::Store,
            message: untrusted.to_string(),
            report: None,
        })
    }

    /// Whether there is nothing of it; what a log without its file means is the store's to say.
    fn is_missing(&self) -> bool {
        let is_missing = |path: &Path| {
            let found = std::fs::metadata(path);
            found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        is_missing(&self.path) && is_missing(Path::new(&log))
    }

    /// The path that cannot be taken for the URI of a file.
    fn absolute(&self) -> Result<PathBuf, Failure> {
        std::path::absolute(&self.path)
            .map_err(|error| Failure::system("failed to find the current folder", &error))
    }
}

/// Why what was given is no path, although it could be taken for one.
fn mistaken(path: &[u8], given: &[u8]) -> Option<String> {
    let shown = String::from_utf8_lossy(given);
    let path = String::from_utf8_lossy(path);
    let is_url = given.starts_with(b"sqlite:");
    if path.starts_with('~') && (path == "~" || path.contains('/')) {
        return Some(format!(
            "`{shown}` begins with `~`, which the shell has not expanded; write the whole path, as in `--db \"$HOME{}\"`",
            path.find('/')
                .and_then(|at| path.get(at..))
                .unwrap_or_default(),
        ));
    }
    if path.starts_with("file:") {
        return Some(format!(
            "`{shown}` is a URI of SQLite, which `ax` does not take; write the path alone, as in `--db sqlite:{}`",
            plain(path.trim_start_matches("file:")),
        ));
    }
    if is_url && let Some((before, _)) = path.split_once('?') {
        return Some(format!(
            "`{shown}` has parameters after its `?`, which `ax` does not take; write the path alone, as in \
             `--db sqlite:{}`, or `--db ./NAME` for a file with a `?` in its name",
            plain(before),
        ));
    }
    if !is_url && path.contains('?') && !path.contains('/') {
        return Some(format!(
            "`{shown}` has a `?` in it, as a URL has parameters, which `ax` does not take; leave it out, or write \
             `--db './{path}'` for a file of that name",
        ));
    }
    if !is_url && path.starts_with("//") {
        return Some(format!(
            "`{shown}` begins with `//`, like a URL without its scheme; write `--db sqlite:{}`",
            plain(&path),
        ));
    }
    let rest = given.strip_prefix(b"sqlite://")?;
    if rest.is_empty() || rest.starts_with(b"/") && !rest.starts_with(b"//") {
        return None;
    }
    Some(format!(
        "`{shown}` names a host and no path; write `--db sqlite:{}` for a path under the current folder, or \
         `--db sqlite:///PATH` for one from the root",
        plain(&path),
    ))
}

/// A path without what only a URL has.
fn plain(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let path = match path.strip_prefix("//") {
        Some(rest) => format!("/{}", rest.trim_start_matches('/')),
        None => path.to_owned(),
    };
    if path.is_empty() {
        "PATH".to_owned()
    } else {
        path
    }
}

/// The scheme of a URL: letters before `://`.
fn scheme(url: &[u8]) -> Option<&str> {
    let (scheme, _) = std::str::from_utf8(url).ok()?.split_once("://")?;
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> PathBuf {
        Database::locate(Some(OsStr::new(url))).unwrap().path
    }

    fn refused(url: &str) -> String {
        Database::locate(Some(OsStr::new(url))).unwrap_err().message
    }

    #[test]
    fn a_path_may_stand_alone_or_after_its_scheme() {
        assert_eq!(path("runs.db"), Path::new("runs.db"));
        assert_eq!(path("sqlite:runs.db"), Path::new("runs.db"));
        assert_eq!(path("sqlite:/var/runs.db"), Path::new("/var/runs.db"));
        assert_eq!(path("sqlite:///var/runs.db"), Path::new("/var/runs.db"));
        assert_eq!(path("odd:name.db"), Path::new("odd:name.db"));
    }

    #[test]
    fn nothing_means_the_default() {
        assert_eq!(Database::locate(None).unwrap().path, Path::new(DEFAULT));
        assert_eq!(path(""), Path::new(DEFAULT));
    }

    #[test]
    fn what_cannot_be_a_database_is_refused_with_the_way_out() {
        let only = "this build of `ax` stores in SQLite only; give `--db sqlite:PATH` or a path";
        assert_eq!(refused("postgres://localhost/runs"), only);
        assert_eq!(refused("postgresql://localhost/runs"), only);
        assert_eq!(
            refused("mysql://x"),
            "unknown kind of database `mysql`; give `--db sqlite:PATH` or a path"
        );
        assert_eq!(
            refused("sqlite:"),
            "the database has no path; give `--db sqlite:PATH`"
        );
        assert!(refused("sqlite::memory:").contains("forget"));
    }

    #[test]
    fn what_a_shell_or_a_url_would_mean_is_refused_and_not_taken_for_a_name() {
        for (given, said) in [
            (
                "~/runs.db",
                "write the whole path, as in `--db \"$HOME/runs.db\"`",
            ),
            ("sqlite:~/runs.db", "has not expanded"),
            ("sqlite:~ada/runs.db", "has not expanded"),
            ("runs.db?mode=ro", "leave it out"),
            ("sqlite:runs.db?mode=ro", "as in `--db sqlite:runs.db`"),
            ("file:runs.db", "as in `--db sqlite:runs.db`"),
            (
                "file:///var/runs.db?mode=ro",
                "as in `--db sqlite:/var/runs.db`",
            ),
            ("sqlite:file:runs.db", "as in `--db sqlite:runs.db`"),
            ("//var/runs.db", "write `--db sqlite:/var/runs.db`"),
            ("sqlite://runs.db", "write `--db sqlite:runs.db`"),
            ("sqlite://localhost/runs.db", "names a host"),
        ] {
            let message = refused(given);
            assert!(message.contains(said), "{given}: {message}");
        }
        assert_eq!(path("./what?.db"), Path::new("./what?.db"));
        assert_eq!(path("runs~.db"), Path::new("runs~.db"));
    }

    #[test]
    fn the_arguments_can_be_pasted_into_a_shell() {
        let arguments = |url: &str| Database::locate(Some(OsStr::new(url))).unwrap().arguments();
        assert_eq!(arguments("sqlite:runs.db"), " --db sqlite:runs.db");
        assert_eq!(arguments("it's mine.db"), r" --db 'it'\''s mine.db'");
        assert_eq!(Database::locate(None).unwrap().arguments(), "");
    }
}
