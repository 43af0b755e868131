//! The words of `forewarn.toml` that stand for something of the model: one table each, so that what
//! is read and what is listed in a mistake cannot differ. A test holds the template of
//! `forewarn init` to them.

use model::{Covers, HashField, Knob, Level, Probe, ProbeField, TimeUnit};

/// Levels of `[rules]`; `None` is `off`.
pub(super) const LEVELS: &[(&str, Option<Level>)] = &[
    (Level::Error.name(), Some(Level::Error)),
    (Level::Warning.name(), Some(Level::Warning)),
    (Level::Note.name(), Some(Level::Note)),
    ("off", None),
];

/// What a time limit spans.
pub(super) const COVERS: &[(&str, Covers)] = &[
    ("connect", Covers::Connect),
    ("tls", Covers::Tls),
    ("pool-wait", Covers::PoolWait),
    ("first-byte", Covers::FirstByte),
    ("between-bytes", Covers::BetweenBytes),
    ("attempt", Covers::Attempt),
    ("whole-call", Covers::WholeCall),
    ("handler", Covers::Handler),
    ("response-write", Covers::ResponseWrite),
    ("idle", Covers::Idle),
    ("lifetime", Covers::Lifetime),
    ("statement", Covers::Statement),
    ("drain", Covers::Drain),
    ("validation", Covers::Validation),
    ("headers", Covers::Headers),
];

/// What a setting controls. `timeout` stands for [`Knob::Timeout`] with what `covers` says.
pub(super) const CONTROLS: &[(&str, Control)] = &[
    ("timeout", Control::Timeout),
    ("attempts", Control::Other(Knob::Attempts)),
    ("retries", Control::Other(Knob::Retries)),
    ("backoff-base", Control::Other(Knob::BackoffBase)),
    ("backoff-max", Control::Other(Knob::BackoffMax)),
    ("backoff-factor", Control::Other(Knob::BackoffFactor)),
    ("jitter", Control::Other(Knob::Jitter)),
    ("retry-on", Control::Other(Knob::RetryOn)),
    ("pool-size", Control::Other(Knob::PoolSize)),
    ("pool-idle", Control::Other(Knob::PoolIdle)),
    ("pool-floor", Control::Other(Knob::PoolFloor)),
    ("connection-limit", Control::Other(Knob::ConnectionLimit)),
    ("connections-reserved", Control::Other(Knob::ConnectionsReserved)),
    ("instances", Control::Other(Knob::Instances)),
    ("workers", Control::Other(Knob::Workers)),
    ("processes", Control::Other(Knob::Processes)),
    ("keepalive", Control::Other(Knob::KeepAlive)),
    ("ping-interval", Control::Other(Knob::PingInterval)),
    ("ping-floor", Control::Other(Knob::PingFloor)),
    ("streams", Control::Other(Knob::Streams)),
    ("upgrades", Control::Other(Knob::Upgrades)),
    ("grace", Control::Other(Knob::Grace)),
    ("prestop", Control::Other(Knob::PreStop)),
    ("interval", Control::Other(Knob::Interval)),
    ("token-life", Control::Other(Knob::TokenLife)),
    ("token-refresh", Control::Other(Knob::TokenRefresh)),
    ("token-lead", Control::Other(Knob::TokenLead)),
    ("clock-skew", Control::Other(Knob::ClockSkew)),
    ("hash-algorithm", Control::Other(Knob::Hash(HashField::Algorithm))),
    ("hash-memory", Control::Other(Knob::Hash(HashField::Memory))),
    ("hash-iterations", Control::Other(Knob::Hash(HashField::Iterations))),
    ("hash-lanes", Control::Other(Knob::Hash(HashField::Lanes))),
    ("hash-cost", Control::Other(Knob::Hash(HashField::Cost))),
    ("hashes-at-once", Control::Other(Knob::Hash(HashField::AtOnce))),
    ("liveness-timeout", Control::Other(Knob::Probe(Probe::Liveness, ProbeField::Timeout))),
    ("liveness-period", Control::Other(Knob::Probe(Probe::Liveness, ProbeField::Period))),
    ("liveness-failures", Control::Other(Knob::Probe(Probe::Liveness, ProbeField::Failures))),
    ("readiness-timeout", Control::Other(Knob::Probe(Probe::Readiness, ProbeField::Timeout))),
    ("readiness-period", Control::Other(Knob::Probe(Probe::Readiness, ProbeField::Period))),
    ("readiness-failures", Control::Other(Knob::Probe(Probe::Readiness, ProbeField::Failures))),
    ("health-timeout", Control::Other(Knob::Probe(Probe::Health, ProbeField::Timeout))),
    ("health-period", Control::Other(Knob::Probe(Probe::Health, ProbeField::Period))),
    ("health-failures", Control::Other(Knob::Probe(Probe::Health, ProbeField::Failures))),
];

/// What the word behind `controls` means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Control {
    /// A time limit.
    Timeout,
    /// Anything else.
    Other(Knob),
}

/// Units of a bare number.
pub(super) const UNITS: &[(&str, TimeUnit)] = model::declared::UNITS;

/// What 0 means: whether it is no limit.
pub(super) const ZERO: &[(&str, bool)] = &[("never", true), ("literal", false)];
