//! The writer alone, with writes that no caller could ask for.

use std::error::Error as _;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use futures::executor::block_on;
use futures::future::join_all;

use super::*;
use crate::connection::{Opened, open_pair};

/// A write that runs some SQL.
struct Statements(&'static str);

impl Write for Statements {
    type Answer = ();

    fn apply(&self, session: &mut Session) -> QueryResult<Result<(), StoreError>> {
        session.conn.batch_execute(self.0).map(Ok)
    }
}

/// A write that breaks the thread.
struct Panic;

impl Write for Panic {
    type Answer = ();

    fn apply(&self, _: &mut Session) -> QueryResult<Result<(), StoreError>> {
        panic!("as a test wants it")
    }
}

/// A writer whose connection has run `settings`, and a connection that reads.
fn writer(settings: &str) -> (Writer, SqliteConnection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let Opened {
        mut writing,
        reading,
        place,
        ..
    } = open_pair(&folder.path().join("ax.db"), Duration::from_secs(5)).unwrap();
    writing
        .batch_execute("CREATE TABLE notes (text TEXT) STRICT")
        .unwrap();
    writing.batch_execute(settings).unwrap();
    (
        Writer::start(writing, Arc::new(place), Watches::new()).unwrap(),
        reading,
        folder,
    )
}

fn notes(conn: &mut SqliteConnection) -> i64 {
    sql::<BigInt>("SELECT count(*) FROM notes")
        .get_result(conn)
        .unwrap()
}

#[test]
fn a_full_database_takes_what_still_fits() {
    let (writer, mut reading, _folder) = writer("PRAGMA max_page_count = 40");
    let large = "INSERT INTO notes VALUES ('small'), (hex(zeroblob(500000)))";
    let answers = block_on(async {
        let writes = [
            large,
            "INSERT INTO notes VALUES ('a')",
            large,
            "INSERT INTO notes VALUES ('b')",
        ];
        join_all(writes.map(|write| writer.write(Statements(write)))).await
    });
    let [first, a, second, b] = answers.try_into().unwrap();
    assert!(first.unwrap_err().is_full());
    assert!(second.unwrap_err().is_full());
    a.unwrap();
    b.unwrap();
    assert_eq!(notes(&mut reading), 2);
}

#[test]
fn a_failed_commit_is_unanswered_and_leaves_no_transaction_open() {
    let (writer, mut reading, _folder) = writer("");
    let orphan = "PRAGMA defer_foreign_keys = ON; INSERT INTO notes VALUES ('x');
        INSERT INTO workflow_steps VALUES (1, 'nothing', 0, 'k', 'a', 'p', '[]', 1)";
    let failed = block_on(writer.write(Statements(orphan))).unwrap_err();
    assert!(failed.is_unanswered(), "{failed:?}");
    assert_eq!(
        failed.source().unwrap().to_string(),
        "FOREIGN KEY constraint failed"
    );
    block_on(writer.write(Statements("INSERT INTO notes VALUES ('y')"))).unwrap();
    assert_eq!(notes(&mut reading), 1);
    assert_eq!(writer.transactions(), 1);
}

#[test]
fn a_transaction_that_sqlite_has_rolled_back_itself_is_no_obstacle() {
    let (writer, mut reading, _folder) = writer("INSERT INTO notes VALUES ('there')");
    let conflict = "INSERT INTO notes VALUES ('x'); CREATE UNIQUE INDEX once ON notes (text);
        INSERT OR ROLLBACK INTO notes VALUES ('there')";
    assert!(
        block_on(writer.write(Statements(conflict)))
            .unwrap_err()
            .is_rejected()
    );
    block_on(writer.write(Statements("INSERT INTO notes VALUES ('there')"))).unwrap();
    assert_eq!(notes(&mut reading), 2);
}

#[test]
fn the_reading_connection_cannot_write() {
    let (_writer, mut reading, _folder) = writer("");
    let refused = reading
        .batch_execute("INSERT INTO notes VALUES ('x')")
        .unwrap_err();
    assert_eq!(
        store_error(&refused).to_string(),
        "the database is read-only"
    );
}

#[test]
fn after_a_panic_every_write_is_unanswered() {
    let (writer, mut reading, _folder) = writer("");
    assert!(block_on(writer.write(Panic)).unwrap_err().is_unanswered());
    assert!(
        block_on(writer.write(Statements("INSERT INTO notes VALUES ('x')")))
            .unwrap_err()
            .is_unanswered()
    );
    drop(writer);
    assert_eq!(notes(&mut reading), 0);
}

#[test]
fn a_probe_sees_the_writes_of_others_once_and_never_its_own() {
    let (writer, _reading, folder) = writer("");
    let probe = writer.probe();
    block_on(writer.write(Statements("INSERT INTO notes VALUES ('ours')"))).unwrap();
    assert_eq!(probe.ask(), Some(false));
    let mut other = open_pair(&folder.path().join("ax.db"), Duration::from_secs(5))
        .unwrap()
        .writing;
    other
        .batch_execute("INSERT INTO notes VALUES ('theirs')")
        .unwrap();
    block_on(writer.write(Statements("INSERT INTO notes VALUES ('ours')"))).unwrap();
    assert_eq!(probe.ask(), Some(true));
    assert_eq!(probe.ask(), Some(false));
}
