//! The conformance suite of stores, on a new file per case.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Deref;

use tempfile::TempDir;
use wf_diesel::SqliteStore;

/// A store in a folder that lasts as long as it does.
struct Opened {
    store: SqliteStore,
    _folder: TempDir,
}

impl Deref for Opened {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

fn open() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("ax.db")).unwrap();
    Opened {
        store,
        _folder: folder,
    }
}

wf_core::store_conformance!(open);
