//! Reading a journal.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use wf_core::id::ExecutionId;

use super::Entry;
use crate::cli::database::Database;

/// Reads a journal from its beginning, and what is added to it.
pub(crate) struct JournalReader {
    path: PathBuf,
    file: Option<BufReader<File>>,
    line: Vec<u8>,
}

impl JournalReader {
    /// The journal of an execution, whether or not it is there yet.
    pub(crate) fn new(database: &Database, id: &ExecutionId) -> Self {
        JournalReader {
            path: super::path(database, id),
            file: None,
            line: Vec::new(),
        }
    }

    /// Whether there is a journal.
    ///
    /// # Errors
    ///
    /// When what is there cannot be read, or is not ours.
    pub(crate) fn is_there(&mut self) -> io::Result<bool> {
        if self.file.is_none() {
            self.file = super::file::open_to_read(&self.path)?.map(BufReader::new);
        }
        Ok(self.file.is_some())
    }

    /// Where the journal is, or would be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next entry, if it is there already. A line that is none, as a crash can leave it, is passed over.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not ours.
    pub(crate) fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        self.is_there()?;
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        loop {
            // A line that is still being written stays until its end is there.
            if file.read_until(b'\n', &mut self.line)? == 0 || self.line.last() != Some(&b'\n') {
                return Ok(None);
            }
            let entry = serde_json::from_slice(&self.line);
            self.line.clear();
            if let Ok(entry) = entry {
                return Ok(Some(entry));
            }
        }
    }
}
