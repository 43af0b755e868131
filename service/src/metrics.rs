//! What is counted and measured, in the text format that Prometheus scrapes.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::hash::Unread;

/// How a sign-in ended: the label `result` of `auth_login_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginResult {
    /// Tokens were issued.
    Ok,
    /// The password is wrong or there is no such login.
    BadCredentials,
    /// Too many failures; the answer is the one of a wrong password.
    Locked,
    /// The address asked too often, or too much was going on at once.
    Throttled,
    /// A limit ran out: the pool's, the connect's, the call's or the request's.
    Timeout,
    /// The directory does not take connections.
    Unreachable,
    /// The directory answered that it cannot.
    DependencyError,
    /// A mistake of our own.
    Internal,
}

impl LoginResult {
    /// All of them; each is counted from zero on.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::BadCredentials,
        Self::Locked,
        Self::Throttled,
        Self::Timeout,
        Self::Unreachable,
        Self::DependencyError,
        Self::Internal,
    ];

    /// The label's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadCredentials => "bad_credentials",
            Self::Locked => "locked",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::DependencyError => "dependency_error",
            Self::Internal => "internal",
        }
    }
}

impl EncodeLabelValue for LoginResult {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Login {
    result: LoginResult,
}

/// A call to the next component and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hop {
    hop: &'static str,
    outcome: &'static str,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    why: &'static str,
}

/// A stored hash that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HashUnread {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    accepted: &'static str,
}

/// Upper bounds in seconds. Where limits of time usually stand (50, 100, 150, 200, 300, 500, 800 ms, 1,
/// 2, 3, 5 s) there is a bound on each, so that a histogram shows what a limit cuts off.
const BOUNDS: [f64; 18] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.8, 1.0, 2.0, 3.0, 5.0, 10.0];

type Whole = Counter<u64, AtomicU64>;
type Level = Gauge<i64, AtomicI64>;

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

/// The metrics of a role.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    logins: Family<Login, Whole>,
    requests: Family<Request, Histogram, fn() -> Histogram>,
    hops: Family<Hop, Histogram, fn() -> Histogram>,
    retries: Whole,
    hash_wait: Histogram,
    hash_time: Histogram,
    hash_unread: Family<HashUnread, Whole>,
    reloads: Family<Reload, Whole>,
    ended: Family<Ended, Whole>,
    /// Passwords that wait for a hash thread.
    pub hash_queued: Level,
    /// Passwords that were given to the queue.
    pub hash_submitted: Whole,
    /// Passwords whose hash was computed.
    pub hash_completed: Whole,
    /// Requests being answered.
    pub in_flight: Level,
    /// Requests refused at once because too many were in flight.
    pub shed: Whole,
    /// Connections that are open.
    pub connections: Level,
    /// Connections to the next component: in use and idle.
    pub pool_connections: Level,
    /// Calls that wait for a connection to the next component.
    pub pool_waiting: Level,
    /// Calls sent again on a new connection because the callee had closed the kept one meanwhile.
    pub pool_stale: Whole,
    /// Lines that the log had no room for.
    pub log_dropped: Whole,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            logins: Family::default(),
            requests: Family::new_with_constructor(histogram as fn() -> Histogram),
            hops: Family::new_with_constructor(histogram as fn() -> Histogram),
            retries: Whole::default(),
            hash_wait: histogram(),
            hash_time: histogram(),
            hash_unread: Family::default(),
            reloads: Family::default(),
            ended: Family::default(),
            hash_queued: Level::default(),
            hash_submitted: Whole::default(),
            hash_completed: Whole::default(),
            in_flight: Level::default(),
            shed: Whole::default(),
            connections: Level::default(),
            pool_connections: Level::default(),
            pool_waiting: Level::default(),
            pool_stale: Whole::default(),
            log_dropped: Whole::default(),
        };
        for result in LoginResult::ALL {
            let _ = metrics.logins.get_or_create(&Login { result });
        }
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let all = &mut self.registry;
        all.register("auth_login", "Sign-ins by how they ended", self.logins.clone());
        let name = "auth_request_duration";
        all.register_with_unit(name, "Requests by route and status", Unit::Seconds, self.requests.clone());
        let name = "auth_hop_duration";
        all.register_with_unit(name, "Calls to the next component", Unit::Seconds, self.hops.clone());
        all.register("auth_hop_retries", "Attempts beyond the first of such calls", self.retries.clone());
        let name = "auth_hash_wait";
        all.register_with_unit(name, "Wait for a hash thread", Unit::Seconds, self.hash_wait.clone());
        let name = "auth_hash_duration";
        all.register_with_unit(name, "Time of a password hash", Unit::Seconds, self.hash_time.clone());
        let help = "Stored hashes that could not be judged, by why";
        all.register("auth_hash_unread", help, self.hash_unread.clone());
        all.register("auth_config_reloads", "Changed configurations by acceptance", self.reloads.clone());
        all.register("auth_hash_queued", "Passwords waiting for a hash thread", self.hash_queued.clone());
        all.register("auth_hash_submitted", "Passwords given to the queue", self.hash_submitted.clone());
        all.register("auth_hash_completed", "Passwords whose hash was computed", self.hash_completed.clone());
        all.register("auth_requests_in_flight", "Requests being answered", self.in_flight.clone());
        all.register("auth_requests_shed", "Requests refused for too many in flight", self.shed.clone());
        all.register("auth_connections", "Open connections of clients", self.connections.clone());
        let name = "auth_pool_connections";
        all.register(name, "Connections to the next component", self.pool_connections.clone());
        all.register("auth_pool_waiting", "Calls waiting for such a connection", self.pool_waiting.clone());
        let help = "Calls sent again because the callee had closed the kept connection";
        all.register("auth_pool_stale", help, self.pool_stale.clone());
        let help = "Connections of clients by how they ended";
        all.register("auth_connections_ended", help, self.ended.clone());
        all.register("auth_log_dropped", "Lines that the log had no room for", self.log_dropped.clone());
        self
    }

    /// A sign-in ended.
    pub fn login(&self, result: LoginResult) {
        self.logins.get_or_create(&Login { result }).inc();
    }

    /// A request was answered.
    pub fn request(&self, route: &str, status: u16, took: Duration) {
        let request = Request { route: route.to_owned(), status };
        self.requests.get_or_create(&request).observe(took.as_secs_f64());
    }

    /// A call to the next component ended.
    pub fn hop(&self, hop: &'static str, outcome: &'static str, retries: u32, took: Duration) {
        self.hops.get_or_create(&Hop { hop, outcome }).observe(took.as_secs_f64());
        self.retries.inc_by(u64::from(retries));
    }

    /// A client's connection ended.
    pub fn ended(&self, why: &'static str) {
        self.ended.get_or_create(&Ended { why }).inc();
    }

    /// A password was hashed.
    pub fn hash(&self, waited: Duration, took: Duration) {
        self.hash_wait.observe(waited.as_secs_f64());
        self.hash_time.observe(took.as_secs_f64());
    }

    /// A stored hash could not be judged: its owner cannot sign in until somebody mends it.
    pub fn hash_unread(&self, why: Unread) {
        self.hash_unread.get_or_create(&HashUnread { why: why.as_str() }).inc();
    }

    /// A changed configuration was taken or refused.
    pub fn reload(&self, accepted: bool) {
        let accepted = if accepted { "yes" } else { "no" };
        self.reloads.get_or_create(&Reload { accepted }).inc();
    }

    /// All of them as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("bug: writing to a string");
        text
    }

    /// All of them as the answer to whoever scrapes them.
    #[must_use]
    pub fn exposed(&self) -> ([(HeaderName, &'static str); 1], String) {
        ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], self.text())
    }
}
