//! Rotation of refresh tokens as arithmetic: what a presented token makes of its session.
//! Keeps nothing and knows no clock.
//!
//! A sign-in writes nothing: its first refresh token, generation 0, is signed and names its session,
//! and the session is first written when that token is used or revoked. So a successful sign-in needs
//! one trip to the directory. A token is a function of what is stored (session, generation, time of
//! rotation), so that the same successor can be given twice, and never a second one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::{AccountId, Epoch, SessionId};
use crate::clock::Timestamp;

/// What a refresh token says of itself, once its signature has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presented {
    /// The session it belongs to.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The account's epoch at the sign-in.
    pub epoch: Epoch,
    /// How often the session's token had been rotated when this one was made.
    pub generation: u32,
    /// The end of the session, which rotation does not move.
    pub expires: Timestamp,
}

/// A session as the directory keeps it, from its first rotation or its revocation on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The generation of the token that is valid now.
    pub generation: u32,
    /// When that generation began.
    pub rotated: Timestamp,
    /// Its end.
    pub expires: Timestamp,
    /// Whether it was revoked: by sign-out, or because a token was used twice.
    pub revoked: bool,
}

/// What became of a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Rotation {
    /// The token was valid; its successor is of this generation, made at this moment. `replayed` where
    /// the same answer had been given before, within the grace.
    Successor {
        /// The successor's generation.
        generation: u32,
        /// When it was made; the same for every time it is given.
        rotated: Timestamp,
        /// Whether it had been given before.
        replayed: bool,
    },
    /// The token had been used, longer ago than the grace: the whole session is revoked.
    Reused,
    /// The session is revoked, or the password was changed since.
    Revoked,
    /// The session is past its end.
    Expired,
}

/// Decides on a presented token. `stored` is the session where one is kept, `epoch` the account's now,
/// or `None` where the account is gone. Gives the outcome, and the session to be written if it changed.
#[must_use]
pub fn rotate(
    presented: Presented,
    stored: Option<Session>,
    epoch: Option<Epoch>,
    now: Timestamp,
    grace: Duration,
) -> (Rotation, Option<Session>) {
    let session = stored.unwrap_or(Session {
        id: presented.session,
        account: presented.account,
        generation: 0,
        rotated: now,
        expires: presented.expires,
        revoked: false,
    });
    if session.revoked || epoch != Some(presented.epoch) || session.account != presented.account {
        return (Rotation::Revoked, None);
    }
    if now >= session.expires {
        return (Rotation::Expired, None);
    }
    if presented.generation == session.generation {
        let next = Session { generation: session.generation.saturating_add(1), rotated: now, ..session };
        let outcome = Rotation::Successor { generation: next.generation, rotated: now, replayed: false };
        return (outcome, Some(next));
    }
    let used_last = presented.generation.checked_add(1) == Some(session.generation);
    if used_last && now.since(session.rotated) <= grace {
        let Session { generation, rotated, .. } = session;
        return (Rotation::Successor { generation, rotated, replayed: true }, None);
    }
    (Rotation::Reused, Some(Session { revoked: true, ..session }))
}
