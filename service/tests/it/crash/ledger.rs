//! What a client was told of its accounts, and so what must hold from then on, whatever is killed.
//!
//! What was acknowledged binds the service: a registration lets sign in, a password change holds both
//! ways, an ended session stays ended. A request without an answer binds it to nothing: either came to
//! pass. Its account is left alone until it is settled which, when nothing is under way any more.

/// One thing that a client does. Accounts and sessions are named by their place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Register {
        login: String,
        password: String,
    },
    SignIn {
        account: usize,
    },
    /// A sign-in by a password that was replaced.
    SignInAsBefore {
        account: usize,
    },
    ChangePassword {
        account: usize,
        new: String,
    },
    Refresh {
        account: usize,
        session: usize,
    },
    EndSession {
        account: usize,
        session: usize,
    },
    /// The refresh token of a session that was ended.
    RefreshEnded {
        account: usize,
        session: usize,
    },
}

/// What came of it, as far as the client knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Acknowledged; with tokens, where the deed gives any.
    Done(Option<Tokens>),
    /// Refused for good: 4xx.
    Refused,
    /// No answer, or one that says that there is none now.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
}

/// What must not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) login: String,
    pub(super) password: String,
    /// A password that may have replaced it: nobody knows.
    pub(super) perhaps: Option<String>,
    /// The one before, which must not let in any more.
    pub(super) before: Option<String>,
    /// Sessions that must be alive.
    pub(super) alive: Vec<Tokens>,
    /// Sessions that must not.
    pub(super) ended: Vec<Tokens>,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) accounts: Vec<Account>,
    pub(super) told: Told,
}

/// How many deeds ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) registrations: u32,
    pub(super) changes: u32,
    pub(super) sign_ins: u32,
    pub(super) refreshes: u32,
    pub(super) revocations: u32,
    pub(super) refusals: u32,
    pub(super) unknown: u32,
}

impl Told {
    /// What the service is bound to.
    pub(super) fn acknowledged(&self) -> u32 {
        self.registrations + self.changes + self.sign_ins + self.refreshes + self.revocations
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            registrations: self.registrations + other.registrations,
            changes: self.changes + other.changes,
            sign_ins: self.sign_ins + other.sign_ins,
            refreshes: self.refreshes + other.refreshes,
            revocations: self.revocations + other.revocations,
            refusals: self.refusals + other.refusals,
            unknown: self.unknown + other.unknown,
        }
    }
}

impl Ledger {
    /// Writes down what came of a deed; says so where it must not have come.
    pub(super) fn enter(&mut self, deed: &Deed, outcome: Outcome) -> Result<(), Broken> {
        let tokens = match outcome {
            Outcome::Done(tokens) => tokens,
            Outcome::Refused => return self.refused(deed),
            Outcome::Unknown => {
                self.unknown(deed);
                return Ok(());
            }
        };
        match deed {
            Deed::Register { login, password } => {
                let (login, password) = (login.clone(), password.clone());
                let (alive, ended) = (Vec::new(), Vec::new());
                self.accounts.push(Account { login, password, perhaps: None, before: None, alive, ended });
                self.told.registrations += 1;
            }
            Deed::SignIn { account } => {
                let tokens = tokens.ok_or_else(|| broken(deed, "gave no tokens"))?;
                self.accounts[*account].alive.push(tokens);
                self.told.sign_ins += 1;
            }
            Deed::ChangePassword { account, new } => {
                self.accounts[*account].change(new.clone());
                self.told.changes += 1;
            }
            Deed::Refresh { account, session } => {
                let tokens = tokens.ok_or_else(|| broken(deed, "gave no tokens"))?;
                self.accounts[*account].alive[*session] = tokens;
                self.told.refreshes += 1;
            }
            Deed::EndSession { account, session } => {
                let account = &mut self.accounts[*account];
                let ended = account.alive.remove(*session);
                account.ended.push(ended);
                self.told.revocations += 1;
            }
            Deed::SignInAsBefore { .. } => return Err(broken(deed, "a password that was replaced let in")),
            Deed::RefreshEnded { .. } => return Err(broken(deed, "a session that was ended came back")),
        }
        Ok(())
    }

    fn refused(&mut self, deed: &Deed) -> Result<(), Broken> {
        self.told.refusals += 1;
        match deed {
            Deed::SignInAsBefore { .. } | Deed::RefreshEnded { .. } => Ok(()),
            _ => Err(broken(deed, "was refused, against what had been acknowledged")),
        }
    }

    fn unknown(&mut self, deed: &Deed) {
        self.told.unknown += 1;
        match deed {
            Deed::ChangePassword { account, new } => self.accounts[*account].perhaps = Some(new.clone()),
            Deed::EndSession { account, session } => {
                self.accounts[*account].alive.remove(*session);
            }
            _ => {}
        }
    }

    /// Accounts of which everything is known.
    pub(super) fn certain(&self) -> Vec<usize> {
        (0..self.accounts.len()).filter(|&place| self.accounts[place].perhaps.is_none()).collect()
    }
}

impl Account {
    fn change(&mut self, new: String) {
        self.before = Some(std::mem::replace(&mut self.password, new));
        self.ended.append(&mut self.alive);
    }

    /// It is known now whether the password was changed.
    pub(super) fn settle(&mut self, changed: bool) {
        if let Some(new) = self.perhaps.take()
            && changed
        {
            self.change(new);
        }
    }
}

fn broken(deed: &Deed, what: &str) -> Broken {
    Broken(format!("{deed:?}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(name: &str) -> Outcome {
        Outcome::Done(Some(Tokens { access: format!("a{name}"), refresh: format!("r{name}") }))
    }

    fn with_session() -> Ledger {
        let mut ledger = Ledger::default();
        let register = Deed::Register { login: "l".to_owned(), password: "one".to_owned() };
        ledger.enter(&register, Outcome::Done(None)).unwrap();
        ledger.enter(&Deed::SignIn { account: 0 }, tokens("1")).unwrap();
        ledger
    }

    #[test]
    fn an_acknowledged_change_ends_sessions_and_the_old_password() {
        let mut ledger = with_session();
        let change = Deed::ChangePassword { account: 0, new: "two".to_owned() };
        ledger.enter(&change, Outcome::Done(None)).unwrap();
        let account = &ledger.accounts[0];
        assert_eq!((account.password.as_str(), account.before.as_deref()), ("two", Some("one")));
        assert_eq!((account.alive.len(), account.ended.len()), (0, 1));
        assert!(ledger.enter(&Deed::SignInAsBefore { account: 0 }, tokens("2")).is_err());
        assert!(ledger.enter(&Deed::RefreshEnded { account: 0, session: 0 }, tokens("2")).is_err());
        assert!(ledger.enter(&Deed::SignIn { account: 0 }, Outcome::Refused).is_err());
    }

    #[test]
    fn a_change_without_an_answer_is_settled_either_way() {
        for changed in [false, true] {
            let mut ledger = with_session();
            let change = Deed::ChangePassword { account: 0, new: "two".to_owned() };
            ledger.enter(&change, Outcome::Unknown).unwrap();
            assert_eq!(ledger.certain(), [] as [usize; 0]);
            ledger.accounts[0].settle(changed);
            assert_eq!(ledger.certain(), [0]);
            assert_eq!(ledger.accounts[0].password, if changed { "two" } else { "one" });
            assert_eq!(ledger.accounts[0].alive.len(), usize::from(!changed));
        }
    }

    #[test]
    fn a_revocation_without_an_answer_leaves_a_session_of_which_nothing_is_claimed() {
        let mut ledger = with_session();
        ledger.enter(&Deed::EndSession { account: 0, session: 0 }, Outcome::Unknown).unwrap();
        let account = &ledger.accounts[0];
        assert_eq!((account.alive.len(), account.ended.len()), (0, 0));
    }

    #[test]
    fn a_lost_refresh_keeps_its_token() {
        let mut ledger = with_session();
        ledger.enter(&Deed::Refresh { account: 0, session: 0 }, Outcome::Unknown).unwrap();
        assert_eq!(ledger.accounts[0].alive[0].refresh, "r1");
        ledger.enter(&Deed::Refresh { account: 0, session: 0 }, tokens("2")).unwrap();
        assert_eq!(ledger.accounts[0].alive[0].refresh, "r2");
        assert!(ledger.enter(&Deed::Refresh { account: 0, session: 0 }, Outcome::Refused).is_err());
    }
}
