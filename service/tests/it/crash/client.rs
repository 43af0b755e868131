//! A client of the front that does what people do, writes down what it was told, and later looks
//! whether it holds.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rig::draw::Draw;
use rig::http::{Client as Http, Reply, Request};
use serde_json::json;

use super::ledger::{Broken, Deed, Ledger, Outcome, Tokens};

/// The front's `server.request_timeout` in these tests, and as long again and more for a busy machine:
/// an answer that takes longer does not come at all.
pub(super) const HANG: Duration = Duration::from_secs(6);

/// What a front in trouble calls it.
const OVERLOADED: [&str; 2] = ["temporarily_unavailable", "timeout"];

/// Sessions that an account has at most; so that what there is to look at does not grow for ever.
const SESSIONS: usize = 3;

pub(super) struct Client {
    name: String,
    count: u32,
    draw: Draw,
    http: Http,
    pub(super) ledger: Ledger,
}

impl Client {
    pub(super) fn new(name: String, front: SocketAddr, seed: u64) -> Self {
        let (http, draw) = (Http::new(front, HANG), Draw(seed));
        Self { name, count: 0, draw, http, ledger: Ledger::default() }
    }

    /// Does one thing after the other until told to stop, counting what was acknowledged.
    pub(super) fn work(&mut self, stop: &AtomicBool, acknowledged: &AtomicU32) -> Result<(), Broken> {
        while !stop.load(Ordering::Relaxed) {
            let before = self.ledger.told.acknowledged();
            let deed = self.next();
            let lost = self.does(&deed)?;
            acknowledged.fetch_add(self.ledger.told.acknowledged() - before, Ordering::Relaxed);
            if lost {
                // As a client does whose request failed: it does not ask again at once.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(())
    }

    /// Draws what to do next.
    fn next(&mut self) -> Deed {
        let Some(account) = self.draw.one(&self.ledger.certain()) else { return self.registration() };
        let known = &self.ledger.accounts[account];
        let pick = |draw: &mut Draw, len: usize| {
            usize::try_from(draw.below(u64::try_from(len).unwrap_or(1))).unwrap_or(0)
        };
        match self.draw.below(20) {
            0..=3 => self.registration(),
            4..=6 => Deed::ChangePassword { account, new: self.word() },
            7..=8 if known.before.is_some() => Deed::SignInAsBefore { account },
            9..=11 if !known.alive.is_empty() => {
                Deed::EndSession { account, session: pick(&mut self.draw, known.alive.len()) }
            }
            12..=13 if !known.ended.is_empty() => {
                Deed::RefreshEnded { account, session: pick(&mut self.draw, known.ended.len()) }
            }
            14..=16 if !known.alive.is_empty() => {
                Deed::Refresh { account, session: pick(&mut self.draw, known.alive.len()) }
            }
            _ if known.alive.len() < SESSIONS => Deed::SignIn { account },
            _ => Deed::EndSession { account, session: 0 },
        }
    }

    fn registration(&mut self) -> Deed {
        self.count += 1;
        Deed::Register { login: format!("{}-{}@x.example", self.name, self.count), password: self.word() }
    }

    fn word(&mut self) -> String {
        format!("{:016x}", self.draw.next())
    }

    /// Does it and writes down what came of it. Gives whether that is unknown.
    pub(super) fn does(&mut self, deed: &Deed) -> Result<bool, Broken> {
        let request = self.request(deed);
        let outcome = match self.http.send(&request) {
            Ok(reply) => read(deed, &reply)?,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(Broken(format!("{deed:?}: no answer within {HANG:?}")));
            }
            Err(_) => Outcome::Unknown,
        };
        let unknown = outcome == Outcome::Unknown;
        self.ledger.enter(deed, outcome)?;
        Ok(unknown)
    }

    fn request(&self, deed: &Deed) -> Request {
        let of = |account: &usize| &self.ledger.accounts[*account];
        let sign_in = |login: &str, password: &str| {
            Request::json("/login", &json!({ "login": login, "password": password }))
        };
        match deed {
            Deed::Register { login, password } => {
                Request::json("/register", &json!({ "login": login, "password": password }))
            }
            Deed::SignIn { account } => sign_in(&of(account).login, &of(account).password),
            Deed::SignInAsBefore { account } => {
                sign_in(&of(account).login, of(account).before.as_deref().unwrap_or_default())
            }
            Deed::ChangePassword { account, new } => {
                let (login, old) = (&of(account).login, &of(account).password);
                let body = json!({ "login": login, "old_password": old, "new_password": new });
                Request::json("/password", &body)
            }
            Deed::Refresh { account, session } => {
                let token = &of(account).alive[*session].refresh;
                Request::json("/refresh", &json!({ "refresh_token": token }))
            }
            // One way to end a session as often as the other.
            Deed::EndSession { account, session } if of(account).ended.len() % 2 == 0 => {
                let token = &of(account).alive[*session].refresh;
                Request::json("/logout", &json!({ "refresh_token": token }))
            }
            Deed::EndSession { account, session } => {
                Request::form("/revoke", &[("token", &of(account).alive[*session].refresh)])
            }
            Deed::RefreshEnded { account, session } => {
                let token = &of(account).ended[*session].refresh;
                Request::json("/refresh", &json!({ "refresh_token": token }))
            }
        }
    }

    /// Holds everything that was acknowledged against the service, which is at rest and must answer.
    pub(super) fn audit(&mut self) -> Result<(), Broken> {
        for account in 0..self.ledger.accounts.len() {
            self.settled(account)?;
            self.certainly(&Deed::SignIn { account })?;
            if self.ledger.accounts[account].before.is_some() {
                self.certainly(&Deed::SignInAsBefore { account })?;
            }
            for session in 0..self.ledger.accounts[account].ended.len() {
                self.certainly(&Deed::RefreshEnded { account, session })?;
                self.introspected(account, session, false)?;
            }
            for session in 0..self.ledger.accounts[account].alive.len() {
                self.introspected(account, session, true)?;
                self.certainly(&Deed::Refresh { account, session })?;
            }
            // The session of this look is ended again.
            let session = self.ledger.accounts[account].alive.len() - 1;
            self.certainly(&Deed::EndSession { account, session })?;
        }
        Ok(())
    }

    fn certainly(&mut self, deed: &Deed) -> Result<(), Broken> {
        if self.does(deed)? {
            Err(Broken(format!("{deed:?}: no answer from a service at rest")))
        } else {
            Ok(())
        }
    }

    /// Finds out whether a change without an answer came to pass: one of both passwords must let in.
    fn settled(&mut self, account: usize) -> Result<(), Broken> {
        let known = &self.ledger.accounts[account];
        let Some(new) = known.perhaps.clone() else { return Ok(()) };
        let (login, old) = (known.login.clone(), known.password.clone());
        for (password, changed) in [(new, true), (old, false)] {
            let request = Request::json("/login", &json!({ "login": login, "password": password }));
            let reply = self.http.send(&request).map_err(|error| Broken(format!("{login}: {error}")))?;
            if reply.status == 200 {
                self.ledger.accounts[account].settle(changed);
                return Ok(());
            }
        }
        Err(Broken(format!("{login}: neither the old nor the new password lets in")))
    }

    fn introspected(&mut self, account: usize, session: usize, alive: bool) -> Result<(), Broken> {
        let known = &self.ledger.accounts[account];
        let token = if alive { &known.alive[session] } else { &known.ended[session] };
        let request = Request::form("/introspect", &[("token", &token.access)]).bearer(&token.access);
        let reply = self.http.send(&request).map_err(|error| Broken(format!("introspection: {error}")))?;
        let said = reply.json()["active"].as_bool();
        if (reply.status, said) == (200, Some(alive)) {
            return Ok(());
        }
        Err(Broken(format!("{}: introspection says {said:?} ({}), not {alive}", known.login, reply.status)))
    }
}

/// What an answer comes to. Any that is not documented for a front in trouble is a mistake of its own.
fn read(deed: &Deed, reply: &Reply) -> Result<Outcome, Broken> {
    match reply.status {
        200 | 201 | 204 => {
            let (access, refresh) = (reply.text("access_token"), reply.text("refresh_token"));
            Ok(Outcome::Done((!access.is_empty()).then_some(Tokens { access, refresh })))
        }
        400 | 401 | 409 => Ok(Outcome::Refused),
        503 | 504 if OVERLOADED.contains(&reply.text("error").as_str()) => Ok(Outcome::Unknown),
        status => {
            let body = String::from_utf8_lossy(&reply.body);
            Err(Broken(format!("{deed:?}: answered by {status} {body}")))
        }
    }
}
