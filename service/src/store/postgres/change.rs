//! Read, decide, write: one row, locked between the reading and the writing.
//!
//! A row that exists is locked by `SELECT ... FOR UPDATE`. One that does not cannot be: then what was
//! decided is inserted only if there is still none, and otherwise decided anew on the row that came
//! first. So two first uses of the same session never both succeed.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::call::{ATTEMPTS, Database, Held, Trouble};
use super::row;
use crate::account::{AccountId, Epoch, SessionId};
use crate::lockout::{Lockout, Subject};
use crate::session::Session;
use crate::store::Failure;

/// A value of a statement, owned.
type Value = Box<dyn ToSql + Sync + Send>;

/// A row that is read, decided upon and written.
pub(super) trait Kept: Copy + Send + Sync {
    /// What names it.
    type Key: Send + Sync;
    /// Reads and locks it, by its key.
    const SELECT: &'static str;
    /// Writes one that there was.
    const UPDATE: &'static str;
    /// Writes one that there was not; no row is changed where there is one now.
    const INSERT: &'static str;

    fn key(key: &Self::Key) -> Vec<Value>;
    fn read(key: &Self::Key, row: &Row) -> Result<Option<Self>, Failure>;
    /// What is written, behind the key.
    fn values(&self) -> Vec<Value>;
}

impl Kept for Session {
    type Key = SessionId;
    const SELECT: &'static str =
        "SELECT account, generation, rotated, expires, revoked FROM sessions WHERE id = $1 FOR UPDATE";
    const UPDATE: &'static str = "UPDATE sessions SET account = $2, generation = $3, rotated = $4, \
                                  expires = $5, revoked = $6 WHERE id = $1";
    const INSERT: &'static str = "INSERT INTO sessions (id, account, generation, rotated, expires, revoked) \
                                  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

    fn key(key: &SessionId) -> Vec<Value> {
        vec![Box::new(key.0.to_vec())]
    }

    fn read(key: &SessionId, row: &Row) -> Result<Option<Self>, Failure> {
        row::session(*key, row)
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Box::new(self.account.0.to_vec()),
            Box::new(i64::from(self.generation)),
            Box::new(self.rotated.0),
            Box::new(self.expires.0),
            Box::new(self.revoked),
        ]
    }
}

impl Kept for Lockout {
    type Key = Subject;
    const SELECT: &'static str =
        "SELECT failures, since, locks, until FROM lockouts WHERE login = $1 AND device = $2 FOR UPDATE";
    const UPDATE: &'static str = "UPDATE lockouts SET failures = $3, since = $4, locks = $5, until = $6 \
                                  WHERE login = $1 AND device = $2";
    const INSERT: &'static str = "INSERT INTO lockouts (login, device, failures, since, locks, until) \
                                  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

    fn key(key: &Subject) -> Vec<Value> {
        vec![Box::new(key.login.as_str().to_owned()), Box::new(row::key(key.device))]
    }

    fn read(_: &Subject, row: &Row) -> Result<Option<Self>, Failure> {
        row::lockout(row)
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Box::new(i64::from(self.failures)),
            Box::new(self.since.0),
            Box::new(i64::from(self.locks)),
            Box::new(self.until.map(|until| until.0)),
        ]
    }
}

fn borrowed(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}

impl Database {
    /// Decides on a row, and on the epoch of the account that it belongs to, where one is named. What is
    /// decided is durable when it is answered.
    pub(super) async fn change<K: Kept, T: Send>(
        &self,
        key: K::Key,
        account: Option<AccountId>,
        decide: impl Fn(Option<K>, Option<Epoch>) -> (T, Option<K>) + Send + Sync,
    ) -> Result<T, Failure> {
        let mut last = Failure::StatementTimeout;
        for _ in 0..ATTEMPTS {
            let held = self.connection().await?;
            match attempt(&held, &key, account, &decide).await {
                Ok(Some(answer)) => {
                    held.keep();
                    return Ok(answer);
                }
                Ok(None) => held.keep(),
                Err(trouble) => {
                    held.roll_back(&trouble).await;
                    if !trouble.again {
                        return Err(trouble.failure);
                    }
                    last = trouble.failure;
                }
            }
        }
        Err(last)
    }
}

/// Tries once; nothing where another transaction inserted the row first.
async fn attempt<K: Kept, T>(
    held: &Held,
    key: &K::Key,
    account: Option<AccountId>,
    decide: &(impl Fn(Option<K>, Option<Epoch>) -> (T, Option<K>) + Sync),
) -> Result<Option<T>, Trouble> {
    let client = held.client();
    let mut values = K::key(key);
    let account = account.map_or_else(Vec::new, |account| account.0.to_vec());
    let select = held.prepared(K::SELECT).await?;
    let epoch = held.prepared("SELECT epoch FROM accounts WHERE id = $1").await?;
    let (stored, epoch) = {
        let (key, account) = (borrowed(&values), [&account as &(dyn ToSql + Sync)]);
        // Sent together, in this order, and answered in one trip.
        let reading = async {
            tokio::try_join!(
                biased;
                client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
                client.query_opt(&select, &key),
                client.query_opt(&epoch, &account),
            )
        };
        let ((), stored, epoch) = held.within(reading).await?;
        (stored, epoch)
    };
    let stored = stored.as_ref().map_or(Ok(None), |row| K::read(key, row))?;
    let epoch = epoch.as_ref().map(row::epoch).transpose()?;
    let (answer, changed) = decide(stored, epoch);
    let Some(changed) = changed else {
        held.within(client.batch_execute("COMMIT")).await?;
        return Ok(Some(answer));
    };
    values.extend(changed.values());
    let write = held.prepared(if stored.is_some() { K::UPDATE } else { K::INSERT }).await?;
    let values = borrowed(&values);
    // A commit behind a write that failed undoes it.
    let writing =
        async { tokio::try_join!(biased; client.execute(&write, &values), client.batch_execute("COMMIT")) };
    let (rows, ()) = held.within(writing).await?;
    Ok((rows == 1).then_some(answer))
}
