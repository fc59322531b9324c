//! What tells one database from another.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// Returns the identity of a database, in hexadecimal; draws it for one that has none.
///
/// It is 64 random bits, which lie in two numbers of the file's header that SQLite leaves to the application
/// (`application_id` and `user_version`): a copy of the file has the same, and an older version of this program passes
/// over it.
pub(super) fn identity(conn: &mut SqliteConnection) -> QueryResult<String> {
    if let Some(identity) = find_identity(conn)? {
        return Ok(identity);
    }
    conn.immediate_transaction(|conn| {
        // Another process may have drawn one while this one waited for the lock.
        if let Some(identity) = find_identity(conn)? {
            return Ok(identity);
        }
        for field in ["application_id", "user_version"] {
            let bits =
                sql::<BigInt>("SELECT 1 + abs(random() % 2147483647)").get_result::<i64>(conn)?;
            conn.batch_execute(&format!("PRAGMA {field} = {bits}"))?;
        }
        Ok(find_identity(conn)?.unwrap_or_default())
    })
}

/// Reads the identity of a database, if it has one.
pub(super) fn find_identity(conn: &mut SqliteConnection) -> QueryResult<Option<String>> {
    let mut field = |name: &str| sql::<BigInt>(&format!("PRAGMA {name}")).get_result::<i64>(conn);
    let (first, second) = (field("application_id")?, field("user_version")?);
    Ok((first != 0 && second != 0).then(|| format!("{first:08x}{second:08x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> SqliteConnection {
        SqliteConnection::establish(":memory:").unwrap()
    }

    #[test]
    fn an_identity_stays_and_is_of_one_database() {
        let mut one = database();
        assert_eq!(find_identity(&mut one).unwrap(), None);
        let first = identity(&mut one).unwrap();
        assert_eq!(first.len(), 16);
        assert_eq!(identity(&mut one).unwrap(), first);
        assert_ne!(identity(&mut database()).unwrap(), first);
    }
}
