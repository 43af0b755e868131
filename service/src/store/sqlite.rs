//! The embedded database. One thread writes, and commits what waits together with one flush to disk;
//! others read, each on a connection of its own. So nothing ever waits for a lock within the process,
//! and the order of writes is the order in which they were asked for.

mod lane;
mod reader;
mod schema;
mod writer;

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};
use tokio::sync::mpsc;

use self::lane::{Lane, Limits};
use super::{Answer, Failure, Store};
use crate::account::{Account, AccountId, DeviceId, Epoch, Login, SessionId};
use crate::api::{Active, Register, Revoke, SetHash, Status};
use crate::clock::Timestamp;
use crate::config::directory::DatabaseConfig;
use crate::lockout::{Lockout, Policy, Subject};
use crate::session::{self, Presented, Rotation, Session};

/// Jobs that may wait for a lane before their callers wait to hand them over; both waits together are
/// what `pool.acquire_timeout` limits.
const QUEUE: usize = 256;

/// Rows that a sweep deletes at a time, so that it holds up no one else's write: a few milliseconds.
const SWEEP: u32 = 500;

/// A database in a file.
pub struct Sqlite {
    reads: Lane,
    writes: Lane,
}

impl Sqlite {
    /// Opens the file that a configuration names, makes it where there is none (for its owner alone), and
    /// brings its tables to the newest form.
    pub fn open(config: &DatabaseConfig) -> Result<Self, Failure> {
        let wrong = || Failure::Refused("`database.url` is not of the form `sqlite:PATH`".to_owned());
        let path = config.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()).ok_or_else(wrong)?;
        let limits =
            Limits { turn: config.pool.acquire_timeout.get(), statement: config.statement_timeout.get() };
        let path = Path::new(path);
        let (writes, queue) = lane(limits);
        let (connection, watch) = schema::open_to_write(path, limits.statement)?;
        start("sqlite-writer".to_owned(), move || writer::run(&connection, &watch, queue))?;
        let (reads, queue) = lane(limits);
        let queue = reader::Queue::new(queue);
        for number in 0..config.pool.size.max(1) {
            let (connection, watch) = schema::open_to_read(path, limits.statement)?;
            let queue = queue.clone();
            let name = format!("sqlite-reader-{number}");
            start(name, move || reader::run(&connection, &watch, &queue))?;
        }
        Ok(Self { reads, writes })
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.reads.ask(work))
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.writes.ask(work))
    }
}

fn lane(limits: Limits) -> (Lane, mpsc::Receiver<lane::Boxed>) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (Lane::new(sender, limits), receiver)
}

fn start(name: String, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = thread::Builder::new().name(name).spawn(run);
    started.map(drop).map_err(|error| Failure::Unreachable(format!("no thread for the database: {error}")))
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::StatementTimeout
            }
            Some(ErrorCode::CannotOpen) => Self::Unreachable(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// A device as part of a key, where NULL would be different from itself.
fn key(device: Option<DeviceId>) -> Vec<u8> {
    device.map_or_else(Vec::new, |device| device.0.to_vec())
}

/// A login as it was stored.
fn login(text: String) -> rusqlite::Result<Login> {
    Login::try_from(text).map_err(|wrong| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(0, kind, wrong.to_string().into())
    })
}

const ACCOUNT: &str = "SELECT id, login, hash, epoch FROM accounts WHERE";

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: AccountId(row.get(0)?),
        login: login(row.get(1)?)?,
        hash: row.get(2)?,
        epoch: Epoch(row.get(3)?),
    })
}

fn account_of(connection: &Connection, login: &Login) -> rusqlite::Result<Option<Account>> {
    let mut select = connection.prepare_cached(&format!("{ACCOUNT} login = ?1"))?;
    select.query_row([login.as_str()], account).optional()
}

fn account_by_id(connection: &Connection, id: AccountId) -> rusqlite::Result<Option<Account>> {
    let mut select = connection.prepare_cached(&format!("{ACCOUNT} id = ?1"))?;
    select.query_row([id.0], account).optional()
}

fn lockout(connection: &Connection, subject: &Subject) -> rusqlite::Result<Option<Lockout>> {
    let select = "SELECT failures, since, locks, until FROM lockouts WHERE login = ?1 AND device = ?2";
    let read = |row: &Row<'_>| {
        Ok(Lockout {
            failures: row.get(0)?,
            since: Timestamp(row.get(1)?),
            locks: row.get(2)?,
            until: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        })
    };
    let values = params![subject.login.as_str(), key(subject.device)];
    connection.prepare_cached(select)?.query_row(values, read).optional()
}

fn keep_lockout(connection: &Connection, subject: &Subject, lockout: &Lockout) -> rusqlite::Result<()> {
    let replace = "INSERT OR REPLACE INTO lockouts (login, device, failures, since, locks, until) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Lockout { failures, since, locks, until } = lockout;
    let until = until.map(|until| until.0);
    let values = params![subject.login.as_str(), key(subject.device), failures, since.0, locks, until];
    connection.prepare_cached(replace)?.execute(values).map(drop)
}

fn session(connection: &Connection, id: SessionId) -> rusqlite::Result<Option<Session>> {
    let select = "SELECT account, generation, rotated, expires, revoked FROM sessions WHERE id = ?1";
    let read = |row: &Row<'_>| {
        Ok(Session {
            id,
            account: AccountId(row.get(0)?),
            generation: row.get(1)?,
            rotated: Timestamp(row.get(2)?),
            expires: Timestamp(row.get(3)?),
            revoked: row.get(4)?,
        })
    };
    connection.prepare_cached(select)?.query_row([id.0], read).optional()
}

fn keep_session(connection: &Connection, session: Option<Session>) -> rusqlite::Result<()> {
    let Some(Session { id, account, generation, rotated, expires, revoked }) = session else { return Ok(()) };
    let replace = "INSERT OR REPLACE INTO sessions (id, account, generation, rotated, expires, revoked) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![id.0, account.0, generation, rotated.0, expires.0, revoked];
    connection.prepare_cached(replace)?.execute(values).map(drop)
}

impl Store for Sqlite {
    fn register(&self, new: Register) -> Answer<'_, bool> {
        self.write(move |connection| {
            if let Some(stored) = account_of(connection, &new.login)? {
                return Ok(stored.id == new.id);
            }
            if account_by_id(connection, new.id)?.is_some() {
                return Err(Failure::taken());
            }
            let insert = "INSERT INTO accounts (login, id, hash, epoch) VALUES (?1, ?2, ?3, ?4)";
            let values = params![new.login.as_str(), new.id.0, new.hash, Epoch::default().0];
            connection.prepare_cached(insert)?.execute(values)?;
            Ok(true)
        })
    }

    fn lookup(&self, subject: Subject) -> Answer<'_, (Option<Account>, Option<Lockout>)> {
        self.read(move |connection| {
            Ok((account_of(connection, &subject.login)?, lockout(connection, &subject)?))
        })
    }

    fn set_hash(&self, change: SetHash) -> Answer<'_, Option<Epoch>> {
        self.write(move |connection| {
            let Some(stored) = account_by_id(connection, change.account)? else { return Ok(None) };
            if stored.hash == change.old {
                let epoch = stored.epoch.after(change.changed);
                let update = "UPDATE accounts SET hash = ?2, epoch = ?3 WHERE id = ?1";
                let values = params![change.account.0, change.new, epoch.0];
                connection.prepare_cached(update)?.execute(values)?;
                return Ok(Some(epoch));
            }
            Ok((stored.hash == change.new).then_some(stored.epoch))
        })
    }

    fn fail(&self, subject: Subject, now: Timestamp, policy: Policy) -> Answer<'_, Lockout> {
        self.write(move |connection| {
            let before = lockout(connection, &subject)?;
            let after = Lockout::fail(before, now, policy);
            if before != Some(after) {
                keep_lockout(connection, &subject, &after)?;
            }
            Ok(after)
        })
    }

    fn clear(&self, subject: Subject) -> Answer<'_, ()> {
        self.write(move |connection| {
            let delete = "DELETE FROM lockouts WHERE login = ?1 AND device = ?2";
            let values = params![subject.login.as_str(), key(subject.device)];
            connection.prepare_cached(delete)?.execute(values)?;
            Ok(())
        })
    }

    fn rotate(&self, presented: Presented, now: Timestamp, grace: Duration) -> Answer<'_, Rotation> {
        self.write(move |connection| {
            let stored = session(connection, presented.session)?;
            let epoch = account_by_id(connection, presented.account)?.map(|account| account.epoch);
            let (rotation, changed) = session::rotate(presented, stored, epoch, now, grace);
            keep_session(connection, changed)?;
            Ok(rotation)
        })
    }

    fn revoke(&self, revoke: Revoke, now: Timestamp) -> Answer<'_, ()> {
        self.write(move |connection| {
            let stored = session(connection, revoke.session)?;
            Ok(keep_session(connection, session::revoke(&revoke, stored, now))?)
        })
    }

    fn status(&self, status: Status, now: Timestamp) -> Answer<'_, Active> {
        self.read(move |connection| {
            let stored = session(connection, status.session)?;
            let account = account_by_id(connection, status.account)?;
            let epoch = account.as_ref().map(|account| account.epoch);
            let active = session::active(&status, stored, epoch, now);
            Ok(Active { active, login: account.map(|account| account.login) })
        })
    }

    fn sweep(&self, now: Timestamp, policy: Policy) -> Answer<'_, u64> {
        let window = i64::try_from(policy.window.as_millis()).unwrap_or(i64::MAX);
        let quiet = now.0.saturating_sub(window);
        let sessions = "DELETE FROM sessions WHERE id IN \
                        (SELECT id FROM sessions WHERE expires <= ?1 LIMIT ?2)";
        // The same condition as `Lockout::spent`.
        let lockouts = "DELETE FROM lockouts WHERE (login, device) IN \
                        (SELECT login, device FROM lockouts WHERE since <= ?1 \
                         AND (until IS NULL OR (until <= ?1 AND until <= ?3)) LIMIT ?2)";
        Box::pin(async move {
            let mut swept = 0;
            loop {
                let rows = self.write(move |connection| {
                    let ended = connection.prepare_cached(sessions)?.execute(params![now.0, SWEEP])?;
                    let spent = connection.prepare_cached(lockouts)?.execute(params![quiet, SWEEP, now.0])?;
                    Ok([ended, spent].map(|rows| u64::try_from(rows).unwrap_or(u64::MAX)))
                });
                let rows = rows.await?;
                swept += rows.iter().sum::<u64>();
                if rows.iter().all(|rows| *rows < u64::from(SWEEP)) {
                    return Ok(swept);
                }
            }
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        // By the lane that writes: its turn comes only when a transaction could be opened.
        self.write(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?))
    }

    fn accounts(&self) -> Answer<'_, u64> {
        self.read(|connection| {
            let count = "SELECT count(*) FROM accounts";
            let count: i64 = connection.prepare_cached(count)?.query_row([], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn account(&self, id: AccountId) -> Answer<'_, Option<Account>> {
        self.read(move |connection| Ok(account_by_id(connection, id)?))
    }
}
