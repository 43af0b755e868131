//! What front and directory say to each other: JSON over HTTP, one type a message. Every request is a
//! `POST`, since logins and identifiers do not belong into addresses, which get logged.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountId, DeviceId, Epoch, Login, SessionId};
use crate::clock::Timestamp;
use crate::session::{Presented, Rotation};

/// The addresses of the directory, relative to its root.
pub mod path {
    /// [`super::Register`] to [`super::Registered`]; 409 where the login is taken.
    pub const REGISTER: &str = "/v1/accounts/register";
    /// [`super::Lookup`] to [`super::Found`].
    pub const LOOKUP: &str = "/v1/accounts/lookup";
    /// [`super::SetHash`] to [`super::HashSet`]; 409 where the account changed meanwhile.
    pub const SET_HASH: &str = "/v1/accounts/hash";
    /// [`super::Attempt`] to [`super::Locked`]: a failed sign-in.
    pub const FAILED: &str = "/v1/attempts/failed";
    /// [`super::Attempt`] to [`super::Locked`]: a successful one after failures.
    pub const CLEARED: &str = "/v1/attempts/cleared";
    /// [`crate::session::Presented`] to [`crate::session::Rotation`].
    pub const ROTATE: &str = "/v1/sessions/rotate";
    /// [`super::Revoke`] to [`super::Done`].
    pub const REVOKE: &str = "/v1/sessions/revoke";
    /// [`super::Status`] to [`super::Active`].
    pub const STATUS: &str = "/v1/sessions/status";
}

/// A new account. Shown without the hash.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Drawn by the front, so that a repeated request makes no second account.
    pub id: AccountId,
    /// What its owner will sign in by.
    pub login: Login,
    /// The password's hash.
    pub hash: String,
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, login, hash: _ } = self;
        f.debug_struct("Register").field("id", id).field("login", login).finish_non_exhaustive()
    }
}

/// The account was made, or had been made by the same request before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    /// Its identifier.
    pub id: AccountId,
}

/// A sign-in begins.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Who signs in.
    pub login: Login,
    /// The device, where it proved that it has signed in before.
    pub device: Option<DeviceId>,
}

/// What a sign-in needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Found {
    /// The account, if the login has one.
    pub account: Option<Account>,
    /// Whether sign-ins of this login and device fail now, whatever the password.
    pub locked: bool,
    /// Whether failures are counted that a success clears.
    pub failures: bool,
}

/// Who tried to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The login that was tried.
    pub login: Login,
    /// The device, where it proved that it has signed in before.
    pub device: Option<DeviceId>,
}

/// Whether the login is locked now for this device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Locked {
    /// Until when, if it is.
    pub until: Option<Timestamp>,
}

/// A new hash for an account's password. Shown without either.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetHash {
    /// Whose.
    pub account: AccountId,
    /// The hash that was verified; another one stored means that the account changed meanwhile.
    pub old: String,
    /// The hash to keep.
    pub new: String,
    /// Whether the password is another one, which voids all that was issued before; a rehash of the
    /// same password is not.
    pub changed: bool,
}

impl fmt::Debug for SetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, old: _, new: _, changed } = self;
        let mut shown = f.debug_struct("SetHash");
        shown.field("account", account).field("changed", changed).finish_non_exhaustive()
    }
}

/// The hash is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HashSet {
    /// The account's epoch from now on.
    pub epoch: Epoch,
}

/// Ends a session for good.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// How long the revocation must be remembered: the end that the sign-in gave the session.
    pub expires: Timestamp,
}

impl From<Presented> for Revoke {
    fn from(presented: Presented) -> Self {
        let Presented { session, account, expires, .. } = presented;
        Self { session, account, expires }
    }
}

/// Asks whether a session is alive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The account's epoch at the sign-in.
    pub epoch: Epoch,
}

/// Whether a session is alive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Active {
    /// Neither revoked nor past its end, and the password is still the same.
    pub active: bool,
    /// What the account's owner signs in by, where the account exists.
    pub login: Option<Login>,
}

/// What was asked for is done and durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Done {}

/// The request of [`path::ROTATE`].
pub type Rotate = Presented;
/// The answer of [`path::ROTATE`].
pub type Rotated = Rotation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_not_shown() {
        let (id, login, epoch) = (AccountId([1; 16]), "ana@x.example".parse::<Login>().unwrap(), Epoch(0));
        let hash = || "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA".to_owned();
        let account = Account { id, login: login.clone(), hash: hash(), epoch };
        let shown = [
            format!("{:?}", Found { account: Some(account), locked: false, failures: false }),
            format!("{:?}", Register { id, login, hash: hash() }),
            format!("{:?}", SetHash { account: id, old: hash(), new: hash(), changed: true }),
        ];
        for shown in shown {
            assert!(shown.contains("..") && !shown.contains("argon2id"), "{shown}");
        }
    }
}
