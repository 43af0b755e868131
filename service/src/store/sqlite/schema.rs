//! The file: how it is made and opened, and its tables, which have a version.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::lane::Watch;
use crate::store::Failure;

/// What leads from each version of the tables to the next; the first from an empty file. A version that
/// was released is never edited.
const VERSIONS: &[&str] = &["
    -- Sign-ins look for a login, so it is what the rows lie in the order of.
    CREATE TABLE accounts (
        login TEXT PRIMARY KEY, id BLOB NOT NULL UNIQUE, hash TEXT NOT NULL, epoch INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- The device of those who have none is empty, since NULL would not be equal to itself.
    CREATE TABLE lockouts (
        login TEXT NOT NULL, device BLOB NOT NULL, failures INTEGER NOT NULL, since INTEGER NOT NULL,
        locks INTEGER NOT NULL, until INTEGER, PRIMARY KEY (login, device)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX lockouts_since ON lockouts (since);
    CREATE TABLE sessions (
        id BLOB PRIMARY KEY, account BLOB NOT NULL, generation INTEGER NOT NULL, rotated INTEGER NOT NULL,
        expires INTEGER NOT NULL, revoked INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_expires ON sessions (expires);
"];

/// Opens the file for the thread that writes, with the newest tables.
pub(super) fn open_to_write(path: &Path, limit: Duration) -> Result<(Connection, Watch), Failure> {
    make(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limit)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Failure::Refused(format!(
            "the file system of `{}` does not support SQLite's write-ahead log",
            path.display()
        )));
    }
    // In the write-ahead log, FULL flushes at each commit; less could lose what was acknowledged.
    connection.pragma_update(None, "synchronous", "full")?;
    migrate(&mut connection)?;
    flush_name(path)?;
    prepared(connection, limit)
}

/// Opens the file for a thread that reads.
pub(super) fn open_to_read(path: &Path, limit: Duration) -> Result<(Connection, Watch), Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepared(connection, limit)
}

/// A connection with its limits.
fn prepared(mut connection: Connection, limit: Duration) -> Result<(Connection, Watch), Failure> {
    connection.busy_timeout(limit)?;
    // More than there are statements, so that each is parsed once.
    connection.set_prepared_statement_cache_capacity(64);
    let watch = Watch::over(&mut connection, limit)?;
    Ok((connection, watch))
}

/// Makes the file where there is none, for its owner alone: it holds password hashes. SQLite gives the
/// files that it lays beside it the same rights.
fn make(path: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| Failure::Unreachable(format!("`{}` cannot be opened: {error}", path.display())))
}

/// Makes the file's name as durable as its contents.
fn flush_name(path: &Path) -> Result<(), Failure> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let flushed = File::open(directory).and_then(|file| file.sync_all());
    flushed.map_err(|error| {
        Failure::Unreachable(format!("`{}` cannot be flushed: {error}", directory.display()))
    })
}

/// Brings the tables to the newest version.
fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let newest = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
    let done = usize::try_from(version).ok().filter(|_| version <= newest).ok_or_else(|| {
        Failure::Refused(format!(
            "the tables have version {version}; this program knows versions up to {newest}: use a newer one"
        ))
    })?;
    for step in &VERSIONS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", newest)?;
    Ok(transaction.commit()?)
}
