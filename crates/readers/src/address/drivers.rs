//! The table of drivers: what each makes of the parameters of its URL. Units, the meaning of zero
//! and defaults are facts of the products. Nothing here is read from a value.
#![doc = include_str!("drivers.md")]

use std::time::Duration;

use model::{Covers, Knob, Limit, TimeUnit, Topic};

use crate::{Meaning, Zero};

/// One driver, or what the drivers that share a scheme agree on.
pub(super) struct Driver {
    pub(super) parameters: &'static [Parameter],
    /// Names of parameters are compared without regard to case.
    pub(super) ignores_case: bool,
    /// What has to be guessed to take a default for granted; `None` where the URL names the driver.
    pub(super) assumption: Option<&'static str>,
}

/// One parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) reads: Reads,
    /// What holds where it is absent, if that is known and matters.
    pub(super) default: Option<Absent>,
}

/// How its value is read.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    /// A number, with or without unit.
    Amount { meaning: Meaning, name: Option<TimeUnit>, quirk: Quirk },
    /// On or off.
    Switch(Topic),
    /// On: one retry. Off: none.
    OneRetry,
    /// Command-line options for the server: `-c statement_timeout=5s`.
    ServerOptions,
}

/// A value that means something else than it says.
#[derive(Clone, Copy)]
pub(super) enum Quirk {
    None,
    /// Shorter ones are raised to this.
    AtLeast(Duration, &'static str),
    /// Zero stands for this length.
    ZeroIsTime(Duration),
    /// Zero stands for this count.
    ZeroIsCount(u64),
}

/// A default.
pub(super) struct Absent {
    pub(super) limit: Limit,
    pub(super) of: &'static str,
    pub(super) version: &'static str,
}

const CONNECT: Knob = Knob::Timeout(Covers::Connect);
const READ: Knob = Knob::Timeout(Covers::BetweenBytes);
const MS: Option<TimeUnit> = Some(TimeUnit::Milliseconds);
const S: Option<TimeUnit> = Some(TimeUnit::Seconds);

const fn amount(knob: Knob, bare: Option<TimeUnit>, zero: Zero) -> Reads {
    let meaning = Meaning { knob, bare, zero, elsewhere: None };
    Reads::Amount { meaning, name: None, quirk: Quirk::None }
}

impl Reads {
    /// The same name means another unit to another well-known driver.
    const fn elsewhere(self, unit: Option<TimeUnit>) -> Self {
        match self {
            Self::Amount { meaning, name, quirk } => {
                Self::Amount { meaning: Meaning { elsewhere: unit, ..meaning }, name, quirk }
            }
            other => other,
        }
    }

    /// The name states the unit.
    const fn named(self, unit: Option<TimeUnit>) -> Self {
        match self {
            Self::Amount { meaning, quirk, .. } => Self::Amount { meaning, name: unit, quirk },
            other => other,
        }
    }

    const fn but(self, quirk: Quirk) -> Self {
        match self {
            Self::Amount { meaning, name, .. } => Self::Amount { meaning, name, quirk },
            other => other,
        }
    }
}

const fn parameter(name: &'static str, reads: Reads) -> Parameter {
    Parameter { name, reads, default: None }
}

impl Parameter {
    const fn or(self, limit: Limit, of: &'static str, version: &'static str) -> Self {
        Self { name: self.name, reads: self.reads, default: Some(Absent { limit, of, version }) }
    }
}

const fn seconds(seconds: u64) -> Limit {
    Limit::After(Duration::from_secs(seconds))
}

const fn count(knob: Knob) -> Reads {
    amount(knob, None, Zero::Literal)
}

const PGJDBC: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("connectTimeout", amount(CONNECT, S, Zero::Never).elsewhere(MS)).or(
            seconds(10),
            "pgjdbc connectTimeout",
            "42.x, org/postgresql/PGProperty.java",
        ),
        parameter("socketTimeout", amount(READ, S, Zero::Never).elsewhere(MS)).or(
            Limit::Never,
            "pgjdbc socketTimeout",
            "42.x, org/postgresql/PGProperty.java",
        ),
        parameter("loginTimeout", amount(CONNECT, S, Zero::Never)),
        parameter("tcpKeepAlive", Reads::Switch(Topic::KeepAlive)),
        parameter("options", Reads::ServerOptions),
    ],
};

/// libpq, and what is built on it or follows it: psycopg, lib/pq, pgx and its pool, Prisma's engine.
pub(super) const LIBPQ: Driver = Driver {
    ignores_case: false,
    assumption: Some("that the driver keeps libpq's defaults"),
    parameters: &[
        parameter(
            "connect_timeout",
            amount(CONNECT, S, Zero::Never).but(Quirk::AtLeast(
                Duration::from_secs(2),
                "that libpq is older than 17, which waits 2 s for 1",
            )),
        )
        .or(Limit::Never, "libpq connect_timeout", "postgresql.org, libpq-connect"),
        parameter("statement_timeout", amount(Knob::Timeout(Covers::Statement), MS, Zero::Never)),
        parameter("options", Reads::ServerOptions).or(
            Limit::Never,
            "PostgreSQL statement_timeout",
            "postgresql.org, runtime-config-client",
        ),
        parameter("keepalives_idle", amount(Knob::Other(Topic::KeepAlive), S, Zero::Literal)),
        parameter("tcp_user_timeout", amount(Knob::Other(Topic::Timeout), MS, Zero::Literal)),
        parameter("pool_timeout", amount(Knob::Timeout(Covers::PoolWait), S, Zero::Never)),
        parameter("connection_limit", count(Knob::PoolSize)),
        parameter("max_connection_lifetime", amount(Knob::Timeout(Covers::Lifetime), S, Zero::Never)),
        parameter("max_idle_connection_lifetime", amount(Knob::Timeout(Covers::Idle), S, Zero::Never)),
        parameter("pool_max_conns", count(Knob::PoolSize)),
        parameter("pool_max_conn_idle_time", amount(Knob::Timeout(Covers::Idle), None, Zero::Literal)),
        parameter("pool_max_conn_lifetime", amount(Knob::Timeout(Covers::Lifetime), None, Zero::Literal)),
    ],
};

const CONNECTOR_J: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("connectTimeout", amount(CONNECT, MS, Zero::Never).elsewhere(S)).or(
            Limit::Never,
            "MySQL Connector/J connectTimeout",
            "since 3.0.1, Connector/J Developer Guide 6.3.4 Networking",
        ),
        parameter("socketTimeout", amount(READ, MS, Zero::Never).elsewhere(S)).or(
            Limit::Never,
            "MySQL Connector/J socketTimeout",
            "since 3.0.1, Connector/J Developer Guide 6.3.4 Networking",
        ),
        parameter("tcpKeepAlive", Reads::Switch(Topic::KeepAlive)),
    ],
};

const MARIADB: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("connectTimeout", amount(CONNECT, MS, Zero::Never).elsewhere(S)).or(
            seconds(30),
            "MariaDB Connector/J connectTimeout",
            "since 2.1.2, DefaultOptions.java, since 3.0 Configuration.java",
        ),
        parameter("socketTimeout", amount(READ, MS, Zero::Never).elsewhere(S)).or(
            Limit::Never,
            "MariaDB Connector/J socketTimeout",
            "since 1.1.8, DefaultOptions.java, since 3.0 Configuration.java",
        ),
        parameter("tcpKeepAlive", Reads::Switch(Topic::KeepAlive)),
    ],
};

const SQL_SERVER: Driver = Driver {
    ignores_case: true,
    assumption: None,
    parameters: &[
        parameter(
            "loginTimeout",
            amount(CONNECT, S, Zero::Literal).but(Quirk::ZeroIsTime(Duration::from_secs(30))),
        )
        .or(
            seconds(30),
            "Microsoft JDBC Driver loginTimeout",
            "since 11.2 (15 s before), learn.microsoft.com understand-timeouts",
        ),
        parameter("socketTimeout", amount(READ, MS, Zero::Never).elsewhere(S)).or(
            Limit::Never,
            "Microsoft JDBC Driver socketTimeout",
            "since 6.1.2, learn.microsoft.com understand-timeouts",
        ),
        parameter("queryTimeout", amount(Knob::Timeout(Covers::Attempt), S, Zero::Never)),
    ],
};

const ORACLE: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("oracle.net.CONNECT_TIMEOUT", amount(CONNECT, MS, Zero::Never)),
        parameter("oracle.jdbc.ReadTimeout", amount(READ, MS, Zero::Never)).or(
            Limit::Never,
            "Oracle JDBC oracle.jdbc.ReadTimeout",
            "OracleConnection, CONNECTION_PROPERTY_THIN_READ_TIMEOUT_DEFAULT: none",
        ),
    ],
};

/// `github.com/go-sql-driver/mysql`. A bare number is no duration to Go; the driver refuses it.
pub(super) const GO_MYSQL: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("timeout", amount(CONNECT, None, Zero::Never)),
        parameter("readTimeout", amount(READ, None, Zero::Never)).or(
            Limit::Never,
            "go-sql-driver/mysql readTimeout",
            "since 1.2, README",
        ),
        parameter("writeTimeout", amount(Knob::Other(Topic::Timeout), None, Zero::Never)),
    ],
};

/// `mysql://` without a driver's name: PyMySQL and mysqlclient, mysql2 for Node, Prisma's engine.
const MYSQL: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("connect_timeout", amount(CONNECT, S, Zero::Literal)),
        parameter("read_timeout", amount(READ, S, Zero::Literal)),
        parameter("connectTimeout", amount(CONNECT, MS, Zero::Literal).elsewhere(S)),
        parameter("pool_timeout", amount(Knob::Timeout(Covers::PoolWait), S, Zero::Never)),
        parameter("connection_limit", count(Knob::PoolSize)),
    ],
};

/// go-redis (`read_timeout`: a bare number is seconds, 0 or less disables), redis-py
/// (`socket_timeout`: seconds), Lettuce (`timeout` with a unit). Their names do not overlap but for
/// `timeout`, whose bare unit is therefore not known.
const REDIS: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("dial_timeout", amount(CONNECT, S, Zero::Never)),
        parameter("read_timeout", amount(READ, S, Zero::Never)),
        parameter("write_timeout", amount(Knob::Other(Topic::Timeout), S, Zero::Never)),
        parameter("pool_timeout", amount(Knob::Timeout(Covers::PoolWait), S, Zero::Never)),
        parameter("pool_size", count(Knob::PoolSize)),
        parameter("max_retries", count(Knob::Retries).but(Quirk::ZeroIsCount(3))),
        parameter("min_retry_backoff", amount(Knob::BackoffBase, S, Zero::Literal)),
        parameter("max_retry_backoff", amount(Knob::BackoffMax, S, Zero::Literal)),
        parameter("idle_timeout", amount(Knob::Timeout(Covers::Idle), S, Zero::Never)),
        parameter("conn_max_idle_time", amount(Knob::Timeout(Covers::Idle), S, Zero::Never)),
        parameter("max_conn_age", amount(Knob::Timeout(Covers::Lifetime), S, Zero::Never)),
        parameter("conn_max_lifetime", amount(Knob::Timeout(Covers::Lifetime), S, Zero::Never)),
        parameter("socket_connect_timeout", amount(CONNECT, S, Zero::Literal)),
        parameter("socket_timeout", amount(READ, S, Zero::Literal)),
        parameter("max_connections", count(Knob::PoolSize)),
        parameter("health_check_interval", amount(Knob::Interval, S, Zero::Never)),
        parameter("timeout", amount(Knob::Timeout(Covers::Attempt), None, Zero::Never)),
    ],
};

/// The specification of the drivers asks for none, and most keep to it (mongodb/node-mongodb-native pull request
/// 2572, of October 2020; libmongoc, MONGOC_DEFAULT_SOCKETTIMEOUTMS).
const MONGODB: Driver = Driver {
    ignores_case: true,
    assumption: Some(
        "that the driver has no limit of its own, as Node's had until 3.6.2 (6 min) and those on libmongoc have (5 min)",
    ),
    parameters: &[
        parameter("connectTimeoutMS", amount(CONNECT, MS, Zero::Never).named(MS)),
        parameter("socketTimeoutMS", amount(READ, MS, Zero::Never).named(MS)).or(
            Limit::Never,
            "MongoDB socketTimeoutMS",
            "as mongodb/specifications uri-options.md asks",
        ),
        parameter("timeoutMS", amount(Knob::Timeout(Covers::WholeCall), MS, Zero::Never).named(MS)),
        parameter("waitQueueTimeoutMS", amount(Knob::Timeout(Covers::PoolWait), MS, Zero::Never).named(MS)),
        parameter(
            "serverSelectionTimeoutMS",
            amount(Knob::Other(Topic::Timeout), MS, Zero::Literal).named(MS),
        ),
        parameter("maxPoolSize", count(Knob::PoolSize)),
        parameter("maxIdleTimeMS", amount(Knob::Timeout(Covers::Idle), MS, Zero::Never).named(MS)),
        parameter("heartbeatFrequencyMS", amount(Knob::Interval, MS, Zero::Literal).named(MS)),
        parameter("retryWrites", Reads::OneRetry),
    ],
};

/// The parameters of RabbitMQ's Erlang client, which other clients follow.
const AMQP: Driver = Driver {
    ignores_case: false,
    assumption: None,
    parameters: &[
        parameter("connection_timeout", amount(CONNECT, MS, Zero::Literal)),
        parameter("heartbeat", amount(Knob::Other(Topic::KeepAlive), S, Zero::Never)),
    ],
};

/// The driver that a URL's scheme means: `protocol+driver://`.
pub(super) fn of_url(protocol: &str, driver: &str) -> Option<&'static Driver> {
    match protocol {
        "postgres" | "postgresql" if driver.is_empty() || driver.starts_with("psycopg") => Some(&LIBPQ),
        "mysql" | "mariadb" => Some(&MYSQL),
        "redis" | "rediss" => Some(&REDIS),
        "mongodb" => Some(&MONGODB),
        "amqp" | "amqps" => Some(&AMQP),
        _ => None,
    }
}

/// The driver that a JDBC URL names behind `jdbc:`.
pub(super) fn of_jdbc(name: &str) -> Option<&'static Driver> {
    Some(match name {
        "postgresql" => &PGJDBC,
        "mysql" => &CONNECTOR_J,
        "mariadb" => &MARIADB,
        "sqlserver" => &SQL_SERVER,
        "oracle" => &ORACLE,
        _ => return None,
    })
}
