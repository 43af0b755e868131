//! What directives limit, and what holds where they are absent. Lengths of time are those of
//! nginx.org/en/docs/syntax.html: a bare number is seconds.

use std::time::Duration;

use model::{Covers, Knob, Limit, Origin, Setting, Span, TimeUnit, Topic, Value};
use text::Scalar;

use super::directives::Directive;
use super::passes::Upstream;
use crate::{Meaning, Reason, Zero, measure, setting};

/// What holds where a directive is absent.
pub(super) struct Default {
    seconds: u64,
    of: &'static str,
    version: &'static str,
}

const fn default(seconds: u64, of: &'static str, version: &'static str) -> Option<Default> {
    Some(Default { seconds, of, version })
}

/// A directive behind its module's prefix, and its default where rules have use for it.
type Row = (&'static str, Option<Default>);

/// The limits of a module, which all modules that pass requests on have alike.
macro_rules! limits {
    ($prefix:literal) => {{
        const MODULE: &str = concat!("all versions, ngx_http_", $prefix, "_module");
        [
            ("connect_timeout", default(60, concat!("NGINX ", $prefix, "_connect_timeout"), MODULE)),
            ("read_timeout", default(60, concat!("NGINX ", $prefix, "_read_timeout"), MODULE)),
            ("send_timeout", None),
        ]
    }};
}

pub(super) const PROXY: [Row; 3] = limits!("proxy");
pub(super) const FASTCGI: [Row; 3] = limits!("fastcgi");
pub(super) const UWSGI: [Row; 3] = limits!("uwsgi");
pub(super) const SCGI: [Row; 3] = limits!("scgi");
pub(super) const GRPC: [Row; 3] = limits!("grpc");
pub(super) const MEMCACHED: [Row; 3] = limits!("memcached");

pub(super) static STREAM: [Row; 2] = [
    ("connect_timeout", default(60, "NGINX proxy_connect_timeout", "since 1.9.0, ngx_stream_proxy_module")),
    ("timeout", default(600, "NGINX proxy_timeout", "since 1.9.0, ngx_stream_proxy_module")),
];

/// Towards clients.
pub(super) static SERVER: [Row; 6] = [
    ("keepalive_timeout", default(75, "NGINX keepalive_timeout", "all versions, ngx_http_core_module")),
    ("keepalive_requests", None),
    ("keepalive_time", None),
    ("client_header_timeout", None),
    ("client_body_timeout", None),
    ("send_timeout", None),
];

/// Towards the servers of a group, where `keepalive` is set.
pub(super) static UPSTREAM: [Row; 4] = [
    ("keepalive", None),
    (
        "keepalive_timeout",
        default(60, "NGINX upstream keepalive_timeout", "since 1.15.3, ngx_http_upstream_module"),
    ),
    ("keepalive_requests", None),
    ("keepalive_time", None),
];

/// The default of `proxy_next_upstream`: `error timeout`.
pub(super) fn next_upstream(near: Span) -> Origin {
    Origin::Default {
        near,
        of: "NGINX proxy_next_upstream",
        version: "all versions, ngx_http_proxy_module; error timeout",
    }
}

impl Default {
    pub(super) fn setting(&self, key: String, name: &str, near: Span) -> Setting {
        let knob = meaning(name).map_or(Knob::Other(Topic::Timeout), |meaning| meaning.knob);
        let limit = Limit::After(Duration::from_secs(self.seconds));
        let origin = Origin::Default { near, of: self.of, version: self.version };
        setting::stated(key, knob, Value::Time(limit), origin)
    }
}

/// What a directive controls; `None` for those that are none of our topics.
fn meaning(name: &str) -> Option<Meaning> {
    const SECONDS: Option<TimeUnit> = Some(TimeUnit::Seconds);
    let time = |knob, zero| Some(Meaning { knob, bare: SECONDS, zero, elsewhere: None });
    let count = |knob| Some(Meaning { knob, bare: None, zero: Zero::Literal, elsewhere: None });
    match name {
        "keepalive" => count(Knob::PoolIdle),
        "keepalive_requests" => count(Knob::KeepAlive),
        // 0 closes the connection after the answer.
        "keepalive_timeout" => time(Knob::Timeout(Covers::Idle), Zero::Literal),
        "keepalive_time" => time(Knob::Timeout(Covers::Lifetime), Zero::Literal),
        // `stream`: no traffic in either direction.
        "proxy_timeout" => time(Knob::Timeout(Covers::Idle), Zero::Literal),
        "lua_socket_keepalive_timeout" => time(Knob::Timeout(Covers::Idle), Zero::Never),
        "worker_shutdown_timeout" => time(Knob::Timeout(Covers::Drain), Zero::Never),
        // How long a TLS session may be resumed, and how long a cached answer is good.
        "ssl_session_timeout" => None,
        _ if name.ends_with("_next_upstream_tries") => count(Knob::Other(Topic::Retry)),
        _ if name.ends_with("_next_upstream_timeout") => time(Knob::Other(Topic::Timeout), Zero::Never),
        _ if name.ends_with("_connect_timeout") => time(Knob::Timeout(Covers::Connect), Zero::Literal),
        _ if name.ends_with("_read_timeout") => time(Knob::Timeout(Covers::BetweenBytes), Zero::Literal),
        // Between two writes of the request, and the like: no rule asks for them.
        _ if name.ends_with("_timeout") => time(Knob::Other(Topic::Timeout), Zero::Literal),
        _ => None,
    }
}

/// Reads the value of a directive. `None`: the directive is none of our topics.
pub(super) fn read(key: String, name: &str, value: Scalar<'_>) -> Option<Result<Setting, (String, Reason)>> {
    let meaning = meaning(name)?;
    Some(match measure(value.text(), &meaning, None) {
        Ok(measured) => Ok(setting::measured(key, meaning.knob, measured, value.span())),
        Err(reason) => Err((key, reason)),
    })
}

/// `max_fails=3 fail_timeout=10s` of a server in a group.
pub(super) fn parameters(group: &Upstream<'_, '_>, server: &Directive<'_>) -> Vec<Setting> {
    let Some(name) = server.argument() else { return Vec::new() };
    let read = |parameter: &Scalar<'_>| {
        let (key, text) = parameter.text().split_once('=')?;
        let bare = match key {
            "max_fails" => None,
            "fail_timeout" => Some(TimeUnit::Seconds),
            _ => return None,
        };
        let knob = Knob::Other(Topic::Retry);
        let meaning = Meaning { knob, bare, zero: Zero::Literal, elsewhere: None };
        let measured = measure(text, &meaning, None).ok()?;
        let span = parameter.part(key.len() + 1..parameter.text().len());
        let key = format!("{}[{}].{key}", group.scope.key(server), name.text());
        Some(setting::measured(key, knob, measured, span))
    };
    server.arguments[1..].iter().filter_map(read).collect()
}

/// That connections may become tunnels, where the header that asks for it is passed on.
pub(super) fn upgrades(key: String, span: Span) -> Setting {
    setting::stated(key, Knob::Upgrades, Value::Flag(true), Origin::Written(span))
}

/// The conditions under which another server is tried.
pub(super) fn conditions(key: String, words: &str, span: Span) -> Setting {
    setting::stated(key, Knob::RetryOn, Value::Text(words.to_owned()), Origin::Written(span))
}

/// How many servers a request is passed to at most.
pub(crate) fn attempts(key: String, count: u64, origin: Origin, any_method: bool) -> Setting {
    let mut setting = setting::stated(key, Knob::Attempts, Value::Count(count), origin);
    if count > 1 && !any_method {
        // Since 1.9.13 (ngx_http_proxy_module, proxy_next_upstream).
        let why = "that the method is idempotent: a POST, LOCK or PATCH that was sent is not repeated";
        setting.assumptions.push(why.to_owned());
    }
    setting
}

/// Why there are fewer attempts than tries: each server is tried once.
pub(super) fn no_more_than(servers: u64) -> String {
    match servers {
        1 => "that 1 server is all there is to try, whatever number of tries is allowed".to_owned(),
        _ => format!("that {servers} servers are all there are to try, whatever number of tries is allowed"),
    }
}
