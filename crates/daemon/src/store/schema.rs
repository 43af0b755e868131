//! The tables of the journal and their version. A journal of a later version is refused and left as it is.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use rusqlite::Connection;

use super::{Stopped, unusable};

/// The version of the tables, kept as SQLite's `user_version`.
const VERSION: u32 = 1;

const TABLES: &str = "
    CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE entry (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE TABLE checkpoint (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE TABLE minute
        (service TEXT NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
         PRIMARY KEY (service, at)) STRICT, WITHOUT ROWID;
";

/// Makes the tables of a new journal; checks the version of one that is there.
pub(super) fn bring_up(connection: &Connection, path: &Path) -> Result<(), Stopped> {
    if version(connection, path)? != 0 {
        return check(connection, path);
    }
    // Not secret, only different from one journal to the next.
    let identity = RandomState::new().hash_one(path);
    let made = connection.execute_batch(&format!(
        "BEGIN; {TABLES} INSERT INTO fact VALUES ('identity', '{identity:016x}'); \
         PRAGMA user_version = {VERSION}; COMMIT;"
    ));
    made.map_err(|error| unusable(path, &error))
}

/// Refuses a journal of another version.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), Stopped> {
    match version(connection, path)? {
        VERSION => Ok(()),
        other => Err(Stopped::new(
            path.display(),
            format!("is a journal of version {other}, and this Forewarn knows version {VERSION}"),
            "use the Forewarn that wrote it, or name another directory as `journal` of [watch]",
        )),
    }
}

fn version(connection: &Connection, path: &Path) -> Result<u32, Stopped> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| unusable(path, &error))
}
