//! From diesel's errors to the store's: by kind, and never with a value in the message.

use std::error::Error;
use std::fmt;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use wf_core::store::StoreError;

/// How many characters of what SQLite says are kept: it quotes the file, which may hold anything.
const LONGEST: usize = 200;

/// SQLite's own text for the result codes that callers can act upon.
///
/// diesel keeps the code of a constraint that does not hold, and only SQLite's text of every other one.
/// These are the fixed texts of `sqlite3_errstr`, which neither depend on a language nor hold a value.
const RESULT_CODES: &[(&str, Code)] = &[
    ("database is locked", Code::Busy),
    ("database table is locked", Code::Busy),
    ("database schema is locked", Code::Busy),
    ("locking protocol", Code::Busy),
    ("database or disk is full", Code::Full),
    ("disk I/O error", Code::InputOutput),
    ("database disk image is malformed", Code::Corrupt),
    ("malformed database schema", Code::Corrupt),
    ("file is not a database", Code::NotADatabase),
    ("attempt to write a readonly database", Code::ReadOnly),
    ("unable to open database file", Code::CannotOpen),
    ("string or blob too big", Code::TooBig),
    ("out of memory", Code::OutOfMemory),
    // Constraints of two extended codes that diesel does not know: an integer key, a strict column.
    ("UNIQUE constraint failed", Code::Constraint),
    ("cannot store", Code::Constraint),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Busy,
    Full,
    InputOutput,
    Corrupt,
    NotADatabase,
    ReadOnly,
    CannotOpen,
    TooBig,
    OutOfMemory,
    Constraint,
}

/// What diesel reports, as the store's error; its source is what SQLite says.
pub(crate) fn store_error(error: &DieselError) -> StoreError {
    let kind = match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::UniqueViolation => {
                StoreError::rejected("the database refuses the row: there is one with the same key")
            }
            DatabaseErrorKind::ForeignKeyViolation => {
                StoreError::rejected("the database refuses the row: what it refers to is not there")
            }
            DatabaseErrorKind::NotNullViolation | DatabaseErrorKind::CheckViolation => {
                StoreError::rejected("the database refuses the row: a value in it is not allowed")
            }
            _ => by_code(information.message()),
        },
        DieselError::QueryBuilderError(refusal) | DieselError::DeserializationError(refusal) => {
            return match refusal.downcast_ref::<Unacceptable>() {
                Some(Unacceptable::Write(message)) => StoreError::rejected(*message),
                Some(Unacceptable::Read(message)) => StoreError::damaged(*message),
                None => StoreError::damaged("a row in the database cannot be read")
                    .with_source(first_line(&refusal.to_string())),
            };
        }
        DieselError::InvalidCString(_) | DieselError::SerializationError(_) => {
            StoreError::rejected("a value cannot be written to the database")
        }
        DieselError::NotFound => {
            StoreError::damaged("a row that must be in the database is missing")
        }
        _ => StoreError::unanswered("the database is in an unexpected state"),
    };
    kind.with_source(first_line(&error.to_string()))
}

/// What can be read of the first line of a text, which may be that of a damaged file.
fn first_line(text: &str) -> String {
    let is_said = |letter: &char| !letter.is_control() && *letter != char::REPLACEMENT_CHARACTER;
    let lines = text.split(['\n', '\r']);
    let mut lines = lines.map(|line| line.chars().filter(is_said).collect::<String>());
    let line = lines.find(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default();
    match line.trim().char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line.trim()[..end]),
        None => line.trim().to_owned(),
    }
}

/// Refuses a write for a reason that the database does not see; whatever it has written is rolled back.
pub(crate) fn refuse(message: &'static str) -> DieselError {
    DieselError::QueryBuilderError(Box::new(Unacceptable::Write(message)))
}

/// Says that a row which was read is not one that this store writes.
pub(crate) fn unreadable(message: &'static str) -> DieselError {
    DieselError::DeserializationError(Box::new(Unacceptable::Read(message)))
}

/// Writes an unsigned number as SQLite's integer.
pub(crate) fn integer(number: u64) -> Result<i64, DieselError> {
    i64::try_from(number).map_err(|_| refuse("a number is too large for the database"))
}

/// Reads SQLite's integer as an unsigned number.
pub(crate) fn unsigned<T: TryFrom<i64>>(number: i64) -> Result<T, DieselError> {
    T::try_from(number).map_err(|_| unreadable("a number in the database is out of range"))
}

#[derive(Debug)]
enum Unacceptable {
    Write(&'static str),
    Read(&'static str),
}

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Unacceptable::Write(message) | Unacceptable::Read(message)) = self;
        f.write_str(message)
    }
}

impl Error for Unacceptable {}

/// Whether SQLite says that the file is no database at all.
pub(crate) fn is_no_database(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(_, information)
        if code(information.message()) == Some(Code::NotADatabase))
}

fn code(text: &str) -> Option<Code> {
    let known = RESULT_CODES
        .iter()
        .find(|(known, _)| text.starts_with(known));
    known.map(|&(_, code)| code)
}

fn by_code(text: &str) -> StoreError {
    match code(text) {
        Some(Code::Busy) => StoreError::busy("the database is held by another process"),
        Some(Code::Full) => StoreError::full("the disk or the database is full"),
        Some(Code::InputOutput) => StoreError::unanswered("the disk failed"),
        Some(Code::Corrupt) => StoreError::damaged("the database file is damaged"),
        Some(Code::NotADatabase) => StoreError::rejected("the file is not an SQLite database"),
        Some(Code::ReadOnly) => StoreError::rejected("the database is read-only"),
        Some(Code::CannotOpen) => StoreError::rejected("the database file cannot be opened"),
        Some(Code::TooBig) => StoreError::rejected("a value is too large for the database"),
        Some(Code::OutOfMemory) => StoreError::full("the database has no memory left"),
        Some(Code::Constraint) => {
            StoreError::rejected("the database refuses the row: a constraint does not hold")
        }
        None => StoreError::damaged("the database does not have the tables it should have"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: DatabaseErrorKind, text: &str) -> StoreError {
        store_error(&DieselError::DatabaseError(kind, Box::new(text.to_owned())))
    }

    #[test]
    fn a_constraint_that_does_not_hold_is_a_refusal() {
        for kind in [
            DatabaseErrorKind::UniqueViolation,
            DatabaseErrorKind::ForeignKeyViolation,
            DatabaseErrorKind::NotNullViolation,
            DatabaseErrorKind::CheckViolation,
        ] {
            assert!(of(kind, "database is locked").is_rejected());
        }
    }

    #[test]
    fn every_result_code_has_its_kind() {
        let of = |text| of(DatabaseErrorKind::Unknown, text);
        assert!(of("database is locked").is_busy());
        assert!(of("database table is locked: workflows").is_busy());
        assert!(of("database or disk is full").is_full());
        assert!(of("disk I/O error").is_unanswered());
        assert!(of("database disk image is malformed").is_damaged());
        assert!(of("file is not a database").is_rejected());
        assert!(of("attempt to write a readonly database").is_rejected());
        assert!(of("no such table: workflows").is_damaged());
    }

    #[test]
    fn what_the_database_says_is_the_source_and_not_the_message() {
        let error = of(
            DatabaseErrorKind::UniqueViolation,
            "UNIQUE constraint failed: workflows.id",
        );
        assert!(!error.to_string().contains("workflows.id"));
        assert_eq!(
            error.source().unwrap().to_string(),
            "UNIQUE constraint failed: workflows.id"
        );
    }

    #[test]
    fn what_the_database_says_is_one_line_that_can_be_read() {
        let source = |text: &str| {
            let error = of(DatabaseErrorKind::Unknown, text);
            assert!(error.is_damaged());
            error.source().unwrap().to_string()
        };
        let text = "malformed database schema (\u{1b}[2Jstëps\u{7}\nDROP TABLE x\r\n) - near";
        assert_eq!(source(text), "malformed database schema ([2Jstëps");
        let long = format!("malformed database schema {}", "é".repeat(1_000));
        assert_eq!(source(&long).chars().count(), LONGEST + 1);
        assert!(source(&long).ends_with("é…"));
        assert_eq!(source("\n\u{1}\n  no such table: x"), "no such table: x");
        assert_eq!(source("\u{0}"), "");
    }

    #[test]
    fn a_refused_write_and_an_unreadable_row_keep_their_words() {
        assert!(store_error(&refuse("no")).is_rejected());
        assert_eq!(store_error(&refuse("no")).to_string(), "no");
        assert!(store_error(&unreadable("what")).is_damaged());
        assert!(store_error(&integer(u64::MAX).unwrap_err()).is_rejected());
        assert!(store_error(&unsigned::<u64>(-1).unwrap_err()).is_damaged());
    }
}
