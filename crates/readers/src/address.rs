//! Addresses and data source names: `http://host:port/path`, `host:port`, JDBC, libpq (URI and
//! keyword form), Go MySQL, .NET, Redis, MongoDB, AMQP. Their parameters are settings with true positions.
//! User names, passwords and tokens are never kept: only host, port, scheme and the values of
//! parameters that the table of drivers knows leave this module.

mod drivers;
mod forms;
mod hosts;
mod keys;
mod parameters;

use std::ops::Range;

use text::Scalar;

use crate::{Address, Target};
use forms::Form;
use hosts::{Host, Piece};

/// What a value that holds an address says.
#[derive(Debug, Clone)]
pub struct Located {
    /// The hosts it names, in order. Empty where the value is an address whose host is not known:
    /// a template, a unix socket, a password that is not escaped.
    pub targets: Vec<Target>,
    /// Settings in its parameters, and defaults of parameters that matter and are absent.
    pub settings: Vec<model::Setting>,
}

/// A value longer than this is no address (browsers and servers stop at 8 KiB).
const LONGEST: usize = 8 * 1024;

/// Reads an address out of a value, if it is one. `key` is the key with its path; a bare host name
/// (no port, no scheme) counts only where the key says that it is a host (`*_HOST`, `host`, `*_ADDR`).
pub fn locate(key: &str, value: Scalar<'_>) -> Option<Located> {
    let text = value.text();
    if text.len() > LONGEST || keys::names_no_callee(key) {
        return None;
    }
    let masked = hosts::mask(text);
    let form = Form::of(key, Piece::new(&masked).trim())?;
    let targets: Vec<Target> = form
        .hosts
        .iter()
        .map(|host| Target {
            address: Address { scheme: form.scheme.clone(), host: host.name(), port: host.port },
            names: Vec::new(),
            key: key.to_owned(),
            span: value.part(host.place.clone()),
            assumptions: Vec::new(),
            ways: Vec::new(),
        })
        .collect();
    let near = targets.first().map_or(value.span(), |target| target.span);
    let settings = form
        .driver
        .map(|driver| parameters::settings(driver, key, value, &form.parameters, near))
        .unwrap_or_default();
    Some(Located { targets, settings })
}

/// Reads the `host:port` that a part of a value is, where the syntax around it says that it is one.
pub(crate) fn host_at(key: &str, value: Scalar<'_>, part: Range<usize>, scheme: &str) -> Option<Target> {
    let masked = hosts::mask(value.text().get(part.clone())?);
    let host = Host::read(Piece::new(&masked))?;
    Some(Target {
        address: Address { scheme: Some(scheme.to_ascii_lowercase()), host: host.name(), port: host.port },
        names: Vec::new(),
        key: key.to_owned(),
        span: value.part(part.start + host.place.start..part.start + host.place.end),
        assumptions: Vec::new(),
        ways: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use model::Origin;
    use proptest::prelude::*;
    use text::{FileId, Source, Syntax, Tree};

    use super::*;

    /// The value at `key` in a properties-like YAML of one line, read.
    fn located(key: &str, value: &str) -> (Option<Located>, Source) {
        let source = Source::new(FileId(0), "test.yaml", format!("k: '{}'\n", value.replace('\'', "''")));
        let tree = Tree::parse(Syntax::Yaml, &source);
        let node = tree.documents().next().expect("a document").get("k").expect("a value");
        let found = locate(key, node.scalar().expect("a scalar"));
        (found, source)
    }

    /// All settings of values, one a line: what is written, or whose default it is.
    fn settings(values: &[&str]) -> String {
        let mut shown = String::new();
        for value in values {
            let (found, source) = located("url", value);
            let found = found.expect("an address");
            let hosts: Vec<&str> = found.targets.iter().map(|target| source.slice(target.span)).collect();
            writeln!(shown, "{}", hosts.join(" ")).expect("a String takes all");
            for setting in found.settings {
                let from = match &setting.value.origin {
                    Origin::Written(span) => format!("`{}`", source.slice(*span)),
                    Origin::Default { near, of, .. } => {
                        format!("default of {of} near {}", source.slice(*near))
                    }
                    other => format!("{other:?}"),
                };
                let guess = setting.assumptions.join(", ");
                let (key, knob, value) = (setting.key, setting.knob, setting.value.value);
                let line = format!("  {key} = {value} {knob:?} {from} {guess}");
                writeln!(shown, "{}", line.trim_end()).expect("a String takes all");
            }
        }
        shown
    }

    #[test]
    fn postgresql_drivers_count_in_seconds() {
        insta::assert_snapshot!(settings(&[
            "jdbc:postgresql://db:5432/auth?socketTimeout=90&connectTimeout=0&tcpKeepAlive=true",
            "jdbc:postgresql://db/auth?options=-c%20statement_timeout%3D5s%20-c%20x=1",
            "postgres://app:s3cret@db/auth?connect_timeout=1&pool_max_conn_lifetime=30m",
            "host=db port=5432 connect_timeout=3 options='-c statement_timeout=250'",
        ]), @r"
        db
          url?connectTimeout = no limit Timeout(Connect) `0`
          url?socketTimeout = 90 s Timeout(BetweenBytes) `90`
          url?tcpKeepAlive = on Other(KeepAlive) `true`
        db
          url?connectTimeout = 10 s Timeout(Connect) default of pgjdbc connectTimeout near db
          url?socketTimeout = no limit Timeout(BetweenBytes) default of pgjdbc socketTimeout near db
          url?options.statement_timeout = 5 s Timeout(Statement) `5s`
        db
          url?connect_timeout = 2 s Timeout(Connect) `1` that libpq is older than 17, which waits 2 s for 1
          url?options.statement_timeout = no limit Timeout(Statement) default of PostgreSQL statement_timeout near db that the driver keeps libpq's defaults
          url?pool_max_conn_lifetime = 30 min Timeout(Lifetime) `30m`
        db
          url?connect_timeout = 3 s Timeout(Connect) `3`
          url?options.statement_timeout = 250 ms Timeout(Statement) `250`
        ");
    }

    #[test]
    fn mysql_drivers_differ_in_their_units() {
        insta::assert_snapshot!(settings(&[
            "jdbc:mysql://db/auth?connectTimeout=5000",
            "jdbc:mariadb://db/auth?socketTimeout=30",
            "app:pw@tcp(db:3306)/auth?timeout=5s&readTimeout=30",
            "mysql://app:pw@db/auth?connect_timeout=5&connection_limit=9",
        ]), @r"
        db
          url?connectTimeout = 5 s Timeout(Connect) `5000`
          url?socketTimeout = no limit Timeout(BetweenBytes) default of MySQL Connector/J socketTimeout near db
        db
          url?connectTimeout = 30 s Timeout(Connect) default of MariaDB Connector/J connectTimeout near db
          url?socketTimeout = 30 ms Timeout(BetweenBytes) `30`
        db
          url?timeout = 5 s Timeout(Connect) `5s`
          url?readTimeout = 30, unit unknown Timeout(BetweenBytes) `30`
        db
          url?connect_timeout = 5 s Timeout(Connect) `5`
          url?connection_limit = 9 PoolSize `9`
        ");
    }

    #[test]
    fn other_drivers_have_rules_of_their_own() {
        insta::assert_snapshot!(settings(&[
            "jdbc:sqlserver://db:1433;LoginTimeout=0;socketTimeout=30000;queryTimeout=-1",
            "jdbc:oracle:thin:@//db:1521/AUTH?oracle.net.CONNECT_TIMEOUT=3000",
            "redis://:pw@cache:6379/0?read_timeout=3&max_retries=0&timeout=2",
            "rediss://cache/0?max_retries=-1&pool_size=20&socket_timeout=0.5&timeout=10s",
            "mongodb://a,b/auth?connecttimeoutms=2000&maxPoolSize=50&retryWrites=true",
            "amqp://app:pw@mq/%2F?heartbeat=30&connection_timeout=10000",
        ]), @r"
        db
          url?loginTimeout = 30 s Timeout(Connect) `0`
          url?socketTimeout = 30 s Timeout(BetweenBytes) `30000`
          url?queryTimeout = no limit Timeout(Attempt) `-1`
        db
          url?oracle.net.CONNECT_TIMEOUT = 3 s Timeout(Connect) `3000`
          url?oracle.jdbc.ReadTimeout = no limit Timeout(BetweenBytes) default of Oracle JDBC oracle.jdbc.ReadTimeout near db
        cache
          url?read_timeout = 3 s Timeout(BetweenBytes) `3`
          url?max_retries = 3 Retries `0`
          url?timeout = 2, unit unknown Timeout(Attempt) `2`
        cache
          url?pool_size = 20 PoolSize `20`
          url?max_retries = 0 Retries `-1`
          url?socket_timeout = 500 ms Timeout(BetweenBytes) `0.5`
          url?timeout = 10 s Timeout(Attempt) `10s`
        a b
          url?connectTimeoutMS = 2 s Timeout(Connect) `2000`
          url?socketTimeoutMS = no limit Timeout(BetweenBytes) default of MongoDB socketTimeoutMS near a that the driver has no limit of its own, as Node's had until 3.6.2 (6 min) and those on libmongoc have (5 min)
          url?maxPoolSize = 50 PoolSize `50`
          url?retryWrites = 1 Retries `true`
        mq
          url?connection_timeout = 10 s Timeout(Connect) `10000`
          url?heartbeat = 30 s Other(KeepAlive) `30`
        ");
    }

    #[test]
    fn parameters_that_something_else_fills_in_take_neither_value_nor_default() {
        insta::assert_snapshot!(settings(&[
            "jdbc:mysql://db/auth?connectTimeout=${T}&socketTimeout={{ .t }}"
        ]), @r"
        db
        ");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_with_spans_inside_it(value in "\\PC*") {
            let (found, source) = located("DB_HOST", &value);
            for target in found.iter().flat_map(|found| &found.targets) {
                prop_assert!(target.span.end as usize <= source.text().len());
                prop_assert!(target.span.start < target.span.end);
                prop_assert_eq!(
                    source.slice(target.span).trim_end_matches('.').to_ascii_lowercase(),
                    &*target.address.host
                );
            }
        }

        #[test]
        fn texts_like_addresses_are_read_without_panic(
            value in "(jdbc:|postgres|redis|http|mysql|://|:|//|@|/|\\?|&|=|;|,|\\(|\\)|\\[|\\]|tcp|db|5432|\\$\\{|\\}|host=|'|\\\\|%|é|connect_timeout| ){0,16}"
        ) {
            let (found, source) = located("url", &value);
            for span in found.iter().flat_map(|found| found.settings.iter().filter_map(|s| s.value.origin.span())) {
                prop_assert!(span.end as usize <= source.text().len());
            }
        }

        #[test]
        fn no_part_of_a_password_leaves_the_reader(
            form in 0usize..9,
            password in "Zq[a-zA-Z0-9:@%/?#&=;!$ .,_-]{4,12}Qz",
            user in "[a-z]{1,8}",
        ) {
            let value = |password: &str| match form {
                0 => format!("postgres://{user}:{password}@db:5432/auth?connect_timeout=3"),
                1 => format!("{user}:{password}@tcp(db:3306)/auth?timeout=3s"),
                2 => format!("redis://:{password}@cache:6379/0?read_timeout=3s"),
                3 => format!("mongodb://{user}:{password}@a:27017,b:27017/auth?maxPoolSize=3"),
                4 => format!("jdbc:oracle:thin:{user}/{password}@//db:1521/AUTH"),
                5 => format!("host=db password='{password}' connect_timeout=3"),
                6 => format!("https://{user}:{password}@api.example.com/v1"),
                7 => format!("Server=db;User Id={user};Password=\"{password}\";Timeout=3"),
                _ => format!("jdbc:sqlserver://db;user={user};password={{{password}}};loginTimeout=3"),
            };
            let shown = |password| format!("{:?}", located("url", &value(password)).0).to_ascii_lowercase();
            // What is also there with another password is none of this one.
            let (other, shown) = (shown("Zq-Qz"), shown(&password));
            for piece in password.to_ascii_lowercase().as_bytes().windows(4) {
                let piece = std::str::from_utf8(piece).expect("ASCII");
                let telling = piece.bytes().all(|b| b.is_ascii_alphanumeric());
                prop_assert!(!telling || other.contains(piece) || !shown.contains(piece), "{piece} in {shown}");
            }
        }
    }
}
