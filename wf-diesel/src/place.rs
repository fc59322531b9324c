//! Where an open database is, and whether it is there still.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wf_core::store::StoreError;

/// The file that was opened, and the path that led to it.
///
/// What holds a file open goes on with it when its name is taken away: it reads and writes what nobody who comes by that
/// path will find.
#[derive(Debug)]
pub(crate) struct Place {
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
    /// Notes which file the path leads to.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Place {
            path: path.to_owned(),
            file: identity(&fs::metadata(path)?),
        })
    }

    /// Fails with [`is_gone`](StoreError::is_gone) when the path leads to this file no longer.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
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

#[cfg(unix)]
fn identity(found: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;

    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {}
