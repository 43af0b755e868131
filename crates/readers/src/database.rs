//! Database servers: the variables of PostgreSQL and MySQL, wherever they stand — in the server's own
//! file or behind the flags of its command. The files are the dialects' affair.

use std::time::Duration;

use model::{Covers, GroupKind, Knob, Limit, Origin, Setting, Span, TimeUnit, Topic, Value};
use text::Scalar;

use crate::flags::Words;
use crate::{Group, Ignored, Meaning, Owner, Reason, Zero, setting};

/// A product.
pub(crate) struct Database {
    /// Its name, as groups and file kinds are called.
    pub(crate) name: &'static str,
    /// What its binaries are called.
    programs: &'static [&'static str],
    /// The last part of its images' names, without tag.
    images: &'static [&'static str],
    meaning: fn(&str) -> Option<Meaning>,
    absent: &'static [Absent],
}

/// What holds where a variable is absent, as far as rules ask for it.
struct Absent {
    name: &'static str,
    knob: Knob,
    value: Value,
    of: &'static str,
    version: &'static str,
}

/// PostgreSQL (manual 9.6 to 18, chapter "Server Configuration").
pub(crate) static POSTGRESQL: Database = Database {
    name: "postgresql",
    programs: &["postgres", "postmaster"],
    images: &["postgres", "postgresql", "postgis", "pgvector", "timescaledb"],
    meaning: postgresql,
    absent: &POSTGRESQL_DEFAULTS,
};

/// MySQL (reference manual 5.7 to 9.x, "Server System Variables") and MariaDB.
pub(crate) static MYSQL: Database = Database {
    name: "mysql",
    programs: &["mysqld", "mariadbd", "mysqld_safe", "mariadbd-safe"],
    images: &["mysql", "mysql-server", "mariadb", "mariadb-galera", "percona", "percona-server"],
    meaning: mysql,
    absent: &MYSQL_DEFAULTS,
};

/// A variable with the key it is reported under.
pub(crate) struct Variable<'t> {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) value: Scalar<'t>,
}

/// Where variables stand.
pub(crate) struct Place<'a> {
    pub(crate) owner: Owner,
    pub(crate) label: &'a str,
    pub(crate) at: Span,
    /// What the keys of absent variables start with: empty, or with a `.` at its end.
    pub(crate) prefix: &'a str,
}

impl Database {
    /// The product that a container runs, by the first words of its command or by its image.
    pub(crate) fn of_command(words: &Words, image: Option<&str>) -> Option<&'static Self> {
        let known = [&POSTGRESQL, &MYSQL];
        let program: Vec<&str> = words.program().collect();
        let runs = |database: &&Self| {
            program.iter().any(|word| database.programs.contains(&word.rsplit('/').next().unwrap_or(word)))
        };
        let image = image.map(|image| {
            let name = image.rsplit('/').next().unwrap_or(image);
            name.split([':', '@']).next().unwrap_or(name)
        });
        // Another program in the image of a database is no server: a backup, a client.
        let is_other =
            program.first().is_some_and(|word| !word.starts_with('-') && !word.contains("entrypoint"));
        known
            .into_iter()
            .find(runs)
            .or_else(|| known.into_iter().find(|one| !is_other && one.images.contains(&image.unwrap_or(""))))
    }

    /// Whether a name is one of its variables that we know.
    pub(crate) fn knows(&self, name: &str) -> bool {
        (self.meaning)(name).is_some()
    }

    /// Takes the server's variables out of those of a command line: `-c max_connections=200`,
    /// `--wait-timeout=600`.
    pub(crate) fn of_flags(
        &self,
        owner: Owner,
        path: &str,
        at: Span,
        flags: &mut Vec<crate::variables::Variable<'_>>,
    ) -> (Option<Group>, Vec<Ignored>) {
        let mut own = Vec::new();
        flags.retain(|flag| {
            let text = flag.name.text();
            let name = text.trim_start_matches('-').replace('-', "_").to_ascii_lowercase();
            let known = self.knows(&name);
            if known {
                own.push(Variable { key: format!("{path}.{name}"), name, value: flag.value });
            }
            !known
        });
        let prefix = format!("{path}.");
        self.group(&Place { owner, label: self.name, at, prefix: &prefix }, &own)
    }

    /// The server's group: its variables, and the defaults of absent ones that rules ask for.
    pub(crate) fn group(
        &self,
        place: &Place<'_>,
        variables: &[Variable<'_>],
    ) -> (Option<Group>, Vec<Ignored>) {
        let mut settings: Vec<Setting> = Vec::new();
        let mut ignored = Vec::new();
        for (i, variable) in variables.iter().enumerate() {
            let Some(meaning) = (self.meaning)(&variable.name) else { continue };
            let replaced = variables[i + 1..].iter().any(|later| later.name == variable.name);
            let read = match replaced {
                true => Err(Reason::Replaced),
                false => setting::documented(variable.key.clone(), &meaning, variable.value),
            };
            match read {
                Ok(setting) => settings.push(setting),
                Err(reason) => {
                    ignored.push(Ignored { key: variable.key.clone(), span: variable.value.span(), reason });
                }
            }
        }
        for absent in self.absent {
            if !variables.iter().any(|variable| variable.name == absent.name) {
                let origin = Origin::Default { near: place.at, of: absent.of, version: absent.version };
                let key = format!("{}{}", place.prefix, absent.name);
                settings.push(setting::stated(key, absent.knob, absent.value.clone(), origin));
            }
        }
        let group = Group {
            settings,
            ..Group::new(place.label.to_owned(), GroupKind::Server, place.owner, place.at)
        };
        (Some(group).filter(|group| group.settings.iter().any(|s| !s.value.origin.is_default())), ignored)
    }
}

const OTHER: Knob = Knob::Other(Topic::Timeout);

fn time(knob: Knob, unit: TimeUnit, zero: Zero) -> Option<Meaning> {
    // Both products count some limits in seconds and others in milliseconds.
    let elsewhere = if unit == TimeUnit::Milliseconds { Some(TimeUnit::Seconds) } else { None };
    Some(Meaning { knob, bare: Some(unit), zero, elsewhere })
}

fn count(knob: Knob) -> Option<Meaning> {
    Some(Meaning { knob, bare: None, zero: Zero::Literal, elsewhere: None })
}

/// runtime-config-connection, runtime-config-client, runtime-config-replication.
fn postgresql(name: &str) -> Option<Meaning> {
    const MS: TimeUnit = TimeUnit::Milliseconds;
    const S: TimeUnit = TimeUnit::Seconds;
    match name {
        "max_connections" => count(Knob::ConnectionLimit),
        // The second since 16, for a role of its own, besides the first.
        "superuser_reserved_connections" | "reserved_connections" => count(Knob::ConnectionsReserved),
        "statement_timeout" => time(Knob::Timeout(Covers::Statement), MS, Zero::Never),
        // Since 14.
        "idle_session_timeout" => time(Knob::Timeout(Covers::Idle), MS, Zero::Never),
        "idle_in_transaction_session_timeout" | "transaction_timeout" => time(OTHER, MS, Zero::Never),
        "lock_timeout" | "tcp_user_timeout" => time(OTHER, MS, Zero::Never),
        "deadlock_timeout" => time(OTHER, MS, Zero::Literal),
        "wal_sender_timeout" | "wal_receiver_timeout" => time(OTHER, MS, Zero::Never),
        "authentication_timeout" | "checkpoint_timeout" => time(OTHER, S, Zero::Literal),
        "tcp_keepalives_idle" | "tcp_keepalives_interval" => time(Knob::Interval, S, Zero::Literal),
        _ => None,
    }
}

static POSTGRESQL_DEFAULTS: [Absent; 2] = [
    // "typically 100": initdb lowers it where the kernel does not allow as many.
    Absent {
        name: "max_connections",
        knob: Knob::ConnectionLimit,
        value: Value::Count(100),
        of: "PostgreSQL max_connections",
        version: "all versions, runtime-config-connection",
    },
    Absent {
        name: "superuser_reserved_connections",
        knob: Knob::ConnectionsReserved,
        value: Value::Count(3),
        of: "PostgreSQL superuser_reserved_connections",
        version: "all versions, runtime-config-connection",
    },
];

/// sysvar_wait_timeout and its neighbours. `-` and `_` are the same in names.
fn mysql(name: &str) -> Option<Meaning> {
    const S: TimeUnit = TimeUnit::Seconds;
    match name {
        "max_connections" => count(Knob::ConnectionLimit),
        "max_user_connections" => count(Knob::Other(Topic::Pool)),
        "wait_timeout" => time(Knob::Timeout(Covers::Idle), S, Zero::Literal),
        // Of clients that call themselves interactive, as `mysql` does and drivers do not.
        "interactive_timeout" => time(OTHER, S, Zero::Literal),
        "max_execution_time" => time(Knob::Timeout(Covers::Statement), TimeUnit::Milliseconds, Zero::Never),
        // MariaDB; a fraction is allowed.
        "max_statement_time" => time(Knob::Timeout(Covers::Statement), S, Zero::Never),
        "connect_timeout" | "net_read_timeout" | "net_write_timeout" => time(OTHER, S, Zero::Literal),
        "lock_wait_timeout" | "innodb_lock_wait_timeout" => time(OTHER, S, Zero::Literal),
        _ => None,
    }
}

static MYSQL_DEFAULTS: [Absent; 2] = [
    Absent {
        name: "max_connections",
        knob: Knob::ConnectionLimit,
        value: Value::Count(151),
        of: "MySQL max_connections",
        version: "since 5.1.15, sql/sql_const.h MAX_CONNECTIONS_DEFAULT",
    },
    Absent {
        name: "wait_timeout",
        knob: Knob::Timeout(Covers::Idle),
        value: Value::Time(Limit::After(Duration::from_secs(28_800))),
        of: "MySQL wait_timeout",
        version: "all versions, include/mysql_com.h NET_WAIT_TIMEOUT",
    },
];
