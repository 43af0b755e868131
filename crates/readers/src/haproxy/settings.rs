//! What directives limit, and what holds where they are absent (HAProxy configuration manual 1.5 to
//! 3.0, chapter 4.2, Proxies keywords reference). A bare number is milliseconds (chapter 2, Time format).

use model::{Covers, Knob, Limit, Origin, Probe, ProbeField, Setting, Span, TimeUnit, Topic, Value};
use text::Scalar;

use crate::{Meaning, Reason, Zero, setting};

/// A limit without value has no end; HAProxy warns of the three that matter when it starts.
pub(super) fn without_limit(key: String, knob: Knob, near: Span, of: &'static str) -> Setting {
    let version = "1.5 to 3.0, doc/configuration.txt 4.2: an unspecified timeout is infinite";
    setting::stated(key, knob, Value::Time(Limit::Never), Origin::Default { near, of, version })
}

/// Connection attempts, or attempts of a request where `retry-on` says so, after the first one.
pub(super) fn three_retries(key: String, near: Span) -> Setting {
    let version = "2.x and 3.x, CONN_RETRIES in include/haproxy/defaults.h";
    let origin = Origin::Default { near, of: "HAProxy retries", version };
    setting::stated(key, Knob::Retries, Value::Count(3), origin)
}

/// What a keyword controls; `None` for those that are none of our topics. What depends on the
/// sections around it is the caller's affair.
pub(super) fn knob(keyword: &str) -> Option<Knob> {
    let other = |topic| Some(Knob::Other(topic));
    match keyword {
        "timeout connect" => Some(Knob::Timeout(Covers::Connect)),
        "timeout client" | "timeout server" => Some(Knob::Timeout(Covers::BetweenBytes)),
        "timeout http-request" => Some(Knob::Timeout(Covers::Headers)),
        "timeout http-keep-alive" => Some(Knob::Timeout(Covers::Idle)),
        "timeout queue" => Some(Knob::Timeout(Covers::PoolWait)),
        "timeout check" => Some(Knob::Probe(Probe::Health, ProbeField::Timeout)),
        _ if keyword.starts_with("timeout ") => other(Topic::Timeout),
        "retries" => other(Topic::Retry),
        "maxconn" => Some(Knob::ConnectionLimit),
        "inter" => Some(Knob::Probe(Probe::Health, ProbeField::Period)),
        "fall" => Some(Knob::Probe(Probe::Health, ProbeField::Failures)),
        "rise" => other(Topic::Probe),
        "hard-stop-after" => Some(Knob::Timeout(Covers::Drain)),
        _ => None,
    }
}

/// Reads a value.
///
/// # Errors
///
/// Why it is none.
pub(super) fn read(key: String, knob: Knob, value: Scalar<'_>) -> Result<Setting, Reason> {
    // 0 is no limit: the warning of absent timeouts asks for "a non-zero value".
    let meaning = Meaning { knob, bare: Some(TimeUnit::Milliseconds), zero: Zero::Never, elsewhere: None };
    let counts = matches!(knob, Knob::Other(Topic::Retry | Topic::Probe | Topic::Pool) | Knob::Retries);
    let meaning = match knob {
        Knob::Timeout(_) => Meaning { elsewhere: Some(TimeUnit::Seconds), ..meaning },
        _ if counts => Meaning { bare: None, ..meaning },
        _ => meaning,
    };
    setting::documented(key, &meaning, value)
}

/// A setting that is words or a switch.
pub(super) fn written(key: String, knob: Knob, value: Value, span: Span) -> Setting {
    setting::stated(key, knob, value, Origin::Written(span))
}

/// Whether one of the conditions of `retry-on` repeats a request that a server may have worked on.
pub(super) fn repeats_requests(conditions: &str) -> bool {
    conditions.split(' ').any(|word| !matches!(word, "none" | "conn-failure" | "0rtt-rejected" | ""))
}
