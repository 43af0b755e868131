//! The HTTP side that both roles share: the loop that accepts connections (`server`), what every
//! request passes through (`passage`: request id, trace context, load shedding, time limit, access
//! log), bodies of errors (`problem`), addresses of clients (`client`).

use std::net::IpAddr;
use std::time::Duration;

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
}

/// What a handler tells the access log; in the response's extensions.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Why the answer is what it is: a `LoginResult`, a failure's reason, a token's outcome.
    pub reason: Option<&'static str>,
    /// Time spent waiting for the next component.
    pub upstream: Duration,
    /// Attempts beyond the first of all calls to it.
    pub retries: u32,
    /// Whom the request concerns, as a keyed hash that links lines and names nobody.
    pub user: Option<String>,
}
