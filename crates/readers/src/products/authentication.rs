//! Servers that authenticate: what their own files say of time limits, pools, password hashes and
//! tokens. Must hold nothing that was not looked up in the source each row names.
#![doc = include_str!("authentication.md")]

use model::{Covers, HashField, Knob, TimeUnit, Topic};

use super::{Held, Product, Row, limit, means, row, spelt, unheeded};

const NS: TimeUnit = TimeUnit::Nanoseconds;
const S: TimeUnit = TimeUnit::Seconds;
const MS: TimeUnit = TimeUnit::Milliseconds;
const H: TimeUnit = TimeUnit::Hours;
/// A limit that bounds no call: a login, a dialogue, a session that nobody renews.
const OTHER: Knob = Knob::Other(Topic::Timeout);
const MEMORY: Knob = Knob::Hash(HashField::Memory);
const ITERATIONS: Knob = Knob::Hash(HashField::Iterations);
const LANES: Knob = Knob::Hash(HashField::Lanes);
const COST: Knob = Knob::Hash(HashField::Cost);
const ALGORITHM: Knob = Knob::Hash(HashField::Algorithm);
const AT_ONCE: Knob = Knob::Hash(HashField::AtOnce);

/// All of them.
pub(super) static PRODUCTS: &[&Product] =
    &[&AUTHELIA, &MATRIX_AUTHENTICATION_SERVICE, &RAUTHY, &KRATOS, &HYDRA, &KEYSTONE, &ZITADEL, &DEX];

/// A length of a token, a session or a key.
const fn life(keys: &'static str, unit: TimeUnit, source: &'static str) -> Row {
    row(keys, Some(Knob::TokenLife), Some(unit), source)
}

const AUTHELIA_DOC: &str = "Authelia 4.38 and later, config.template.yml; a number alone is seconds";
const AUTHELIA_HASH: &str = "4.38 and later, config.template.yml";
const AUTHELIA_PASSWORD: &str = "authentication_backend.file.password.algorithm";
/// internal/session/provider_config.go hands the number on as it is.
const GO_REDIS: &str =
    "the Redis client takes 0 for its default of 3, and -1 for none (go-redis options.go, MaxRetries)";

static AUTHELIA: Product = Product {
    name: "authelia",
    signs: &["authentication_backend", "access_control|session|storage|notifier|identity_validation"],
    rows: &[
        // Its server is fasthttp, whose write limit starts when the handler has returned.
        row("server.timeouts.read", Some(OTHER), Some(S), AUTHELIA_DOC),
        limit("server.timeouts.write", Covers::ResponseWrite, S, "fasthttp server.go, WriteTimeout"),
        limit("server.timeouts.idle", Covers::Idle, S, AUTHELIA_DOC),
        limit("authentication_backend.ldap.timeout", Covers::Connect, S, AUTHELIA_DOC),
        limit("authentication_backend.ldap.pooling.timeout", Covers::PoolWait, S, AUTHELIA_DOC),
        means("authentication_backend.ldap.pooling.count", Knob::PoolSize, AUTHELIA_DOC),
        means("authentication_backend.ldap.pooling.retries", Knob::Other(Topic::Pool), AUTHELIA_DOC),
        limit("storage**timeout", Covers::Connect, S, AUTHELIA_DOC),
        limit("notifier.smtp.timeout", Covers::Connect, S, AUTHELIA_DOC),
        limit("session.redis.timeout", Covers::Connect, S, AUTHELIA_DOC),
        means("session.redis.max_retries", Knob::Retries, AUTHELIA_DOC)
            .taking(const { &[unheeded(0.0, Held::Count(3), GO_REDIS), spelt(-1.0, Held::Count(0))] }),
        means("session.redis.maximum_active_connections", Knob::PoolSize, AUTHELIA_DOC)
            .or(Held::Count(8), "Authelia maximum_active_connections", AUTHELIA_HASH)
            .needs("session.redis"),
        means("session.redis.minimum_idle_connections", Knob::PoolFloor, AUTHELIA_DOC),
        row("regulation.max_retries", Some(Knob::Other(Topic::Credential)), None, AUTHELIA_DOC),
        life("identity_providers.oidc.lifespans.access_token", S, AUTHELIA_DOC),
        life("identity_providers.oidc.lifespans.id_token", S, AUTHELIA_DOC),
        life("identity_providers.oidc.lifespans.refresh_token", S, AUTHELIA_DOC),
        means("authentication_backend.file.password.algorithm", ALGORITHM, AUTHELIA_DOC)
            .or(Held::Text("argon2"), "Authelia password.algorithm", AUTHELIA_HASH)
            .needs("authentication_backend.file"),
        means("authentication_backend.file.password.argon2.memory", MEMORY, AUTHELIA_DOC)
            .or(Held::Count(65536), "Authelia argon2.memory", AUTHELIA_HASH)
            .needs("authentication_backend.file")
            .when(AUTHELIA_PASSWORD, "argon2", true),
        means("authentication_backend.file.password.argon2.iterations", ITERATIONS, AUTHELIA_DOC)
            .or(Held::Count(3), "Authelia argon2.iterations", AUTHELIA_HASH)
            .needs("authentication_backend.file")
            .when(AUTHELIA_PASSWORD, "argon2", true),
        means("authentication_backend.file.password.argon2.parallelism", LANES, AUTHELIA_DOC)
            .or(Held::Count(4), "Authelia argon2.parallelism", AUTHELIA_HASH)
            .needs("authentication_backend.file")
            .when(AUTHELIA_PASSWORD, "argon2", true),
        means("authentication_backend.file.password.bcrypt.cost", COST, AUTHELIA_DOC)
            .or(Held::Count(12), "Authelia bcrypt.cost", AUTHELIA_HASH)
            .needs("authentication_backend.file")
            .when(AUTHELIA_PASSWORD, "bcrypt", false),
    ],
};

const MAS_DATABASE: &str =
    "Matrix Authentication Service 0.12 and later, crates/config/src/sections/database.rs: seconds";
const MAS_POOL: &str = "0.12 and later, crates/config/src/sections/database.rs";
const MAS_PASSWORDS: &str =
    "Matrix Authentication Service 0.12 and later, crates/config/src/sections/passwords.rs";

static MATRIX_AUTHENTICATION_SERVICE: Product = Product {
    name: "matrix-authentication-service",
    signs: &["matrix.homeserver|matrix.endpoint|matrix.secret", "secrets|passwords|http.listeners|policy"],
    rows: &[
        // It is handed to the pool as acquire_timeout (crates/cli/src/util.rs).
        limit(
            "database.connect_timeout",
            Covers::PoolWait,
            S,
            "Matrix Authentication Service, crates/cli/src/util.rs",
        )
        .or(Held::Seconds(30), "Matrix Authentication Service database.connect_timeout", MAS_POOL)
        .needs("database"),
        limit("database.idle_timeout", Covers::Idle, S, MAS_DATABASE),
        limit("database.max_lifetime", Covers::Lifetime, S, MAS_DATABASE),
        means("database.max_connections", Knob::PoolSize, MAS_DATABASE)
            .or(Held::Count(10), "Matrix Authentication Service database.max_connections", MAS_POOL)
            .needs("database"),
        means("database.min_connections", Knob::PoolFloor, MAS_DATABASE),
        means("passwords.schemes.algorithm", ALGORITHM, MAS_PASSWORDS),
        means("passwords.schemes.cost", COST, MAS_PASSWORDS),
    ],
};

const RAUTHY_DOC: &str = "rauthy 0.30 and later, config.toml";
const RAUTHY_SECONDS: &str = "rauthy 0.30 and later, config.toml: in seconds";
const RAUTHY_VERSIONS: &str = "0.30 and later, config.toml";

static RAUTHY: Product = Product {
    name: "rauthy",
    signs: &["hashing.argon2_m_cost|hashing.max_hash_threads|encryption.key_active"],
    rows: &[
        limit("http_client.connect_timeout", Covers::Connect, S, RAUTHY_SECONDS),
        limit("http_client.request_timeout", Covers::WholeCall, S, RAUTHY_SECONDS),
        limit("http_client.idle_timeout", Covers::Idle, S, RAUTHY_SECONDS),
        means("database.pg_max_conn", Knob::PoolSize, RAUTHY_DOC),
        // Readers of an embedded database, no network's pool.
        means("cluster.read_pool_size", Knob::Other(Topic::Pool), RAUTHY_DOC),
        // In the background.
        means("email.connect_retries", Knob::Other(Topic::Retry), RAUTHY_DOC),
        means("backchannel_logout.retry_count", Knob::Other(Topic::Retry), RAUTHY_DOC),
        means("scim.retry_count", Knob::Other(Topic::Retry), RAUTHY_DOC),
        life("backchannel_logout.token_lifetime", S, RAUTHY_SECONDS),
        row("backchannel_logout.allow_clock_skew", Some(Knob::ClockSkew), Some(S), RAUTHY_SECONDS).literal(),
        life("lifetimes.refresh_token_lifetime", H, "rauthy 0.30 and later, config.toml: in hours"),
        life("lifetimes.session_lifetime", S, RAUTHY_SECONDS),
        life("device_grant.refresh_token_lifetime", H, "rauthy 0.30 and later, config.toml: in hours"),
        life("dynamic_clients.default_token_lifetime", S, RAUTHY_SECONDS),
        row("database.health_check_delay_secs", Some(OTHER), Some(S), RAUTHY_SECONDS),
        row("lifetimes.session_timeout", Some(OTHER), Some(S), RAUTHY_SECONDS),
        row("hashing.hash_await_warn_time", Some(OTHER), Some(MS), RAUTHY_DOC),
        means("hashing.argon2_m_cost", MEMORY, RAUTHY_DOC),
        means("hashing.argon2_t_cost", ITERATIONS, RAUTHY_DOC),
        means("hashing.argon2_p_cost", LANES, RAUTHY_DOC),
        means("hashing.max_hash_threads", AT_ONCE, RAUTHY_DOC)
            .or(Held::Count(2), "rauthy max_hash_threads", RAUTHY_VERSIONS)
            .needs("hashing"),
    ],
};

const KRATOS_DOC: &str = "Ory Kratos 1.x, embedx/config.schema.json";
const KRATOS_VERSIONS: &str = "1.x, embedx/config.schema.json";

static KRATOS: Product = Product {
    name: "kratos",
    signs: &["selfservice", "identity"],
    rows: &[
        means("hashers.algorithm", ALGORITHM, KRATOS_DOC).or(
            Held::Text("bcrypt"),
            "Ory Kratos hashers.algorithm",
            KRATOS_VERSIONS,
        ),
        means("hashers.bcrypt.cost", COST, KRATOS_DOC)
            .or(Held::Count(12), "Ory Kratos hashers.bcrypt.cost", KRATOS_VERSIONS)
            .when("hashers.algorithm", "bcrypt", true),
        means("hashers.argon2.memory", MEMORY, KRATOS_DOC)
            .or(Held::Count(128 * 1024), "Ory Kratos hashers.argon2.memory", KRATOS_VERSIONS)
            .when("hashers.algorithm", "argon2", false),
        means("hashers.argon2.iterations", ITERATIONS, KRATOS_DOC)
            .or(Held::Count(1), "Ory Kratos hashers.argon2.iterations", KRATOS_VERSIONS)
            .when("hashers.algorithm", "argon2", false),
        means("hashers.argon2.parallelism", LANES, KRATOS_DOC),
        life("session.lifespan", S, KRATOS_DOC),
    ],
};

const HYDRA_DOC: &str = "Ory Hydra 2.x, spec/config.json: a length with its unit";

static HYDRA: Product = Product {
    name: "hydra",
    signs: &["urls.self", "urls.login|urls.consent|urls.logout|ttl|oidc|strategies"],
    rows: &[
        life("ttl.access_token", S, HYDRA_DOC),
        life("ttl.id_token", S, HYDRA_DOC),
        life("ttl.refresh_token", S, HYDRA_DOC).taking(const { &[spelt(-1.0, Held::Never)] }),
        row("ttl.login_consent_request", Some(OTHER), Some(S), HYDRA_DOC),
        row("ttl.auth_code", Some(OTHER), Some(S), HYDRA_DOC),
    ],
};

const KEYSTONE_LDAP: &str = "Keystone, keystone/conf/ldap.py: seconds, -1 never ends";
const KEYSTONE_IDENTITY: &str = "Keystone 2023.1 and later, keystone/conf/identity.py";
const KEYSTONE_TOKEN: &str = "Keystone, keystone/conf/token.py: seconds";
const OSLO_DB: &str = "oslo.db options.py: seconds";

static KEYSTONE: Product = Product {
    name: "keystone",
    signs: &[
        "fernet_tokens|token.provider|identity.password_hash_algorithm|security_compliance|credential.provider",
    ],
    rows: &[
        limit("ldap.connection_timeout", Covers::Connect, S, KEYSTONE_LDAP)
            .or(Held::Never, "Keystone [ldap] connection_timeout", "keystone/conf/ldap.py; -1 never ends")
            .needs("ldap"),
        limit("ldap.pool_connection_timeout", Covers::Connect, S, KEYSTONE_LDAP),
        limit("ldap.pool_connection_lifetime", Covers::Lifetime, S, KEYSTONE_LDAP),
        limit("ldap.auth_pool_connection_lifetime", Covers::Lifetime, S, KEYSTONE_LDAP),
        means("ldap.pool_size", Knob::PoolSize, KEYSTONE_LDAP),
        means("ldap.auth_pool_size", Knob::Other(Topic::Pool), KEYSTONE_LDAP),
        means("ldap.pool_retry_max", Knob::Other(Topic::Retry), KEYSTONE_LDAP),
        row("ldap.pool_retry_delay", Some(Knob::BackoffBase), Some(S), KEYSTONE_LDAP).literal(),
        // 5 by default, and 50 more by `max_overflow`: the one without the other is no limit.
        means("database.max_pool_size", Knob::PoolSize, "oslo.db options.py: 0 is no limit")
            .taking(const { &[spelt(0.0, Held::Unlimited)] }),
        means("database.max_overflow", Knob::Other(Topic::Pool), OSLO_DB),
        limit("database.pool_timeout", Covers::PoolWait, S, OSLO_DB)
            .or(Held::Seconds(30), "SQLAlchemy pool_timeout", "SQLAlchemy QueuePool; oslo.db leaves it alone")
            .needs("database"),
        // When it starts: no request waits for them.
        means("database.max_retries", Knob::Other(Topic::Retry), OSLO_DB),
        life("token.expiration", S, KEYSTONE_TOKEN),
        means("identity.password_hash_algorithm", ALGORITHM, KEYSTONE_IDENTITY).or(
            Held::Text("bcrypt"),
            "Keystone password_hash_algorithm",
            "keystone/conf/identity.py",
        ),
        means("identity.password_hash_rounds", COST, KEYSTONE_IDENTITY)
            .or(Held::Count(12), "Keystone password_hash_rounds", "keystone/conf/identity.py, for bcrypt")
            .when("identity.password_hash_algorithm", "bcrypt|bcrypt_sha256", true),
    ],
};

const ZITADEL_DOC: &str = "Zitadel 2.x and later, cmd/defaults.yaml";
/// A string is parsed with its unit, a number is taken as the Go duration it is.
const ZITADEL_NANOS: &str =
    "Zitadel 2.x and later, internal/database/postgres/pg.go: a number alone is nanoseconds";
const ZITADEL_POSTGRES: &str = "4.x, cmd/defaults.yaml; 2.x sets none for PostgreSQL";

static ZITADEL: Product = Product {
    name: "zitadel",
    signs: &[
        "ExternalDomain|ExternalSecure|ExternalPort|SystemDefaults",
        "Database|FirstInstance|DefaultInstance|Machine",
    ],
    rows: &[
        means("Database.postgres.MaxOpenConns", Knob::PoolSize, ZITADEL_DOC)
            .or(Held::Count(10), "Zitadel MaxOpenConns", ZITADEL_POSTGRES)
            .needs("Database.postgres"),
        means("Database.postgres.MaxIdleConns", Knob::PoolIdle, ZITADEL_DOC),
        limit("Database.postgres.MaxConnLifetime", Covers::Lifetime, NS, ZITADEL_NANOS),
        limit("Database.postgres.MaxConnIdleTime", Covers::Idle, NS, ZITADEL_NANOS),
        row("Database.postgres.AwaitInitialConn", Some(OTHER), Some(NS), ZITADEL_NANOS),
        means("SystemDefaults.PasswordHasher.Hasher.Algorithm", ALGORITHM, ZITADEL_DOC),
        means("SystemDefaults.PasswordHasher.Hasher.Cost", COST, ZITADEL_DOC),
        life("DefaultInstance.OIDCSettings.AccessTokenLifetime", S, ZITADEL_DOC),
        life("DefaultInstance.OIDCSettings.IdTokenLifetime", S, ZITADEL_DOC),
    ],
};

const DEX_DOC: &str = "Dex 2.x, config.yaml.dist: a length with its unit";

static DEX: Product = Product {
    name: "dex",
    signs: &["issuer", "storage.type", "connectors|staticClients|enablePasswordDB|staticPasswords"],
    rows: &[
        life("expiry.idTokens", S, DEX_DOC),
        life("expiry.refreshTokens.absoluteLifetime", S, DEX_DOC),
        row("expiry.refreshTokens.validIfNotUsedFor", Some(OTHER), Some(S), DEX_DOC),
        row("expiry.signingKeys", Some(Knob::Interval), Some(S), DEX_DOC),
        row("expiry.deviceRequests", Some(OTHER), Some(S), DEX_DOC),
        row("expiry.authRequests", Some(OTHER), Some(S), DEX_DOC),
    ],
};
