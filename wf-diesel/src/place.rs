//! Where an open database is, and whether it is there still.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wf_core::store::StoreError;

/// The files that were opened, and the paths that led to them.
///
/// What holds a file open goes on with it when its name is taken away: it reads and writes what nobody who comes by that
/// path will find. Who then opens the database makes another log beside it, and knows nothing of the former one.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    file: Identity,
    /// The log and its index, where there is a log: SQLite deletes them when its last connection closes, and not before.
    beside: Vec<Beside>,
}

/// A file that SQLite keeps beside the database.
#[derive(Debug)]
struct Beside {
    what: &'static str,
    path: PathBuf,
    file: Identity,
}

/// What tells a file from every other one that is there at the same time: its device and its number there.
#[cfg(unix)]
type Identity = (u64, u64);

/// A file cannot be told from another one here; that there is one is all that is known.
#[cfg(not(unix))]
type Identity = ();

impl Place {
    /// Notes which files an open database consists of.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let file = identity(&fs::metadata(path)?);
        // Beside the file itself, wherever a link to it is.
        let real = fs::canonicalize(path)?;
        let beside =
            [("its log", "-wal"), ("the index of its log", "-shm")].map(|(what, suffix)| {
                let path = with_suffix(&real, suffix);
                let file = identity(&fs::metadata(&path).ok()?);
                Some(Beside { what, path, file })
            });
        let beside = match beside {
            [Some(log), index] => [Some(log), index].into_iter().flatten().collect(),
            // It is read as it is, and nobody says when another begins to write.
            [None, _] => Vec::new(),
        };
        Ok(Place {
            path: path.to_owned(),
            file,
            beside,
        })
    }

    /// Fails with [`is_gone`](StoreError::is_gone) when the paths lead to these files no longer.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.check_database()?;
        match self.beside.iter().find(|beside| beside.is_gone()) {
            None => Ok(()),
            Some(Beside { what, path, .. }) => Err(StoreError::gone(format!(
                "the database `{}` lost {what} while it was in use: `{}` was deleted, moved or replaced, and what was \
                 recorded last may be gone with it",
                self.path.display(),
                path.display()
            ))),
        }
    }

    fn check_database(&self) -> Result<(), StoreError> {
        let path = self.path.display();
        match fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.file => Ok(()),
            Ok(_) => Err(StoreError::gone(format!(
                "the database `{path}` was replaced by another file while it was in use; what was recorded is in the \
                 former one, and not in this"
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::gone(format!(
                    "the database `{path}` was deleted or moved while it was in use; what was recorded is where it was moved \
                 to, or gone with it"
                )))
            }
            // That it cannot be looked at says nothing about where it is.
            Err(_) => Ok(()),
        }
    }
}

impl Beside {
    fn is_gone(&self) -> bool {
        match fs::metadata(&self.path) {
            Ok(found) => identity(&found) != self.file,
            // That it cannot be looked at says nothing about where it is.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

/// The path of a file that SQLite keeps beside a database.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(unix)]
fn identity(found: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;

    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {}
