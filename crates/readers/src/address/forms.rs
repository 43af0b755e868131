//! The forms in which addresses are written, taken apart into hosts and parameters. What lies
//! before an `@` is stepped over and never looked at; where an unescaped password leaves open
//! which part is the host, no host is given.

use super::drivers::{self, Driver};
use super::hosts::{Host, Piece};
use super::keys;

/// A name and a value of a parameter.
pub(super) type Pair<'t> = (Piece<'t>, Piece<'t>);

/// An address taken apart.
#[derive(Default)]
pub(super) struct Form<'t> {
    pub(super) scheme: Option<String>,
    pub(super) hosts: Vec<Host<'t>>,
    /// Whose parameters they are; `None` where they are no settings.
    pub(super) driver: Option<&'static Driver>,
    pub(super) parameters: Vec<Pair<'t>>,
}

impl<'t> Form<'t> {
    /// The form of a value, if it is an address.
    pub(super) fn of(key: &str, whole: Piece<'t>) -> Option<Self> {
        if whole.text.is_empty() {
            return None;
        }
        if let Some(rest) = whole.strip("jdbc:").or_else(|| whole.strip("r2dbc:")) {
            return Self::jdbc(rest);
        }
        Self::go_mysql(whole)
            .or_else(|| Self::urls(whole))
            .or_else(|| Self::keywords(whole))
            .or_else(|| Self::semicolons(whole))
            .or_else(|| Self::bare(key, whole))
    }

    /// One URL, or several with commas between them.
    fn urls(whole: Piece<'t>) -> Option<Self> {
        let mut starts: Vec<usize> = vec![0];
        for (comma, _) in whole.text.match_indices(',') {
            let next = whole.from(comma + 1).trim();
            if scheme(next).is_some() {
                starts.push(comma + 1);
            }
        }
        let mut form: Option<Self> = None;
        for (i, &start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).map_or(whole.text.len(), |&next| next - 1);
            let url = Self::url(whole.split_at(end).0.from(start).trim())?;
            match &mut form {
                None => form = Some(url),
                Some(form) => form.hosts.extend(url.hosts),
            }
        }
        form
    }

    fn url(piece: Piece<'t>) -> Option<Self> {
        if piece.text.contains(char::is_whitespace) {
            return None;
        }
        let (scheme, rest) = scheme(piece)?;
        // What is before a `+` names the protocol, what is after it the driver: `postgresql+psycopg`.
        let (protocol, suffix) = scheme.split_once('+').unwrap_or((&scheme, ""));
        if NOT_NETWORK.contains(&protocol) || suffix == "unix" {
            return None;
        }
        let driver = drivers::of_url(protocol, suffix);
        let scheme = Some(protocol.to_owned());
        let Some((hosts, tail)) = host_part(rest, WEB.contains(&protocol)) else {
            return Some(Self { scheme, ..Self::default() });
        };
        Some(Self { scheme, hosts: Host::list(hosts), driver, parameters: query(tail) })
    }

    /// `jdbc:` taken off: `postgresql://h1:5432,h2/db?k=v`, `mysql:replication://h/db`,
    /// `sqlserver://h:1433;k=v`, `oracle:thin:@//h:1521/service`.
    fn jdbc(rest: Piece<'t>) -> Option<Self> {
        let names = rest.text.split("//").next().unwrap_or("").split('@').next().unwrap_or("");
        let protocol = names.split(':').find(|name| drivers::of_jdbc(name).is_some());
        let (protocol, driver) = match protocol {
            Some(name) => (name.to_ascii_lowercase(), drivers::of_jdbc(name)),
            None => (names.split(':').next().unwrap_or("").to_ascii_lowercase(), None),
        };
        if protocol == "oracle" {
            return Some(Self::oracle(rest, driver));
        }
        let (_, rest) = rest.split_once("//")?;
        let scheme = Some(protocol.clone());
        if protocol == "sqlserver" {
            return Some(Self::sql_server(rest, driver));
        }
        match host_part(rest, false) {
            Some((hosts, tail)) => {
                Some(Self { scheme, hosts: Host::list(hosts), driver, parameters: query(tail) })
            }
            None => Some(Self { scheme, ..Self::default() }),
        }
    }

    /// `host\instance:port;name=value;...`; a value in braces may hold semicolons.
    fn sql_server(rest: Piece<'t>, driver: Option<&'static Driver>) -> Self {
        let mut parts = Vec::new();
        let (mut start, mut braces) = (0, false);
        for (i, c) in rest.text.char_indices() {
            match c {
                '{' => braces = true,
                '}' => braces = false,
                ';' if !braces => {
                    parts.push(rest.split_at(i).0.from(start));
                    start = i + 1;
                }
                _ => {}
            }
        }
        parts.push(rest.from(start));
        let parameters: Vec<Pair<'t>> = parts[1..].iter().filter_map(|part| part.split_once("=")).collect();
        let named = parameters.iter().find(|(name, _)| name.text.eq_ignore_ascii_case("serverName"));
        let host = match (parts[0].split_once("\\"), named) {
            // The port behind an instance's name decides; without one the instance is looked up.
            (Some((host, _)), _) => host,
            (None, Some((_, host))) if parts[0].text.is_empty() => *host,
            (None, _) => parts[0],
        };
        let host = Host::read(host.trim().text.strip_suffix('/').map_or(host, |t| host.split_at(t.len()).0));
        Self { scheme: Some("sqlserver".to_owned()), hosts: host.into_iter().collect(), driver, parameters }
    }

    /// `thin:user/password@//host:port/service`, `thin:@host:port:sid`, `thin:@(DESCRIPTION=...)`.
    /// A name without port and slashes is an alias that another file resolves.
    fn oracle(rest: Piece<'t>, driver: Option<&'static Driver>) -> Self {
        let mut form = Self { scheme: Some("oracle".to_owned()), driver, ..Self::default() };
        let end = rest.text.find('?').unwrap_or(rest.text.len());
        let (name, tail) = rest.split_at(end);
        if tail.text.contains('@') {
            return Self { driver: None, ..form };
        }
        let Some((_, place)) = name.rsplit_once("@") else { return form };
        form.parameters = query(tail);
        if place.text.starts_with('(') {
            form.hosts = described(place);
            return form;
        }
        let (slashes, list) = match place.split_once("//") {
            Some((_, list)) => (true, list),
            None => (false, place),
        };
        let list = list.split_at(list.text.find('/').unwrap_or(list.text.len())).0;
        for part in list.split(',') {
            let sid = part.text.match_indices(':').nth(1).map_or(part.text.len(), |(i, _)| i);
            form.hosts.extend(Host::read(part.split_at(sid).0).filter(|h| slashes || h.port.is_some()));
        }
        form
    }

    /// `user:password@tcp(host:port)/database?k=v`, taken apart as the driver does: the last `/`
    /// first, then the last `@` before it.
    fn go_mysql(whole: Piece<'t>) -> Option<Self> {
        let whole = whole.strip("mysql://").unwrap_or(whole);
        let (before, after) = whole.rsplit_once("/")?;
        let network = before.rsplit_once("@").map_or(before, |(_, network)| network);
        let (protocol, address) = network.split_once("(")?;
        let address = address.text.strip_suffix(')').map(|text| address.split_at(text.len()).0)?;
        if !protocol.text.bytes().all(|b| b.is_ascii_alphanumeric()) || protocol.text.is_empty() {
            return None;
        }
        let hosts = if protocol.text.starts_with("tcp") { Host::list(address) } else { Vec::new() };
        Some(Self {
            scheme: Some("mysql".to_owned()),
            hosts,
            driver: Some(&drivers::GO_MYSQL),
            parameters: query(after),
        })
    }

    /// libpq's keyword form: `host=db port=5432 connect_timeout=3`, values quoted with `'`.
    fn keywords(whole: Piece<'t>) -> Option<Self> {
        let mut parameters: Vec<Pair<'t>> = Vec::new();
        let mut rest = whole;
        while !rest.text.is_empty() {
            let (name, value) = rest.split_once("=")?;
            let name = name.trim();
            if name.text.is_empty() || !name.text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                return None;
            }
            let value = value.trim();
            let (value, next) = match value.strip("'") {
                Some(quoted) => {
                    let end = unescaped(quoted.text, |c| c == '\'')?;
                    let (value, next) = quoted.split_at(end);
                    (value, next.from(1))
                }
                None => {
                    value.split_at(unescaped(value.text, char::is_whitespace).unwrap_or(value.text.len()))
                }
            };
            parameters.push((name, value));
            rest = next.trim();
        }
        let last = |name| parameters.iter().rev().find(|(n, _)| n.text == name).map(|&(_, value)| value);
        let host = last("host").or_else(|| last("hostaddr"))?;
        if parameters.len() < 2 {
            return None;
        }
        let ports: Vec<Option<u16>> = last("port")
            .map(|p| p.text.split(',').map(|n| n.trim().parse().ok()).collect())
            .unwrap_or_default();
        let mut hosts = Vec::new();
        for (i, part) in host.split(',').enumerate() {
            let Some(mut read) = Host::read(part.trim()).filter(|h| h.port.is_none()) else { continue };
            // One port stands for all hosts.
            read.port =
                ports.get(i).or(if ports.len() == 1 { ports.first() } else { None }).copied().flatten();
            hosts.push(read);
        }
        let scheme = Some("postgresql".to_owned());
        Some(Self { scheme, hosts, driver: Some(&drivers::LIBPQ), parameters })
    }

    /// .NET's connection strings: `Server=tcp:db,1433;Database=auth;Password="..."`. Which provider
    /// reads it is not written, so its parameters are no settings.
    fn semicolons(whole: Piece<'t>) -> Option<Self> {
        const HOSTS: [&str; 5] = ["host", "server", "data source", "address", "addr"];
        let mut pairs: Vec<Pair<'t>> = Vec::new();
        let (mut start, mut quote) = (0, None);
        for (i, c) in whole.text.char_indices().chain([(whole.text.len(), ';')]) {
            match (c, quote) {
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (';', None) => {
                    let part = whole.split_at(i).0.from(start).trim();
                    start = i + 1;
                    if part.text.is_empty() {
                        continue;
                    }
                    let (name, value) = part.split_once("=")?;
                    let name = name.trim();
                    if !name.text.bytes().all(|b| b.is_ascii_alphabetic() || b == b' ') {
                        return None;
                    }
                    pairs.push((name, value.trim()));
                }
                _ => {}
            }
        }
        let find = |names: &[&str]| {
            let found =
                pairs.iter().find(|(name, _)| names.iter().any(|n| name.text.eq_ignore_ascii_case(n)));
            found.map(|&(_, value)| value)
        };
        let server = find(&HOSTS).filter(|_| pairs.len() > 1 && quote.is_none())?;
        let server = server.strip("tcp:").unwrap_or(server);
        let (name, port) = match server.split_once(",") {
            Some((name, port)) => (name, Some(port)),
            None => (server, find(&["port"])),
        };
        let mut host = Host::read(name.trim());
        if let Some(host) = host.as_mut().filter(|host| host.port.is_none()) {
            host.port = port.and_then(|port| port.text.trim().parse().ok());
        }
        Some(Self { hosts: host.into_iter().collect(), ..Self::default() })
    }

    /// `host:port`, a list of them, or a host alone where the key says so.
    fn bare(key: &str, whole: Piece<'t>) -> Option<Self> {
        if whole.text.contains(['@', '(', '=', '\\', '"', '\'']) {
            return None;
        }
        let address = keys::names_address(key);
        let list = match whole.split_once("/") {
            Some((list, _)) if address => list,
            Some(_) => return None,
            None => whole,
        };
        let mut hosts = Vec::new();
        for part in list.split(',') {
            hosts.push(Host::read(part.trim())?);
        }
        let ports = hosts.iter().all(|host| host.port.is_some_and(|port| address || is_known_port(port)));
        let name = keys::names_host(key) && hosts.iter().all(|host| !is_word(&host.name()));
        let own = keys::may_be_own(key) && hosts.iter().all(Host::is_local_or_number);
        ((ports || name) && !own).then(|| Self { hosts, ..Self::default() })
    }
}

/// Schemes whose paths and queries may well hold an `@`.
const WEB: [&str; 6] = ["http", "https", "ws", "wss", "grpc", "grpcs"];

/// Schemes behind which no host stands that the service itself calls.
const NOT_NETWORK: [&str; 22] = [
    "file",
    "unix",
    "npipe",
    "classpath",
    "resource",
    "jar",
    "data",
    "urn",
    "about",
    "s3",
    "s3a",
    "gs",
    "gcs",
    "abfs",
    "abfss",
    "wasb",
    "wasbs",
    "docker",
    "oci",
    "sqlite",
    "sqlite3",
    "memory",
];

/// The scheme of a URL in lower case, and what follows `://`. Of `k8s://https://host` it is the
/// second.
fn scheme(piece: Piece<'_>) -> Option<(String, Piece<'_>)> {
    let piece = match piece.split_once("://") {
        Some((_, inner)) if inner.strip("http://").or_else(|| inner.strip("https://")).is_some() => inner,
        _ => piece,
    };
    let (scheme, rest) = piece.split_once("://")?;
    let named = scheme.text.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    named.then(|| (scheme.text.to_ascii_lowercase(), rest))
}

/// The host list of what follows `//`, and the path and query behind it; `None` where an unescaped
/// password makes it a guess.
fn host_part(rest: Piece<'_>, web: bool) -> Option<(Piece<'_>, Piece<'_>)> {
    let (authority, tail) = rest.split_at(rest.text.find(['/', '?', '#']).unwrap_or(rest.text.len()));
    let Some(at) = tail.text.rfind('@') else {
        return Some((authority.rsplit_once("@").map_or(authority, |(_, hosts)| hosts), tail));
    };
    if web {
        // `https://host/@scope/package` is plain; `https://user:pass/word@host` is not.
        let plain = !authority.text.contains('@')
            && (!authority.text.contains(':') || tail.text[..at].ends_with('/'));
        return plain.then_some((authority, tail));
    }
    // A slash in a password: the host list starts behind the last `@` of the path.
    if tail.text[..at].contains('?') {
        return None;
    }
    let rest = tail.from(at + 1);
    Some(rest.split_at(rest.text.find(['/', '?', '#']).unwrap_or(rest.text.len())))
}

/// The parameters behind the first `?`.
fn query(tail: Piece<'_>) -> Vec<Pair<'_>> {
    let Some((_, query)) = tail.split_once("?") else { return Vec::new() };
    let query = query.split_once("#").map_or(query, |(query, _)| query);
    query.split('&').filter_map(|pair| pair.split_once("=")).collect()
}

/// Hosts of an Oracle connect descriptor: `(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))`.
fn described(place: Piece<'_>) -> Vec<Host<'_>> {
    let mut hosts: Vec<Host<'_>> = Vec::new();
    for part in place.split('(') {
        let Some((name, value)) = part.split_once("=") else { continue };
        let value = value.split_once(")").map_or(value, |(value, _)| value).trim();
        if name.text.trim().eq_ignore_ascii_case("HOST") {
            hosts.extend(Host::read(value));
        } else if name.text.trim().eq_ignore_ascii_case("PORT")
            && let Some(host) = hosts.last_mut().filter(|host| host.port.is_none())
        {
            host.port = value.text.parse().ok();
        }
    }
    hosts
}

/// Where the first character that `ends` stands that no backslash escapes.
fn unescaped(text: &str, ends: impl Fn(char) -> bool) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if ends(c) {
            return Some(i);
        }
    }
    None
}

/// Ports that tell `name:number` from a time, a tag or a user: those for services (80, 443, LDAP,
/// mail) and everything that needs no privilege.
fn is_known_port(port: u16) -> bool {
    port >= 1024 || [25, 80, 389, 443, 465, 587, 636].contains(&port)
}

/// Words that stand at a key of hosts and name none.
fn is_word(name: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off", "none", "null", "nil", "auto", "any", "all", "default"]
        .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::hosts::mask;

    /// What is read of a value, in one line: scheme, hosts with their text, names of parameters.
    fn shown(key: &str, value: &str) -> String {
        let masked = mask(value);
        let Some(form) = Form::of(key, Piece::new(&masked).trim()) else { return "no address".to_owned() };
        let hosts: Vec<String> = form
            .hosts
            .iter()
            .map(|host| {
                assert_eq!(value[host.place.clone()].trim_end_matches('.').to_ascii_lowercase(), host.name());
                host.port.map_or(host.name(), |port| format!("{}|{port}", host.name()))
            })
            .collect();
        let names: Vec<&str> = form.parameters.iter().map(|(name, _)| name.text).collect();
        format!("{} [{}] {}", form.scheme.as_deref().unwrap_or("-"), hosts.join(" "), names.join(" "))
            .trim_end()
            .to_owned()
    }

    #[track_caller]
    fn check(values: &[(&str, &str, &str)]) {
        let found: Vec<String> = values.iter().map(|(key, value, _)| shown(key, value)).collect();
        let expected: Vec<&str> = values.iter().map(|(_, _, expected)| *expected).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn urls_give_scheme_host_and_port() {
        check(&[
            ("u", "http://directory:9000/v1", "http [directory|9000]"),
            ("u", "HTTPS://Auth.Example.com./login?next=/", "https [auth.example.com] next"),
            ("u", "grpc://accounts:50051", "grpc [accounts|50051]"),
            ("u", "lb://auth-service", "lb [auth-service]"),
            ("u", "tcp://10.0.0.7:6379", "tcp [10.0.0.7|6379]"),
            ("u", "ldaps://ldap-1:636,ldap-2:636", "ldaps [ldap-1|636 ldap-2|636]"),
            ("u", "http://a:2379,http://b:2379", "http [a|2379 b|2379]"),
            ("u", "http://[fd00::1]:8080/x", "http [fd00::1|8080]"),
            ("u", "http://localhost:8080", "http [localhost|8080]"),
            (
                "u",
                "mongodb+srv://cluster0.example.net/auth?retryWrites=true",
                "mongodb [cluster0.example.net] retryWrites",
            ),
            ("u", "kafka://k1:9092,k2:9092", "kafka [k1|9092 k2|9092]"),
            ("u", "https://registry.example/@scope/pkg", "https [registry.example]"),
            ("u", "k8s://https://api.example:6443", "https [api.example|6443]"),
        ]);
    }

    #[test]
    fn what_stands_before_an_at_is_no_host() {
        check(&[
            (
                "u",
                "postgres://app:s3cret@db:5432/auth?connect_timeout=3",
                "postgres [db|5432] connect_timeout",
            ),
            ("u", "postgres://app:p@ss:w@rd@db:5432/auth", "postgres [db|5432]"),
            ("u", "postgres://app:pa/s@s@db:5432/auth?sslmode=off", "postgres [db|5432] sslmode"),
            ("u", "postgres://app:pa?s@s@db:5432/auth", "postgres []"),
            ("u", "postgres://app:pa/ss@db:5432/auth?mail=a@b", "postgres []"),
            ("u", "http://app:12/34@host:80/", "http []"),
            ("u", "amqp://app:%40%3A@mq/vhost", "amqp [mq]"),
            ("u", "redis://:pw@cache:6379/0?read_timeout=3s", "redis [cache|6379] read_timeout"),
            (
                "u",
                "app:p@ss@tcp(db:3306)/auth?timeout=5s&readTimeout=1s",
                "mysql [db|3306] timeout readTimeout",
            ),
            ("u", "app@unix(/run/mysqld.sock)/auth", "mysql []"),
            ("u", "mysql://app:pw@tcp([fd00::2]:3306)/auth", "mysql [fd00::2|3306]"),
        ]);
    }

    #[test]
    fn jdbc_urls_of_each_driver_give_their_hosts() {
        check(&[
            (
                "u",
                "jdbc:postgresql://db-1:5432,db-2/auth?socketTimeout=5",
                "postgresql [db-1|5432 db-2] socketTimeout",
            ),
            ("u", "jdbc:mysql:loadbalance://m1:3306,m2:3307/auth", "mysql [m1|3306 m2|3307]"),
            ("u", "jdbc:mariadb://maria/auth", "mariadb [maria]"),
            (
                "u",
                "jdbc:sqlserver://sql:1433;database=a;password={x;y};socketTimeout=9",
                "sqlserver [sql|1433] database password socketTimeout",
            ),
            ("u", "jdbc:sqlserver://sql\\auth;loginTimeout=5", "sqlserver [sql] loginTimeout"),
            ("u", "jdbc:sqlserver://;serverName=sql;port=1433", "sqlserver [sql] serverName port"),
            ("u", "jdbc:oracle:thin:app/pw@//ora:1521/AUTH", "oracle [ora|1521]"),
            ("u", "jdbc:oracle:thin:@ora:1521:AUTH", "oracle [ora|1521]"),
            ("u", "jdbc:oracle:thin:@auth_high", "oracle []"),
            (
                "u",
                "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=ora-1)(PORT=1521)))",
                "oracle [ora-1|1521]",
            ),
            ("u", "jdbc:aws-wrapper:postgresql://db/auth", "postgresql [db]"),
            ("u", "jdbc:h2:mem:auth", "no address"),
        ]);
    }

    #[test]
    fn libpq_keywords_are_read_with_quotes_and_several_hosts() {
        check(&[
            ("dsn", "host=db port=5432 connect_timeout=3", "postgresql [db|5432] host port connect_timeout"),
            ("dsn", "host=a,b port=5433 user=x", "postgresql [a|5433 b|5433] host port user"),
            ("dsn", "user=x password='it\\'s host=no' host = db", "postgresql [db] user password host"),
            ("dsn", "host=/run/postgresql dbname=auth", "postgresql [] host dbname"),
            ("dsn", "host=db", "no address"),
            ("dsn", "the host=db is down", "no address"),
        ]);
    }

    #[test]
    fn connection_strings_of_dotnet_give_their_host() {
        check(&[
            ("c", "Server=tcp:sql,1433;Database=auth;Password=\"a;b\";", "- [sql|1433]"),
            ("c", "Host=db;Port=5432;Username=app;Password=x", "- [db|5432]"),
            ("c", "Server=(localdb)\\auth;Database=auth", "- []"),
            ("c", "Password='Server=x;y';Data Source=sql\\auth;User Id=app", "- []"),
            ("c", "Host=db", "no address"),
            ("c", "a=b;c=d", "no address"),
        ]);
    }

    #[test]
    fn expressions_of_templates_are_no_hosts_but_leave_the_rest_readable() {
        check(&[
            ("u", "http://${AUTH_HOST:-auth/x}:8080/", "http []"),
            ("u", "http://auth:${PORT}/", "http [auth]"),
            ("u", "postgres://app:${PW}@db/auth?connect_timeout=${T}", "postgres [db] connect_timeout"),
            ("u", "postgres://{{ .Values.user }}:{{ .Values.pw }}@db:5432/x", "postgres [db|5432]"),
            ("u", "http://$upstream", "http []"),
        ]);
    }

    #[test]
    fn host_and_port_count_where_nothing_speaks_against_them() {
        check(&[
            ("DIRECTORY_ADDR", "directory:9000", "- [directory|9000]"),
            ("brokers", "k1:9092, k2:9092", "- [k1|9092 k2|9092]"),
            ("x", "auth:8080", "- [auth|8080]"),
            ("cache_url", "cache:6379/0", "- [cache|6379]"),
            ("base", "node:20", "no address"),
            ("base", "10:30", "no address"),
            ("ports", "8080:80", "no address"),
            ("DB_HOST", "postgres", "- [postgres]"),
            ("env.PGHOST", "postgres", "- [postgres]"),
            ("name", "postgres", "no address"),
            ("DB_HOST", "false", "no address"),
            ("server.address", "0.0.0.0:8080", "no address"),
            ("server.address", "127.0.0.1:8080", "no address"),
            ("directory.address", "127.0.0.1:8080", "- [127.0.0.1|8080]"),
            ("u", "file:///etc/passwd", "no address"),
            ("u", "unix:///run/a.sock", "no address"),
        ]);
    }
}
