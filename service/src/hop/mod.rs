//! Calls to the next component, with every limit stated: how long to wait for a connection, to make
//! one, for the whole call; how often to try; how long a connection may stand idle.
//!
//! Connections carry one request at a time and are kept in a pool of our own, because the limits on
//! waiting for a connection and on its idle time are what this service exists to show; hyper speaks the
//! protocol.

pub mod callee;
mod connection;
mod kept;
pub mod pool;
mod slots;
pub mod within;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Method;

/// One request to the next component.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The path, from the root.
    pub path: &'static str,
    /// The body, JSON; empty for a request that has none, as of readiness.
    pub body: Bytes,
    /// Whether it may be sent again when it is not known whether the first one arrived.
    pub repeatable: bool,
    /// Headers of tracing that are passed on: `traceparent`, `tracestate`, `x-request-id`.
    pub passed: Vec<(&'static str, String)>,
}

impl Ask {
    /// `POST` with a body, `GET` without.
    #[must_use]
    pub fn method(&self) -> Method {
        if self.body.is_empty() { Method::GET } else { Method::POST }
    }
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, whole.
    pub body: Bytes,
    /// Attempts beyond the first.
    pub retries: u32,
    /// From the call to its answer.
    pub took: Duration,
}

/// Which limit ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Waiting for a connection of the pool.
    Pool,
    /// Making a connection.
    Connect,
    /// The whole call.
    Call,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HopError {
    /// A limit ran out.
    Timeout(Phase),
    /// No connection could be made: refused, no such host, a certificate that does not hold.
    Unreachable(String),
    /// The connection broke, or what came is no HTTP.
    Broken(String),
}

impl fmt::Display for HopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(Phase::Pool) => f.write_str("no connection of the pool became free in time"),
            Self::Timeout(Phase::Connect) => f.write_str("no connection could be made in time"),
            Self::Timeout(Phase::Call) => f.write_str("the call did not end in time"),
            Self::Unreachable(why) => write!(f, "no connection can be made: {why}"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

/// A call that failed, with what was spent on it.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Why.
    pub error: HopError,
    /// Attempts beyond the first.
    pub retries: u32,
    /// From the call to its end.
    pub took: Duration,
}

/// The outcome of a call, in some time.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failed>> + Send + 'a>>;

/// Something that carries requests to the next component: the pool over sockets, or a router in the
/// same process in tests.
pub trait Transport: Send + Sync {
    /// Sends a request and waits for its answer.
    fn call(&self, ask: Ask) -> Calling<'_>;
}
