//! The HTTP side that both roles share: the loop that accepts connections (`server`), what every
//! request passes through (`passage`: request id, trace context, load shedding, time limit, access
//! log), bodies of errors (`problem`), what is wrong with bodies
//! of requests (`json`), addresses of clients (`client`).

mod body;
pub mod client;
pub(crate) mod json;
pub mod log;
pub mod passage;
pub mod problem;
pub mod server;
pub mod stop;
pub mod tls;
pub mod trace;
mod vigil;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use tokio::time::Instant;

use crate::config::directory::DirectoryConfig;
use crate::config::front::{FrontConfig, ServerConfig};

/// What is known of a request before its handler runs; in the request's extensions.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Names the request in logs: the caller's `x-request-id` where it is a plausible one, else drawn.
    pub request_id: String,
    /// The trace it belongs to and this request's own span, as `traceparent` of W3C Trace Context, to
    /// be passed on.
    pub traceparent: String,
    /// The caller's `tracestate`, passed on as it came.
    pub tracestate: Option<String>,
    /// Who asks: the peer, or whom a trusted proxy names.
    pub client: IpAddr,
    /// When its head had arrived.
    pub arrived: Instant,
    /// When `server.request_timeout` runs out: then its handler is dropped where it stands.
    pub deadline: Instant,
}

/// What a handler tells the access log; in the response's extensions.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Why the answer is what it is: a `LoginResult`, a failure's reason, a token's outcome.
    pub reason: Option<&'static str>,
    /// What the operator needs to know beyond that and the client must not, as a database's words.
    pub detail: Option<String>,
    /// Time spent waiting for the next component.
    pub upstream: Duration,
    /// Attempts beyond the first of all calls to it.
    pub retries: u32,
    /// Whom the request concerns, as a keyed hash that links lines and names nobody.
    pub user: Option<String>,
}

/// Who holds the other end of a connection; the server puts it into a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// A configuration that says how its role is reached.
pub trait Reached: Clone + Send + Sync + 'static {
    /// The part that says it.
    fn server(&self) -> &ServerConfig;
}

impl Reached for FrontConfig {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}

impl Reached for DirectoryConfig {
    fn server(&self) -> &ServerConfig {
        &self.server
    }
}

impl Reached for ServerConfig {
    fn server(&self) -> &ServerConfig {
        self
    }
}

/// The credentials of the scheme `Bearer`, whose name is not case-sensitive (RFC 9110, section 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
