//! The table of what products document about their own keys. Each row names its source: a manual, or the
//! file that declares the option. Must hold nothing that was not looked up there.

use model::{Covers, HashField, Knob, TimeUnit, Topic};

use super::{Held, Row, limit, means, row, spelt, unit};

const MS: TimeUnit = TimeUnit::Milliseconds;
const S: TimeUnit = TimeUnit::Seconds;
const NS: TimeUnit = TimeUnit::Nanoseconds;
/// A limit of one of our topics that bounds no call: sessions, locks, jobs.
const OTHER: Knob = Knob::Other(Topic::Timeout);
const KEEP_ALIVE: Knob = Knob::Other(Topic::KeepAlive);

const DUBBO: &str = "Apache Dubbo 2.7 reference, dubbo:consumer and dubbo:provider: timeout in ms, retries without the first call";
const KAFKA: &str = "Apache Kafka, CommonClientConfigs, ProducerConfig and ConsumerConfig: in milliseconds";
const KAFKA_FILES: &str = "server.properties|producer.properties|consumer.properties|client.properties|connect-distributed.properties";
const RABBITMQ: &str = "RabbitMQ 3.7 to 4.x, rabbitmq.conf.example";
const ZOOKEEPER: &str =
    "ZooKeeper administrator's guide and conf/zoo_sample.cfg: ticks and session timeouts in milliseconds";
const ETCD: &str = "etcd 3.x, etcd.conf.yml.sample: time in milliseconds";
const ETCD_FILES: &str = "etcd.conf.yml|etcd.conf.yaml|etcd.yml|etcd.yaml";
const BEATS: &str = "Elastic Beats 5 to 9, outputs: the number of seconds to wait for responses";
const BEATS_FILES: &str = "filebeat.yml|metricbeat.yml|heartbeat.yml|packetbeat.yml|auditbeat.yml";
const PROMETHEUS: &str = "Prometheus 2.x and 3.x, configuration: scrape_config and remote_write";
const GRAFANA: &str = "Grafana conf/defaults.ini, [dataproxy], and manual, conn_max_lifetime in seconds";
const CADDY: &str = "Caddy 2 JSON structure: an integer is nanoseconds";
const QUARKUS: &str = "Quarkus configuration reference, duration format: a number alone is seconds";
const SYSTEMD: &str = "systemd.service(5): a value without unit is in seconds, infinity is no limit";
const SUPERVISOR: &str = "Supervisor, [program:x] stopwaitsecs: seconds from the stop signal to SIGKILL";
const GITHUB: &str = "GitHub Actions workflow syntax, timeout-minutes of jobs and steps";
const GITLAB: &str = "GitLab CI/CD YAML reference, timeout and retry of jobs";
const SQS: &str = "AWS CloudFormation reference, AWS::SQS::Queue VisibilityTimeout in seconds";
const LAMBDA_RETRIES: &str = "AWS Lambda API, MaximumRetryAttempts: times to retry when the function fails";
const PGBOUNCER: &str = "PgBouncer doc/config.md, 1.x";
const POSTGRES: &str = "PostgreSQL 9.6 to 18, postgresql.conf.sample";
const MYSQL: &str = "MySQL reference manual 8.0, server system variables";
const REDIS: &str = "Redis 3.2 to 7, redis.conf, comments at the directive";
const FPM: &str = "PHP, php-fpm.conf.in and www.conf.in: default unit is seconds";
const GUNICORN: &str = "gunicorn documentation, settings (20 to 23)";
const AIRFLOW: &str = "Apache Airflow 1.10 and 2.x, [webserver]: seconds until a worker is given up";
const UVICORN: &str = "uvicorn manual page, --timeout-keep-alive SECONDS";
const UWSGI: &str = "uWSGI documentation, glossary: harakiri";
const CELERY: &str = "Celery 4 and 5, userguide/configuration: broker_connection_timeout in seconds";
const RAILS: &str = "Rails 6 to 8, ActiveRecord ConnectionPool: checkout_timeout and idle_timeout in seconds";
const OSLO_MESSAGING: &str = "oslo.messaging configuration options, ocata to zed";
const OSLO_DB: &str = "oslo.db options.py; engines.py sleeps retry_interval seconds";
const SQLALCHEMY: &str = "SQLAlchemy QueuePool: timeout in seconds (oslo.db options.py says the same)";
const TRAEFIK: &str = "Traefik 2 and 3, static_config.go; paerser types.Duration: digits alone are seconds";
const INGRESS_NGINX: &str = "ingress-nginx annotations: unitless, in seconds";
const ANSIBLE: &str = "Ansible modules wait_for, wait_for_connection and uri, 2.3 and later";
const GRPC: &str = "grpc-proto service_config.proto";
const ENVOY: &str = "Envoy API v3, circuit_breaker.proto: concurrent retries of a cluster";
const ISTIO: &str = "Istio API destination_rule.proto: outstanding retries of a cluster";
const LAMBDA: &str = "Terraform AWS provider, aws_lambda_function, and AWS SAM: timeout in seconds";
const KIBANA: &str = "Kibana 4 to 9, kibana.yml: time in milliseconds";
const KEYCLOAK: &str = "Keycloak 26, DatabaseOptions.java and HttpOptions.java";
const KEYCLOAK_HASH: &str = "Keycloak 26, all provider configuration: password-hashing, argon2";
const SUPABASE: &str = "supabase/auth internal/conf/configuration.go";
const SUPABASE_SECONDS: &str = "supabase/auth internal/conf/configuration.go: in seconds";
const ZITADEL: &str = "Zitadel 2.x and later, cmd/defaults.yaml";
const KRATOS: &str = "Ory Kratos 1.x, embedx/config.schema.json";
const RAUTHY: &str = "rauthy 0.30 and later, config.toml";

/// The facts, the more specific before the more general ones of the same product.
pub(super) static ROWS: &[Row] = &[
    // Frameworks.
    limit("dubbo**consumer.timeout|dubbo**provider.timeout", Covers::Attempt, MS, DUBBO),
    means("dubbo**consumer.retries|dubbo**provider.retries", Knob::Retries, DUBBO),
    limit("quarkus.datasource**acquisition-timeout", Covers::PoolWait, S, QUARKUS),
    unit("quarkus.http.read-timeout|quarkus.http.idle-timeout|quarkus.redis**timeout", S, QUARKUS),
    limit("quarkus.shutdown.timeout", Covers::Drain, S, QUARKUS).literal(),
    // Databases and their pools.
    limit("query_wait_timeout", Covers::PoolWait, S, PGBOUNCER),
    limit("pgbouncer.server_lifetime", Covers::Lifetime, S, PGBOUNCER).literal(),
    limit("pgbouncer.server_idle_timeout|pgbouncer.client_idle_timeout", Covers::Idle, S, PGBOUNCER),
    limit("pgbouncer.server_connect_timeout", Covers::Connect, S, PGBOUNCER),
    limit("pgbouncer.query_timeout", Covers::Statement, S, PGBOUNCER),
    row("pgbouncer.tcp_user_timeout", Some(OTHER), Some(MS), PGBOUNCER).elsewhere(S),
    row("pgbouncer.client_login_timeout|pgbouncer.cancel_wait_timeout", Some(OTHER), Some(S), PGBOUNCER),
    row("pgbouncer.idle_transaction_timeout|pgbouncer.transaction_timeout", Some(OTHER), Some(S), PGBOUNCER),
    means("pgbouncer.default_pool_size", Knob::PoolSize, PGBOUNCER),
    means("pgbouncer.max_client_conn", Knob::ConnectionLimit, PGBOUNCER),
    row("idle_in_transaction_session_timeout", Some(OTHER), Some(MS), POSTGRES),
    limit("idle_session_timeout", Covers::Idle, MS, POSTGRES),
    row("tcp_keepalives_idle|tcp_keepalives_interval", Some(Knob::Interval), Some(S), POSTGRES),
    limit("mysqld.wait_timeout", Covers::Idle, S, MYSQL).literal(),
    row("mysqld.interactive_timeout", Some(OTHER), Some(S), MYSQL),
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
    limit("checkout_timeout", Covers::PoolWait, S, RAILS).within("database.yml"),
    limit("idle_timeout", Covers::Idle, S, RAILS).within("database.yml"),
    // Brokers, coordination and search.
    limit("request.timeout.ms", Covers::Attempt, MS, KAFKA).within(KAFKA_FILES),
    limit("kafka**properties.request.timeout.ms", Covers::Attempt, MS, KAFKA),
    limit("delivery.timeout.ms|default.api.timeout.ms", Covers::WholeCall, MS, KAFKA),
    limit("connections.max.idle.ms", Covers::Idle, MS, KAFKA),
    limit("socket.connection.setup.timeout.ms|zookeeper.connection.timeout.ms", Covers::Connect, MS, KAFKA),
    row("session.timeout.ms", Some(OTHER), Some(MS), KAFKA),
    row("retry.backoff.ms|reconnect.backoff.ms", Some(Knob::BackoffBase), Some(MS), KAFKA).literal(),
    limit("ssl_handshake_timeout", Covers::Tls, MS, RABBITMQ).within("rabbitmq.conf"),
    row("handshake_timeout|consumer_timeout", Some(OTHER), Some(MS), RABBITMQ).within("rabbitmq.conf"),
    row("heartbeat", Some(KEEP_ALIVE), Some(S), RABBITMQ).within("rabbitmq.conf"),
    row("tickTime", Some(Knob::Interval), Some(MS), ZOOKEEPER).within("zoo.cfg|zookeeper.properties"),
    row("minSessionTimeout|maxSessionTimeout", Some(OTHER), Some(MS), ZOOKEEPER)
        .within("zoo.cfg|zookeeper.properties"),
    row("election-timeout", Some(OTHER), Some(MS), ETCD).within(ETCD_FILES),
    row("heartbeat-interval", Some(Knob::Interval), Some(MS), ETCD).within(ETCD_FILES),
    row("etcd.election-timeout", Some(OTHER), Some(MS), ETCD),
    row("etcd.heartbeat-interval", Some(Knob::Interval), Some(MS), ETCD),
    limit("output.elasticsearch.timeout", Covers::Attempt, S, BEATS).within(BEATS_FILES),
    limit("output.logstash.timeout|output.kafka.timeout", Covers::Attempt, S, BEATS).within(BEATS_FILES),
    // Monitoring.
    limit("scrape_configs**scrape_timeout|global.scrape_timeout", Covers::WholeCall, S, PROMETHEUS),
    limit("remote_write**remote_timeout", Covers::Attempt, S, PROMETHEUS),
    limit("dataproxy.timeout", Covers::FirstByte, S, GRAFANA),
    limit("dataproxy.dialTimeout", Covers::Connect, S, GRAFANA),
    limit("database.conn_max_lifetime", Covers::Lifetime, S, GRAFANA).within("grafana.ini|defaults.ini"),
    // Application servers.
    limit("request_terminate_timeout", Covers::Handler, S, FPM),
    row("request_slowlog_timeout", Some(OTHER), Some(S), FPM),
    limit("process_control_timeout", Covers::Drain, S, FPM).literal(),
    limit("gunicorn.graceful_timeout", Covers::Drain, S, GUNICORN).literal(),
    limit("gunicorn.timeout", Covers::Handler, S, GUNICORN),
    limit("gunicorn.keepalive", Covers::Idle, S, GUNICORN).literal(),
    limit("web_server_worker_timeout", Covers::Handler, S, AIRFLOW),
    limit("uvicorn.timeout_keep_alive|--timeout-keep-alive", Covers::Idle, S, UVICORN).literal(),
    limit("uwsgi.harakiri", Covers::Handler, S, UWSGI),
    limit("broker_connection_timeout", Covers::Connect, S, CELERY),
    limit("Globals.Function.Timeout|aws_lambda_function**timeout", Covers::Handler, S, LAMBDA).literal(),
    means("EventInvokeConfig.MaximumRetryAttempts", Knob::Retries, LAMBDA_RETRIES),
    means("functions**maximumRetryAttempts", Knob::Retries, LAMBDA_RETRIES)
        .within("serverless.yml|serverless.yaml"),
    row("Properties.VisibilityTimeout", Some(OTHER), Some(S), SQS),
    // Who starts and stops processes.
    row("Service.TimeoutStopSec", Some(Knob::Grace), Some(S), SYSTEMD),
    row("Service.TimeoutStartSec|Service.TimeoutAbortSec", Some(OTHER), Some(S), SYSTEMD),
    row("stopwaitsecs", Some(Knob::Grace), Some(S), SUPERVISOR).literal(),
    // Proxies, gateways and meshes.
    unit("apps.http.servers**timeout", NS, CADDY),
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
    limit("elasticsearch.requestTimeout|opensearch.requestTimeout", Covers::WholeCall, MS, KIBANA),
    row("elasticsearch.shardTimeout|elasticsearch.pingTimeout", Some(OTHER), Some(MS), KIBANA),
    // Servers that authenticate, by names that only they have; their own files are in `authentication`.
    means("KC_DB_POOL_MAX_SIZE", Knob::PoolSize, KEYCLOAK),
    means("db-pool-max-size", Knob::PoolSize, KEYCLOAK).within("keycloak.conf"),
    means("KC_DB_POOL_MIN_SIZE", Knob::PoolFloor, KEYCLOAK),
    means("KC_DB_POOL_INITIAL_SIZE", Knob::Other(Topic::Pool), KEYCLOAK),
    means("db-pool-min-size", Knob::PoolFloor, KEYCLOAK).within("keycloak.conf"),
    means("db-pool-initial-size", Knob::Other(Topic::Pool), KEYCLOAK).within("keycloak.conf"),
    means("KC_HTTP_POOL_MAX_THREADS", Knob::Workers, KEYCLOAK),
    means("http-pool-max-threads", Knob::Workers, KEYCLOAK),
    row("db-log-slow-queries-threshold", Some(OTHER), Some(MS), KEYCLOAK),
    means("spi-password-hashing--argon2--memory", Knob::Hash(HashField::Memory), KEYCLOAK_HASH),
    means("spi-password-hashing--argon2--iterations", Knob::Hash(HashField::Iterations), KEYCLOAK_HASH),
    means("spi-password-hashing--argon2--parallelism", Knob::Hash(HashField::Lanes), KEYCLOAK_HASH),
    means("spi-password-hashing--argon2--cpu-cores", Knob::Hash(HashField::AtOnce), KEYCLOAK_HASH),
    means("GOTRUE_DB_MAX_POOL_SIZE", Knob::PoolSize, SUPABASE)
        .taking(const { &[spelt(0.0, Held::Unlimited)] }),
    means("GOTRUE_DB_MAX_IDLE_POOL_SIZE", Knob::PoolIdle, SUPABASE),
    limit("GOTRUE_DB_CONN_MAX_LIFETIME", Covers::Lifetime, NS, SUPABASE),
    limit("GOTRUE_DB_CONN_MAX_IDLE_TIME", Covers::Idle, NS, SUPABASE),
    limit("GOTRUE_API_MAX_REQUEST_DURATION", Covers::Handler, NS, SUPABASE),
    row("GOTRUE_JWT_EXP", Some(Knob::TokenLife), Some(S), SUPABASE_SECONDS),
    row("GOTRUE_SECURITY_REFRESH_TOKEN_REUSE_INTERVAL", Some(OTHER), Some(S), SUPABASE_SECONDS),
    means("ZITADEL_DATABASE_POSTGRES_MAXOPENCONNS", Knob::PoolSize, ZITADEL),
    means("ZITADEL_DATABASE_POSTGRES_MAXIDLECONNS", Knob::PoolIdle, ZITADEL),
    limit("ZITADEL_DATABASE_POSTGRES_MAXCONNLIFETIME", Covers::Lifetime, NS, ZITADEL),
    limit("ZITADEL_DATABASE_POSTGRES_MAXCONNIDLETIME", Covers::Idle, NS, ZITADEL),
    means("SystemDefaults.PasswordHasher.Hasher.Cost", Knob::Hash(HashField::Cost), ZITADEL),
    means("SystemDefaults.PasswordHasher.Hasher.Algorithm", Knob::Hash(HashField::Algorithm), ZITADEL),
    means("hashers.argon2.memory", Knob::Hash(HashField::Memory), KRATOS),
    means("hashers.argon2.iterations", Knob::Hash(HashField::Iterations), KRATOS),
    means("hashers.argon2.parallelism", Knob::Hash(HashField::Lanes), KRATOS),
    means("hashers.bcrypt.cost", Knob::Hash(HashField::Cost), KRATOS),
    means("hashers.algorithm", Knob::Hash(HashField::Algorithm), KRATOS),
    means("MAX_HASH_THREADS", Knob::Hash(HashField::AtOnce), RAUTHY),
    // Automation: a job is no call.
    row("jobs**timeout-minutes", Some(OTHER), Some(TimeUnit::Minutes), GITHUB),
    means("timeout", OTHER, GITLAB).within(".gitlab-ci.yml"),
    means("retry|retry.max", Knob::Other(Topic::Retry), GITLAB).within(".gitlab-ci.yml"),
    row("wait_for.timeout|wait_for_connection.timeout", Some(OTHER), Some(S), ANSIBLE),
    limit("ansible.builtin.uri.timeout", Covers::BetweenBytes, S, ANSIBLE),
    limit("wait_for.connect_timeout|wait_for_connection.connect_timeout", Covers::Connect, S, ANSIBLE),
];
