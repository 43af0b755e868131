//! PostgreSQL: for several directories over one database. Connections come from a pool whose every
//! wait is limited; whatever has to be read, decided and written happens under a lock on its row.

mod call;
mod change;
mod row;
mod schema;
mod settings;

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use self::call::Database;
use super::{Answer, Failure, Store};
use crate::account::{Account, AccountId, Epoch};
use crate::api::{Active, Register, Revoke, SetHash, Status};
use crate::clock::Timestamp;
use crate::config::directory::DatabaseConfig;
use crate::lockout::{Lockout, Policy, Subject};
use crate::session::{self, Presented, Rotation, Session};

/// Rows that a sweep deletes at a time, so that it holds no lock for long.
const SWEEP: i64 = 500;

/// A database of a PostgreSQL server.
pub struct Postgres(Database);

impl Postgres {
    /// Takes a configuration; within a runtime of tokio. Nothing is connected to yet, so that the
    /// directory starts while the database is down, and says so by its readiness.
    pub fn open(config: &DatabaseConfig) -> Result<Self, Failure> {
        Ok(Self(Database::new(settings::pool(config)?, config)))
    }
}

/// What an error of the driver means. Of what the server says, only the message is taken: its detail
/// can hold values.
fn failure(error: &Error) -> Failure {
    let Some(refusal) = error.as_db_error() else {
        let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
        return Failure::Unreachable(format!("{error}{cause}"));
    };
    let class = &refusal.code().code()[..2];
    let gone = [
        &SqlState::ADMIN_SHUTDOWN,
        &SqlState::CRASH_SHUTDOWN,
        &SqlState::CANNOT_CONNECT_NOW,
        &SqlState::TOO_MANY_CONNECTIONS,
        &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    match refusal.code() {
        code if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE => {
            Failure::StatementTimeout
        }
        // Class 08: the connection, as PostgreSQL's appendix A groups its codes.
        code if gone.contains(&code) || class == "08" => Failure::Unreachable(refusal.message().to_owned()),
        _ => Failure::Refused(refusal.message().to_owned()),
    }
}

const ACCOUNT: &str = "SELECT id, login, hash, epoch FROM accounts WHERE";

impl Store for Postgres {
    fn register(&self, new: Register) -> Answer<'_, bool> {
        Box::pin(async move {
            let insert = "INSERT INTO accounts (login, id, hash, epoch) VALUES ($1, $2, $3, 0) \
                          ON CONFLICT DO NOTHING RETURNING id";
            let (login, id) = (new.login.as_str(), &new.id.0[..]);
            if !self.0.query(insert, &[&login, &id, &new.hash]).await?.is_empty() {
                return Ok(true);
            }
            // A statement of its own, since the one before does not see what others inserted meanwhile.
            let rows = self.0.query("SELECT id FROM accounts WHERE login = $1", &[&login]).await?;
            let stored = rows.first().ok_or_else(Failure::taken)?;
            Ok(stored.try_get::<_, &[u8]>(0).is_ok_and(|stored| stored == id))
        })
    }

    fn lookup(&self, subject: Subject) -> Answer<'_, (Option<Account>, Option<Lockout>)> {
        Box::pin(async move {
            let select = "SELECT a.id, a.login, a.hash, a.epoch, l.failures, l.since, l.locks, l.until \
                          FROM (SELECT $1::TEXT AS login) AS asked \
                          LEFT JOIN accounts AS a ON a.login = asked.login \
                          LEFT JOIN lockouts AS l ON l.login = asked.login AND l.device = $2";
            let rows = self.0.query(select, &[&subject.login.as_str(), &row::key(subject.device)]).await?;
            let Some(found) = rows.first() else { return Ok((None, None)) };
            Ok((row::account(found)?, row::lockout(found)?))
        })
    }

    fn set_hash(&self, change: SetHash) -> Answer<'_, Option<Epoch>> {
        Box::pin(async move {
            let id = &change.account.0[..];
            let update = "UPDATE accounts SET hash = $3, epoch = epoch + $4 WHERE id = $1 AND hash = $2 \
                          RETURNING epoch";
            let more = i64::from(change.changed);
            let mut rows = self.0.query(update, &[&id, &change.old, &change.new, &more]).await?;
            if rows.is_empty() {
                let select = "SELECT epoch FROM accounts WHERE id = $1 AND hash = $2";
                rows = self.0.query(select, &[&id, &change.new]).await?;
            }
            rows.first().map(row::epoch).transpose()
        })
    }

    fn fail(&self, subject: Subject, now: Timestamp, policy: Policy) -> Answer<'_, Lockout> {
        Box::pin(self.0.change(subject, None, move |before: Option<Lockout>, _| {
            let after = Lockout::fail(before, now, policy);
            (after, (before != Some(after)).then_some(after))
        }))
    }

    fn clear(&self, subject: Subject) -> Answer<'_, ()> {
        Box::pin(async move {
            let delete = "DELETE FROM lockouts WHERE login = $1 AND device = $2";
            let key = row::key(subject.device);
            self.0.query(delete, &[&subject.login.as_str(), &key]).await.map(drop)
        })
    }

    fn rotate(&self, presented: Presented, now: Timestamp, grace: Duration) -> Answer<'_, Rotation> {
        let decide =
            move |stored: Option<Session>, epoch| session::rotate(presented, stored, epoch, now, grace);
        Box::pin(self.0.change(presented.session, Some(presented.account), decide))
    }

    fn revoke(&self, revoke: Revoke, now: Timestamp) -> Answer<'_, ()> {
        let session = revoke.session;
        let decide = move |stored: Option<Session>, _| ((), session::revoke(&revoke, stored, now));
        Box::pin(self.0.change(session, None, decide))
    }

    fn status(&self, status: Status, now: Timestamp) -> Answer<'_, Active> {
        Box::pin(async move {
            let select = "SELECT a.login, a.epoch, s.account, s.generation, s.rotated, s.expires, s.revoked \
                          FROM (SELECT $1::BYTEA AS id, $2::BYTEA AS session) AS asked \
                          LEFT JOIN accounts AS a ON a.id = asked.id \
                          LEFT JOIN sessions AS s ON s.id = asked.session";
            let rows = self.0.query(select, &[&&status.account.0[..], &&status.session.0[..]]).await?;
            let found = rows.first().ok_or_else(|| Failure::Refused("no row of a join".to_owned()))?;
            let (login, epoch) = row::login_and_epoch(found)?.unzip();
            let stored = row::session(status.session, found)?;
            Ok(Active { active: session::active(&status, stored, epoch, now), login })
        })
    }

    fn sweep(&self, now: Timestamp, policy: Policy) -> Answer<'_, u64> {
        Box::pin(async move {
            let window = i64::try_from(policy.window.as_millis()).unwrap_or(i64::MAX);
            let quiet = now.0.saturating_sub(window);
            let sessions = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires <= $1 \
                            LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1";
            // The same condition as `Lockout::spent`.
            let lockouts = "DELETE FROM lockouts WHERE (login, device) IN (SELECT login, device FROM lockouts \
                            WHERE since <= $1 AND (until IS NULL OR (until <= $1 AND until <= $3)) \
                            LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1";
            let mut swept = 0;
            loop {
                let ended = self.0.query(sessions, &[&now.0, &SWEEP]).await?.len();
                let spent = self.0.query(lockouts, &[&quiet, &SWEEP, &now.0]).await?.len();
                swept += u64::try_from(ended + spent).unwrap_or(u64::MAX);
                let full = usize::try_from(SWEEP).unwrap_or(usize::MAX);
                if ended < full && spent < full {
                    return Ok(swept);
                }
            }
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        Box::pin(async move { self.0.query("SELECT 1", &[]).await.map(drop) })
    }

    fn accounts(&self) -> Answer<'_, u64> {
        Box::pin(async move {
            let rows = self.0.query("SELECT count(*) FROM accounts", &[]).await?;
            let count = rows.first().and_then(|row| row.try_get::<_, i64>(0).ok());
            Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
        })
    }

    fn account(&self, id: AccountId) -> Answer<'_, Option<Account>> {
        Box::pin(async move {
            let rows = self.0.query(&format!("{ACCOUNT} id = $1"), &[&&id.0[..]]).await?;
            rows.first().map_or(Ok(None), row::account)
        })
    }
}
