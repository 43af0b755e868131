//! The tables, which have a version. Made under a lock of their own, so that directories that start
//! together make them once.

use deadpool_postgres::Client;
use tokio_postgres::Error;

use crate::store::Failure;

/// What leads from each version of the tables to the next; the first from an empty database. A version
/// that was released is never edited.
const VERSIONS: &[&str] = &["
    CREATE TABLE accounts (
        login TEXT PRIMARY KEY, id BYTEA NOT NULL UNIQUE, hash TEXT NOT NULL, epoch BIGINT NOT NULL
    );
    -- The device of those who have none is empty, since NULL would not be equal to itself.
    CREATE TABLE lockouts (
        login TEXT NOT NULL, device BYTEA NOT NULL, failures BIGINT NOT NULL, since BIGINT NOT NULL,
        locks BIGINT NOT NULL, until BIGINT, PRIMARY KEY (login, device)
    );
    CREATE INDEX lockouts_since ON lockouts (since);
    CREATE TABLE sessions (
        id BYTEA PRIMARY KEY, account BYTEA NOT NULL, generation BIGINT NOT NULL, rotated BIGINT NOT NULL,
        expires BIGINT NOT NULL, revoked BOOLEAN NOT NULL
    );
    CREATE INDEX sessions_expires ON sessions (expires);
"];

/// The advisory lock that directories make tables under.
const LOCK: i64 = i64::from_be_bytes(*b"\0\0\0authd");

/// Brings the tables to the newest version.
pub(super) async fn make(client: &Client) -> Result<(), Made> {
    let begin = format!(
        "BEGIN; SELECT pg_advisory_xact_lock({LOCK}); \
         CREATE TABLE IF NOT EXISTS authd_version (version BIGINT NOT NULL)"
    );
    client.batch_execute(&begin).await?;
    let row = client.query_opt("SELECT version FROM authd_version", &[]).await?;
    let version: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
    let newest = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
    let done = usize::try_from(version).ok().filter(|_| version <= newest).ok_or_else(|| {
        Made::Newer(format!(
            "the tables have version {version}; this program knows versions up to {newest}: use a newer one"
        ))
    })?;
    for step in &VERSIONS[done..] {
        client.batch_execute(step).await?;
    }
    let end = format!("DELETE FROM authd_version; INSERT INTO authd_version VALUES ({newest}); COMMIT");
    Ok(client.batch_execute(&end).await?)
}

/// Why there are no tables.
pub(super) enum Made {
    /// The database said no.
    Failed(Error),
    /// A newer program has been here.
    Newer(String),
}

impl From<Error> for Made {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Made> for Failure {
    fn from(made: Made) -> Self {
        match made {
            Made::Failed(error) => super::failure(&error),
            Made::Newer(why) => Self::Refused(why),
        }
    }
}
