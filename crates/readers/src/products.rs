//! What products document about their own keys: the unit of a bare number, what a limit covers,
//! what 0 means. Rows apply by a product's own file names and key paths, never by a repository.
//! Each row names its source; what is not documented is not in the table.

use model::{Covers, Knob, TimeUnit, Topic};

use crate::setting::Place;
use crate::words::split_once;
use crate::{Meaning, Zero};

/// One documented fact about keys of a product.
#[derive(Debug)]
pub(crate) struct Row {
    /// File names, `|` between alternatives; empty for any file.
    files: &'static str,
    /// Keys with the end of their path, `|` between alternatives. Case, `-`, `_` and `.` do not count,
    /// so that `hikari.connection-timeout` is `hikari: { connectionTimeout }` as well as
    /// `HIKARI_CONNECTION_TIMEOUT`. What stands before a `**` may be anywhere in the path.
    #[cfg_attr(not(test), expect(dead_code, reason = "`ends` are made of it; the tests name rows by it"))]
    keys: &'static str,
    /// The same, taken apart.
    ends: [Option<PathEnd>; Row::MOST],
    /// What the keys control; `None` where their words say it.
    pub(crate) knob: Option<Knob>,
    /// The unit of a bare number.
    bare: Option<TimeUnit>,
    /// What 0 means.
    zero: Zero,
    /// The unit that a well-known other product gives a key of this name.
    elsewhere: Option<TimeUnit>,
    /// Where it is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people and by the test of the table"))]
    source: &'static str,
}

/// The end of a key's path.
#[derive(Debug, Clone, Copy)]
struct PathEnd {
    /// What must stand somewhere before it.
    behind: Option<&'static str>,
    end: &'static str,
}

impl Row {
    /// No row has more alternatives.
    const MOST: usize = 3;

    const fn ends(keys: &'static str) -> [Option<PathEnd>; Self::MOST] {
        let mut ends = [None; Self::MOST];
        let mut count = 0;
        let mut rest = Some(keys);
        while let Some(keys) = rest {
            let (key, others) = split_once(keys, "|");
            ends[count] = Some(match split_once(key, "**") {
                (before, Some(end)) => PathEnd { behind: Some(before), end },
                (end, None) => PathEnd { behind: None, end },
            });
            count += 1;
            rest = others;
        }
        ends
    }

    fn is_of(&self, path: &Flat) -> bool {
        self.ends.iter().flatten().any(|PathEnd { behind, end }| {
            path.ends_with(end).is_some_and(|rest| behind.is_none_or(|before| path.holds(before, rest)))
        })
    }

    /// The meaning of a key that its words already class as `knob`.
    pub(crate) fn meaning(&self, knob: Option<Knob>) -> Option<Meaning> {
        let knob = self.knob.or(knob)?;
        Some(Meaning { knob, bare: self.bare, zero: self.zero, elsewhere: self.elsewhere })
    }

    const fn literal(self) -> Self {
        Self { zero: Zero::Literal, ..self }
    }

    const fn elsewhere(self, unit: TimeUnit) -> Self {
        Self { elsewhere: Some(unit), ..self }
    }

    const fn within(self, files: &'static str) -> Self {
        Self { files, ..self }
    }
}

const fn row(keys: &'static str, knob: Option<Knob>, bare: Option<TimeUnit>, source: &'static str) -> Row {
    Row { files: "", keys, ends: Row::ends(keys), knob, bare, zero: Zero::Never, elsewhere: None, source }
}

/// A limit whose bare number has a unit.
const fn limit(keys: &'static str, covers: Covers, unit: TimeUnit, source: &'static str) -> Row {
    row(keys, Some(Knob::Timeout(covers)), Some(unit), source)
}

/// A unit alone: what the keys control, their words say.
const fn unit(keys: &'static str, unit: TimeUnit, source: &'static str) -> Row {
    row(keys, None, Some(unit), source)
}

/// A meaning without a time.
const fn means(keys: &'static str, knob: Knob, source: &'static str) -> Row {
    row(keys, Some(knob), None, source)
}

const MS: TimeUnit = TimeUnit::Milliseconds;
const S: TimeUnit = TimeUnit::Seconds;
/// A limit of one of our topics that bounds no call: sessions, locks, jobs.
const OTHER: Knob = Knob::Other(Topic::Timeout);

const HIKARI: &str = "HikariCP README, 5.x";
const SPRING: &str =
    "Spring Boot reference 2.x to 4.x, externalized configuration: a Duration without unit is in ms";
const GATEWAY: &str = "Spring Cloud Gateway reference 4.x, HTTP timeouts configuration";
const OPENFEIGN: &str = "Spring Cloud OpenFeign reference, feign.Request.Options";
const NETFLIX: &str = "Netflix Ribbon CommonClientConfigKey and Hystrix configuration wiki";
const RESILIENCE4J: &str = "resilience4j documentation, Retry and TimeLimiter";
const PGBOUNCER: &str = "PgBouncer doc/config.md, 1.x";
const POSTGRES: &str = "PostgreSQL manual 9.6 to 17, runtime-config-client and -connection";
const MYSQL: &str = "MySQL reference manual 8.0, server system variables";
const REDIS: &str = "redis.conf of Redis 2.6 to 7, comments at the directive";
const FPM: &str = "PHP manual, FastCGI process manager configuration";
const GUNICORN: &str = "gunicorn documentation, settings (20 to 23)";
const UVICORN: &str = "uvicorn manual page, --timeout-keep-alive SECONDS";
const UWSGI: &str = "uWSGI documentation, glossary: harakiri";
const CELERY: &str = "Celery documentation, configuration: broker connection timeout in seconds";
const OSLO_MESSAGING: &str = "oslo.messaging configuration options, ocata to zed";
const OSLO_DB: &str = "oslo.db configuration options, ocata to 2025.1";
const SQLALCHEMY: &str =
    "SQLAlchemy create_engine, as Google Cloud SQL samples state it: pool_timeout in seconds";
const TRAEFIK: &str = "Traefik documentation, entry points and servers transport (2.x, 3.x)";
const INGRESS_NGINX: &str = "ingress-nginx annotations: unitless, in seconds";
const ANSIBLE: &str = "Ansible modules wait_for and wait_for_connection, 2.3 and later";
const GRPC: &str = "grpc-proto service_config.proto";
const ENVOY: &str = "Envoy API v3, circuit_breaker.proto: concurrent retries of a cluster";
const ISTIO: &str = "Istio API destination_rule.proto: outstanding retries of a cluster";
const LAMBDA: &str = "AWS Lambda developer guide, function timeout in seconds";
const KIBANA: &str = "kibana.yml of Kibana 4 to 8: time in milliseconds";
const HAPROXY: &str = "HAProxy configuration manual 3.1: a timeout without unit is in ms";

/// The facts, the more specific before the more general ones of the same product.
static ROWS: &[Row] = &[
    // Spring and its neighbours.
    limit("hikari.connectionTimeout", Covers::PoolWait, MS, HIKARI).elsewhere(S),
    unit("hikari.validationTimeout", MS, HIKARI).literal(),
    limit("hikari.idleTimeout", Covers::Idle, MS, HIKARI),
    limit("hikari.maxLifetime", Covers::Lifetime, MS, HIKARI),
    row("hikari.keepaliveTime", Some(Knob::Interval), Some(MS), HIKARI),
    means("hikari.maximumPoolSize", Knob::PoolSize, HIKARI),
    means("hikari.minimumIdle", Knob::PoolIdle, HIKARI),
    limit("server.tomcat.connection-timeout|server.netty.connection-timeout", Covers::Unknown, MS, SPRING),
    limit("server.tomcat.keep-alive-timeout|server.netty.idle-timeout", Covers::Idle, MS, SPRING),
    limit("server.jetty.connection-idle-timeout", Covers::Idle, MS, SPRING),
    limit("spring.lifecycle.timeout-per-shutdown-phase", Covers::Drain, MS, SPRING).literal(),
    limit("spring.mvc.async.request-timeout", Covers::Handler, MS, SPRING),
    limit("spring.redis.timeout|spring.data.redis.timeout", Covers::Attempt, MS, SPRING),
    unit("spring.redis.connect-timeout|spring.data.redis.connect-timeout", MS, SPRING),
    limit(
        "cloud.gateway.httpclient.connect-timeout|cloud.gateway**metadata.connect-timeout",
        Covers::Connect,
        MS,
        GATEWAY,
    ),
    limit(
        "cloud.gateway.httpclient.response-timeout|cloud.gateway**metadata.response-timeout",
        Covers::FirstByte,
        MS,
        GATEWAY,
    ),
    limit(
        "feign.client.config**connectTimeout|openfeign.client.config**connectTimeout",
        Covers::Connect,
        MS,
        OPENFEIGN,
    ),
    limit(
        "feign.client.config**readTimeout|openfeign.client.config**readTimeout",
        Covers::BetweenBytes,
        MS,
        OPENFEIGN,
    ),
    limit("ribbon.ConnectTimeout", Covers::Connect, MS, NETFLIX),
    limit("ribbon.ReadTimeout", Covers::BetweenBytes, MS, NETFLIX),
    means("ribbon.MaxAutoRetries|ribbon.MaxAutoRetriesNextServer", Knob::Retries, NETFLIX),
    limit("hystrix.command**thread.timeoutInMilliseconds", Covers::WholeCall, MS, NETFLIX).literal(),
    limit("resilience4j.timelimiter**timeoutDuration", Covers::WholeCall, MS, RESILIENCE4J).literal(),
    row("resilience4j.retry**waitDuration", Some(Knob::BackoffBase), Some(MS), RESILIENCE4J).literal(),
    means("resilience4j.retry**maxAttempts", Knob::Attempts, RESILIENCE4J),
    // Databases and their pools.
    limit("query_wait_timeout", Covers::PoolWait, S, PGBOUNCER),
    limit("pgbouncer.server_lifetime", Covers::Lifetime, S, PGBOUNCER).literal(),
    limit("pgbouncer.server_idle_timeout|pgbouncer.client_idle_timeout", Covers::Idle, S, PGBOUNCER),
    limit("pgbouncer.server_connect_timeout", Covers::Connect, S, PGBOUNCER),
    limit("pgbouncer.query_timeout", Covers::Statement, S, PGBOUNCER),
    row("pgbouncer.tcp_user_timeout", Some(OTHER), Some(MS), PGBOUNCER).elsewhere(S),
    row("pgbouncer.client_login_timeout|pgbouncer.cancel_wait_timeout", Some(OTHER), Some(S), PGBOUNCER),
    row("pgbouncer.idle_transaction_timeout|pgbouncer.transaction_timeout", Some(OTHER), Some(S), PGBOUNCER),
    means("pgbouncer.default_pool_size|pgbouncer.max_client_conn", Knob::PoolSize, PGBOUNCER),
    limit("statement_timeout", Covers::Statement, MS, POSTGRES).within("postgresql.conf").elsewhere(S),
    row("lock_timeout|deadlock_timeout|wal_sender_timeout", Some(OTHER), Some(MS), POSTGRES)
        .within("postgresql.conf"),
    row("idle_in_transaction_session_timeout|idle_session_timeout", Some(OTHER), Some(MS), POSTGRES),
    row("authentication_timeout", Some(OTHER), Some(S), POSTGRES).within("postgresql.conf"),
    row("tcp_keepalives_idle|tcp_keepalives_interval", Some(Knob::Interval), Some(S), POSTGRES),
    limit("mysqld.wait_timeout|mysqld.interactive_timeout", Covers::Idle, S, MYSQL),
    row("mysqld.connect_timeout", Some(OTHER), Some(S), MYSQL),
    row("mysqld.net_read_timeout|mysqld.net_write_timeout", Some(OTHER), Some(S), MYSQL),
    row("innodb_lock_wait_timeout|mysqld.lock_wait_timeout", Some(OTHER), Some(S), MYSQL),
    limit("mysqld.max_execution_time", Covers::Statement, MS, MYSQL).elsewhere(S),
    limit("timeout", Covers::Idle, S, REDIS).within("redis.conf"),
    row("tcp-keepalive", Some(Knob::Interval), Some(S), REDIS).within("redis.conf"),
    row("cluster-node-timeout", Some(OTHER), Some(MS), REDIS).elsewhere(S),
    limit("engine.pool_timeout|sqlalchemy.pool_timeout", Covers::PoolWait, S, SQLALCHEMY),
    limit("connection_recycle_time", Covers::Lifetime, S, OSLO_DB),
    row("database.retry_interval|database.db_retry_interval", Some(Knob::BackoffBase), Some(S), OSLO_DB),
    limit("rpc_response_timeout", Covers::WholeCall, S, OSLO_MESSAGING),
    means("rpc_conn_pool_size", Knob::PoolSize, OSLO_MESSAGING),
    // Application servers.
    limit("request_terminate_timeout", Covers::Handler, S, FPM),
    row("request_slowlog_timeout", Some(OTHER), Some(S), FPM),
    limit("process_control_timeout", Covers::Drain, S, FPM).literal(),
    limit("gunicorn.graceful_timeout", Covers::Drain, S, GUNICORN).literal(),
    limit("gunicorn.timeout", Covers::Handler, S, GUNICORN),
    limit("gunicorn.keepalive", Covers::Idle, S, GUNICORN).literal(),
    limit("uvicorn.timeout_keep_alive|--timeout-keep-alive", Covers::Idle, S, UVICORN).literal(),
    limit("uwsgi.harakiri", Covers::Handler, S, UWSGI),
    limit("broker_connection_timeout", Covers::Connect, S, CELERY),
    limit("Globals.Function.Timeout|aws_lambda_function**timeout", Covers::Handler, S, LAMBDA).literal(),
    // Proxies, gateways and meshes.
    limit("respondingTimeouts.idleTimeout|forwardingTimeouts.idleConnTimeout", Covers::Idle, S, TRAEFIK),
    unit("respondingTimeouts.readTimeout|respondingTimeouts.writeTimeout", S, TRAEFIK),
    limit("forwardingTimeouts.dialTimeout", Covers::Connect, S, TRAEFIK),
    limit("forwardingTimeouts.responseHeaderTimeout", Covers::FirstByte, S, TRAEFIK),
    limit("lifeCycle.graceTimeOut", Covers::Drain, S, TRAEFIK).literal(),
    limit("nginx.ingress.kubernetes.io.proxy-connect-timeout", Covers::Connect, S, INGRESS_NGINX),
    limit("nginx.ingress.kubernetes.io.proxy-read-timeout", Covers::BetweenBytes, S, INGRESS_NGINX),
    unit("nginx.ingress.kubernetes.io.proxy-send-timeout", S, INGRESS_NGINX),
    means("circuit_breakers**max_retries", Knob::Other(Topic::Retry), ENVOY),
    means("connectionPool.http.maxRetries", Knob::Other(Topic::Retry), ISTIO),
    limit("methodConfig.timeout", Covers::WholeCall, S, GRPC).literal(),
    means(
        "methodConfig.retryPolicy.maxAttempts|methodConfig.hedgingPolicy.maxAttempts",
        Knob::Attempts,
        GRPC,
    ),
    limit("timeout.connect", Covers::Connect, MS, HAPROXY).within("haproxy.cfg").elsewhere(S),
    limit("timeout.queue", Covers::PoolWait, MS, HAPROXY).within("haproxy.cfg").elsewhere(S),
    limit("timeout.client|timeout.server", Covers::BetweenBytes, MS, HAPROXY)
        .within("haproxy.cfg")
        .elsewhere(S),
    limit("timeout.http-keep-alive|timeout.tunnel", Covers::Idle, MS, HAPROXY)
        .within("haproxy.cfg")
        .elsewhere(S),
    row("timeout.http-request|timeout.check", Some(OTHER), Some(MS), HAPROXY)
        .within("haproxy.cfg")
        .elsewhere(S),
    limit("elasticsearch.requestTimeout|opensearch.requestTimeout", Covers::WholeCall, MS, KIBANA),
    row("elasticsearch.shardTimeout|elasticsearch.pingTimeout", Some(OTHER), Some(MS), KIBANA),
    // Automation.
    row("wait_for.timeout|wait_for_connection.timeout", Some(OTHER), Some(S), ANSIBLE),
    limit("wait_for.connect_timeout|wait_for_connection.connect_timeout", Covers::Connect, S, ANSIBLE),
];

/// The row for a key. Rows are few and asked for only where a key may be one of ours.
pub(crate) fn find(place: &Place<'_>) -> Option<&'static Row> {
    let path = Flat::of(place);
    let file = place.file.rsplit('/').next().unwrap_or(place.file);
    ROWS.iter().find(|row| {
        row.is_of(&path) && (row.files.is_empty() || row.files.split('|').any(|name| name == file))
    })
}

/// A path without what spellings differ in: letters and digits only, lower case, item numbers left
/// out; with the places at which a word or segment starts.
struct Flat {
    bytes: [u8; Flat::MOST],
    starts: [bool; Flat::MOST],
    length: usize,
}

impl Flat {
    /// The end of a path that is looked at; no row needs more.
    const MOST: usize = 192;

    fn of(place: &Place<'_>) -> Self {
        let mut flat = Self { bytes: [0; Self::MOST], starts: [false; Self::MOST], length: 0 };
        let segments = place.parents.iter().filter(|parent| !parent.starts_with('['));
        // Of a path that is too long its beginning is left out.
        let total: usize = segments.clone().map(|part| part.len()).sum::<usize>() + place.leaf.len();
        let mut skip = total.saturating_sub(Self::MOST);
        for segment in segments.chain([&place.leaf]) {
            let mut starts = true;
            for &byte in segment.as_bytes() {
                if skip > 0 {
                    skip -= 1;
                } else if !byte.is_ascii_alphanumeric() {
                    starts = true;
                } else {
                    flat.bytes[flat.length] = byte.to_ascii_lowercase();
                    flat.starts[flat.length] = starts;
                    flat.length += 1;
                    starts = false;
                }
            }
        }
        flat
    }

    /// Whether the path ends with a key, from the start of a word on; gives where.
    fn ends_with(&self, key: &str) -> Option<usize> {
        let mut at = self.length;
        for byte in key.bytes().rev().filter(u8::is_ascii_alphanumeric) {
            at = at.checked_sub(1)?;
            if self.bytes[at] != byte.to_ascii_lowercase() {
                return None;
            }
        }
        (at < self.length && self.starts[at]).then_some(at)
    }

    /// Whether the path holds a key before `end`, from the start of a word on.
    fn holds(&self, key: &str, end: usize) -> bool {
        let wanted = || key.bytes().filter(u8::is_ascii_alphanumeric);
        (0..end).filter(|&start| self.starts[start]).any(|start| {
            let found = &self.bytes[start..end];
            wanted().count() <= found.len()
                && wanted().zip(found).all(|(want, have)| want.eq_ignore_ascii_case(have))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, key: &str) -> Option<&'static str> {
        let segments: Vec<&str> = key.split('/').collect();
        let (leaf, parents) = segments.split_last()?;
        find(&Place { file, parents, leaf }).map(|row| row.keys)
    }

    #[test]
    fn a_row_is_found_in_every_spelling_of_its_key() {
        for key in [
            "spring/datasource/hikari/connection-timeout",
            "spring/datasource/hikari/connectionTimeout",
            "SPRING_DATASOURCE_HIKARI_CONNECTION_TIMEOUT",
            "HIKARI_CONNECTIONTIMEOUT",
        ] {
            assert_eq!(found("application.yml", key), Some("hikari.connectionTimeout"), "{key}");
        }
        assert_eq!(found("a.yml", "myhikari/connectionTimeout"), None);
        assert_eq!(found("a.yml", "connectionTimeout"), None);
    }

    #[test]
    fn what_stands_before_two_stars_may_be_anywhere_in_the_path() {
        let keys = "resilience4j.retry**maxAttempts";
        assert_eq!(found("a.yml", "resilience4j/retry/instances/directory/max-attempts"), Some(keys));
        assert_eq!(found("a.yml", "spring/retry/instances/directory/max-attempts"), None);
    }

    #[test]
    fn a_row_of_a_file_holds_in_that_file_alone() {
        assert_eq!(found("etc/redis/redis.conf", "timeout"), Some("timeout"));
        assert_eq!(found("etc/redis.yaml", "timeout"), None);
        assert_eq!(found("service_config.json", "methodConfig/[0]/timeout"), Some("methodConfig.timeout"));
    }

    #[test]
    fn every_row_names_its_source_and_says_something() {
        for row in ROWS {
            assert!(row.source.len() > 10, "{}", row.keys);
            assert!(row.knob.is_some() || row.bare.is_some(), "{}", row.keys);
        }
    }
}
