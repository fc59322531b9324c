//! Opening: how a connection is made, and its settings.

mod file;
mod identity;
mod migrations;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use wf_core::store::StoreError;

use crate::error::{is_no_database, store_error};
use crate::place::Place;
use file::{absolute, check_file, has_log, overwritten, prepare_file, refused};
use identity::{find_identity, identity};
use migrations::{check_tables, migrate, pending};

/// `synchronous = FULL` and `NORMAL`, as SQLite numbers them.
const FULL: i64 = 2;
const NORMAL: i64 = 1;

/// How an existing file is opened.
const READ_WRITE: &str = "mode=rw";
const READ_ONLY: &str = "mode=ro";
/// As one that nobody changes meanwhile: SQLite then takes no lock, and looks for no log.
const IMMUTABLE: &str = "mode=ro&immutable=1";

/// How much memory the writing connection may use to keep pages at hand, in KiB: enough for the largest context, which
/// every commit of its execution reads.
const CACHE: u32 = 32 << 10;

/// After how many pages the log is written over from its beginning, where SQLite would take a thousand: a sync is about
/// twice as fast when the log does not grow by what it makes durable, since no block and no length is to be recorded with
/// it (ext4: 0.08 ms instead of 0.15 ms). Below this, moving the pages to the database costs more than that saves.
const LOG: u32 = 250;

/// How many bytes a database has at least (SQLite's file format, 1.3.2).
const SMALLEST_PAGE: u64 = 512;

/// How long to wait before asking again for a lock that SQLite does not wait for itself.
const RETRY: Duration = Duration::from_millis(10);

/// Held while a file is made and opened: closing a file that another thread of this process has just opened
/// as a database would drop that connection's POSIX locks.
static OPENING: Mutex<()> = Mutex::new(());

/// The two connections of a store, and what it is that they are to.
pub(crate) struct Opened {
    pub(crate) writing: SqliteConnection,
    pub(crate) reading: SqliteConnection,
    pub(crate) place: Place,
    /// What tells the database from others; empty when it has none and may not be written to.
    pub(crate) identity: String,
}

/// Opens the two connections of a store, the one that writes and the one that reads, and notes which file that is.
///
/// The file and its folder are made if they are missing, readable by their owner only; the schema is
/// brought up to date.
pub(crate) fn open_pair(path: &Path, busy_timeout: Duration) -> Result<Opened, StoreError> {
    let path = absolute(path)?;
    let opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    prepare_file(&path)?;
    check_header(&path, busy_timeout)?;
    let mut writing = connect(&path, READ_WRITE, busy_timeout)?;
    configure(&mut writing, busy_timeout).map_err(|error| about(&path, error))?;
    migrate(&mut writing, &path)?;
    check_tables(&mut writing, &path)?;
    let mut reading = connect(&path, READ_WRITE, busy_timeout)?;
    query_only(&mut reading).map_err(|error| about(&path, store_error(&error)))?;
    let identity = identity(&mut writing).map_err(|error| about(&path, store_error(&error)))?;
    let place = place(&path)?;
    drop(opening);
    Ok(Opened {
        writing,
        reading,
        place,
        identity,
    })
}

/// Opens two connections that write nothing, to a file that is there: also one in a folder that may not be written to.
pub(crate) fn open_to_read(path: &Path, busy_timeout: Duration) -> Result<Opened, StoreError> {
    let path = absolute(path)?;
    let opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let found = fs::metadata(&path).map_err(|error| refused(&path, "").with_source(error))?;
    check_file(&path, &found)?;
    check_header(&path, busy_timeout)?;
    let mut first = match look(&path, READ_ONLY, busy_timeout) {
        // SQLite wants to make its two files beside the database. Where there is no log, nothing is missed without.
        Err(error) if error.is_rejected() && !has_log(&path) => {
            look(&path, IMMUTABLE, busy_timeout)?
        }
        Err(error) if error.is_rejected() => return Err(unclosed(&path, error)),
        opened => opened?,
    };
    if pending(&mut first.0, &path)? > 0 {
        return Err(refused(
            &path,
            " to read: it was made by an older version of this program; open it once where it may be written to",
        ));
    }
    check_tables(&mut first.0, &path)?;
    let mut second = connect(&path, first.1, busy_timeout)?;
    query_only(&mut second).map_err(|error| about(&path, store_error(&error)))?;
    let identity = find_identity(&mut second).map_err(|error| about(&path, store_error(&error)))?;
    let place = place(&path)?;
    drop(opening);
    Ok(Opened {
        writing: first.0,
        reading: second,
        place,
        identity: identity.unwrap_or_default(),
    })
}

/// Notes which file was opened. Not before it was opened to write: some file systems copy it only then.
fn place(path: &Path) -> Result<Place, StoreError> {
    Place::of(path).map_err(|error| refused(path, "").with_source(error))
}

/// Refuses a file with a log beside it that is no database itself.
///
/// SQLite looks, and not we: closing a file that is open as a database elsewhere in this process drops that connection's
/// POSIX locks. It looks past the log, which otherwise stands for the page that is to be seen.
fn check_header(path: &Path, busy_timeout: Duration) -> Result<(), StoreError> {
    if !has_log(path) {
        return Ok(());
    }
    if fs::metadata(path).is_ok_and(|found| found.len() < SMALLEST_PAGE) {
        return Err(overwritten(path));
    }
    let mut conn = connect(path, IMMUTABLE, busy_timeout)?;
    // A file of less than a page would be taken for an empty one; the page's true size is in its header.
    let read = conn
        .batch_execute(&format!("PRAGMA page_size = {SMALLEST_PAGE}"))
        .and_then(|()| sql::<BigInt>("PRAGMA schema_version").get_result::<i64>(&mut conn));
    match read {
        Err(error) if is_no_database(&error) => Err(overwritten(path)),
        // What else is wrong is found out with the log.
        _ => Ok(()),
    }
}

/// Connects, and looks whether the database can be read so.
fn look(
    path: &Path,
    mode: &'static str,
    busy_timeout: Duration,
) -> Result<(SqliteConnection, &'static str), StoreError> {
    let mut conn = connect(path, mode, busy_timeout)?;
    query_only(&mut conn)
        .and_then(|()| {
            sql::<BigInt>("SELECT count(*) FROM sqlite_schema").get_result::<i64>(&mut conn)
        })
        .map_err(|error| about(path, store_error(&error)))?;
    Ok((conn, mode))
}

fn query_only(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.batch_execute("PRAGMA query_only = ON")
}

/// What keeps a database from being read whose log cannot be.
fn unclosed(path: &Path, error: StoreError) -> StoreError {
    let message = format!(
        "cannot open the database `{}` to read: its log, which the last who wrote to it has left, can be read only where \
         its folder may be written to; open it as the owner of the folder, or copy the database and its `-wal` file elsewhere",
        path.display()
    );
    StoreError::rejected(message).with_source(error.to_string())
}

/// Begins a transaction that may write, waiting for whoever holds the database.
pub(crate) fn begin_immediate(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.batch_execute("BEGIN IMMEDIATE")
}

/// Makes the open transaction durable.
pub(crate) fn commit(conn: &mut SqliteConnection) -> QueryResult<()> {
    conn.batch_execute("COMMIT")
}

/// Undoes the open transaction.
///
/// SQLite may have done so itself when a statement failed: that there is none is then no error.
pub(crate) fn roll_back(conn: &mut SqliteConnection) {
    let _ = conn.batch_execute("ROLLBACK");
}

/// Reads a number that differs from the one read before when another connection has written in between.
pub(crate) fn data_version(conn: &mut SqliteConnection) -> QueryResult<i64> {
    sql::<BigInt>("PRAGMA data_version").get_result(conn)
}

/// Lets the file grow up to that many bytes, as far as this connection writes to it.
pub(crate) fn limit_size(conn: &mut SqliteConnection, bytes: u64) -> QueryResult<()> {
    let page: i64 = sql::<BigInt>("PRAGMA page_size").get_result(conn)?;
    let pages = bytes / u64::try_from(page).unwrap_or(u64::MAX).max(1);
    // SQLite takes at most 2^32 − 2 pages; 0 would ask for the limit and not set it.
    let pages = pages.clamp(1, u64::from(u32::MAX) - 1);
    sql::<BigInt>(&format!("PRAGMA max_page_count = {pages}"))
        .get_result::<i64>(conn)
        .map(drop)
}

/// Lets commits return before they are on the disk: the log is then synced only before its pages are moved to the
/// database, so that a power cut takes back the last transactions, each as a whole.
pub(crate) fn defer_durability(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    conn.batch_execute("PRAGMA synchronous = NORMAL")
        .and_then(|()| sql::<BigInt>("PRAGMA synchronous").get_result::<i64>(conn))
        .map_err(|error| store_error(&error))
        .and_then(|synchronous| match synchronous {
            NORMAL => Ok(()),
            _ => Err(StoreError::rejected(
                "this SQLite does not defer its durability",
            )),
        })
}

fn connect(
    path: &Path,
    mode: &str,
    busy_timeout: Duration,
) -> Result<SqliteConnection, StoreError> {
    let address = address(path, mode).ok_or_else(|| {
        StoreError::rejected(format!(
            "cannot open the database `{}`: its path is not Unicode",
            path.display()
        ))
    })?;
    let mut conn = SqliteConnection::establish(&address).map_err(|error| {
        StoreError::rejected(format!("cannot open the database `{}`", path.display()))
            .with_source(error)
    })?;
    let millis = i32::try_from(busy_timeout.as_millis()).unwrap_or(i32::MAX);
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = {millis}; PRAGMA trusted_schema = OFF"
    ))
    .map_err(|error| about(path, store_error(&error)))?;
    Ok(conn)
}

/// The URI of an existing file, in which no byte of the path has a meaning of its own.
fn address(path: &Path, mode: &str) -> Option<String> {
    let mut address = String::from("file:");
    for &byte in bytes(path.as_os_str())?.as_ref() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                address.push(char::from(byte))
            }
            // Writing to a string cannot fail.
            _ => _ = write!(address, "%{byte:02X}"),
        }
    }
    address.push('?');
    address.push_str(mode);
    Some(address)
}

#[cfg(unix)]
fn bytes(path: &OsStr) -> Option<std::borrow::Cow<'_, [u8]>> {
    Some(std::os::unix::ffi::OsStrExt::as_bytes(path).into())
}

#[cfg(not(unix))]
fn bytes(path: &OsStr) -> Option<std::borrow::Cow<'_, [u8]>> {
    // A drive letter follows a slash: `file:/C:/…`.
    Some(
        format!("/{}", path.to_str()?.replace('\\', "/"))
            .into_bytes()
            .into(),
    )
}

/// Sets what the durability rests on, and looks whether it took.
fn configure(conn: &mut SqliteConnection, busy_timeout: Duration) -> Result<(), StoreError> {
    let mode = write_ahead_log(conn, busy_timeout)?;
    if mode != "wal" {
        return Err(StoreError::rejected(
            "the file system does not allow a write-ahead log",
        ));
    }
    let settings = (|| {
        conn.batch_execute(&format!(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{CACHE}; \
             PRAGMA wal_autocheckpoint = {LOG}"
        ))?;
        let synchronous: i64 = sql::<BigInt>("PRAGMA synchronous").get_result(conn)?;
        let foreign_keys: i64 = sql::<BigInt>("PRAGMA foreign_keys").get_result(conn)?;
        QueryResult::Ok((synchronous, foreign_keys))
    })();
    match settings {
        Ok((FULL, 1)) => Ok(()),
        Ok(_) => Err(StoreError::rejected(
            "this SQLite does not take the settings that durability rests on",
        )),
        Err(error) => Err(store_error(&error)),
    }
}

/// Turns the write-ahead log on. SQLite does not wait for others that are about to do the same: we do.
fn write_ahead_log(
    conn: &mut SqliteConnection,
    busy_timeout: Duration,
) -> Result<String, StoreError> {
    let mut left = busy_timeout;
    loop {
        let mode = sql::<Text>("PRAGMA journal_mode = WAL")
            .get_result(conn)
            .map_err(|error| store_error(&error));
        match mode {
            Err(error) if error.is_busy() && !left.is_zero() => {
                left = left.saturating_sub(RETRY);
                std::thread::park_timeout(RETRY);
            }
            mode => return mode,
        }
    }
}

/// Adds to an error which database it is about.
fn about(path: &Path, error: StoreError) -> StoreError {
    let message = format!("cannot open the database `{}`: {error}", path.display());
    let named = match () {
        () if error.is_busy() => StoreError::busy(message),
        () if error.is_full() => StoreError::full(message),
        () if error.is_damaged() => StoreError::damaged(message),
        () if error.is_unanswered() => StoreError::unanswered(message),
        () => StoreError::rejected(message),
    };
    match std::error::Error::source(&error) {
        Some(source) => named.with_source(source.to_string()),
        None => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_of_a_path_has_a_meaning_in_the_address() {
        let address = address(Path::new("/tmp/a b?mode=memory#%41.db"), READ_WRITE).unwrap();
        assert_eq!(
            address,
            "file:/tmp/a%20b%3Fmode%3Dmemory%23%2541.db?mode=rw"
        );
    }

    #[test]
    fn the_writing_connection_is_durable_and_checks_references() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = open_pair(&folder.path().join("ax.db"), Duration::from_millis(1234))
            .unwrap()
            .writing;
        let mut number =
            |pragma: &str| -> i64 { sql::<BigInt>(pragma).get_result(&mut conn).unwrap() };
        assert_eq!(number("PRAGMA synchronous"), FULL);
        assert_eq!(number("PRAGMA foreign_keys"), 1);
        assert_eq!(number("PRAGMA busy_timeout"), 1234);
    }

    #[test]
    fn a_connection_defers_its_durability_only_where_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ax.db");
        let mut deferring = open_pair(&path, RETRY).unwrap().writing;
        defer_durability(&mut deferring).unwrap();
        let mut other = open_pair(&path, RETRY).unwrap().writing;
        let synchronous = |conn: &mut SqliteConnection| -> i64 {
            sql::<BigInt>("PRAGMA synchronous")
                .get_result(conn)
                .unwrap()
        };
        assert_eq!(synchronous(&mut deferring), NORMAL);
        assert_eq!(synchronous(&mut other), FULL);
    }
}
