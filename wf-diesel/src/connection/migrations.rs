//! The schema's history, and how a database is brought up to date with it.

use std::path::Path;

use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use wf_core::store::StoreError;

use super::about;
use crate::error::store_error;

/// The schema's history, oldest first.
pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// What a database holds that is up to date.
const TABLES: [&str; 5] = [
    "workflows",
    "workflow_steps",
    "workflow_executions",
    "workflow_step_executions",
    "workflow_checkpoints",
];

/// Brings the schema up to date, in one transaction; refuses one that is newer than this program.
pub(super) fn migrate(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    // Nearly every time there is nothing to do, and looking takes no lock.
    if pending(conn, path)? == 0 {
        return Ok(());
    }
    conn.immediate_transaction(|conn| {
        // Another process may have done it while this one waited for the lock.
        if pending(conn, path)? > 0 {
            conn.run_pending_migrations(MIGRATIONS)
                .map_err(|error| about(path, migration_error(&*error)))?;
        }
        Ok(())
    })
    .map_err(|error| match error {
        Opening::Refused(error) => error,
        Opening::Database(error) => about(path, store_error(&error)),
    })
}

/// Why a transaction while opening was rolled back.
enum Opening {
    Refused(StoreError),
    Database(diesel::result::Error),
}

impl From<StoreError> for Opening {
    fn from(error: StoreError) -> Self {
        Opening::Refused(error)
    }
}

impl From<diesel::result::Error> for Opening {
    fn from(error: diesel::result::Error) -> Self {
        Opening::Database(error)
    }
}

/// Refuses a database that lacks one of the tables that its history says were made.
pub(super) fn check_tables(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let found: Vec<String> = sql::<Text>("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .load(conn)
        .map_err(|error| about(path, store_error(&error)))?;
    let is_missing = |table: &&&str| !found.iter().any(|found| found == **table);
    match TABLES.iter().find(is_missing) {
        None => Ok(()),
        Some(table) => Err(StoreError::damaged(format!(
            "the database `{}` has lost its table `{table}`",
            path.display(),
        ))),
    }
}

/// How many migrations the database lacks.
pub(super) fn pending(conn: &mut SqliteConnection, path: &Path) -> Result<usize, StoreError> {
    let known: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS
        .migrations()
        .map_err(|error| about(path, migration_error(&*error)))?;
    let applied = conn
        .applied_migrations()
        .map_err(|error| about(path, migration_error(&*error)))?;
    for version in &applied {
        if !known
            .iter()
            .any(|migration| migration.name().version() == *version)
        {
            return Err(StoreError::rejected(format!(
                "the database `{}` was made by a newer version of this program; update the program, or use another database",
                path.display(),
            )));
        }
    }
    Ok(known.len().saturating_sub(applied.len()))
}

fn migration_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> StoreError {
    match error.downcast_ref::<diesel::result::Error>() {
        Some(error) => store_error(error),
        None => StoreError::damaged("the tables cannot be brought up to date")
            .with_source(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connection::open_pair;

    fn tables(conn: &mut SqliteConnection) -> Vec<String> {
        sql::<Text>("SELECT name FROM sqlite_schema WHERE name LIKE 'workflow%' ORDER BY name")
            .load(conn)
            .unwrap()
    }

    #[test]
    fn the_migrations_go_up_and_down_and_up_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = open_pair(&folder.path().join("ax.db"), Duration::from_secs(5))
            .unwrap()
            .writing;
        let up = tables(&mut conn);
        assert!(up.contains(&"workflow_checkpoints".to_owned()));
        conn.revert_all_migrations(MIGRATIONS).unwrap();
        assert_eq!(tables(&mut conn), Vec::<String>::new());
        conn.run_pending_migrations(MIGRATIONS).unwrap();
        assert_eq!(tables(&mut conn), up);
    }
}
