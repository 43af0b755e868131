//! The routes and what they answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::timeout;
use wire::alert::NewSilence;

use super::{STUCK, metrics};
use crate::run::{Asked, World};
use crate::send;

/// As many bytes as a silence may have.
const MOST: usize = 16 * 1024;

/// How long a client may take to send them, and the loop to answer.
const WAIT: Duration = Duration::from_secs(5);

/// A silence lasts for so long at most: what is to be silent for longer is not to be watched.
const LONGEST_SILENCE: u64 = 30 * 24 * 3_600;

/// What the routes look at.
pub(super) struct Api {
    pub(super) world: Arc<World>,
    pub(super) asked: UnboundedSender<Asked>,
    /// The host that `listen` names.
    pub(super) host: Option<String>,
}

type Answer = Response<Full<Bytes>>;

impl Api {
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        // A page that a browser on this machine shows may ask loopback addresses for anything, under a name
        // of its own that leads here; it cannot name the host as we do, and cannot send JSON elsewhere
        // without asking first.
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        if !is_ours(host, self.host.as_deref()) {
            return refused(StatusCode::FORBIDDEN, "the Host that is asked for is not this one");
        }
        let path = request.uri().path().to_owned();
        match (request.method().clone(), path.as_str()) {
            (Method::GET, "/metrics") => {
                let text = metrics::text(&self.world.look());
                plain(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
            }
            (Method::GET, "/healthz") => self.health(),
            (Method::GET, "/api/v1/alerts") => {
                let alerts: Vec<_> = self.world.look().state.alerts().map(send::alert).collect();
                json(StatusCode::OK, &alerts)
            }
            (Method::GET, "/api/v1/silences") => {
                let silences: Vec<_> = self.world.look().state.silences().iter().map(send::silence).collect();
                json(StatusCode::OK, &silences)
            }
            (Method::POST, "/api/v1/silences") => self.silence(request).await,
            (Method::DELETE, path) => match path.strip_prefix("/api/v1/silences/").map(str::parse) {
                Some(Ok(id)) => self.unsilence(id).await,
                _ => refused(StatusCode::NOT_FOUND, "there is no such silence"),
            },
            (_, "/metrics" | "/healthz" | "/api/v1/alerts" | "/api/v1/silences") => {
                refused(StatusCode::METHOD_NOT_ALLOWED, "this is not how it is asked")
            }
            _ => refused(
                StatusCode::NOT_FOUND,
                "there is /metrics, /healthz, /api/v1/alerts and /api/v1/silences",
            ),
        }
    }

    /// 503 where Forewarn itself is hindered or sees nothing: who watches the watch asks here.
    fn health(&self) -> Answer {
        let world = self.world.look();
        let stuck = world.alive.elapsed() > STUCK;
        let stuck = stuck.then(|| "the watch stands still".to_owned());
        let why = stuck.or_else(|| world.hindered.clone()).or_else(|| world.blind());
        match why {
            None => plain(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            Some(why) => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", format!("{why}\n"))
            }
        }
    }

    async fn silence(&self, request: Request<Incoming>) -> Answer {
        let is_json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(
                |value| value.split(';').next().unwrap_or_default().trim() == "application/json",
            );
        if !is_json {
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json");
        }
        let body = match timeout(WAIT, Limited::new(request.into_body(), MOST).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return refused(StatusCode::PAYLOAD_TOO_LARGE, "a silence is shorter"),
            Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "the silence did not arrive"),
        };
        let new: NewSilence = match serde_json::from_slice(&body) {
            Ok(new) => new,
            Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("is no silence: {error}")),
        };
        if let Some(why) = self.amiss(&new) {
            return refused(StatusCode::BAD_REQUEST, &why);
        }
        let (reply, answer) = oneshot::channel();
        match self.ask(Asked::Silence { new, reply }, answer).await {
            Some(silence) => json(StatusCode::CREATED, &send::silence(&silence)),
            None => refused(StatusCode::SERVICE_UNAVAILABLE, "the watch does not answer"),
        }
    }

    /// What is wrong with a silence.
    fn amiss(&self, new: &NewSilence) -> Option<String> {
        if new.seconds == 0 || new.seconds > LONGEST_SILENCE {
            return Some(format!("`seconds` is from 1 to {LONGEST_SILENCE}"));
        }
        if new.reason.trim().is_empty() || new.by.trim().is_empty() {
            return Some("`reason` and `by` say why and who".to_owned());
        }
        let service = new.service.as_ref()?;
        let world = self.world.look();
        let known = world.plan.services.iter().any(|known| known.name == *service);
        (!known).then(|| format!("no service is called `{service}`"))
    }

    async fn unsilence(&self, id: u64) -> Answer {
        let (reply, answer) = oneshot::channel();
        match self.ask(Asked::Unsilence { id, reply }, answer).await {
            Some(true) => plain(StatusCode::NO_CONTENT, "text/plain; charset=utf-8", String::new()),
            Some(false) => refused(StatusCode::NOT_FOUND, "there is no such silence"),
            None => refused(StatusCode::SERVICE_UNAVAILABLE, "the watch does not answer"),
        }
    }

    async fn ask<T>(&self, asked: Asked, answer: oneshot::Receiver<T>) -> Option<T> {
        self.asked.send(asked).ok()?;
        timeout(WAIT, answer).await.ok()?.ok()
    }
}

/// The host of an address, without port and brackets.
pub(super) fn host_of(address: &str) -> Option<String> {
    let authority: Authority = address.parse().ok()?;
    let host = authority.host();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some(host.to_ascii_lowercase())
}

/// Whether a `Host` names this machine from within.
fn is_ours(named: Option<&str>, listen: Option<&str>) -> bool {
    let Some(host) = named.and_then(host_of) else { return false };
    let is_loopback = host.parse::<IpAddr>().is_ok_and(super::is_of_this_machine);
    is_loopback || host == "localhost" || Some(host.as_str()) == listen
}

fn plain(status: StatusCode, kind: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    // Strings and numbers alone: nothing here can fail to serialise.
    plain(status, "application/json", serde_json::to_string(body).unwrap_or_default() + "\n")
}

fn refused(status: StatusCode, why: &str) -> Answer {
    json(status, &serde_json::json!({ "error": why }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_names_this_machine_is_answered() {
        let listen = host_of("watch.internal:9464");
        let is_ours = |host: &str| super::is_ours(Some(host), listen.as_deref());
        let ours =
            ["127.0.0.1:9464", "127.0.0.1", "[::1]:9464", "localhost:1", "LocalHost", "watch.internal"];
        assert!(ours.into_iter().all(is_ours));
        let theirs =
            ["evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""];
        assert!(!theirs.into_iter().any(is_ours) && !super::is_ours(None, listen.as_deref()));
    }
}
