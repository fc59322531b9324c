//! The file: how it is made, opened, shared and refused.

use std::error::Error;
use std::fs;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use futures::executor::block_on;
use wf_core::store::{Store, StoreError};
use wf_diesel::SqliteStore;

use crate::fixtures::{
    Scratch, assert_sound, connection, moment, new_execution, number, result_of, started, text,
};

#[test]
fn what_was_written_is_there_after_reopening() {
    let scratch = Scratch::new();
    let store = scratch.open();
    started(&store, "e", 3);
    let before = block_on(store.load(&"e".into())).unwrap();
    drop(store);
    assert_eq!(block_on(scratch.open().load(&"e".into())).unwrap(), before);
    assert!(before.is_some());
    assert_sound(&scratch.path());
}

#[test]
fn the_log_is_written_ahead_and_goes_away_with_the_last_store() {
    let scratch = Scratch::new();
    let store = scratch.open();
    assert_eq!(
        text(&mut scratch.connection(), "PRAGMA journal_mode"),
        "wal"
    );
    started(&store, "e", 1);
    let log = scratch.folder().join("ax.db-wal");
    assert!(log.exists());
    drop(store);
    assert!(!log.exists());
}

#[test]
fn what_a_store_that_defers_its_durability_has_answered_is_there_for_all_others() {
    let scratch = Scratch::new();
    let options = SqliteStore::options().deferred_durability();
    let store = options.open(scratch.path()).unwrap();
    started(&store, "e", 3);
    let answered = block_on(store.load(&"e".into())).unwrap();
    assert!(answered.is_some());
    assert_eq!(
        block_on(scratch.open().load(&"e".into())).unwrap(),
        answered
    );
    drop(store);
    assert_eq!(
        block_on(scratch.open().load(&"e".into())).unwrap(),
        answered
    );
    assert_sound(&scratch.path());
}

#[cfg(unix)]
#[test]
fn a_link_to_a_database_is_followed_and_one_that_leads_nowhere_is_named() {
    let scratch = Scratch::new();
    let link = scratch.folder().join("link.db");
    std::os::unix::fs::symlink("ax.db", &link).unwrap();
    let refused = SqliteStore::open(&link).unwrap_err().to_string();
    let told = "is a symbolic link to `ax.db`, where nothing is";
    assert!(refused.contains(told), "{refused}");
    assert!(!scratch.path().exists());
    started(&scratch.open(), "e", 1);
    let store = SqliteStore::open(&link).unwrap();
    assert!(block_on(store.load(&"e".into())).unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file_its_companions_and_its_new_folder() {
    use std::os::unix::fs::PermissionsExt;

    let scratch = Scratch::new();
    let folder = scratch.folder().join("a/b");
    let store = SqliteStore::open(folder.join("ax.db")).unwrap();
    started(&store, "e", 1);
    let mode = |path: &str| {
        fs::metadata(scratch.folder().join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("a"), mode("a/b")), (0o700, 0o700));
    assert_eq!(
        (
            mode("a/b/ax.db"),
            mode("a/b/ax.db-wal"),
            mode("a/b/ax.db-shm")
        ),
        (0o600, 0o600, 0o600)
    );
}

#[cfg(unix)]
#[test]
fn the_permissions_of_a_file_that_is_there_are_left_alone() {
    use std::os::unix::fs::PermissionsExt;

    let scratch = Scratch::new();
    fs::write(scratch.path(), "").unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o660)).unwrap();
    drop(scratch.open());
    assert_eq!(
        fs::metadata(scratch.path()).unwrap().permissions().mode() & 0o777,
        0o660
    );
}

#[test]
fn no_character_of_a_path_has_a_meaning() {
    let scratch = Scratch::new();
    for name in [
        "a b.db",
        "file:x.db",
        "x.db?mode=memory",
        "100%41#.db",
        "päth.db",
        "sqlite:",
    ] {
        let path = scratch.folder().join(name);
        drop(SqliteStore::open(&path).unwrap());
        assert!(path.metadata().unwrap().len() > 0, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_need_not_be_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let scratch = Scratch::new();
    let path = scratch.folder().join(OsStr::from_bytes(b"\xff.db"));
    drop(SqliteStore::open(&path).unwrap());
    assert!(path.metadata().unwrap().len() > 0);
}

#[test]
fn a_path_that_is_no_file_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.folder().join("file");
    fs::write(&file, "x").unwrap();
    for path in [
        scratch.folder().to_owned(),
        file.join("below"),
        "".into(),
        ":memory:".into(),
        "/dev/null".into(),
    ] {
        let refused = SqliteStore::open(&path).unwrap_err();
        assert!(refused.is_rejected(), "{}: {refused:?}", path.display());
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let scratch = Scratch::new();
    let content = "name: workflow\n".repeat(1_000);
    fs::write(scratch.path(), &content).unwrap();
    let refused = SqliteStore::open(scratch.path()).unwrap_err();
    assert!(refused.is_rejected());
    assert!(
        refused
            .to_string()
            .ends_with("the file is not an SQLite database"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(scratch.path()).unwrap(), content);
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut conn = scratch.connection();
    conn.batch_execute(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')",
    )
    .unwrap();
    let refused = SqliteStore::open(scratch.path()).unwrap_err();
    assert!(refused.is_rejected());
    assert!(refused.to_string().contains("newer version"), "{refused}");
}

#[test]
fn a_table_that_is_missing_is_named_when_the_database_is_opened() {
    for table in [
        "workflows",
        "workflow_steps",
        "workflow_executions",
        "workflow_step_executions",
        "workflow_checkpoints",
    ] {
        let scratch = Scratch::new();
        started(&scratch.open(), "e", 1);
        let drop = format!("PRAGMA foreign_keys = OFF; DROP TABLE {table}");
        scratch.connection().batch_execute(&drop).unwrap();
        for options in [SqliteStore::options(), SqliteStore::options().read_only()] {
            let refused = options.open(scratch.path()).unwrap_err();
            assert!(refused.is_damaged(), "{refused:?}");
            let lost = format!("has lost its table `{table}`");
            assert!(refused.to_string().ends_with(&lost), "{refused}");
        }
    }
}

#[test]
fn what_a_damaged_schema_says_is_told_in_one_line() {
    let scratch = Scratch::new();
    started(&scratch.open(), "e", 1);
    scratch
        .connection()
        .batch_execute(
            "PRAGMA writable_schema = ON; \
             UPDATE sqlite_schema SET name = 'one' || char(10) || char(27) || '[2J', sql = 'CREATE TABLE' \
             WHERE name = 'workflow_checkpoints'",
        )
        .unwrap();
    let refused = SqliteStore::open(scratch.path()).unwrap_err();
    assert!(refused.is_damaged(), "{refused:?}");
    let mut told = refused.to_string();
    let mut cause = refused.source();
    while let Some(next) = cause {
        told.push_str(&next.to_string());
        cause = next.source();
    }
    assert!(!told.contains(char::is_control), "{told:?}");
    assert!(told.contains("malformed database schema (one"), "{told}");
}

#[test]
fn tables_of_others_in_the_same_file_stay() {
    let scratch = Scratch::new();
    let mut conn = connection(&scratch.path());
    conn.batch_execute("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')")
        .unwrap();
    drop(conn);
    started(&scratch.open(), "e", 1);
    assert_eq!(
        number(&mut scratch.connection(), "SELECT count(*) FROM notes"),
        1
    );
}

#[test]
fn a_new_file_that_another_holds_is_busy() {
    let scratch = Scratch::new();
    let mut conn = connection(&scratch.path());
    conn.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let refused = SqliteStore::options()
        .busy_timeout(Duration::from_millis(50))
        .open(scratch.path())
        .unwrap_err();
    assert!(refused.is_busy(), "{refused:?}");
    assert!(refused.source().is_some());
    conn.batch_execute("ROLLBACK").unwrap();
    drop(scratch.open());
}

#[test]
fn an_existing_database_opens_while_another_writes() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut conn = scratch.connection();
    conn.batch_execute("BEGIN IMMEDIATE").unwrap();
    let store = SqliteStore::options()
        .busy_timeout(Duration::ZERO)
        .open(scratch.path())
        .unwrap();
    assert!(block_on(store.executions()).unwrap().is_empty());
    assert!(
        block_on(store.create(new_execution("e", 1)))
            .unwrap_err()
            .is_busy()
    );
}

#[test]
fn a_damaged_file_is_reported_as_such() {
    let scratch = Scratch::new();
    started(&scratch.open(), "e", 500);
    let mut bytes = fs::read(scratch.path()).unwrap();
    // All but the first page, in which SQLite knows its own file.
    bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0x5a);
    fs::write(scratch.path(), bytes).unwrap();
    let refused = SqliteStore::open(scratch.path()).unwrap_err();
    assert!(refused.is_damaged(), "{refused:?}");
}

#[test]
fn a_store_that_is_opened_to_read_reads_all_and_writes_nothing() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let row = started(&store, "e", 1);
    let reading = SqliteStore::options()
        .read_only()
        .open(scratch.path())
        .unwrap();
    let load = |store: &SqliteStore| block_on(store.load(&"e".into())).unwrap().unwrap();
    assert_eq!(load(&reading), load(&store));
    let refused = [
        block_on(reading.create(new_execution("other", 1))).unwrap_err(),
        block_on(reading.cancel(&"e".into(), moment(9))).unwrap_err(),
        block_on(reading.renew(&"owner".into(), &["e".into()], moment(9))).unwrap_err(),
    ];
    assert!(refused.iter().all(StoreError::is_rejected), "{refused:?}");
    // What another writes meanwhile is seen.
    block_on(store.commit(result_of(&row, 0, 1))).unwrap();
    assert_eq!(load(&reading).steps.len(), 1);
    assert_eq!(load(&reading), load(&store));
}

#[test]
fn nothing_is_made_or_brought_up_to_date_to_be_read() {
    let scratch = Scratch::new();
    let open = || SqliteStore::options().read_only().open(scratch.path());
    let missing = open().unwrap_err();
    assert!(missing.is_rejected(), "{missing}");
    assert!(!scratch.path().exists());
    // What has no tables yet is older than any version.
    connection(&scratch.path())
        .batch_execute("CREATE TABLE notes (text TEXT)")
        .unwrap();
    let before = fs::read(scratch.path()).unwrap();
    let older = open().unwrap_err();
    assert!(older.is_rejected(), "{older}");
    assert_eq!(fs::read(scratch.path()).unwrap(), before);
}

#[test]
fn a_log_without_its_file_is_not_thrown_away() {
    let scratch = Scratch::new();
    let store = SqliteStore::open(scratch.path()).unwrap();
    started(&store, "e", 1);
    let whole = std::fs::read(scratch.path()).unwrap();
    let mut log = scratch.path().as_os_str().to_owned();
    log.push("-wal");
    let kept = std::fs::read(&log).unwrap();
    drop(store);
    std::fs::write(&log, &kept).unwrap();
    std::fs::remove_file(scratch.path()).unwrap();
    for file in [None, Some(&[][..])] {
        if let Some(bytes) = file {
            std::fs::write(scratch.path(), bytes).unwrap();
        }
        for options in [SqliteStore::options(), SqliteStore::options().read_only()] {
            let error = options.open(scratch.path()).unwrap_err();
            assert!(!error.is_busy() && !error.is_full(), "{error}");
        }
        let error = SqliteStore::open(scratch.path()).unwrap_err();
        assert!(
            error.is_damaged() && error.to_string().contains("-wal`; put the file back"),
            "{error}"
        );
        assert_eq!(std::fs::read(&log).unwrap(), kept);
    }
    std::fs::write(scratch.path(), whole).unwrap();
    let store = SqliteStore::open(scratch.path()).unwrap();
    assert!(block_on(store.execution(&"e".into())).unwrap().is_some());
}

#[test]
fn a_log_beside_a_file_that_was_overwritten_is_not_thrown_away() {
    let scratch = Scratch::new();
    let store = SqliteStore::open(scratch.path()).unwrap();
    started(&store, "e", 1);
    let whole = fs::read(scratch.path()).unwrap();
    let log = scratch.folder().join("ax.db-wal");
    let kept = fs::read(&log).unwrap();
    drop(store);
    fs::write(&log, &kept).unwrap();
    let mut headless = whole.clone();
    headless[..16].fill(b'x');
    for garbage in [
        b"x".to_vec(),
        b"garbage\n".repeat(100),
        b"garbage\n".repeat(2_000),
        headless,
    ] {
        fs::write(scratch.path(), &garbage).unwrap();
        for options in [SqliteStore::options(), SqliteStore::options().read_only()] {
            let error = options.open(scratch.path()).unwrap_err();
            assert!(error.is_damaged(), "{error}");
            assert!(
                error.to_string().contains("-wal` is left as it is"),
                "{error}"
            );
            assert_eq!(fs::read(&log).unwrap(), kept);
            assert_eq!(fs::read(scratch.path()).unwrap(), garbage);
        }
    }
    fs::write(scratch.path(), whole).unwrap();
    let store = SqliteStore::open(scratch.path()).unwrap();
    assert!(block_on(store.execution(&"e".into())).unwrap().is_some());
}
