//! What the directory needs of a database. Two implementations: SQLite, embedded, and PostgreSQL. What
//! a write means is decided in `lockout` and `session`; a store makes it atomic and durable: when a
//! method gives `Ok`, a crash of any process loses nothing of it. `memory` does the same without a
//! database, for tests on virtual time, and is the model that the others are compared with.

pub mod memory;
pub mod postgres;
pub mod sqlite;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::account::{Account, AccountId, Epoch};
use crate::api::{Active, Register, Revoke, SetHash, Status};
use crate::clock::Timestamp;
use crate::config::directory::DatabaseConfig;
use crate::lockout::{Lockout, Policy, Subject};
use crate::session::{Presented, Rotation};

/// The answer of a store, in some time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Why a store has no answer. Each says what the access log and the metrics call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No connection became free within the pool's limit.
    PoolTimeout,
    /// The database did not take a connection within the limit.
    ConnectTimeout,
    /// A statement took longer than its limit.
    StatementTimeout,
    /// Nothing listens, or the connection broke.
    Unreachable(String),
    /// The database answered with an error.
    Refused(String),
}

impl Failure {
    /// An identifier, which is drawn from 128 random bits, belongs to another login already.
    fn taken() -> Self {
        Self::Refused("the identifier belongs to another login".to_owned())
    }

    /// The word for metrics and logs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::PoolTimeout => "pool_timeout",
            Self::ConnectTimeout => "connect_timeout",
            Self::StatementTimeout => "statement_timeout",
            Self::Unreachable(_) => "unreachable",
            Self::Refused(_) => "database_error",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PoolTimeout => f.write_str("no connection of the pool became free in time"),
            Self::ConnectTimeout => f.write_str("the database took no connection in time"),
            Self::StatementTimeout => f.write_str("the database did not finish a statement in time"),
            Self::Unreachable(why) => write!(f, "the database cannot be reached: {why}"),
            Self::Refused(why) => write!(f, "the database refused: {why}"),
        }
    }
}

/// Accounts, lockouts and sessions, kept.
pub trait Store: Send + Sync {
    /// Makes an account. `false` where its login is taken by another identifier; asking again with the
    /// same identifier is answered as the first time.
    fn register(&self, new: Register) -> Answer<'_, bool>;

    /// The account of a login and the failures counted for the subject, in one trip.
    fn lookup(&self, subject: Subject) -> Answer<'_, (Option<Account>, Option<Lockout>)>;

    /// Replaces a hash and gives the epoch that holds then; `None` where the stored hash is not the old
    /// one any more or the account is gone. Asking again is answered as the first time: a hash has a
    /// salt, so that the new one being stored says that it was this request that stored it.
    fn set_hash(&self, change: SetHash) -> Answer<'_, Option<Epoch>>;

    /// Counts a failed attempt, by [`Lockout::fail`].
    fn fail(&self, subject: Subject, now: Timestamp, policy: Policy) -> Answer<'_, Lockout>;

    /// Forgets the failures of a subject.
    fn clear(&self, subject: Subject) -> Answer<'_, ()>;

    /// Rotates a session's token, by [`crate::session::rotate`].
    fn rotate(&self, presented: Presented, now: Timestamp, grace: Duration) -> Answer<'_, Rotation>;

    /// Revokes a session, known or not; one that was not written yet is written as revoked.
    fn revoke(&self, revoke: Revoke, now: Timestamp) -> Answer<'_, ()>;

    /// Whether a session is alive.
    fn status(&self, status: Status, now: Timestamp) -> Answer<'_, Active>;

    /// Deletes what nobody can ask for any more: sessions past their end, failures out of their window.
    fn sweep(&self, now: Timestamp, policy: Policy) -> Answer<'_, u64>;

    /// Whether the database answers, for readiness.
    fn ping(&self) -> Answer<'_, ()>;

    /// How many accounts there are.
    fn accounts(&self) -> Answer<'_, u64>;

    /// The account of an identifier.
    fn account(&self, id: AccountId) -> Answer<'_, Option<Account>>;
}

/// Opens the database that a configuration names. SQLite's file must be there to be read; PostgreSQL may
/// be down and is connected to when it is needed. Within a runtime of tokio.
pub fn open(config: &DatabaseConfig) -> Result<Arc<dyn Store>, Failure> {
    let scheme = config.url.split_once(':').map(|(scheme, _)| scheme);
    match scheme {
        Some("sqlite") => Ok(Arc::new(sqlite::Sqlite::open(config)?)),
        Some("postgres" | "postgresql") => Ok(Arc::new(postgres::Postgres::open(config)?)),
        _ => Err(Failure::Refused(
            "`database.url` starts neither with `sqlite:` nor with `postgres:`".to_owned(),
        )),
    }
}
