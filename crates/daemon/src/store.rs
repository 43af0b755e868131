//! The journal on disk: one SQLite database in the directory of the journal. Holds bytes and moments; what
//! they mean is the core's. Does not decide what becomes of a failure: `run` does.

mod schema;

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};
use watch::time::At;

/// The database's name in the directory of the journal.
const DATABASE: &str = "journal.sqlite";

/// A file that a running watch holds locked.
const LOCK: &str = "watch.lock";

/// Rows that one pruning takes away at most: so many are deleted in a few milliseconds, and the next look
/// does not wait for more.
const PRUNED_AT_ONCE: u64 = 4_000;

/// Checkpoints are kept a day apart, apart from the newest two: whoever verifies the journal begins at one.
const DAY: u64 = 24 * 3_600_000;

/// What stops a watch before it begins: where, what, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
    /// What to do.
    pub help: String,
}

impl Stopped {
    pub(crate) fn new(place: impl fmt::Display, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { place: place.to_string(), what: what.into(), help: help.into() }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.help)
    }
}

impl std::error::Error for Stopped {}

/// Entries that came in together: one row, one commit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// Its place in the journal.
    pub(crate) seq: u64,
    /// The moment of its last entry.
    pub(crate) at: At,
    /// The entries, as the core's codec writes them.
    pub(crate) body: Vec<u8>,
    /// Minutes that ended with it.
    pub(crate) minutes: Vec<MinuteRow>,
}

/// What was counted of a service in a minute; kept when its entries are pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MinuteRow {
    pub(crate) service: String,
    /// Its start.
    pub(crate) at: At,
    pub(crate) body: Vec<u8>,
}

/// The state as it was after a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The last batch that is in it.
    pub(crate) seq: u64,
    pub(crate) at: At,
    pub(crate) body: Vec<u8>,
}

/// Something to be written, in its order.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Batch(Batch),
    Checkpoint(Checkpoint),
}

/// The open database. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
    /// Held as long as the store is: the lock goes with the process, however that ends.
    _lock: Option<Arc<File>>,
}

impl Store {
    /// Opens the journal for a watch, and makes it where there is none. Only one watch at a time.
    pub(crate) fn open(directory: &Path) -> Result<Self, Stopped> {
        make(directory)?;
        let lock = lock(directory)?;
        let path = directory.join(DATABASE);
        let connection = Connection::open(&path).and_then(|connection| {
            // WAL with `synchronous = NORMAL`: a commit is a write and no fsync (that comes with the
            // checkpoint of the log, about every thousand pages). A killed process loses nothing. A machine
            // that loses power may lose the last seconds, never the order or the file (sqlite.org/wal.html);
            // what was lost then is looks, and a look is not worth four fsyncs a second.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "cache_size", -2_000)?; // KiB
            Ok(connection)
        });
        let connection = connection.map_err(|error| unusable(&path, &error))?;
        schema::bring_up(&connection, &path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), path, _lock: Some(Arc::new(lock)) })
    }

    /// Opens the journal beside a running watch, to read.
    pub(crate) fn read_only(directory: &Path) -> Result<Self, Stopped> {
        let path = directory.join(DATABASE);
        let connection = Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| unusable(&path, &error))?;
        schema::check(&connection, &path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), path, _lock: None })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic under the lock left no transaction behind: SQLite rolls it back as it is dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stops a watch that cannot read its journal.
    pub(crate) fn unreadable(&self, error: &rusqlite::Error) -> Stopped {
        unusable(&self.path, error)
    }

    /// Writes all of it in one commit, or nothing.
    pub(crate) fn write(&self, writes: &[Write]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for write in writes {
            match write {
                Write::Batch(batch) => {
                    transaction
                        .prepare_cached("INSERT OR REPLACE INTO entry (seq, at, body) VALUES (?1, ?2, ?3)")?
                        .execute(params![batch.seq, batch.at.0, batch.body])?;
                    for minute in &batch.minutes {
                        transaction
                            .prepare_cached(
                                "INSERT OR REPLACE INTO minute (service, at, body) VALUES (?1, ?2, ?3)",
                            )?
                            .execute(params![minute.service, minute.at.0, minute.body])?;
                    }
                }
                Write::Checkpoint(checkpoint) => {
                    transaction.execute(
                        "INSERT OR REPLACE INTO checkpoint (seq, at, body) VALUES (?1, ?2, ?3)",
                        params![checkpoint.seq, checkpoint.at.0, checkpoint.body],
                    )?;
                    thin(&transaction)?;
                }
            }
        }
        transaction.commit()
    }

    /// The newest checkpoint but `skip` of them.
    pub(crate) fn checkpoint(&self, skip: u32) -> rusqlite::Result<Option<Checkpoint>> {
        self.connection()
            .query_row(
                "SELECT seq, at, body FROM checkpoint ORDER BY seq DESC LIMIT 1 OFFSET ?1",
                [skip],
                checkpoint,
            )
            .optional()
    }

    /// The oldest checkpoint: before it nothing is kept.
    pub(crate) fn oldest_checkpoint(&self) -> rusqlite::Result<Option<Checkpoint>> {
        self.connection()
            .query_row("SELECT seq, at, body FROM checkpoint ORDER BY seq LIMIT 1", [], checkpoint)
            .optional()
    }

    /// Every batch behind `seq`, in order, up to `most` of them.
    pub(crate) fn batches(&self, seq: u64, most: u32) -> rusqlite::Result<Vec<Batch>> {
        let connection = self.connection();
        let mut rows = connection
            .prepare_cached("SELECT seq, at, body FROM entry WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
        let batch = |row: &rusqlite::Row<'_>| {
            Ok(Batch { seq: row.get(0)?, at: At(row.get(1)?), body: row.get(2)?, minutes: Vec::new() })
        };
        rows.query_map(params![seq, most], batch)?.collect()
    }

    /// The minutes of a service from a moment on, in order.
    pub(crate) fn minutes(&self, service: &str, from: At) -> rusqlite::Result<Vec<(At, Vec<u8>)>> {
        let connection = self.connection();
        let mut rows = connection
            .prepare_cached("SELECT at, body FROM minute WHERE service = ?1 AND at >= ?2 ORDER BY at")?;
        rows.query_map(params![service, from.0], |row| Ok((At(row.get(0)?), row.get(1)?)))?.collect()
    }

    /// Takes away entries that are older than `before`, up to the newest checkpoint that is older too; and
    /// minutes that are older than `minutes_before`. Not more at once than is quick.
    pub(crate) fn prune(&self, before: At, minutes_before: At) -> rusqlite::Result<()> {
        let connection = self.connection();
        let horizon: Option<u64> =
            connection
                .query_row("SELECT max(seq) FROM checkpoint WHERE at <= ?1", [before.0], |row| row.get(0))?;
        let horizon = horizon.unwrap_or(0);
        connection.execute("DELETE FROM checkpoint WHERE seq < ?1", [horizon])?;
        connection.execute("DELETE FROM minute WHERE at < ?1", [minutes_before.0])?;
        connection.execute(
            "DELETE FROM entry WHERE seq IN (SELECT seq FROM entry WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
            params![horizon, PRUNED_AT_ONCE],
        )?;
        Ok(())
    }

    /// How many bytes the database has, its free pages included.
    pub(crate) fn bytes(&self) -> rusqlite::Result<u64> {
        let connection = self.connection();
        let pages: u64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let size: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        Ok(pages * size)
    }

    /// Lets the database have so many pages more or less than it has; as a disk that is full does.
    #[cfg(test)]
    pub(crate) fn room_for(&self, pages: u64) {
        self.connection().pragma_update(None, "max_page_count", pages).unwrap();
    }

    /// What tells this journal from any other, for keys that receivers may see from several.
    pub(crate) fn identity(&self) -> rusqlite::Result<String> {
        self.connection().query_row("SELECT value FROM fact WHERE name = 'identity'", [], |row| row.get(0))
    }
}

fn checkpoint(row: &rusqlite::Row<'_>) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint { seq: row.get(0)?, at: At(row.get(1)?), body: row.get(2)? })
}

/// Leaves the newest two checkpoints, and one a day.
fn thin(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute(
        "DELETE FROM checkpoint WHERE seq NOT IN (SELECT seq FROM checkpoint ORDER BY seq DESC LIMIT 2) \
         AND seq NOT IN (SELECT min(seq) FROM checkpoint GROUP BY at / ?1)",
        [DAY],
    )
}

/// Makes the directory; nobody else may look into it.
fn make(directory: &Path) -> Result<(), Stopped> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory).map_err(|error| {
        Stopped::new(
            directory.display(),
            format!("cannot be made: {error}"),
            "name a directory that can be written to, as `journal` of [watch]",
        )
    })
}

fn lock(directory: &Path) -> Result<File, Stopped> {
    let path = directory.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|error| {
        Stopped::new(
            path.display(),
            format!("cannot be written: {error}"),
            "let the user of the watch write to the journal's directory",
        )
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Stopped::new(
            directory.display(),
            "another watch writes this journal",
            "end it first, or name another directory as `journal` of [watch]",
        )),
        Err(TryLockError::Error(error)) => Err(Stopped::new(
            path.display(),
            format!("cannot be locked: {error}"),
            "keep the journal on a local file system",
        )),
    }
}

fn unusable(path: &Path, error: &rusqlite::Error) -> Stopped {
    Stopped::new(
        path.display(),
        format!("cannot be used: {error}"),
        "look at the disk and at who may write there; move the file away to begin a new journal",
    )
}

#[cfg(test)]
mod tests;
