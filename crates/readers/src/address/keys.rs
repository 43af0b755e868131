//! What a key says about the address at it: that it is called, listened on, or only a link.

/// The words of the last segment of a key, in lower case: `db.readReplica_HOST` has `read`,
/// `replica`, `host`.
fn words(segment: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    for c in segment.chars() {
        if !c.is_ascii_alphanumeric() {
            before = '_';
            continue;
        }
        let starts = before == '_' || (c.is_ascii_uppercase() && before.is_ascii_lowercase());
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words
}

/// The last segment of a key with indexes taken off, and the one before it.
fn segments(key: &str) -> (&str, &str) {
    let mut parts = key.rsplit('.').map(|part| part.split('[').next().unwrap_or(part));
    (parts.next().unwrap_or(""), parts.next().unwrap_or(""))
}

fn any(words: &[String], of: &[&str]) -> bool {
    words.iter().any(|word| of.contains(&word.as_str()))
}

/// Whether an address at this key is none that the service calls: one to listen on, to be reached
/// at, to link to, or the name of an image.
pub(super) fn names_no_callee(key: &str) -> bool {
    const OTHERS: [&str; 27] = [
        "listen",
        "listener",
        "listeners",
        "bind",
        "advertise",
        "advertised",
        "image",
        "images",
        "tag",
        "version",
        "schema",
        "xmlns",
        "homepage",
        "docs",
        "documentation",
        "license",
        "icon",
        "logo",
        "avatar",
        "repository",
        "repo",
        "callback",
        "redirect",
        "origin",
        "origins",
        "allowed",
        "vhost",
    ];
    let (last, parent) = segments(key);
    // The name a container gives itself.
    last == "HOST" || last == "HOSTNAME" || any(&words(last), &OTHERS) || any(&words(parent), &OTHERS[..6])
}

/// Whether a value at this key is an address even where it has no port or scheme.
pub(super) fn names_host(key: &str) -> bool {
    // `PGHOST` is libpq's (PostgreSQL manual, environment variables).
    const HOSTS: [&str; 9] =
        ["host", "hosts", "hostname", "addr", "address", "addresses", "server", "servers", "pghost"];
    words(segments(key).0).last().is_some_and(|word| HOSTS.contains(&word.as_str()))
}

/// Whether the key may as well mean the address that the service itself listens on.
pub(super) fn may_be_own(key: &str) -> bool {
    const OWN: [&str; 9] =
        ["server", "http", "https", "grpc", "web", "admin", "metrics", "management", "health"];
    let (last, parent) = segments(key);
    match words(last).as_slice() {
        [_] => parent.is_empty() || any(&words(parent), &OWN),
        [first, _] => OWN.contains(&first.as_str()),
        _ => false,
    }
}

/// Whether `name:number` at this key is host and port, by the key alone.
pub(super) fn names_address(key: &str) -> bool {
    const ADDRESSES: [&str; 28] = [
        "addr",
        "address",
        "addresses",
        "host",
        "hosts",
        "hostname",
        "hostport",
        "url",
        "urls",
        "uri",
        "uris",
        "endpoint",
        "endpoints",
        "server",
        "servers",
        "upstream",
        "upstreams",
        "backend",
        "backends",
        "target",
        "targets",
        "broker",
        "brokers",
        "bootstrap",
        "dsn",
        "peers",
        "nodes",
        "seeds",
    ];
    any(&words(segments(key).0), &ADDRESSES)
}
