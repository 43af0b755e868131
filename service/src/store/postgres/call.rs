//! Calls to the database within their limits: a connection of the pool, statements on it, and what
//! becomes of the connection afterwards.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool, PoolError, TimeoutType};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use super::{failure, schema};
use crate::config::directory::DatabaseConfig;
use crate::store::Failure;

/// How much longer than the server's own limit an answer is waited for: what its refusal may take to
/// arrive. A refusal leaves the connection good; a wait given up does not.
const LATE: Duration = Duration::from_millis(50);

/// How often a transaction is tried that another one came before.
pub(super) const ATTEMPTS: u32 = 4;

/// The values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A database and the limits of calls to it.
pub(super) struct Database {
    pool: Pool,
    connect: Duration,
    statement: Duration,
    /// Whether the tables have been seen to be the newest.
    made: AtomicBool,
}

impl Database {
    pub(super) fn new(pool: Pool, config: &DatabaseConfig) -> Self {
        let (connect, statement) = (config.connect_timeout.get(), config.statement_timeout.get());
        Self { pool, connect, statement, made: AtomicBool::new(false) }
    }

    /// A connection, to a database whose tables are the newest.
    pub(super) async fn connection(&self) -> Result<Held, Failure> {
        let held = match self.pool.get().await {
            Ok(client) => Held { client: Some(client), limit: self.statement + LATE },
            Err(error) => return Err(no_connection(error)),
        };
        if !self.made.load(Ordering::Relaxed) {
            let made = timeout(self.connect, schema::make(held.client())).await;
            made.map_err(|_| Failure::ConnectTimeout)??;
            self.made.store(true, Ordering::Relaxed);
        }
        Ok(held)
    }

    /// One statement, a transaction of its own.
    pub(super) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        let held = self.connection().await?;
        let answer = async {
            let statement = held.prepared(sql).await?;
            held.within(held.client().query(&statement, values)).await
        };
        match answer.await {
            Ok(rows) => {
                held.keep();
                Ok(rows)
            }
            Err(trouble) => {
                if trouble.answered {
                    held.keep();
                }
                Err(trouble.failure)
            }
        }
    }
}

/// A connection in use. Unless it is given back, it is closed, whatever was going on in it: so a caller
/// that goes away in the middle leaves no half-done transaction behind for the next one.
pub(super) struct Held {
    client: Option<Client>,
    limit: Duration,
}

impl Held {
    pub(super) fn client(&self) -> &Client {
        self.client.as_ref().expect("bug: the connection is held until it is given back")
    }

    /// Gives it back, for others to use.
    pub(super) fn keep(mut self) {
        self.client = None;
    }

    /// A statement, parsed by the server once a connection.
    pub(super) async fn prepared(&self, sql: &str) -> Result<Statement, Trouble> {
        self.within(self.client().prepare_cached(sql)).await
    }

    /// Waits for an answer no longer than the limit, even if the connection has become a black hole.
    pub(super) async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Trouble> {
        match timeout(self.limit, answer).await {
            Ok(answer) => answer.map_err(|error| Trouble::from(&error)),
            Err(_) => Err(Trouble { failure: Failure::StatementTimeout, answered: false, again: false }),
        }
    }

    /// Ends a transaction that failed. Gives the connection back if the server says that it has ended.
    pub(super) async fn roll_back(self, trouble: &Trouble) {
        if trouble.answered && self.within(self.client().batch_execute("ROLLBACK")).await.is_ok() {
            self.keep();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.client.take().map(Object::take).into_iter().for_each(drop);
    }
}

/// A statement that failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    /// The server answered, so the connection is good.
    answered: bool,
    /// Another transaction came first; the same may succeed when it is tried again.
    pub(super) again: bool,
}

impl From<&Error> for Trouble {
    fn from(error: &Error) -> Self {
        let failure = failure(error);
        let lost = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
        let again = error.code().is_some_and(|code| lost.contains(&code));
        let answered = error.as_db_error().is_some() && !matches!(failure, Failure::Unreachable(_));
        Self { failure, answered, again }
    }
}

impl From<Failure> for Trouble {
    /// A row that cannot be read: the connection is good, and trying again changes nothing.
    fn from(failure: Failure) -> Self {
        Self { failure, answered: true, again: false }
    }
}

fn no_connection(error: PoolError) -> Failure {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => Failure::PoolTimeout,
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => Failure::ConnectTimeout,
        PoolError::Backend(error) => failure(&error),
        error => Failure::Refused(error.to_string()),
    }
}
