//! Rows as the nouns that they hold. A row that holds something else was not written by this program.

use tokio_postgres::Row;

use crate::account::{Account, AccountId, DeviceId, Epoch, Login, SessionId};
use crate::clock::Timestamp;
use crate::lockout::Lockout;
use crate::session::Session;
use crate::store::Failure;

fn foreign(column: &str) -> Failure {
    Failure::Refused(format!("the column `{column}` holds what this program did not write"))
}

fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, column: &str) -> Result<T, Failure> {
    row.try_get(column).map_err(|_| foreign(column))
}

fn id(row: &Row, column: &str) -> Result<[u8; 16], Failure> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| foreign(column))
}

fn count(row: &Row, column: &str) -> Result<u32, Failure> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| foreign(column))
}

/// The columns `id, login, hash, epoch`; nothing where they are null.
pub(super) fn account(row: &Row) -> Result<Option<Account>, Failure> {
    if get::<Option<&[u8]>>(row, "id")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Account {
        id: AccountId(id(row, "id")?),
        login: login(row)?,
        hash: get(row, "hash")?,
        epoch: epoch(row)?,
    }))
}

fn login(row: &Row) -> Result<Login, Failure> {
    Login::try_from(get::<String>(row, "login")?).map_err(|_| foreign("login"))
}

/// The columns `login, epoch`; nothing where they are null.
pub(super) fn login_and_epoch(row: &Row) -> Result<Option<(Login, Epoch)>, Failure> {
    if get::<Option<&str>>(row, "login")?.is_none() {
        return Ok(None);
    }
    Ok(Some((login(row)?, epoch(row)?)))
}

/// The column `epoch`.
pub(super) fn epoch(row: &Row) -> Result<Epoch, Failure> {
    count(row, "epoch").map(Epoch)
}

/// The columns `failures, since, locks, until`; nothing where they are null.
pub(super) fn lockout(row: &Row) -> Result<Option<Lockout>, Failure> {
    if get::<Option<i64>>(row, "failures")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Lockout {
        failures: count(row, "failures")?,
        since: Timestamp(get(row, "since")?),
        locks: count(row, "locks")?,
        until: get::<Option<i64>>(row, "until")?.map(Timestamp),
    }))
}

/// The columns `account, generation, rotated, expires, revoked`; nothing where they are null.
pub(super) fn session(session: SessionId, row: &Row) -> Result<Option<Session>, Failure> {
    if get::<Option<&[u8]>>(row, "account")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Session {
        id: session,
        account: AccountId(id(row, "account")?),
        generation: count(row, "generation")?,
        rotated: Timestamp(get(row, "rotated")?),
        expires: Timestamp(get(row, "expires")?),
        revoked: get(row, "revoked")?,
    }))
}

/// A device as part of a key, where NULL would be different from itself.
pub(super) fn key(device: Option<DeviceId>) -> Vec<u8> {
    device.map_or_else(Vec::new, |device| device.0.to_vec())
}
