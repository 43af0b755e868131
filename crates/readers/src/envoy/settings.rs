//! What fields limit, and what holds where they are absent. Lengths of time are durations of
//! protobuf's JSON mapping: seconds with an `s`.

use std::time::Duration;

use model::{Covers, Knob, Topic};

use crate::Zero;
use crate::protobuf::{Constant, Default, Field};

const fn time(name: &'static str, covers: Covers) -> Field {
    Field { name, knob: Knob::Timeout(covers), zero: Zero::Never, default: None }
}

/// A field that rules have no use for, or whose meaning no other noun has.
const fn other(name: &'static str, topic: Topic) -> Field {
    Field { name, knob: Knob::Other(topic), zero: Zero::Literal, default: None }
}

const fn knob(name: &'static str, knob: Knob) -> Field {
    Field { name, knob, zero: Zero::Literal, default: None }
}

impl Field {
    const fn or(self, length: Duration, of: &'static str, version: &'static str) -> Self {
        Self { default: Some(Default { value: Constant::Length(length), of, version }), ..self }
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const TIMEOUTS: &str = "API v3, docs/root/faq/configuration/timeouts.rst";

/// `HttpConnectionManager`.
pub(super) static MANAGER: [Field; 6] = [
    time("stream_idle_timeout", Covers::BetweenBytes).or(
        Duration::from_secs(300),
        "Envoy stream_idle_timeout",
        TIMEOUTS,
    ),
    time("request_headers_timeout", Covers::Headers),
    // Until the last byte of the request was passed on.
    other("request_timeout", Topic::Timeout),
    other("stream_flush_timeout", Topic::Timeout),
    // Of one connection, between the notice to close and the close: not of the process.
    other("drain_timeout", Topic::Lifecycle),
    other("delayed_close_timeout", Topic::Timeout),
];

/// `HttpProtocolOptions` towards clients.
pub(super) static DOWNSTREAM: [Field; 4] = [
    time("idle_timeout", Covers::Idle).or(HOUR, "Envoy downstream idle_timeout", TIMEOUTS),
    time("max_connection_duration", Covers::Lifetime),
    time("max_stream_duration", Covers::Handler),
    knob("max_requests_per_connection", Knob::KeepAlive),
];

/// `HttpProtocolOptions` towards a cluster.
pub(super) static UPSTREAM: [Field; 4] = [
    time("idle_timeout", Covers::Idle).or(HOUR, "Envoy upstream idle_timeout", TIMEOUTS),
    time("max_connection_duration", Covers::Lifetime),
    other("max_stream_duration", Topic::Timeout),
    knob("max_requests_per_connection", Knob::KeepAlive),
];

/// `Http2ProtocolOptions.connection_keepalive`.
pub(super) static PING: [Field; 2] =
    [knob("interval", Knob::PingInterval), other("timeout", Topic::KeepAlive)];

/// `Listener`.
pub(super) static LISTENER: [Field; 1] = [other("listener_filters_timeout", Topic::Timeout)];

/// `FilterChain`.
pub(super) static CHAIN: [Field; 1] = [time("transport_socket_connect_timeout", Covers::Tls)];

/// `RouteAction.timeout`.
pub(super) static ROUTE_TIMEOUT: Field = time("timeout", Covers::WholeCall).or(
    Duration::from_secs(15),
    "Envoy route timeout",
    "API v3, config/route/v3/route_components.proto",
);

/// `RouteAction.idle_timeout`.
pub(super) static ROUTE_IDLE: Field = time("idle_timeout", Covers::BetweenBytes);

/// `RouteAction.max_stream_duration`.
pub(super) static STREAM_DURATION: [Field; 3] = [
    time("max_stream_duration", Covers::WholeCall),
    other("grpc_timeout_header_max", Topic::Timeout),
    other("grpc_timeout_header_offset", Topic::Timeout),
];

const RETRY: &str = "API v3, RetryPolicy in config/route/v3/route_components.proto";

/// `RetryPolicy` of a route or virtual host.
pub(super) static RETRIES: Field = Field {
    name: "num_retries",
    knob: Knob::Retries,
    zero: Zero::Literal,
    default: Some(Default { value: Constant::Count(1), of: "Envoy num_retries", version: RETRY }),
};
pub(super) static PER_TRY: [Field; 3] = [
    time("per_try_timeout", Covers::Attempt),
    other("per_try_idle_timeout", Topic::Timeout),
    other("host_selection_retry_max_attempts", Topic::Retry),
];

/// `RetryPolicy.retry_back_off`.
pub(super) static BACKOFF: [Field; 2] = [
    knob("base_interval", Knob::BackoffBase).or(
        Duration::from_millis(25),
        "Envoy retry base_interval",
        RETRY,
    ),
    knob("max_interval", Knob::BackoffMax),
];

/// What the longest wait is where it is not written: ten times the first.
pub(super) const BACKOFF_GROWTH: u32 = 10;
pub(super) const BACKOFF_MAX: (&str, &str) = ("Envoy retry max_interval", RETRY);

/// Every wait is drawn between nothing and its length.
pub(super) static JITTER: Default = Default {
    value: Constant::On,
    of: "Envoy retry back-off",
    version: "API v3, config_http_filters_router_x-envoy-max-retries",
};

/// `Cluster`.
pub(super) static CONNECT: Field = time("connect_timeout", Covers::Connect).or(
    Duration::from_secs(5),
    "Envoy connect_timeout",
    "API v3, config/cluster/v3/cluster.proto",
);

/// `CircuitBreakers.Thresholds`.
pub(super) static THRESHOLDS: [Field; 5] = [
    knob("max_connections", Knob::PoolSize),
    other("max_pending_requests", Topic::Pool),
    other("max_requests", Topic::Pool),
    other("max_connection_pools", Topic::Pool),
    // At once in the whole cluster, not of one request.
    other("max_retries", Topic::Retry),
];

/// `TcpProxy`.
pub(super) static TCP: [Field; 3] = [
    time("idle_timeout", Covers::Idle).or(HOUR, "Envoy tcp_proxy idle_timeout", TIMEOUTS),
    time("max_downstream_connection_duration", Covers::Lifetime),
    other("max_connect_attempts", Topic::Retry),
];

/// `RedisProxy.settings`.
pub(super) static REDIS: [Field; 2] =
    [time("op_timeout", Covers::Attempt), other("buffer_flush_timeout", Topic::Timeout)];

/// `ExternalProcessor`: of each message that has to be answered.
pub(super) static PROCESSOR: Field = Field {
    zero: Zero::Literal,
    ..time("message_timeout", Covers::BetweenBytes).or(
        Duration::from_millis(200),
        "Envoy ext_proc message_timeout",
        "API v3, extensions/filters/http/ext_proc/v3/ext_proc.proto",
    )
};

/// A service that filters and exporters ask.
pub(super) static ASKED: Field = time("timeout", Covers::WholeCall);

/// `ExtAuthz`, over gRPC and HTTP.
pub(super) static AUTHORIZATION: Field = time("timeout", Covers::WholeCall).or(
    Duration::from_millis(200),
    "Envoy ext_authz timeout",
    "API v3, extensions/filters/http/ext_authz/v3/ext_authz.proto",
);

/// `RateLimit`.
pub(super) static RATE_LIMIT: Field = time("timeout", Covers::WholeCall).or(
    Duration::from_millis(20),
    "Envoy ratelimit timeout",
    "API v3, extensions/filters/http/ratelimit/v3/rate_limit.proto",
);
