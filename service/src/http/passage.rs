//! What every request of either role passes through, outermost: its names and limits, and its line in
//! the access log. Knows no route and no meaning of one.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::body::Arriving;
use super::log::{Access, Log, milliseconds};
use super::problem::Problem;
use super::trace::{self, Trace};
use super::{Note, Passage, Peer, Reached, client};
use crate::config::front::ServerConfig;
use crate::config::live::Live;
use crate::entropy::Entropy;
use crate::metrics::Metrics;

/// The status that access logs give to a request whose client went away before the answer; NGINX made
/// it known, and no client ever sees it.
const ABANDONED: u16 = 499;

/// When those who were turned away for too much load shall ask again.
const SHED_RETRY: Duration = Duration::from_secs(1);

/// What a passage needs of its role.
pub struct Means<C> {
    /// The limits in force.
    pub config: Live<C>,
    /// Where it counts.
    pub metrics: Arc<Metrics>,
    /// Where requests are logged.
    pub log: Log,
    /// Draws identifiers of requests and spans.
    pub entropy: Arc<dyn Entropy>,
    /// Routes that are answered however much is going on: liveness and metrics are cheap, and whoever
    /// restarts what does not answer them makes an overload worse.
    pub always: &'static [&'static str],
    /// Is told when the passage itself answers in place of a route's handler.
    pub turned: fn(&Metrics, route: &str, Turned),
}

/// Why the passage answered in place of the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// Too many requests were in flight.
    Shed,
    /// `server.request_timeout` ran out in the handler.
    Overdue,
    /// `server.request_timeout` ran out before the body had arrived.
    Slow,
    /// The body is larger than `server.max_body_bytes` by its own account.
    Large,
    /// The handler panicked.
    Panicked,
}

impl Turned {
    /// The word for the access log.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Shed => "shed",
            Self::Overdue => "request_timeout",
            Self::Slow => "slow_body",
            Self::Large => "large_body",
            Self::Panicked => "panic",
        }
    }

    fn problem(self, server: &ServerConfig) -> Problem {
        let limit = server.request_timeout;
        match self {
            Self::Shed => {
                let why = "too many requests are being answered; ask again later";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", why)
                    .retry_after(SHED_RETRY)
            }
            Self::Overdue => {
                let why = format!("the answer was not ready within {limit}");
                Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", why)
            }
            Self::Slow => {
                let why = format!("the body had not arrived within {limit}");
                Problem::new(StatusCode::REQUEST_TIMEOUT, "invalid_request", why)
            }
            Self::Large => {
                let why = format!("a body has at most {} bytes", server.max_body_bytes);
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", why)
            }
            Self::Panicked => {
                let why = "a mistake of this service; its log has the request's id";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", why)
            }
        }
    }
}

/// Tells nobody.
pub fn untold(_: &Metrics, _: &str, _: Turned) {}

/// Puts the passage around a router. Handlers find a [`Passage`] in the request's extensions and may
/// leave a [`Note`] in the response's. Paths and methods that the router does not have are refused as a
/// [`Problem`]; the size of bodies is limited here, by the configuration in force.
pub fn layer<C: Reached>(router: Router, means: Means<C>) -> Router {
    let gate = Arc::new(Gate { means, in_flight: AtomicU32::new(0) });
    router
        .fallback(no_path)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn(move |request, next| pass(gate.clone(), request, next)))
}

async fn no_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

async fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path takes another method")
}

struct Gate<C> {
    means: Means<C>,
    in_flight: AtomicU32,
}

impl<C> Gate<C> {
    /// One more request in flight, and how many there were before it.
    fn enter(self: &Arc<Self>) -> (InFlight<C>, u32) {
        self.means.metrics.in_flight.inc();
        (InFlight(self.clone()), self.in_flight.fetch_add(1, Ordering::Relaxed))
    }
}

/// A request in flight; answered or abandoned, it stops to be one when this is dropped.
struct InFlight<C>(Arc<Gate<C>>);

impl<C> Drop for InFlight<C> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.means.metrics.in_flight.dec();
    }
}

async fn pass<C: Reached>(gate: Arc<Gate<C>>, mut request: Request, next: Next) -> Response {
    let means = &gate.means;
    let config = means.config.now();
    let server = config.server();
    let (passage, trace) = passage(&request, server, &*means.entropy);
    let deadline = passage.deadline;
    let mut entry = Entry::new(means, &request, &passage, &trace);
    request.extensions_mut().insert(passage);

    let always = means.always.contains(&entry.route.as_str());
    let (_in_flight, before) = gate.enter();
    let answer = if before >= server.max_in_flight && !always {
        means.metrics.shed.inc();
        Err(Turned::Shed)
    } else {
        match limited(request, server.max_body_bytes) {
            Err(turned) => Err(turned),
            Ok((request, arrived)) => answer(next.run(request), deadline, &arrived).await,
        }
    };
    let mut response = answer.unwrap_or_else(|turned| {
        (means.turned)(&means.metrics, &entry.route, turned);
        turned_away(turned, server)
    });
    if let Ok(id) = HeaderValue::from_str(&entry.request_id) {
        response.headers_mut().insert(trace::REQUEST_ID, id);
    }
    let note = response.extensions_mut().remove::<Note>().unwrap_or_default();
    entry.answered(response.status(), note);
    response
}

/// The names and limits of a request.
fn passage(request: &Request, server: &ServerConfig, entropy: &dyn Entropy) -> (Passage, Trace) {
    let headers = request.headers();
    let trace = Trace::of(headers, entropy);
    let arrived = Instant::now();
    let nobody = std::net::Ipv4Addr::UNSPECIFIED.into();
    let peer = request.extensions().get::<Peer>().map_or(nobody, |peer| peer.0.ip());
    let passage = Passage {
        request_id: trace::request_id(headers, entropy),
        traceparent: trace.parent(),
        tracestate: trace.state.clone(),
        client: client::address(peer, headers, &server.trusted_proxies),
        arrived,
        deadline: arrived + server.request_timeout.get(),
    };
    (passage, trace)
}

/// The request with its body limited. One that announces too much is not read at all.
fn limited(request: Request, limit: u32) -> Result<(Request, Arc<AtomicBool>), Turned> {
    use hyper::body::Body as _;
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > u64::from(limit) {
        return Err(Turned::Large);
    }
    let (body, arrived) = Arriving::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    Ok((Request::from_parts(parts, Body::new(body)), arrived))
}

/// The handler's answer, if it gives one in time and does not panic.
async fn answer(
    handler: impl Future<Output = Response>,
    deadline: Instant,
    arrived: &AtomicBool,
) -> Result<Response, Turned> {
    let mut handler = pin!(handler);
    let caught = std::future::poll_fn(|context| {
        // The handler is dropped after a panic and what it shares is behind locks that others skip
        // when poisoned; nobody goes on with what it left half done.
        match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    });
    match tokio::time::timeout_at(deadline, caught).await {
        Ok(Ok(response)) => Ok(response),
        // Where it was is said by the process's hook for panics.
        Ok(Err(_)) => Err(Turned::Panicked),
        Err(_) if arrived.load(Ordering::Relaxed) => Err(Turned::Overdue),
        Err(_) => Err(Turned::Slow),
    }
}

fn turned_away(turned: Turned, server: &ServerConfig) -> Response {
    let mut response = turned.problem(server).into_response();
    if matches!(turned, Turned::Slow | Turned::Large) {
        // What is left of the body is not worth reading.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.extensions_mut().insert(Note { reason: Some(turned.reason()), ..Note::default() });
    response
}

/// A request's line in the access log and its observation in the metrics: written when it is answered,
/// or else when it is dropped because its client went away.
struct Entry<'a, C> {
    means: &'a Means<C>,
    request_id: String,
    trace_id: String,
    method: &'static str,
    route: String,
    client: String,
    arrived: Instant,
    answered: bool,
}

impl<'a, C> Entry<'a, C> {
    fn new(means: &'a Means<C>, request: &Request, passage: &Passage, trace: &Trace) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        Self {
            means,
            request_id: passage.request_id.clone(),
            trace_id: trace.id(),
            method: method(request.method()),
            route: route.to_owned(),
            client: passage.client.to_string(),
            arrived: passage.arrived,
            answered: false,
        }
    }

    fn answered(&mut self, status: StatusCode, note: Note) {
        self.answered = true;
        self.write(status.as_u16(), note);
    }

    fn write(&self, status: u16, note: Note) {
        let took = self.arrived.elapsed();
        self.means.metrics.request(&self.route, status, took);
        self.means.log.access(&Access {
            request_id: &self.request_id,
            trace_id: &self.trace_id,
            method: self.method,
            route: &self.route,
            status,
            duration_ms: milliseconds(took),
            reason: note.reason,
            detail: note.detail.as_deref(),
            upstream_ms: milliseconds(note.upstream),
            retries: note.retries,
            user: note.user.as_deref(),
            client: &self.client,
        });
    }
}

impl<C> Drop for Entry<'_, C> {
    fn drop(&mut self) {
        if !self.answered {
            self.write(ABANDONED, Note { reason: Some("abandoned"), ..Note::default() });
        }
    }
}

/// The method's name, where it is one of RFC 9110 or RFC 5789; clients can make up others.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("OTHER")
}

#[cfg(test)]
mod tests;
