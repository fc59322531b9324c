//! What can go wrong between an engine and its store.

use std::error::Error;
use std::fmt;

/// A failure of the store, by what the caller can do about it.
///
/// Its message never holds a value that was to be stored.
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Conflict,
    NotFound,
    Exists,
    Rejected,
    Busy,
    Full,
    Damaged,
    Gone,
    Unanswered,
}

impl StoreError {
    /// The row is not as the caller expected it: somebody else has written it since.
    pub fn conflict(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Conflict, message)
    }

    /// There is no such row.
    pub fn not_found(message: impl Into<String>) -> Self {
        StoreError::new(Kind::NotFound, message)
    }

    /// There is such a row already.
    pub fn exists(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Exists, message)
    }

    /// The store refuses the request: a constraint, a version it does not know, a path it may not open.
    pub fn rejected(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Rejected, message)
    }

    /// Another process has held the database for too long; nothing was written.
    pub fn busy(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Busy, message)
    }

    /// There is no room left; nothing was written.
    pub fn full(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Full, message)
    }

    /// What the store holds cannot be read.
    pub fn damaged(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Damaged, message)
    }

    /// What the store writes to is no longer where it was opened: whoever opens it there will not find what is written.
    pub fn gone(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Gone, message)
    }

    /// It is not known whether the write happened.
    pub fn unanswered(message: impl Into<String>) -> Self {
        StoreError::new(Kind::Unanswered, message)
    }

    /// Adds the error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        StoreError {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Whether the row was not as the caller expected it.
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// Whether there is no such row.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether there is such a row already.
    pub fn is_exists(&self) -> bool {
        self.kind == Kind::Exists
    }

    /// Whether the store refuses the request, now and later.
    pub fn is_rejected(&self) -> bool {
        self.kind == Kind::Rejected
    }

    /// Whether the database was held by another for too long; the same request may succeed later.
    pub fn is_busy(&self) -> bool {
        self.kind == Kind::Busy
    }

    /// Whether there was no room left.
    pub fn is_full(&self) -> bool {
        self.kind == Kind::Full
    }

    /// Whether what the store holds cannot be read.
    pub fn is_damaged(&self) -> bool {
        self.kind == Kind::Damaged
    }

    /// Whether the store's file was deleted, moved or replaced while it was open.
    pub fn is_gone(&self) -> bool {
        self.kind == Kind::Gone
    }

    /// Whether it is unknown if the write happened: read the row again.
    pub fn is_unanswered(&self) -> bool {
        self.kind == Kind::Unanswered
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
