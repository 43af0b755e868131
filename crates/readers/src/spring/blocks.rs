//! The blocks of keys that act together, by the paths they stand at: whose calls they limit, where the
//! address stands, and what holds for keys that are absent. Facts alone; `keys` says what each key means.

use std::time::Duration;

use model::{Covers, GroupKind, Knob, Limit, Setting, Value};

/// A block of keys.
pub(super) struct Block {
    /// Where it stands, `|` between alternatives; `*` is any one name.
    pub(super) at: &'static str,
    pub(super) kind: GroupKind,
    /// It holds the settings of all calls on this way: of those to the name that `*` stands for, of all
    /// where there is no `*` or where it stands for `default`.
    pub(super) governs: Option<&'static str>,
    /// What `*` stands for is called.
    pub(super) calls_its_name: bool,
    /// Keys with addresses, from the block on; `|` between them.
    pub(super) addresses: &'static str,
    /// What is spoken with a host that is written without it.
    pub(super) scheme: &'static str,
    /// What holds where keys are absent.
    pub(super) defaults: &'static [Default],
}

/// What holds where a key is absent.
pub(super) struct Default {
    /// The key, from the block on; words where there is none and code decides.
    pub(super) key: &'static str,
    pub(super) knob: Knob,
    value: Amount,
    /// Whose default.
    pub(super) of: &'static str,
    /// For which versions, and where that is documented.
    pub(super) version: &'static str,
    pub(super) when: When,
    /// What has to be assumed for it to hold; empty for nothing.
    pub(super) guess: &'static str,
}

/// When a default holds.
#[derive(Clone, Copy)]
pub(super) enum When {
    /// Wherever the block has any key.
    Always,
    /// Where this key, or one below it, is written.
    With(&'static str),
    /// Where this one is written, and none of those behind `|`.
    Only(&'static str),
}

#[derive(Clone, Copy)]
enum Amount {
    Ms(u64),
    Never,
    Count(u64),
    /// As many as the block's pool has at most.
    PoolSize,
}

impl Default {
    /// The value beside the settings of its block; `None` where it depends on one that is not there.
    pub(super) fn value(&self, beside: &[Setting]) -> Option<Value> {
        Some(match self.value {
            Amount::Ms(ms) => Value::Time(Limit::After(Duration::from_millis(ms))),
            Amount::Never => Value::Time(Limit::Never),
            Amount::Count(count) => Value::Count(count),
            Amount::PoolSize => {
                Value::Count(beside.iter().find(|s| s.knob == Knob::PoolSize).and_then(Setting::count)?)
            }
        })
    }

    const fn assuming(self, guess: &'static str) -> Self {
        Self { guess, ..self }
    }

    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }
}

const fn absent(
    key: &'static str,
    knob: Knob,
    value: Amount,
    of: &'static str,
    version: &'static str,
) -> Default {
    Default { key, knob, value, of, version, when: When::Always, guess: "" }
}

const fn limit(
    key: &'static str,
    covers: Covers,
    value: Amount,
    of: &'static str,
    version: &'static str,
) -> Default {
    absent(key, Knob::Timeout(covers), value, of, version)
}

/// The ways on which calls are made.
pub(super) const RIBBON: &str = "ribbon";
/// Ribbon's retries, which not all of its calls make: Zuul's routes not where they are not `retryable`.
pub(super) const RIBBON_RETRIES: &str = "ribbon retries";
pub(super) const HYSTRIX: &str = "hystrix";
pub(super) const FEIGN: &str = "feign";
pub(super) const ZUUL: &str = "zuul.host";
pub(super) const GATEWAY: &str = "spring.cloud.gateway";
pub(super) const TIME_LIMITER: &str = "resilience4j.timelimiter";

pub(super) const REDIS: &str = "spring.redis|spring.data.redis";

/// Keys that Spring Boot has only since 2.0, or a later version (its 2.0 and 2.3 migration guides).
pub(super) const SINCE_BOOT_2: [&str; 12] = [
    "management.endpoints.web",
    "server.servlet",
    "server.shutdown",
    "server.tomcat.threads",
    "spring.config.activate",
    "spring.config.import",
    "spring.data.redis",
    "spring.lifecycle",
    "spring.redis.jedis",
    "spring.redis.lettuce",
    "spring.security.oauth2",
    "spring.servlet",
];

const HIKARI: &str = "HikariCP 3.x to 6.x, README and HikariConfig.java";
const IS_HIKARI: &str = "that the pool is HikariCP, as it is by default since Spring Boot 2.0";
const LETTUCE: &str = "Lettuce 5 to 7, RedisURI.java: DEFAULT_TIMEOUT 60 s";
const IS_LETTUCE: &str = "that the client is Lettuce, as it is by default since Spring Boot 2.0";
const SPRING_REDIS: &str = "Spring Boot 2.0 to 3.x, RedisProperties.Pool: maxWait -1";
const RABBIT: &str = "RabbitMQ Java client 5.x, ConnectionFactory.java: DEFAULT_CONNECTION_TIMEOUT 60 s";
const MONGO: &str = "MongoDB Java driver 3.0 and later, SocketSettings.java: connect 10 s, read 0";
/// No file says who waits for what these calls bring.
const MAIL_AWAITED: &str = "that requests wait until the mail is sent, and no background job sends it";
const TOKEN_AWAITED: &str =
    "that requests wait for what is asked here: a file sets the address and shows no use";
const MAIL: &str = "JavaMail 1.4 and later, com.sun.mail.smtp package.html: infinite timeout";
const ELASTIC: &str = "Spring Boot 2.4 to 3.x, ElasticsearchProperties.java";
const NETFLIX: &str = "Spring Cloud Netflix 2.x, RibbonClientConfiguration.java: DEFAULT_CONNECT_TIMEOUT and DEFAULT_READ_TIMEOUT 1000";
const OPENFEIGN: &str = "OpenFeign, core/src/main/java/feign/Request.java: Options() is 10 s and 60 s";
const URL_CONNECTION: &str =
    "Java SE 5 and later, java/net/URLConnection.java: the timeouts are 0 unless set, and 0 is infinite";
const TIME: &str = "resilience4j 1.x and 2.x, TimeLimiterConfig.java: timeoutDuration 1 s";
const RETRY: &str =
    "resilience4j 1.x and 2.x, RetryConfig.java: DEFAULT_MAX_ATTEMPTS 3, DEFAULT_WAIT_DURATION 500";

/// A pool that is configured.
const WITH_HIKARI: When = When::With("hikari");
/// A pool in a block of a data source that has no other.
const HIKARI_ALONE: When = When::Only("url|tomcat|dbcp2|druid|type|hikari|embedded-database-connection");

const HIKARI_WAIT: Default = limit(
    "hikari.connection-timeout",
    Covers::PoolWait,
    Amount::Ms(30_000),
    "HikariCP connectionTimeout",
    HIKARI,
);
const HIKARI_SIZE: Default =
    absent("hikari.maximum-pool-size", Knob::PoolSize, Amount::Count(10), "HikariCP maximumPoolSize", HIKARI);
const HIKARI_FLOOR: Default =
    absent("hikari.minimum-idle", Knob::PoolFloor, Amount::PoolSize, "HikariCP minimumIdle", HIKARI);
const HIKARI_LIFE: Default =
    limit("hikari.max-lifetime", Covers::Lifetime, Amount::Ms(1_800_000), "HikariCP maxLifetime", HIKARI);
const HIKARI_TEST: Default = limit(
    "hikari.validation-timeout",
    Covers::Validation,
    Amount::Ms(5_000),
    "HikariCP validationTimeout",
    HIKARI,
);
const LETTUCE_COMMAND: Default =
    limit("timeout", Covers::Attempt, Amount::Ms(60_000), "Lettuce command timeout", LETTUCE);

const BLOCK: Block = Block {
    at: "",
    kind: GroupKind::Client,
    governs: None,
    calls_its_name: false,
    addresses: "",
    scheme: "",
    defaults: &[],
};

/// The blocks. Where one lies in another, the inner one comes first.
pub(super) static BLOCKS: &[Block] = &[
    Block {
        at: "spring.datasource",
        kind: GroupKind::Pool,
        addresses: "url|jdbc-url|hikari.jdbc-url",
        defaults: &[
            HIKARI_WAIT.when(WITH_HIKARI),
            HIKARI_SIZE.when(WITH_HIKARI),
            HIKARI_FLOOR.when(WITH_HIKARI),
            HIKARI_LIFE.when(WITH_HIKARI),
            HIKARI_TEST.when(WITH_HIKARI),
            HIKARI_WAIT.when(HIKARI_ALONE).assuming(IS_HIKARI),
            HIKARI_SIZE.when(HIKARI_ALONE).assuming(IS_HIKARI),
            HIKARI_LIFE.when(HIKARI_ALONE).assuming(IS_HIKARI),
        ],
        ..BLOCK
    },
    Block {
        at: REDIS,
        kind: GroupKind::Pool,
        addresses: "host|url|cluster.nodes|sentinel.nodes",
        scheme: "redis",
        defaults: &[
            LETTUCE_COMMAND.when(When::Only("host|jedis")).assuming(IS_LETTUCE),
            LETTUCE_COMMAND.when(When::Only("url|jedis")).assuming(IS_LETTUCE),
            limit(
                "lettuce.pool.max-wait",
                Covers::PoolWait,
                Amount::Never,
                "Spring Boot lettuce.pool.max-wait",
                SPRING_REDIS,
            )
            .when(When::With("lettuce.pool")),
            limit(
                "jedis.pool.max-wait",
                Covers::PoolWait,
                Amount::Never,
                "Spring Boot jedis.pool.max-wait",
                SPRING_REDIS,
            )
            .when(When::With("jedis.pool")),
        ],
        ..BLOCK
    },
    Block {
        at: "spring.rabbitmq",
        addresses: "host|addresses",
        scheme: "amqp",
        defaults: &[limit(
            "connection-timeout",
            Covers::Connect,
            Amount::Ms(60_000),
            "RabbitMQ Java client connectionTimeout",
            RABBIT,
        )
        .when(When::With("host"))],
        ..BLOCK
    },
    Block {
        at: "spring.data.mongodb|spring.mongodb",
        addresses: "uri|host",
        scheme: "mongodb",
        defaults: &[
            limit(
                "uri?connectTimeoutMS",
                Covers::Connect,
                Amount::Ms(10_000),
                "MongoDB connectTimeoutMS",
                MONGO,
            )
            .when(When::Only("host|uri")),
            limit(
                "uri?socketTimeoutMS",
                Covers::BetweenBytes,
                Amount::Never,
                "MongoDB socketTimeoutMS",
                MONGO,
            )
            .when(When::Only("host|uri")),
        ],
        ..BLOCK
    },
    Block {
        at: "spring.kafka",
        addresses: "bootstrap-servers|consumer.bootstrap-servers|producer.bootstrap-servers",
        scheme: "kafka",
        ..BLOCK
    },
    Block {
        at: "spring.mail",
        addresses: "host",
        scheme: "smtp",
        defaults: &[
            limit(
                "properties.mail.smtp.connectiontimeout",
                Covers::Connect,
                Amount::Never,
                "Jakarta Mail mail.smtp.connectiontimeout",
                MAIL,
            )
            .when(When::With("host")),
            limit(
                "properties.mail.smtp.timeout",
                Covers::BetweenBytes,
                Amount::Never,
                "Jakarta Mail mail.smtp.timeout",
                MAIL,
            )
            .when(When::With("host"))
            .assuming(MAIL_AWAITED),
        ],
        ..BLOCK
    },
    Block {
        at: "spring.elasticsearch.rest|spring.elasticsearch",
        addresses: "uris",
        scheme: "http",
        defaults: &[
            limit(
                "connection-timeout",
                Covers::Connect,
                Amount::Ms(1_000),
                "Spring Boot elasticsearch connection-timeout",
                ELASTIC,
            )
            .when(When::With("uris")),
            limit(
                "socket-timeout",
                Covers::BetweenBytes,
                Amount::Ms(30_000),
                "Spring Boot elasticsearch socket-timeout",
                ELASTIC,
            )
            .when(When::With("uris")),
        ],
        ..BLOCK
    },
    Block { at: "eureka.client", addresses: "service-url.defaultZone", scheme: "http", ..BLOCK },
    Block { at: "spring.cloud.config", addresses: "uri", scheme: "http", ..BLOCK },
    Block {
        at: "security.oauth2.resource|security.oauth2.client",
        addresses: "user-info-uri|token-info-uri|jwk.key-set-uri|access-token-uri",
        scheme: "http",
        defaults: &[
            limit(
                "connect timeout of the OAuth2RestTemplate (set in code)",
                Covers::Connect,
                Amount::Never,
                "Spring Security OAuth2 connect timeout",
                URL_CONNECTION,
            ),
            limit(
                "read timeout of the OAuth2RestTemplate (set in code)",
                Covers::BetweenBytes,
                Amount::Never,
                "Spring Security OAuth2 read timeout",
                URL_CONNECTION,
            )
            .assuming(TOKEN_AWAITED),
        ],
        ..BLOCK
    },
    Block { at: "ribbon", governs: Some(RIBBON), defaults: RIBBON_DEFAULTS, ..BLOCK },
    Block {
        at: "*.ribbon",
        governs: Some(RIBBON),
        calls_its_name: true,
        addresses: "listOfServers",
        scheme: "http",
        ..BLOCK
    },
    Block { at: "hystrix.command.*", governs: Some(HYSTRIX), ..BLOCK },
    Block {
        at: "feign.client.config.*|spring.cloud.openfeign.client.config.*",
        governs: Some(FEIGN),
        calls_its_name: true,
        addresses: "url",
        scheme: "http",
        defaults: &[
            limit(
                "connectTimeout",
                Covers::Connect,
                Amount::Ms(10_000),
                "OpenFeign connectTimeout",
                OPENFEIGN,
            ),
            limit(
                "readTimeout",
                Covers::BetweenBytes,
                Amount::Ms(60_000),
                "OpenFeign readTimeout",
                OPENFEIGN,
            ),
        ],
        ..BLOCK
    },
    Block { at: "zuul.host", governs: Some(ZUUL), defaults: ZUUL_DEFAULTS, ..BLOCK },
    Block {
        at: "spring.cloud.gateway.httpclient|spring.cloud.gateway.server.webflux.httpclient",
        governs: Some(GATEWAY),
        defaults: GATEWAY_DEFAULTS,
        ..BLOCK
    },
    Block {
        at: "resilience4j.timelimiter.instances.*|resilience4j.timelimiter.configs.*|resilience4j.timelimiter.backends.*",
        governs: Some(TIME_LIMITER),
        defaults: &[limit(
            "timeoutDuration",
            Covers::WholeCall,
            Amount::Ms(1_000),
            "resilience4j timeoutDuration",
            TIME,
        )],
        ..BLOCK
    },
    Block {
        at: "resilience4j.retry.instances.*|resilience4j.retry.configs.*|resilience4j.retry.backends.*",
        defaults: &[
            absent("maxAttempts", Knob::Attempts, Amount::Count(3), "resilience4j maxAttempts", RETRY),
            absent("waitDuration", Knob::BackoffBase, Amount::Ms(500), "resilience4j waitDuration", RETRY),
        ],
        ..BLOCK
    },
    Block { at: "server", kind: GroupKind::Server, ..BLOCK },
    Block { at: "spring.mvc.async", kind: GroupKind::Server, ..BLOCK },
    Block { at: "spring.lifecycle", kind: GroupKind::Lifecycle, ..BLOCK },
];

/// What Ribbon does where nothing is set. Its retries are counted in `ribbon`.
pub(super) const RIBBON_DEFAULTS: &[Default] = &[
    limit("ConnectTimeout", Covers::Connect, Amount::Ms(1_000), "Ribbon ConnectTimeout", NETFLIX),
    limit("ReadTimeout", Covers::BetweenBytes, Amount::Ms(1_000), "Ribbon ReadTimeout", NETFLIX),
];

/// What Zuul does on routes with a `url` where nothing is set.
pub(super) const ZUUL_DEFAULTS: &[Default] = &[
    limit(
        "connect-timeout-millis",
        Covers::Connect,
        Amount::Ms(2_000),
        "Zuul host.connectTimeoutMillis",
        "Spring Cloud Netflix 1.x and 2.x, ZuulProperties.java, Host",
    ),
    limit(
        "socket-timeout-millis",
        Covers::BetweenBytes,
        Amount::Ms(10_000),
        "Zuul host.socketTimeoutMillis",
        "Spring Cloud Netflix 1.x and 2.x, ZuulProperties.java, Host",
    ),
];

/// What Spring Cloud Gateway does where nothing is set.
pub(super) const GATEWAY_DEFAULTS: &[Default] = &[
    limit(
        "connect-timeout",
        Covers::Connect,
        Amount::Ms(30_000),
        "Netty connectTimeoutMillis",
        "Netty 4, DefaultChannelConfig.java: 30 s, which Spring Cloud Gateway's HttpClientProperties leaves alone",
    ),
    limit(
        "response-timeout",
        Covers::FirstByte,
        Amount::Never,
        "Spring Cloud Gateway httpclient.response-timeout",
        "Spring Cloud Gateway 2.1 to 4.x, HttpClientProperties.java: responseTimeout is not set",
    ),
];

/// How long a phase of an orderly shutdown may take.
pub(super) const SHUTDOWN_DEFAULT: Default = limit(
    "spring.lifecycle.timeout-per-shutdown-phase",
    Covers::Drain,
    Amount::Ms(30_000),
    "Spring Boot timeout-per-shutdown-phase",
    "Spring Boot 2.3 to 3.x, LifecycleProperties.java: 30 s",
);

/// The time limit of a circuit breaker that no key configures.
pub(super) const BREAKER_DEFAULT: Default =
    limit("timeoutDuration", Covers::WholeCall, Amount::Ms(1_000), "resilience4j timeoutDuration", TIME);
