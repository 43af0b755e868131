//! What Spring Boot and the libraries that live in its configuration document about their keys: what
//! each controls, the unit of a bare number, what 0 means. The rows hold in other files too, by the ends
//! of their paths (`SPRING_REDIS_TIMEOUT` in an environment). Must hold nothing that was not looked up.

use model::{Covers, Knob, TimeUnit, Topic};

use crate::products::{Row, limit, means, row, unit};

const MS: TimeUnit = TimeUnit::Milliseconds;
const S: TimeUnit = TimeUnit::Seconds;
/// A limit of one of our topics that bounds no call.
const OTHER: Knob = Knob::Other(Topic::Timeout);
const KEEP_ALIVE: Knob = Knob::Other(Topic::KeepAlive);

const HIKARI: &str = "HikariCP README, 3.x to 6.x: milliseconds for all time values";
const TOMCAT_POOL: &str = "Apache Tomcat, modules/jdbc-pool/doc/jdbc-pool.xml: maxWait in milliseconds";
const DBCP: &str = "Apache Commons DBCP 2.x, configuration.xml: -1 waits for ever";
const DRUID: &str =
    "Alibaba Druid 1.x, DruidDataSource attribute list: milliseconds where the name says none";
const SERVER: &str = "Spring Boot 2.3 to 4.x, ServerProperties; DurationStyle: without a unit it is ms";
const SPRING: &str = "Spring Boot 2.0 to 4.x, the properties class; DurationStyle: without a unit it is ms";
const SECONDS: &str = "Spring Boot 2.0 to 4.x, the properties class: @DurationUnit(SECONDS)";
const SPRING_POOL: &str = "Spring Boot 2.0 to 3.x, RedisProperties.Pool: a negative value waits for ever";
const SPRING_CHANNELS: &str = "Spring Boot 2.0 to 3.x, RabbitProperties: 0 makes a new channel at once";
const MAIL: &str = "JavaMail 1.4 and later, com.sun.mail.smtp package.html: value in milliseconds";
const GATEWAY: &str = "Spring Cloud Gateway reference 4.x, HTTP timeouts configuration";
const OPENFEIGN: &str = "OpenFeign feign.Request.Options(int connectTimeoutMillis, int readTimeoutMillis)";
const NETFLIX: &str = "Netflix Ribbon CommonClientConfigKey and Hystrix configuration wiki";
const ZUUL: &str = "Spring Cloud Netflix 2.x, Zuul timeouts: for routes with a url";
const EUREKA: &str = "Spring Cloud Netflix, EurekaClientConfigBean: the name says the unit";
const CONFIG: &str = "Spring Cloud Config client: request-read-timeout in milliseconds";
const RESILIENCE4J: &str =
    "resilience4j 1.x and 2.x, Common*ConfigurationProperties: a Duration, which Spring Boot reads as ms";

/// The facts, the more specific before the more general ones of the same product.
pub(crate) static ROWS: &[Row] = &[
    // Pools of database connections.
    limit("hikari.connectionTimeout", Covers::PoolWait, MS, HIKARI).elsewhere(S),
    limit("hikari.validationTimeout", Covers::Validation, MS, HIKARI).literal(),
    limit("hikari.idleTimeout", Covers::Idle, MS, HIKARI),
    limit("hikari.maxLifetime", Covers::Lifetime, MS, HIKARI),
    row("hikari.keepaliveTime", Some(Knob::PingInterval), Some(MS), HIKARI),
    row("hikari.leakDetectionThreshold", Some(OTHER), Some(MS), HIKARI),
    means("hikari.maximumPoolSize", Knob::PoolSize, HIKARI),
    means("hikari.minimumIdle", Knob::PoolFloor, HIKARI),
    limit("datasource.tomcat.maxWait|tomcat.max-wait", Covers::PoolWait, MS, TOMCAT_POOL),
    means("datasource.tomcat.maxActive", Knob::PoolSize, TOMCAT_POOL),
    means("datasource.tomcat.maxIdle", Knob::PoolIdle, TOMCAT_POOL),
    means("datasource.tomcat.minIdle", Knob::PoolFloor, TOMCAT_POOL),
    limit("datasource.tomcat.validationQueryTimeout", Covers::Validation, S, TOMCAT_POOL),
    limit("datasource.tomcat.minEvictableIdleTimeMillis", Covers::Idle, MS, TOMCAT_POOL),
    limit("datasource.tomcat.maxAge", Covers::Lifetime, MS, TOMCAT_POOL),
    limit("datasource.dbcp2.maxWaitMillis", Covers::PoolWait, MS, DBCP).literal(),
    means("datasource.dbcp2.maxTotal", Knob::PoolSize, DBCP),
    means("datasource.dbcp2.maxIdle", Knob::PoolIdle, DBCP),
    means("datasource.dbcp2.minIdle", Knob::PoolFloor, DBCP),
    limit("datasource.dbcp2.maxConnLifetimeMillis", Covers::Lifetime, MS, DBCP),
    limit("datasource.dbcp2.minEvictableIdleTimeMillis", Covers::Idle, MS, DBCP),
    limit("datasource**druid**maxWait", Covers::PoolWait, MS, DRUID),
    means("datasource**druid**maxActive", Knob::PoolSize, DRUID),
    means("datasource**druid**minIdle", Knob::PoolFloor, DRUID),
    limit("datasource**druid**minEvictableIdleTimeMillis", Covers::Idle, MS, DRUID),
    limit("datasource**druid**validationQueryTimeout", Covers::Validation, S, DRUID),
    limit("datasource**druid**connectTimeout", Covers::Connect, MS, DRUID),
    limit("datasource**druid**socketTimeout", Covers::BetweenBytes, MS, DRUID),
    limit("datasource**druid**queryTimeout", Covers::Statement, S, DRUID),
    row("datasource**druid**removeAbandonedTimeout", Some(OTHER), Some(S), DRUID),
    // The server.
    limit("server.tomcat.connection-timeout", Covers::Headers, MS, SERVER),
    limit("server.netty.connection-timeout", Covers::Unknown, MS, SERVER),
    limit("server.tomcat.keep-alive-timeout|server.netty.idle-timeout", Covers::Idle, MS, SERVER),
    limit("server.jetty.connection-idle-timeout", Covers::Idle, MS, SERVER),
    limit("server.undertow.no-request-timeout", Covers::Idle, MS, SERVER),
    means("server.tomcat.threads.max|server.tomcat.max-threads", Knob::Workers, SERVER),
    means("server.jetty.threads.max|server.undertow.threads.worker", Knob::Workers, SERVER),
    means("server.tomcat.max-connections", Knob::ConnectionLimit, SERVER),
    means("server.tomcat.max-keep-alive-requests", Knob::KeepAlive, SERVER),
    limit("spring.lifecycle.timeout-per-shutdown-phase", Covers::Drain, MS, SPRING).literal(),
    limit("spring.mvc.async.request-timeout", Covers::Handler, MS, SPRING),
    row("spring.transaction.default-timeout", Some(OTHER), Some(S), SECONDS),
    row("spring.session.timeout|server.servlet.session.timeout", Some(OTHER), Some(S), SECONDS),
    // Stores and brokers.
    limit("spring.redis.timeout|spring.data.redis.timeout", Covers::Attempt, MS, SPRING),
    limit("spring.redis.connect-timeout|spring.data.redis.connect-timeout", Covers::Connect, MS, SPRING),
    limit("redis.lettuce.pool.max-wait|redis.jedis.pool.max-wait", Covers::PoolWait, MS, SPRING_POOL)
        .literal(),
    means("redis.lettuce.pool.max-active|redis.jedis.pool.max-active", Knob::PoolSize, SPRING),
    means("redis.lettuce.pool.max-idle|redis.jedis.pool.max-idle", Knob::PoolIdle, SPRING),
    means("redis.lettuce.pool.min-idle|redis.jedis.pool.min-idle", Knob::PoolFloor, SPRING),
    limit("redis.lettuce.shutdown-timeout", Covers::Drain, MS, SPRING).literal(),
    limit("spring.rabbitmq.connection-timeout", Covers::Connect, MS, SPRING),
    limit("spring.rabbitmq.cache.channel.checkout-timeout", Covers::PoolWait, MS, SPRING_CHANNELS).literal(),
    limit(
        "spring.rabbitmq.template.reply-timeout|spring.rabbitmq.template.receive-timeout",
        Covers::WholeCall,
        MS,
        SPRING,
    ),
    unit("spring.rabbitmq**retry.initial-interval|spring.rabbitmq**retry.max-interval", MS, SPRING).literal(),
    row("spring.rabbitmq.requested-heartbeat", Some(KEEP_ALIVE), Some(S), SECONDS),
    limit("spring.elasticsearch.connection-timeout", Covers::Connect, MS, SPRING),
    limit("spring.elasticsearch.socket-timeout", Covers::BetweenBytes, MS, SPRING),
    limit("properties.mail.smtp.timeout|properties.mail.smtps.timeout", Covers::BetweenBytes, MS, MAIL),
    limit(
        "properties.mail.smtp.connectiontimeout|properties.mail.smtps.connectiontimeout",
        Covers::Connect,
        MS,
        MAIL,
    ),
    row("properties.mail.smtp.writetimeout|properties.mail.smtps.writetimeout", Some(OTHER), Some(MS), MAIL),
    // Clients of other services.
    limit(
        "cloud.gateway.httpclient.connect-timeout|webflux.httpclient.connect-timeout|cloud.gateway**metadata.connect-timeout",
        Covers::Connect,
        MS,
        GATEWAY,
    ),
    limit(
        "cloud.gateway.httpclient.response-timeout|webflux.httpclient.response-timeout|cloud.gateway**metadata.response-timeout",
        Covers::FirstByte,
        MS,
        GATEWAY,
    ),
    limit("cloud.gateway**pool.acquire-timeout", Covers::PoolWait, MS, GATEWAY),
    limit("cloud.gateway**pool.max-idle-time", Covers::Idle, MS, GATEWAY),
    limit("cloud.gateway**pool.max-life-time", Covers::Lifetime, MS, GATEWAY),
    means("cloud.gateway**pool.max-connections", Knob::PoolSize, GATEWAY),
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
    means("ribbon.OkToRetryOnAllOperations", Knob::RetryOn, NETFLIX),
    limit("hystrix.command**thread.timeoutInMilliseconds", Covers::WholeCall, MS, NETFLIX).literal(),
    limit("zuul.host.connect-timeout-millis", Covers::Connect, MS, ZUUL),
    limit("zuul.host.socket-timeout-millis", Covers::BetweenBytes, MS, ZUUL),
    limit("zuul.host.connection-request-timeout-millis", Covers::PoolWait, MS, ZUUL),
    means("zuul.host.max-total-connections", Knob::PoolSize, ZUUL),
    limit("eureka.client.eureka-server-connect-timeout-seconds", Covers::Connect, S, EUREKA),
    limit("eureka.client.eureka-server-read-timeout-seconds", Covers::BetweenBytes, S, EUREKA),
    limit("cloud.config.request-connect-timeout", Covers::Connect, MS, CONFIG),
    limit("cloud.config.request-read-timeout", Covers::BetweenBytes, MS, CONFIG),
    limit("resilience4j.timelimiter**timeoutDuration", Covers::WholeCall, MS, RESILIENCE4J).literal(),
    row("resilience4j.retry**exponentialMaxWaitDuration", Some(Knob::BackoffMax), Some(MS), RESILIENCE4J)
        .literal(),
    row("resilience4j.retry**waitDuration", Some(Knob::BackoffBase), Some(MS), RESILIENCE4J).literal(),
    means("resilience4j.retry**exponentialBackoffMultiplier", Knob::BackoffFactor, RESILIENCE4J),
    means("resilience4j.retry**maxAttempts", Knob::Attempts, RESILIENCE4J),
    row("resilience4j.circuitbreaker**waitDurationInOpenState", Some(OTHER), Some(MS), RESILIENCE4J),
    row(
        "resilience4j.bulkhead**maxWaitDuration",
        Some(Knob::Timeout(Covers::PoolWait)),
        Some(MS),
        RESILIENCE4J,
    )
    .literal(),
];
