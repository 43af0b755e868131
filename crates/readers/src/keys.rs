//! What a key says by its words alone, in any spelling: `requestTimeoutMs`, `request-timeout-ms`,
//! `REQUEST_TIMEOUT_MS`, `request.timeout.ms`. Which words mean what is the table of `patterns`.
//! Knows no product (that is `products`) and no value.

mod patterns;

use model::{Covers, HashField, Knob, Probe, ProbeField, TimeUnit};

use crate::words::{Any, Words, any, pieces};
use crate::{Reason, Zero};

use patterns::Says;

/// What a key's words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    /// What it controls.
    pub(crate) knob: Knob,
    /// The unit that the name states.
    pub(crate) name_unit: Option<TimeUnit>,
    /// Whose side it is on, where the words say so.
    pub(crate) side: Option<Side>,
    /// What 0 means at keys of this kind.
    pub(crate) zero: Zero,
    /// The words do not settle what the limit covers: [`Class::guess`] puts it in words.
    pub(crate) guessed: bool,
}

impl Class {
    /// The guess in words, to stand behind "assumed": "that `timeout` covers the whole call".
    pub(crate) fn guess(&self, leaf: &str) -> Option<String> {
        if !self.guessed {
            return None;
        }
        Some(match self.knob {
            Knob::Timeout(Covers::Handler) => format!("that `{leaf}` bounds the handler"),
            Knob::Timeout(covers) => format!("that `{leaf}` covers {}", covers.words()),
            Knob::Attempts => format!("that `{leaf}` counts the first try too"),
            Knob::Retries => format!("that `{leaf}` counts the tries after the first"),
            Knob::BackoffBase => format!("that `{leaf}` is the wait before the first retry"),
            Knob::PoolSize => format!("that `{leaf}` is the most connections of a pool"),
            Knob::Hash(HashField::Memory) => format!("that `{leaf}` is in KiB"),
            _ => format!("what `{leaf}` controls"),
        })
    }
}

/// Whose side of a connection a key configures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// The side that accepts.
    Server,
    /// The side that calls.
    Client,
}

/// What the words of a key and of the keys around it say. `parents` are the enclosing keys, the
/// outermost first; only the nearest two count. `None`: no key of our topics. An error says why a
/// key that looks like one of ours is none.
///
/// # Errors
///
/// [`Reason::NotOurs`] for names, ports, paths and other company of our keys.
pub(crate) fn classify(parents: &[&str], leaf: &str) -> Option<Result<Class, Reason>> {
    // `logging.level.org.product.pool` names a part of a program.
    if parents.windows(2).any(|pair| matches!(pair, ["logging" | "log", "level" | "levels"])) {
        return None;
    }
    let near = &parents[parents.len().saturating_sub(2)..];
    if !is_suspect(leaf) && !near.iter().any(|parent| is_suspect(parent)) {
        return None;
    }
    let mut words = Words::split(leaf);
    if let ([.., parent], Some(_)) = (near, words.only_unit()) {
        // `timeout: { seconds: 5 }`, `request.timeout.ms`: the parent names what, the leaf how much.
        words = Words::split(parent);
        words.add(leaf);
    }
    let mut around = Words::default();
    for parent in near {
        around.add(parent);
    }
    let named = is_topic(&words);
    if let Some(class) = probe_field(&words, &around) {
        return Some(Ok(class));
    }
    let Some(pattern) = patterns::find(&words, &around) else {
        return named.then_some(Err(Reason::NotOurs));
    };
    match pattern.says {
        Says::Knob(knob) | Says::Guess(knob) => {
            let guessed = matches!(pattern.says, Says::Guess(_));
            let class = Class { name_unit: words.unit(), guessed, ..Class::plain(knob) };
            Some(Ok(match side(parents, &words) {
                Some(Side::Server) => class.at_server(),
                side => Class { side, ..class },
            }))
        }
        Says::NotOurs if named => Some(Err(Reason::NotOurs)),
        Says::NotOurs => None,
    }
}

impl Class {
    fn plain(knob: Knob) -> Self {
        let zero = match knob {
            Knob::Timeout(Covers::Drain) | Knob::Grace | Knob::PreStop => Zero::Literal,
            Knob::BackoffBase | Knob::BackoffMax | Knob::Jitter | Knob::Probe(..) => Zero::Literal,
            Knob::ClockSkew | Knob::TokenLead => Zero::Literal,
            _ => Zero::Never,
        };
        Self { knob, name_unit: None, side: None, zero, guessed: false }
    }

    /// The same words at a server, where nothing is called: a limit on requests is one on the handler
    /// that answers them, and one on reading may stand for the headers, the body or both.
    pub(crate) fn at_server(self) -> Self {
        let (knob, guessed) = match self.knob {
            Knob::Timeout(Covers::WholeCall | Covers::Attempt) => (Knob::Timeout(Covers::Handler), true),
            Knob::Timeout(Covers::FirstByte) if self.guessed => (Knob::Timeout(Covers::Handler), true),
            Knob::Timeout(Covers::BetweenBytes | Covers::Connect) => (Knob::Timeout(Covers::Unknown), false),
            knob => (knob, self.guessed),
        };
        Self { knob, guessed, side: Some(Side::Server), ..self }
    }
}

/// Whether a key may be one of ours: a quick look at its bytes, before anything is split.
pub(crate) fn is_suspect(key: &str) -> bool {
    key.as_bytes().windows(4).any(|four| {
        let four = [four[0] | 0x20, four[1] | 0x20, four[2] | 0x20, four[3] | 0x20];
        matches!(
            &four,
            b"time"
                | b"dead"
                | b"retr"
                | b"atte"
                | b"trie"
                | b"back"
                | b"aliv"
                | b"pool"
                | b"conn"
                | b"idle"
                | b"grac"
                | b"drai"
                | b"shut"
                | b"life"
                | b"prob"
                | b"heal"
                | b"jitt"
                | b"dial"
                | b"hara"
                | b"wait"
                | b"beat"
                | b"dbcp"
                | b"drui"
                | b"jedi"
                | b"lett"
                | b"toke"
                | b"leew"
                | b"skew"
                | b"argo"
                | b"bcry"
                | b"hash"
        )
    })
}

/// Whether a key says how much alone, and the key around it what: `ms` of `request.timeout.ms`.
pub(crate) fn is_unit(key: &str) -> bool {
    Words::split(key).only_unit().is_some()
}

/// Whether the words hold one that an operator would look for: such a key is reported, never
/// silently passed over.
fn is_topic(words: &Words) -> bool {
    const TOPICS: Any = any("timeout|deadline|retry|retries|attempt|attempts|backoff|keepalive|pool|pools");
    words.has_any(TOPICS)
        || words.iter().any(|word| word.starts_with(b"keepalive") || word.ends_with(b"pool"))
        || words.has_any(const { any("max|maximum|limit") })
            && words.has_any(const { any("connection|connections") })
}

fn side(parents: &[&str], words: &Words) -> Option<Side> {
    const SERVER: Any = any("server|listener|listeners|listen|inbound|ingress|httpd|downstream");
    const CLIENT: Any = any("client|clients|upstream|upstreams|backend|outbound|cluster|clusters");
    // `LEDGER_SERVER_TIMEOUT` is about the server of another, `HTTP_SERVER_TIMEOUT` about one's own.
    const PROTOCOLS: Any = any("http|https|grpc|rpc|web|rest|api|app|main|public|internal|admin");
    let own = |words: &Words| {
        let mut words = words.iter().skip_while(|word| PROTOCOLS.holds(word));
        words.next().is_some_and(|word| SERVER.holds(word))
    };
    let of = |words: &Words, serves: bool| match (serves, words.has_any(CLIENT)) {
        (true, false) => Some(Side::Server),
        (false, true) => Some(Side::Client),
        _ => None,
    };
    // A route within a listener passes on, and what is farther away says nothing of this key.
    const ROUTES: Any = any("route|routes|router|routers|routing|vhosts|proxy|proxies|forward|forwarding");
    const REACH: usize = 3;
    of(words, own(words)).or_else(|| {
        let near = parents.iter().rev().filter(|parent| !parent.starts_with('[')).take(REACH);
        let mut near = near.map(|parent| Words::split(parent)).take_while(|words| !words.has_any(ROUTES));
        near.find_map(|words| of(&words, words.has_any(SERVER)))
    })
}

/// Fields of probes and health checks, wherever a word of the key or of its parents names one.
fn probe_field(words: &Words, around: &Words) -> Option<Class> {
    const CHECKS: Any = any("healthcheck|healthchecks|livez|readyz");
    let has = |any: Any| words.has_any(any) || around.has_any(any);
    let probe = if has(const { any("liveness") }) {
        Probe::Liveness
    } else if has(const { any("readiness") }) {
        Probe::Readiness
    } else if has(const { any("startup") }) && has(const { any("probe") }) {
        Probe::Startup
    } else if has(CHECKS) || has(const { any("health") }) && has(const { any("check|checks|probe") }) {
        Probe::Health
    } else {
        return None;
    };
    let field = if words.has("timeout") {
        ProbeField::Timeout
    } else if words.has_any(const { any("period|interval") }) && !words.has("start") {
        ProbeField::Period
    } else if words.has("delay") || words.has("start") && words.has("period") {
        ProbeField::InitialDelay
    } else if words.has_any(const { any("failure|unhealthy|fail|fails") })
        && words.has_any(const { any("threshold|count|max|fails") })
        || words.has("retries")
    {
        ProbeField::Failures
    } else {
        return None;
    };
    Some(Class { name_unit: words.unit(), ..Class::plain(Knob::Probe(probe, field)) })
}

/// What stands before the words that say what a setting controls: `DIRECTORY` of
/// `DIRECTORY_REQUEST_TIMEOUT_MS`, nothing of `request_timeout`.
pub(crate) fn stem_of_setting(key: &str) -> &str {
    const KNOB_WORDS: &str = "timeout|timeouts|time|deadline|deadlines|retry|retries|attempts|tries|backoff|back|\
        keepalive|keep|alive|idle|pool|pools|max|maximum|min|minimum|initial|connect|connection|connections|conn|\
        conns|dial|read|write|send|receive|socket|request|response|statement|query|call|overall|total|wait|\
        acquire|per|default|http|client|tls|ssl|shutdown|drain|grace|graceful|global|num|number|enable|disable|\
        argon2|argon2id|bcrypt|hash|hashing|hashers";
    let mut end = 0;
    for piece in pieces(key) {
        let word = &key[piece.clone()];
        if KNOB_WORDS.split('|').any(|knob| knob.eq_ignore_ascii_case(word)) || is_run_together(word) {
            break;
        }
        end = piece.end;
    }
    &key[..end]
}

fn is_run_together(word: &str) -> bool {
    Words::split(word).count() > 1
}

/// What stands before the words that say that a key holds an address: `DIRECTORY` of
/// `DIRECTORY_SERVICE_URL`, nothing of `url`.
pub(crate) fn stem_of_address(key: &str) -> &str {
    const ADDRESS_WORDS: &str = "url|urls|uri|uris|addr|addrs|address|addresses|host|hosts|hostname|port|dsn|\
        endpoint|endpoints|server|servers|service|base|broker|brokers|connection|string|jdbc|http|grpc|https";
    let pieces: Vec<_> = pieces(key).collect();
    let keep = pieces
        .iter()
        .rposition(|piece| {
            !ADDRESS_WORDS.split('|').any(|word| word.eq_ignore_ascii_case(&key[piece.clone()]))
        })
        .map_or(0, |last| pieces[last].end);
    &key[..keep]
}

#[cfg(test)]
#[allow(clippy::use_debug, reason = "tests show what words mean by the names of the model")]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn shown(key: &str) -> String {
        let segments: Vec<&str> = key.split('.').collect();
        let (leaf, parents) = segments.split_last().unwrap();
        match classify(parents, leaf) {
            None => "-".to_owned(),
            Some(Err(reason)) => format!("{reason:?}"),
            Some(Ok(class)) => {
                let mut text = format!("{:?}", class.knob);
                if let Some(unit) = class.name_unit {
                    write!(text, ", {}", unit.name()).unwrap();
                }
                if let Some(side) = class.side {
                    text.push_str(if side == Side::Server { ", server" } else { ", client" });
                }
                if let Some(guess) = class.guess(leaf) {
                    write!(text, ", assuming {guess}").unwrap();
                }
                text
            }
        }
    }

    fn table(keys: &str) -> String {
        keys.split_whitespace().map(|key| format!("{key}: {}\n", shown(key))).collect()
    }

    #[test]
    fn limits() {
        let shown = table(
            "timeout request_timeout requestTimeoutMs REQUEST_TIMEOUT_SECONDS request.timeout.ms deadline
             connect_timeout connectTimeout connecttimeout CONNECTION_TIMEOUT timeouts.connect timeoutInMilliseconds
             read-timeout server.write_timeout timeouts.read response_timeout response_header_timeout
             perTryTimeout overall_timeout_s socketTimeoutMS tls_handshake_timeout statement_timeout
             graceTimeOut shutdown_timeout drain_seconds terminationGracePeriodSeconds idleTimeout
             idle_in_transaction_session_timeout keepalive_timeout maxLifetime conn_max_lifetime
             pool.timeout acquireTimeoutMillis pool_wait_timeout BACKEND_TIMEOUT session_timeout
             timeout_ms timeoutS timeouts.queue",
        );
        insta::assert_snapshot!(shown, @r#"
        timeout: Timeout(WholeCall), assuming that `timeout` covers the whole call
        request_timeout: Timeout(WholeCall), assuming that `request_timeout` covers the whole call
        requestTimeoutMs: Timeout(WholeCall), milliseconds, assuming that `requestTimeoutMs` covers the whole call
        REQUEST_TIMEOUT_SECONDS: Timeout(WholeCall), seconds, assuming that `REQUEST_TIMEOUT_SECONDS` covers the whole call
        request.timeout.ms: Timeout(WholeCall), milliseconds, assuming that `ms` covers the whole call
        deadline: Timeout(WholeCall), assuming that `deadline` covers the whole call
        connect_timeout: Timeout(Connect)
        connectTimeout: Timeout(Connect)
        connecttimeout: Timeout(Connect)
        CONNECTION_TIMEOUT: Timeout(Connect), assuming that `CONNECTION_TIMEOUT` covers the connect
        timeouts.connect: Timeout(Connect)
        timeoutInMilliseconds: Timeout(WholeCall), milliseconds, assuming that `timeoutInMilliseconds` covers the whole call
        read-timeout: Timeout(BetweenBytes), assuming that `read-timeout` covers the gap between two reads
        server.write_timeout: Timeout(Unknown), server
        timeouts.read: Timeout(BetweenBytes), assuming that `read` covers the gap between two reads
        response_timeout: Timeout(FirstByte), assuming that `response_timeout` covers the wait for the first byte
        response_header_timeout: Timeout(FirstByte)
        perTryTimeout: Timeout(Attempt)
        overall_timeout_s: Timeout(WholeCall), seconds
        socketTimeoutMS: Timeout(BetweenBytes), milliseconds, assuming that `socketTimeoutMS` covers the gap between two reads
        tls_handshake_timeout: Timeout(Tls)
        statement_timeout: Timeout(Statement)
        graceTimeOut: Timeout(Drain)
        shutdown_timeout: Timeout(Drain)
        drain_seconds: -
        terminationGracePeriodSeconds: Grace, seconds
        idleTimeout: Timeout(Idle)
        idle_in_transaction_session_timeout: Other(Timeout)
        keepalive_timeout: Timeout(Idle)
        maxLifetime: Timeout(Lifetime)
        conn_max_lifetime: Timeout(Lifetime)
        pool.timeout: Timeout(PoolWait), assuming that `timeout` covers the wait for a pooled connection
        acquireTimeoutMillis: Timeout(PoolWait), milliseconds
        pool_wait_timeout: Timeout(PoolWait)
        BACKEND_TIMEOUT: Timeout(WholeCall), client, assuming that `BACKEND_TIMEOUT` covers the whole call
        session_timeout: Other(Timeout)
        timeout_ms: Timeout(WholeCall), milliseconds, assuming that `timeout_ms` covers the whole call
        timeoutS: Timeout(WholeCall), seconds, assuming that `timeoutS` covers the whole call
        timeouts.queue: Timeout(PoolWait), assuming that `queue` covers the wait for a pooled connection
        "#);
    }

    #[test]
    fn retries_and_backoff() {
        let shown = table(
            "retries maxRetries max_retries RETRY_COUNT retry.max retry.max-attempts retryAttempts retries.attempts
             maxretries retry retry_interval retryDelayMs retry.delay initialBackoff backoff.initial maxBackoff
             backoff_multiplier backoffLimit retry_on retry_on_status retryableStatusCodes retry.enabled enable_retry
             max_login_attempts max_session_lifetime tries retry_timeout retry.jitter maxElapsedTime MaxAutoRetriesNextServer",
        );
        insta::assert_snapshot!(shown, @r#"
        retries: Retries
        maxRetries: Retries
        max_retries: Retries
        RETRY_COUNT: Retries
        retry.max: Retries
        retry.max-attempts: Attempts
        retryAttempts: Attempts, assuming that `retryAttempts` counts the first try too
        retries.attempts: Retries
        maxretries: Retries
        retry: Retries, assuming that `retry` counts the tries after the first
        retry_interval: BackoffBase
        retryDelayMs: BackoffBase, milliseconds
        retry.delay: BackoffBase
        initialBackoff: BackoffBase
        backoff.initial: BackoffBase
        maxBackoff: BackoffMax
        backoff_multiplier: BackoffFactor
        backoffLimit: Retries
        retry_on: RetryOn
        retry_on_status: RetryOn
        retryableStatusCodes: RetryOn
        retry.enabled: Other(Retry)
        enable_retry: Other(Retry)
        max_login_attempts: NotOurs
        max_session_lifetime: -
        tries: Attempts, assuming that `tries` counts the first try too
        retry_timeout: Timeout(WholeCall), assuming that `retry_timeout` covers the whole call
        retry.jitter: Jitter
        maxElapsedTime: -
        MaxAutoRetriesNextServer: Retries
        "#);
    }

    #[test]
    fn pools_and_keepalive() {
        let shown = table(
            "poolSize pool_size pool-initial-size maximumPoolSize max_connections MAX_CONN maxconn pool.max pool.min max_idle_conns
             minimumIdle hikari.minimum-idle thread_pool_size pool_recycle keepalive keepalive_requests keepAlive
             tcp_keepalive_interval keepalive_ms keepaliveTime maxRequestsPerConnection pool_pre_ping",
        );
        insta::assert_snapshot!(shown, @r#"
        poolSize: PoolSize
        pool_size: PoolSize
        pool-initial-size: Other(Pool)
        maximumPoolSize: PoolSize
        max_connections: PoolSize
        MAX_CONN: PoolSize
        maxconn: PoolSize
        pool.max: PoolSize
        pool.min: PoolFloor
        max_idle_conns: PoolIdle
        minimumIdle: PoolFloor
        hikari.minimum-idle: PoolFloor
        thread_pool_size: Other(Pool)
        pool_recycle: Timeout(Lifetime)
        keepalive: KeepAlive
        keepalive_requests: KeepAlive
        keepAlive: KeepAlive
        tcp_keepalive_interval: Interval
        keepalive_ms: KeepAlive, milliseconds
        keepaliveTime: Interval
        maxRequestsPerConnection: KeepAlive
        pool_pre_ping: Other(Pool)
        "#);
    }

    #[test]
    fn probes() {
        let shown = table(
            "livenessProbe.timeoutSeconds readiness_probe.period_seconds startupProbe.failureThreshold
             livenessProbe.initialDelaySeconds healthcheck.interval healthcheck.retries healthcheck.start_period
             health_checks.timeout healthCheck.path",
        );
        insta::assert_snapshot!(shown, @r#"
        livenessProbe.timeoutSeconds: Probe(Liveness, Timeout), seconds
        readiness_probe.period_seconds: Probe(Readiness, Period), seconds
        startupProbe.failureThreshold: Probe(Startup, Failures)
        livenessProbe.initialDelaySeconds: Probe(Liveness, InitialDelay), seconds
        healthcheck.interval: Probe(Health, Period)
        healthcheck.retries: Probe(Health, Failures)
        healthcheck.start_period: Probe(Health, InitialDelay)
        health_checks.timeout: Probe(Health, Timeout)
        healthCheck.path: -
        "#);
    }

    #[test]
    fn limits_at_a_server_bound_its_handler() {
        let shown = table(
            "server.request_timeout http_server.timeout server.read_timeout listener.idle_timeout inbound.timeout
             SERVER_TIMEOUT HTTP_SERVER_TIMEOUT_MS LEDGER_SERVER_TIMEOUT server.response_timeout
             listeners.filter_chains.route_config.routes.route.timeout server.proxy.timeout",
        );
        insta::assert_snapshot!(shown, @r#"
        server.request_timeout: Timeout(Handler), server, assuming that `request_timeout` bounds the handler
        http_server.timeout: Timeout(Handler), server, assuming that `timeout` bounds the handler
        server.read_timeout: Timeout(Unknown), server
        listener.idle_timeout: Timeout(Idle), server
        inbound.timeout: Timeout(Handler), server, assuming that `timeout` bounds the handler
        SERVER_TIMEOUT: Timeout(Handler), server, assuming that `SERVER_TIMEOUT` bounds the handler
        HTTP_SERVER_TIMEOUT_MS: Timeout(Handler), milliseconds, server, assuming that `HTTP_SERVER_TIMEOUT_MS` bounds the handler
        LEDGER_SERVER_TIMEOUT: Timeout(WholeCall), assuming that `LEDGER_SERVER_TIMEOUT` covers the whole call
        server.response_timeout: Timeout(Handler), server, assuming that `response_timeout` bounds the handler
        listeners.filter_chains.route_config.routes.route.timeout: Timeout(WholeCall), assuming that `timeout` covers the whole call
        server.proxy.timeout: Timeout(WholeCall), assuming that `timeout` covers the whole call
        "#);
    }

    #[test]
    fn what_is_no_call_has_no_limit_of_a_call() {
        let shown = table(
            "sa-token.timeout webauthn.timeout session.timeout session_timeout cookie.timeout timeouts_until_tko
             activeDeadlineSeconds absoluteTimeout regulation.max_retries login.max_retries
             retryConstraint.minRetryRate.count retryConstraint.budget.interval cachedExecutorIdleTimeout
             logging.level.org.pool.timeout druid.initial-size druid.max-active dbcp2.max-idle",
        );
        insta::assert_snapshot!(shown, @r#"
        sa-token.timeout: Other(Timeout)
        webauthn.timeout: Other(Timeout)
        session.timeout: Other(Timeout)
        session_timeout: Other(Timeout)
        cookie.timeout: Other(Timeout)
        timeouts_until_tko: NotOurs
        activeDeadlineSeconds: Other(Timeout), seconds
        absoluteTimeout: Other(Timeout)
        regulation.max_retries: NotOurs
        login.max_retries: NotOurs
        retryConstraint.minRetryRate.count: -
        retryConstraint.budget.interval: -
        cachedExecutorIdleTimeout: Other(Timeout)
        logging.level.org.pool.timeout: -
        druid.initial-size: Other(Pool)
        druid.max-active: PoolSize
        dbcp2.max-idle: PoolIdle
        "#);
    }

    #[test]
    fn hashes_and_tokens() {
        let shown = table(
            "argon2_memory_cost ARGON2_TIME_COST argon2.memory argon2id.iterations argon2.parallelism \
             bcrypt_rounds bcrypt.cost spring.argon2.salt_length access_token_ttl refreshTokenLifetime \
             TOKEN_EXPIRY_SECONDS tokens.access_ttl token.ttl token.refresh_interval token_refresh_before \
             refresh_token_reuse_interval RATE_LIMIT_TOKEN_REFRESH clock_skew token.leeway maxSkew \
             access_token hash_algorithm token_url pod-template-hash",
        );
        insta::assert_snapshot!(shown, @r"
        argon2_memory_cost: Hash(Memory), assuming that `argon2_memory_cost` is in KiB
        ARGON2_TIME_COST: Hash(Iterations)
        argon2.memory: Hash(Memory), assuming that `memory` is in KiB
        argon2id.iterations: Hash(Iterations)
        argon2.parallelism: Hash(Lanes)
        bcrypt_rounds: Hash(Cost)
        bcrypt.cost: Hash(Cost)
        spring.argon2.salt_length: -
        access_token_ttl: TokenLife
        refreshTokenLifetime: TokenLife
        TOKEN_EXPIRY_SECONDS: TokenLife, seconds
        tokens.access_ttl: TokenLife
        token.ttl: TokenLife
        token.refresh_interval: TokenRefresh
        token_refresh_before: TokenLead
        refresh_token_reuse_interval: -
        RATE_LIMIT_TOKEN_REFRESH: -
        clock_skew: ClockSkew
        token.leeway: ClockSkew
        maxSkew: -
        access_token: -
        hash_algorithm: -
        token_url: -
        pod-template-hash: -
        ");
    }

    #[test]
    fn company_of_our_keys() {
        let shown = table(
            "timeout_command keepalived_image_tag connection_pool_name pooler.image timeline cookie_lifetime ttl
             health_port retry_queue_name pool_host backup background_color connector idle grace conntrack_max
             timeout_message time_zone attributes last_retry_time update_interval deadlock_count",
        );
        insta::assert_snapshot!(shown, @r#"
        timeout_command: NotOurs
        keepalived_image_tag: NotOurs
        connection_pool_name: NotOurs
        pooler.image: -
        timeline: -
        cookie_lifetime: -
        ttl: -
        health_port: -
        retry_queue_name: NotOurs
        pool_host: NotOurs
        backup: -
        background_color: -
        connector: -
        idle: -
        grace: -
        conntrack_max: -
        timeout_message: NotOurs
        time_zone: -
        attributes: -
        last_retry_time: NotOurs
        update_interval: -
        deadlock_count: -
        "#);
    }
}
