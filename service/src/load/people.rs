//! What the people do whom the load stands for: their logins and passwords, the requests they make, and
//! the tokens they were given.

use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::client::Answer;
use super::plan::{Chance, Due, Kind};

/// Sessions that are kept for refreshing and verifying; further ones replace a random one.
const SESSIONS: usize = 10_000;

/// Tokens of a sign-in.
#[derive(Debug, Clone, Deserialize)]
pub struct Session {
    access_token: String,
    refresh_token: String,
}

/// People and what they were given.
#[derive(Debug)]
pub struct People {
    given: Mutex<(Chance, Vec<Session>)>,
}

/// A request that somebody makes.
#[derive(Debug)]
pub struct Deed {
    /// What it is in the end: who has no token yet signs in.
    pub kind: Kind,
    /// The request.
    pub request: Request<Full<Bytes>>,
    /// The session it takes out while it is under way, so that no token is used twice.
    pub session: Option<Session>,
}

/// The login of a user.
#[must_use]
pub fn login(user: u32) -> String {
    format!("load-{user}@people.example")
}

/// A user's password, which is no secret.
#[must_use]
pub fn password(user: u32) -> String {
    format!("a load of {user} horses")
}

impl People {
    /// People without tokens.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { given: Mutex::new((Chance::new(seed), Vec::new())) }
    }

    /// The request that is due.
    #[must_use]
    pub fn deed(&self, due: &Due) -> Deed {
        let taken = match due.kind {
            Kind::Login | Kind::Guess => None,
            Kind::Refresh => self.any(true),
            Kind::Verify => self.any(false),
        };
        match (due.kind, taken) {
            (Kind::Refresh, Some(session)) => {
                let body = json!({ "refresh_token": session.refresh_token });
                let request = asking("/refresh", due.from, &body);
                Deed { kind: due.kind, request, session: Some(session) }
            }
            (Kind::Verify, Some(Session { access_token, .. })) => {
                // The letters of a JSON Web Token need no escapes in a form.
                let body = Bytes::from(format!("token={access_token}"));
                let request = start("/introspect", due.from, "application/x-www-form-urlencoded")
                    .header(header::AUTHORIZATION, format!("Bearer {access_token}"))
                    .body(Full::new(body))
                    .expect("bug: a token is a header's value");
                Deed { kind: due.kind, request, session: None }
            }
            (Kind::Guess, _) => {
                let body = json!({ "login": login(due.user), "password": "a guess that is wrong" });
                Deed { kind: due.kind, request: asking("/login", due.from, &body), session: None }
            }
            _ => {
                let body = json!({ "login": login(due.user), "password": password(due.user) });
                Deed { kind: Kind::Login, request: asking("/login", due.from, &body), session: None }
            }
        }
    }

    /// The request that makes a user's account.
    #[must_use]
    pub fn registration(user: u32, from: Ipv4Addr) -> Request<Full<Bytes>> {
        asking("/register", from, &json!({ "login": login(user), "password": password(user) }))
    }

    /// Remembers what an answer gave; a session that took no answer is gone with it.
    pub fn answered(&self, kind: Kind, session: Option<Session>, answer: Option<&Answer>) {
        let given = answer.filter(|answer| answer.status == StatusCode::OK && kind != Kind::Verify);
        let fresh = given.and_then(|answer| serde_json::from_slice::<Session>(&answer.body).ok());
        // Turned away before it was looked at, a token is as good as before.
        let unused = answer.is_some_and(|answer| {
            matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        });
        let Some(session) = fresh.or(session.filter(|_| unused)) else { return };
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let (chance, sessions) = &mut *given;
        if sessions.len() < SESSIONS {
            sessions.push(session);
        } else {
            let place = place(chance, sessions.len());
            sessions[place] = session;
        }
    }

    fn any(&self, take: bool) -> Option<Session> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let (chance, sessions) = &mut *given;
        if sessions.is_empty() {
            return None;
        }
        let place = place(chance, sessions.len());
        Some(if take { sessions.swap_remove(place) } else { sessions[place].clone() })
    }
}

/// One of so many places.
fn place(chance: &mut Chance, of: usize) -> usize {
    ((chance.draw() * of as f64) as usize).min(of - 1)
}

fn asking(path: &'static str, from: Ipv4Addr, body: &serde_json::Value) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::from(body.to_string()));
    start(path, from, "application/json").body(body).expect("bug: names and addresses are headers' values")
}

fn start(path: &'static str, from: Ipv4Addr, kind: &'static str) -> hyper::http::request::Builder {
    Request::post(path)
        .header(header::HOST, "authd")
        .header(header::CONTENT_TYPE, kind)
        .header("x-forwarded-for", from.to_string())
}
