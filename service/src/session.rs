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
use crate::api::{Revoke, Status};
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

/// Decides what a revocation makes of a session: what is to be written, if anything changes. A session
/// that was never written is written as revoked, or else its first token would still be good.
#[must_use]
pub fn revoke(revoke: &Revoke, stored: Option<Session>, now: Timestamp) -> Option<Session> {
    let session = stored.unwrap_or(Session {
        id: revoke.session,
        account: revoke.account,
        generation: 0,
        rotated: now,
        expires: revoke.expires,
        revoked: false,
    });
    let applies = !session.revoked && session.account == revoke.account;
    applies.then_some(Session { revoked: true, ..session })
}

/// Whether a session is alive. One that is not kept is: nobody has revoked it, and its end is in the
/// token, which has been verified.
#[must_use]
pub fn active(status: &Status, stored: Option<Session>, epoch: Option<Epoch>, now: Timestamp) -> bool {
    let kept = stored
        .is_none_or(|session| !session.revoked && session.account == status.account && now < session.expires);
    kept && epoch == Some(status.epoch)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Presented, Rotation, Session, active, revoke, rotate};
    use crate::account::{AccountId, Epoch, SessionId};
    use crate::api::{Revoke, Status};
    use crate::clock::Timestamp;

    const ID: SessionId = SessionId([1; 16]);
    const ACCOUNT: AccountId = AccountId([2; 16]);
    const END: Timestamp = Timestamp(100_000);
    const GRACE: Duration = Duration::from_secs(10);

    fn presented(generation: u32) -> Presented {
        Presented { session: ID, account: ACCOUNT, epoch: Epoch(0), generation, expires: END }
    }

    /// What happens to a session after a wait in milliseconds.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        /// A token is presented that is so many generations behind the newest.
        Present(u32),
        Revoke,
    }

    fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
        let present = prop_oneof![6 => Just(0), 3 => Just(1), 1 => 2..4_u32].prop_map(Event::Present);
        let event = prop_oneof![30 => present, 1 => Just(Event::Revoke)];
        let wait = prop_oneof![3 => 0..2_000_u64, 1 => 0..20_000_u64];
        proptest::collection::vec((wait, event), 1..40)
    }

    proptest! {
        #[test]
        fn a_generation_has_one_successor_and_a_revoked_session_none(events in events()) {
            let mut now = Timestamp(0);
            let mut stored: Option<Session> = None;
            let mut successors: BTreeMap<u32, (u32, Timestamp)> = BTreeMap::new();
            for (wait, event) in events {
                now = now.after(Duration::from_millis(wait));
                let before = stored;
                let newest = before.map_or(0, |session| session.generation);
                let changed = match event {
                    Event::Revoke => {
                        revoke(&Revoke { session: ID, account: ACCOUNT, expires: END }, before, now)
                    }
                    Event::Present(behind) => {
                        let old = newest.saturating_sub(behind);
                        let (outcome, changed) = rotate(presented(old), before, Some(Epoch(0)), now, GRACE);
                        if let Rotation::Successor { generation, rotated, replayed } = outcome {
                            prop_assert!(!before.is_some_and(|session| session.revoked));
                            prop_assert!(now < END);
                            let first = *successors.entry(old).or_insert((generation, rotated));
                            prop_assert_eq!(first, (generation, rotated), "another successor of {}", old);
                            prop_assert_eq!(replayed, changed.is_none());
                        }
                        if outcome == Rotation::Reused {
                            prop_assert!(changed.is_some_and(|session| session.revoked));
                        }
                        changed
                    }
                };
                if let (Some(before), Some(after)) = (before, changed) {
                    prop_assert!(after.generation >= before.generation);
                    prop_assert!(after.revoked || !before.revoked);
                    prop_assert_eq!((after.id, after.account, after.expires), (ID, ACCOUNT, END));
                }
                stored = changed.or(stored);
                let status = Status { session: ID, account: ACCOUNT, epoch: Epoch(0) };
                let alive = stored.is_none_or(|session| !session.revoked && now < END);
                prop_assert_eq!(active(&status, stored, Some(Epoch(0)), now), alive);
            }
        }

        #[test]
        fn another_epoch_or_another_account_gives_nothing_and_writes_nothing(
            generation in 0..3_u32,
            epoch in proptest::option::of(1..3_u32),
            kept in any::<bool>(),
        ) {
            let now = Timestamp(0);
            let (_, stored) = rotate(presented(0), None, Some(Epoch(0)), now, GRACE);
            let stored = stored.filter(|_| kept);
            let outcome = rotate(presented(generation), stored, epoch.map(Epoch), now, GRACE);
            prop_assert_eq!(outcome, (Rotation::Revoked, None));
            let stranger = Presented { account: AccountId([3; 16]), ..presented(generation) };
            if kept {
                let outcome = rotate(stranger, stored, Some(Epoch(0)), now, GRACE);
                prop_assert_eq!(outcome, (Rotation::Revoked, None));
            }
        }
    }

    #[test]
    fn a_token_is_replayed_up_to_the_grace_and_revokes_after_it() {
        let (_, stored) = rotate(presented(0), None, Some(Epoch(0)), Timestamp(0), GRACE);
        let again = |now| rotate(presented(0), stored, Some(Epoch(0)), Timestamp(now), GRACE).0;
        let successor = Rotation::Successor { generation: 1, rotated: Timestamp(0), replayed: true };
        assert_eq!([again(0), again(10_000), again(10_001)], [successor, successor, Rotation::Reused]);
    }

    #[test]
    fn a_session_ends_when_its_token_says() {
        let at = |now| rotate(presented(0), None, Some(Epoch(0)), Timestamp(now), GRACE).0;
        assert_eq!(at(100_000), Rotation::Expired);
        assert_ne!(at(99_999), Rotation::Expired);
    }

    #[test]
    fn a_token_of_an_unknown_session_that_is_not_its_first_revokes_it() {
        let (outcome, changed) = rotate(presented(3), None, Some(Epoch(0)), Timestamp(0), GRACE);
        assert_eq!(outcome, Rotation::Reused);
        assert!(changed.is_some_and(|session| session.revoked));
    }
}
