//! One setting: what it controls, what it covers, its value and how its unit is known.

use std::fmt;
use std::time::Duration;

use text::Span;

use crate::{Limit, RetryOn, Sourced, TimeUnit};

/// A setting's number in its fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingId(pub u32);

/// What a time limit spans. The same key name means different things in different products;
/// readers say which. Without this the chain rules would lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Covers {
    /// Establishing the connection (with TLS where the product says so).
    Connect,
    /// The TLS handshake alone.
    Tls,
    /// Waiting for a pooled connection.
    PoolWait,
    /// From request sent to first byte of the answer.
    FirstByte,
    /// Between two successive reads or writes; a trickling peer never trips it.
    BetweenBytes,
    /// One attempt, from its start to the whole answer.
    Attempt,
    /// The call with all its attempts.
    WholeCall,
    /// The work of the server's handler for one request.
    Handler,
    /// Writing the response, the handler's work not included.
    ResponseWrite,
    /// A connection without traffic.
    Idle,
    /// A connection's whole life.
    Lifetime,
    /// One statement or command on the server that runs it.
    Statement,
    /// From the signal to stop until the process has finished its work.
    Drain,
    /// Testing a pooled connection before it is handed out.
    Validation,
    /// From a connection's first byte, or from its start, until a request's headers are complete.
    Headers,
    /// A limit whose meaning is not known.
    Unknown,
}

impl Covers {
    /// In words, to stand behind "covers".
    pub fn words(self) -> &'static str {
        match self {
            Self::Connect => "the connect",
            Self::Tls => "the TLS handshake",
            Self::PoolWait => "the wait for a pooled connection",
            Self::FirstByte => "the wait for the first byte",
            Self::BetweenBytes => "the gap between two reads",
            Self::Attempt => "one attempt",
            Self::WholeCall => "the whole call",
            Self::Handler => "the handler",
            Self::ResponseWrite => "writing the response",
            Self::Idle => "an idle connection",
            Self::Lifetime => "a connection's life",
            Self::Statement => "one statement",
            Self::Drain => "the drain at shutdown",
            Self::Validation => "the test of a pooled connection",
            Self::Headers => "the request's headers",
            Self::Unknown => "something not known",
        }
    }

    /// Whether it bounds how long a caller waits for an answer: first byte, gap, attempt or call.
    pub fn bounds_answer(self) -> bool {
        matches!(self, Self::FirstByte | Self::BetweenBytes | Self::Attempt | Self::WholeCall)
    }
}

/// Which probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Probe {
    /// Restarts the container when it fails.
    Liveness,
    /// Takes the container out of rotation when it fails.
    Readiness,
    /// Holds back the other probes until it passes.
    Startup,
    /// A health check that only marks (Compose, load balancers).
    Health,
}

/// Which field of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeField {
    /// How long one probe may take.
    Timeout,
    /// Time between two probes.
    Period,
    /// Time before the first probe.
    InitialDelay,
    /// Failures in a row that count.
    Failures,
    /// What the probe does: `http`, `tcp`, `grpc` or `exec`. Text, at the place of the action.
    Action,
    /// A mark of what exactly it asks, path, port and command included: probes with equal marks ask the
    /// same. Text that says nothing else.
    Mark,
}

/// Which parameter of a password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashField {
    /// Its name: `argon2id`, `bcrypt`. Text.
    Algorithm,
    /// Memory of one hash, in KiB. A count.
    Memory,
    /// Passes over the memory (argon2's t), or rounds. A count.
    Iterations,
    /// Lanes computed side by side (argon2's p). A count.
    Lanes,
    /// The logarithm of the rounds (bcrypt's cost). A count.
    Cost,
    /// Hashes computed at once. A count.
    AtOnce,
}

/// What a setting controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Knob {
    /// A time limit.
    Timeout(Covers),
    /// Tries in all, the first included. A count.
    Attempts,
    /// Tries after the first. A count.
    Retries,
    /// Wait before the first retry.
    BackoffBase,
    /// Longest wait between retries.
    BackoffMax,
    /// Growth of the wait from retry to retry. A factor.
    BackoffFactor,
    /// Random part of the wait; a flag, a factor or a length.
    Jitter,
    /// Methods or conditions that are retried. Text.
    RetryOn,
    /// Most connections of a pool. A count.
    PoolSize,
    /// Most connections of a pool that stay open while nobody uses them. A count.
    PoolIdle,
    /// Connections of a pool that no idle limit closes: they stay open however long nobody uses
    /// them. A count.
    PoolFloor,
    /// Most connections a server accepts. A count.
    ConnectionLimit,
    /// Of the accepted connections, those kept for administrators. A count.
    ConnectionsReserved,
    /// Most instances that run at once. A count.
    Instances,
    /// Requests that one process works on at once, with one memory and one set of pools: threads. A
    /// count.
    Workers,
    /// Worker processes of one instance, each with pools of its own. A count.
    Processes,
    /// Keep-alive on or off, or requests a connection serves.
    KeepAlive,
    /// Time between two pings that keep an idle connection open.
    PingInterval,
    /// The shortest time between two pings that a server tolerates.
    PingFloor,
    /// The answers are streams that have no end of their own: server-sent events, long polls,
    /// streaming calls. A flag.
    Streams,
    /// The connection may become a tunnel for another protocol, WebSocket for instance, to which
    /// limits on answers do not apply; those on gaps do. A flag.
    Upgrades,
    /// A field of a probe.
    Probe(Probe, ProbeField),
    /// Time between the signal to stop and the kill.
    Grace,
    /// Wait before the signal to stop is sent, inside the grace period.
    PreStop,
    /// Time between two runs of something: polls, refreshes, checks.
    Interval,
    /// How long a token, a session or a signing key is good for.
    TokenLife,
    /// Time between two renewals of a token.
    TokenRefresh,
    /// How long before its end a token is renewed.
    TokenLead,
    /// How far clocks may differ when a token's times are checked.
    ClockSkew,
    /// A parameter of a password hash.
    Hash(HashField),
    /// A key of this topic whose exact meaning is not known.
    Other(Topic),
}

/// The families of keys Forewarn looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Time limits and deadlines.
    Timeout,
    /// Retries and attempts.
    Retry,
    /// Back-off.
    Backoff,
    /// Keep-alive and idle connections.
    KeepAlive,
    /// Connection pools and connection limits.
    Pool,
    /// Probes and health checks.
    Probe,
    /// Start and stop.
    Lifecycle,
    /// How many run, and how much each does at once.
    Capacity,
    /// Tokens, sessions and password hashes.
    Credential,
}

impl Knob {
    /// The family it belongs to.
    pub fn topic(self) -> Topic {
        match self {
            Self::Timeout(Covers::Idle | Covers::Lifetime) | Self::KeepAlive => Topic::KeepAlive,
            Self::PingInterval | Self::PingFloor => Topic::KeepAlive,
            Self::Timeout(Covers::PoolWait | Covers::Validation) => Topic::Pool,
            Self::PoolSize | Self::PoolIdle | Self::PoolFloor => Topic::Pool,
            Self::ConnectionLimit | Self::ConnectionsReserved => Topic::Pool,
            Self::Instances | Self::Workers | Self::Processes => Topic::Capacity,
            Self::TokenLife | Self::TokenRefresh | Self::TokenLead => Topic::Credential,
            Self::ClockSkew | Self::Hash(_) => Topic::Credential,
            Self::Timeout(Covers::Drain) | Self::Grace | Self::PreStop => Topic::Lifecycle,
            Self::Timeout(_) | Self::Interval | Self::Streams | Self::Upgrades => Topic::Timeout,
            Self::Attempts | Self::Retries | Self::RetryOn => Topic::Retry,
            Self::BackoffBase | Self::BackoffMax | Self::BackoffFactor | Self::Jitter => Topic::Backoff,
            Self::Probe(..) => Topic::Probe,
            Self::Other(topic) => topic,
        }
    }
}

/// A setting's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A length of time or its absence.
    Time(Limit),
    /// A whole number of something.
    Count(u64),
    /// A number that is no length and no count: a factor, a share.
    Number(f64),
    /// On or off.
    Flag(bool),
    /// Text: a list of methods, a policy's name.
    Text(String),
    /// A number of a time whose unit is not known.
    UnitUnknown(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(limit) => limit.fmt(f),
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => f.write_str(if *flag { "on" } else { "off" }),
            Self::Text(text) => f.write_str(text),
            Self::UnitUnknown(number) => write!(f, "{number}, unit unknown"),
        }
    }
}

/// How the unit of a value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// The value needs none: a count, a factor, a flag, a text.
    None,
    /// The value carries it: `300ms`.
    InValue,
    /// The product defines what a bare number means for this key.
    Product,
    /// The key's name says it: `timeout_ms`.
    InName,
    /// `forewarn.toml` says it.
    Declared,
    /// A comment at the key says it. An assumption.
    Comment,
    /// Other keys of the same block agree on it. An assumption.
    Siblings,
    /// Nothing says it.
    Unknown,
}

impl Unit {
    /// Whether a finding that rests on it rests on a guess.
    pub fn is_assumed(self) -> bool {
        matches!(self, Self::Comment | Self::Siblings | Self::Unknown)
    }
}

/// The number as written and the units around it, for the rules about units.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Written {
    /// The number before any unit was applied.
    pub number: f64,
    /// The unit written behind the number.
    pub suffix: Option<TimeUnit>,
    /// The unit named by the key.
    pub name: Option<TimeUnit>,
    /// The unit that the consumer gives a bare number.
    pub bare: Option<TimeUnit>,
    /// The unit that a well-known other consumer gives the same key name.
    pub elsewhere: Option<TimeUnit>,
}

/// Something written that the consumer does not take as it stands: out of its range, in a form it
/// does not read. The setting's value is then the one that holds instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Unheeded {
    /// Where it is written.
    pub at: Span,
    /// As written.
    pub text: String,
    /// What the consumer does with it, in words, with the document that says so: "whole seconds
    /// without a unit are taken, anything else is passed over (ingress-nginx annotations)".
    pub why: String,
}

/// What a setting has to be to another one, as a comment beside it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// On which side of the other value this one has to stay.
    pub side: Side,
    /// The other key as the comment names it: the whole key or its end.
    pub than: String,
    /// Where the comment names it.
    pub at: Span,
}

/// A side of another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Greater than it.
    Above,
    /// Greater or equal.
    AtLeast,
    /// Less or equal.
    AtMost,
    /// Less than it.
    Below,
}

/// One setting in effect.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The key as its operator names it, with its path: `directory.request_timeout`.
    pub key: String,
    /// What it controls.
    pub knob: Knob,
    /// The value in effect.
    pub value: Sourced<Value>,
    /// How the value's unit is known.
    pub unit: Unit,
    /// The number and units as written; `None` for defaults and texts.
    pub written: Option<Written>,
    /// What had to be guessed to read it, in words ("that `timeout` covers the whole call"). A
    /// finding that rests on it is `assumed`.
    pub assumptions: Vec<String>,
    /// What is written in its place and does not hold.
    pub unheeded: Option<Unheeded>,
    /// The variable that decides the value where somebody sets it; the value is then its fallback,
    /// which holds where nobody does: `LOGIN_TIMEOUT` of `${LOGIN_TIMEOUT:-5s}`.
    pub variable: Option<String>,
    /// What it has to be to other settings, as the comments at its key say.
    pub relations: Vec<Relation>,
}

impl Setting {
    /// One that needs no unit and no guess.
    pub fn new(key: String, knob: Knob, value: Sourced<Value>) -> Self {
        Self {
            key,
            knob,
            value,
            unit: Unit::None,
            written: None,
            assumptions: Vec::new(),
            unheeded: None,
            variable: None,
            relations: Vec::new(),
        }
    }

    /// The time limit, if the value is a time.
    pub fn limit(&self) -> Option<Limit> {
        match self.value.value {
            Value::Time(limit) => Some(limit),
            _ => None,
        }
    }

    /// The length of the time limit; `None` where it is no time or has no end.
    pub fn length(&self) -> Option<Duration> {
        self.limit().and_then(Limit::finite)
    }

    /// The count, if the value is one.
    pub fn count(&self) -> Option<u64> {
        match self.value.value {
            Value::Count(count) => Some(count),
            _ => None,
        }
    }

    /// What is repeated, if the value says so in words.
    pub fn retry_on(&self) -> Option<RetryOn> {
        match &self.value.value {
            Value::Text(text) if self.knob == Knob::RetryOn => RetryOn::of(text),
            _ => None,
        }
    }

    /// The unit of the bare number that is written, whose whole multiples its consumer takes in any case;
    /// `None` where the value carries its unit, or nothing is written.
    pub fn bare_unit(&self) -> Option<TimeUnit> {
        let written = self.written.filter(|written| written.suffix.is_none())?;
        match self.unit {
            Unit::Product | Unit::Declared => written.bare,
            Unit::InName => written.name,
            _ => None,
        }
    }

    /// Whether reading it took a guess.
    pub fn is_assumed(&self) -> bool {
        self.unit.is_assumed() || !self.assumptions.is_empty()
    }
}
