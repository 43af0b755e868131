//! A store without a database: what the directory keeps, in the memory of one process, gone at its
//! end. For tests, whose virtual time must not wait for threads or sockets, and as the model that the
//! databases are compared with. Nothing configures it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Answer, Failure, Store};
use crate::account::{Account, AccountId, DeviceId, Epoch, Login, SessionId};
use crate::api::{Active, Register, Revoke, SetHash, Status};
use crate::clock::Timestamp;
use crate::lockout::{Lockout, Policy, Subject};
use crate::session::{self, Presented, Rotation, Session};

/// What is kept, in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    accounts: BTreeMap<AccountId, Account>,
    logins: BTreeMap<Login, AccountId>,
    lockouts: BTreeMap<(Login, Option<DeviceId>), Lockout>,
    sessions: BTreeMap<SessionId, Session>,
}

impl Memory {
    /// Acts on what is kept, alone, when it is first waited for.
    fn act<'a, T: 'a>(
        &'a self,
        act: impl FnOnce(&mut Kept) -> Result<T, Failure> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move { act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)) })
    }
}

impl Kept {
    fn epoch(&self, id: AccountId) -> Option<Epoch> {
        self.accounts.get(&id).map(|account| account.epoch)
    }

    fn write(&mut self, session: Option<Session>) {
        self.sessions.extend(session.map(|session| (session.id, session)));
    }
}

fn key(subject: Subject) -> (Login, Option<DeviceId>) {
    (subject.login, subject.device)
}

impl Store for Memory {
    fn register(&self, new: Register) -> Answer<'_, bool> {
        self.act(move |kept| {
            if let Some(id) = kept.logins.get(&new.login) {
                return Ok(*id == new.id);
            }
            if kept.accounts.contains_key(&new.id) {
                return Err(Failure::taken());
            }
            kept.logins.insert(new.login.clone(), new.id);
            let Register { id, login, hash } = new;
            kept.accounts.insert(id, Account { id, login, hash, epoch: Epoch::default() });
            Ok(true)
        })
    }

    fn lookup(&self, subject: Subject) -> Answer<'_, (Option<Account>, Option<Lockout>)> {
        self.act(move |kept| {
            let account = kept.logins.get(&subject.login).and_then(|id| kept.accounts.get(id)).cloned();
            Ok((account, kept.lockouts.get(&key(subject)).copied()))
        })
    }

    fn set_hash(&self, change: SetHash) -> Answer<'_, Option<Epoch>> {
        self.act(move |kept| {
            let Some(account) = kept.accounts.get_mut(&change.account) else { return Ok(None) };
            if account.hash == change.old {
                account.hash.clone_from(&change.new);
                account.epoch = account.epoch.after(change.changed);
            }
            Ok((account.hash == change.new).then_some(account.epoch))
        })
    }

    fn fail(&self, subject: Subject, now: Timestamp, policy: Policy) -> Answer<'_, Lockout> {
        self.act(move |kept| {
            let key = key(subject);
            let after = Lockout::fail(kept.lockouts.get(&key).copied(), now, policy);
            kept.lockouts.insert(key, after);
            Ok(after)
        })
    }

    fn clear(&self, subject: Subject) -> Answer<'_, ()> {
        self.act(move |kept| {
            kept.lockouts.remove(&key(subject));
            Ok(())
        })
    }

    fn rotate(&self, presented: Presented, now: Timestamp, grace: Duration) -> Answer<'_, Rotation> {
        self.act(move |kept| {
            let stored = kept.sessions.get(&presented.session).copied();
            let epoch = kept.epoch(presented.account);
            let (rotation, changed) = session::rotate(presented, stored, epoch, now, grace);
            kept.write(changed);
            Ok(rotation)
        })
    }

    fn revoke(&self, revoke: Revoke, now: Timestamp) -> Answer<'_, ()> {
        self.act(move |kept| {
            let stored = kept.sessions.get(&revoke.session).copied();
            kept.write(session::revoke(&revoke, stored, now));
            Ok(())
        })
    }

    fn status(&self, status: Status, now: Timestamp) -> Answer<'_, Active> {
        self.act(move |kept| {
            let stored = kept.sessions.get(&status.session).copied();
            let active = session::active(&status, stored, kept.epoch(status.account), now);
            let login = kept.accounts.get(&status.account).map(|account| account.login.clone());
            Ok(Active { active, login })
        })
    }

    fn sweep(&self, now: Timestamp, policy: Policy) -> Answer<'_, u64> {
        self.act(move |kept| {
            let before = kept.sessions.len() + kept.lockouts.len();
            kept.sessions.retain(|_, session| now < session.expires);
            kept.lockouts.retain(|_, lockout| !lockout.spent(now, policy));
            let swept = before - kept.sessions.len() - kept.lockouts.len();
            Ok(u64::try_from(swept).unwrap_or(u64::MAX))
        })
    }

    fn ping(&self) -> Answer<'_, ()> {
        self.act(|_| Ok(()))
    }

    fn accounts(&self) -> Answer<'_, u64> {
        self.act(|kept| Ok(u64::try_from(kept.accounts.len()).unwrap_or(u64::MAX)))
    }

    fn account(&self, id: AccountId) -> Answer<'_, Option<Account>> {
        self.act(move |kept| Ok(kept.accounts.get(&id).cloned()))
    }
}
