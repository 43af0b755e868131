//! Compares keys of one file with each other, with the sum shown. Judges nothing that another file or a
//! measurement decides: whether the directory answers within `directory.request_timeout` is not to be
//! seen from here, so any value that leaves room for connecting and waiting for a connection passes.

use std::net::SocketAddr;
use std::time::Duration;

use super::directory::DirectoryConfig;
use super::front::{FrontConfig, PoolConfig, ServerConfig, UpstreamConfig};
use super::length::Length;
use super::mistake::{Level, Mistake, Place, Term};

/// Calls to the directory that a refused sign-in makes: it looks the account up, then counts the failure.
const CALLS_OF_A_REFUSAL: u32 = 2;

/// argon2id as the OWASP Password Storage Cheat Sheet has it at least: passes, and the memory in KiB that
/// goes with them.
const OWASP: [(u32, u32); 5] = [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168)];

/// The longest issuer and audience, in bytes as JSON has them: an access token has one of the first and
/// two of the second, and stays below what `token` reads with the longest of everything else.
pub(crate) const LONGEST_NAME: usize = 512;

/// What a refresh or a device token has at most in bytes, for an issuer of so many bytes as JSON has it:
/// both name it twice, base64 makes four bytes of three, and the rest is the longest of everything else.
pub(crate) const fn longest_token(issuer: u64) -> u64 {
    640 + (2 * issuer).div_ceil(3) * 4
}

/// What is wrong between the keys of a front.
#[must_use]
pub fn front(config: &FrontConfig) -> Vec<Mistake> {
    let mut found = Vec::new();
    server(&config.server, &mut found);
    upstream(&config.directory, &mut found);
    sign_in(config, &mut found);
    passwords(config, &mut found);
    tokens(config, &mut found);
    found
}

/// What is wrong between the keys of a directory.
#[must_use]
pub fn directory(config: &DirectoryConfig) -> Vec<Mistake> {
    let mut found = Vec::new();
    server(&config.server, &mut found);
    database(config, &mut found);
    let lockout = &config.lockout;
    if lockout.duration > lockout.longest {
        let (duration, longest) = (lockout.duration, lockout.longest);
        found.push(
            error(
                "lockout.duration",
                format!("the first lock ({duration}) is longer than the longest ({longest})"),
            )
            .with("lockout.longest", longest)
            .help("lower the one or raise the other"),
        );
    }
    if config.fronts.secret_file.is_none() && !config.server.listen.ip().is_loopback() {
        let what = "whoever reaches this address is given password hashes: no secret is asked for".to_owned();
        found.push(
            warning("fronts.secret_file", what)
                .with("server.listen", config.server.listen)
                .help("write a secret to a file, and name it here and in the front's directory.secret_file"),
        );
    }
    found
}

/// What the keys of a front come to, for `authd config check`.
#[must_use]
pub fn front_sums(config: &FrontConfig) -> Vec<String> {
    let (hop, hash) = (&config.directory, &config.passwords);
    let (whole, wait) = (hop.request_timeout, plus(&[hop.connect_timeout, hop.pool.acquire_timeout]));
    let calls = times(whole, CALLS_OF_A_REFUSAL);
    let megabytes = |threads: u32| u64::from(threads) * u64::from(hash.memory_kib) / 1024;
    let memory = match hash.hash_threads {
        Some(threads) => format!("{threads} hashes x {} MiB = {} MiB", megabytes(1), megabytes(threads)),
        None => format!("{} MiB a processor, each of which computes one hash at a time", megabytes(1)),
    };
    vec![
        format!(
            "a call to the directory: {} to connect + {} to wait for a connection = {wait} of {whole}; {} remain for its answer",
            hop.connect_timeout,
            hop.pool.acquire_timeout,
            minus(whole, wait),
        ),
        format!(
            "a refused sign-in: {CALLS_OF_A_REFUSAL} calls x {whole} = {calls} of {}; {} remain for the hash and its queue",
            config.server.request_timeout,
            minus(config.server.request_timeout, calls),
        ),
        format!("memory for passwords being hashed: {memory}"),
    ]
}

/// What the keys of a directory come to, for `authd config check`.
#[must_use]
pub fn directory_sums(config: &DirectoryConfig) -> Vec<String> {
    let database = &config.database;
    let sum = plus(&[database.pool.acquire_timeout, database.statement_timeout]);
    vec![format!(
        "a call: {} to wait for a connection + {} for the statement = {sum} of {}",
        database.pool.acquire_timeout, database.statement_timeout, config.server.request_timeout,
    )]
}

fn server(server: &ServerConfig, found: &mut Vec<Mistake>) {
    let listen = server.listen;
    if server.tls.is_none() && beyond_this_host(listen) && server.trusted_proxies.is_empty() {
        let what =
            format!("{listen} can be reached from other hosts, and what is sent there is not encrypted");
        found.push(
            warning("server.listen", what)
                .help("set server.tls, or name the proxy that ends TLS in server.trusted_proxies"),
        );
    }
    if listen.port() == 0 {
        found.push(
            warning("server.listen", "with port 0 the system picks another port at each start".to_owned())
                .help("write a port of 1 to 65535"),
        );
    }
    if server.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        found.push(
            warning(
                "server.trusted_proxies",
                "everyone is trusted to say from which address they come".to_owned(),
            )
            .help("name the networks of the proxies alone"),
        );
    }
    let (stop, request) = (server.shutdown_timeout, server.request_timeout);
    if stop < request {
        let what = format!("a stop ends requests after {stop}, which may take {request}");
        found.push(
            warning("server.shutdown_timeout", what)
                .with("server.request_timeout", request)
                .help(&format!("at least {request}")),
        );
    }
    let (requests, connections) = (server.max_in_flight, server.max_connections);
    if requests > connections {
        let what = format!(
            "never reached: each of at most {connections} connections carries one request, {connections} < {requests}"
        );
        found.push(
            warning("server.max_in_flight", what)
                .with("server.max_connections", connections)
                .help("lower it, so that too much load is answered with 503"),
        );
    }
}

fn upstream(hop: &UpstreamConfig, found: &mut Vec<Mistake>) {
    let (whole, connect, wait) = (hop.request_timeout, hop.connect_timeout, hop.pool.acquire_timeout);
    let each = plus(&[connect, wait]);
    if each > whole {
        let what = format!(
            "connecting ({connect}) and waiting for a connection ({wait}) may take {connect} + {wait} = {each}, longer than the whole call ({whole})"
        );
        found.push(
            error("directory.request_timeout", what)
                .with("directory.connect_timeout", connect)
                .with("directory.pool.acquire_timeout", wait)
                .help(&format!("above {each}, by as much as the directory needs to answer")),
        );
    }
    attempts(hop, each, found);
    pool(&hop.pool, "directory.pool.idle_timeout", "directory.pool.max_lifetime", found);
    match address(&hop.url) {
        Err(why) => {
            let help = "http:// or https://, a host and a port, such as \"http://directory:8081\"";
            found.push(error("directory.url", why.to_owned()).help(help));
        }
        Ok("https") if hop.ca.is_none() => {
            let what = "no certificate of https:// is trusted without an authority".to_owned();
            found.push(error("directory.ca", what).help("name a PEM file with the directory's authority"));
        }
        Ok("http") if hop.ca.is_some() => {
            let what = "has no effect: directory.url is http://".to_owned();
            found.push(warning("directory.ca", what).help("write https:// in directory.url, or take it out"));
        }
        Ok(_) => {}
    }
}

fn attempts(hop: &UpstreamConfig, each: Length, found: &mut Vec<Mistake>) {
    let (count, whole) = (hop.max_attempts, hop.request_timeout);
    if count < 2 {
        return;
    }
    // Each wait doubles the one before: together 2^(attempts - 1) - 1 times the first.
    let waits = 1_u32.checked_shl(count - 1).map_or(u32::MAX, |power| power - 1);
    let backoff = times(hop.backoff, waits);
    let all = plus(&[times(each, count), backoff]);
    if backoff >= whole {
        let what = format!(
            "the last of {count} attempts can never be made: the waits before it come to {waits} x {} = {backoff} of {whole}",
            hop.backoff
        );
        found.push(
            error("directory.max_attempts", what)
                .with("directory.backoff", hop.backoff)
                .with("directory.request_timeout", whole)
                .help("fewer attempts, or a shorter backoff"),
        );
    } else if all > whole && each <= whole {
        let what = format!(
            "not all {count} attempts can be made where connections do not come: {count} x {each} to wait and connect + {backoff} between them = {all}, longer than the whole call ({whole})"
        );
        found.push(
            warning("directory.max_attempts", what)
                .with("directory.backoff", hop.backoff)
                .with("directory.request_timeout", whole)
                .help("fewer attempts, or shorter limits on each"),
        );
    }
    if hop.backoff.get().is_zero() {
        found.push(
            warning(
                "directory.backoff",
                "a call that failed is repeated at once, when it helps least".to_owned(),
            )
            .with("directory.max_attempts", count)
            .help("at least 10ms"),
        );
    }
}

/// Whether a sign-in fits the time it is given: its calls, and the step at which it is refused.
fn sign_in(config: &FrontConfig, found: &mut Vec<Mistake>) {
    let (limit, step, call) =
        (config.server.request_timeout, config.passwords.refusal_step, config.directory.request_timeout);
    if step >= limit {
        let what = format!("refusals are answered at multiples of {step}; every request ends after {limit}");
        found.push(
            error("passwords.refusal_step", what)
                .with("server.request_timeout", limit)
                .help("longer than a hash takes, and a small part of server.request_timeout"),
        );
        return;
    }
    let calls = times(call, CALLS_OF_A_REFUSAL);
    let steps = calls.get().as_millis().div_ceil(step.get().as_millis().max(1));
    let refused = times(step, u32::try_from(steps).unwrap_or(u32::MAX));
    if refused > limit {
        let what = format!(
            "a refused sign-in makes {CALLS_OF_A_REFUSAL} calls of up to {call}: {CALLS_OF_A_REFUSAL} x {call} = {calls}, answered at the next multiple of {step} = {refused}, and the hash comes on top; longer than a request may take ({limit})"
        );
        found.push(
            error("server.request_timeout", what)
                .with("directory.request_timeout", call)
                .with("passwords.refusal_step", step)
                .help(&format!(
                    "above {refused} by the time of a hash, or a shorter directory.request_timeout"
                )),
        );
    }
}

fn passwords(config: &FrontConfig, found: &mut Vec<Mistake>) {
    let with = &config.passwords;
    let least = u64::from(with.lanes) * 8;
    if u64::from(with.memory_kib) < least {
        // RFC 9106, section 3.1: the memory is at least 8 KiB a lane.
        let what = format!(
            "argon2id needs 8 KiB a lane: {} x 8 = {least}, more than {}",
            with.lanes, with.memory_kib
        );
        found.push(
            error("passwords.memory_kib", what).with("passwords.lanes", with.lanes).help("see RFC 9106"),
        );
    } else if !OWASP.iter().any(|(passes, kib)| with.iterations >= *passes && with.memory_kib >= *kib) {
        let what =
            format!("{} KiB with {} passes is less than OWASP asks for", with.memory_kib, with.iterations);
        found.push(
            warning("passwords.memory_kib", what)
                .with("passwords.iterations", with.iterations)
                .help("19456 KiB with 2 passes, or 47104 KiB with 1"),
        );
    }
    if with.min_length < 8 {
        // NIST SP 800-63B-4, 3.1.1.2.
        let what = format!("{} characters is less than the 8 that NIST SP 800-63B asks for", with.min_length);
        found.push(warning("passwords.min_length", what).help("15 where the password is the only factor"));
    }
    if with.max_bytes < with.min_length {
        let what = format!(
            "no password fits: at least {} characters, at most {} bytes",
            with.min_length, with.max_bytes
        );
        found.push(
            error("passwords.max_bytes", what)
                .with("passwords.min_length", with.min_length)
                .help("256 or more"),
        );
    }
    // A change of password carries two of them, a device token, a login and the names of the keys. What
    // holds it holds a refresh token by itself.
    let token = longest_token(u64::try_from(written(&config.tokens.issuer)).unwrap_or(u64::MAX / 8));
    let body = u64::from(config.server.max_body_bytes);
    let least = 2 * u64::from(with.max_bytes) + token + 512;
    if body < least {
        let what = format!(
            "a change of password may need 2 x {} bytes + {token} for a device token + 512 for the rest = {least}, more than {body}",
            with.max_bytes
        );
        found.push(
            warning("server.max_body_bytes", what)
                .with("passwords.max_bytes", with.max_bytes)
                .help(&format!("at least {least}")),
        );
    }
}

/// The length of a text as JSON has it, without its quotation marks.
fn written(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len() - "\"\"".len())
}

fn tokens(config: &FrontConfig, found: &mut Vec<Mistake>) {
    let tokens = &config.tokens;
    let (access, refresh, skew) = (tokens.access_ttl, tokens.refresh_ttl, tokens.clock_skew);
    if access >= refresh {
        let what = format!("an access token ({access}) outlives the session it belongs to ({refresh})");
        found.push(error("tokens.access_ttl", what).with("tokens.refresh_ttl", refresh).help("10m is usual"));
    }
    if skew >= access {
        let what =
            format!("a token of {access} is accepted for {access} + {skew} = {}", plus(&[access, skew]));
        found.push(warning("tokens.clock_skew", what).with("tokens.access_ttl", access).help("5s is usual"));
    }
    for (key, value) in [("tokens.issuer", &tokens.issuer), ("tokens.audience", &tokens.audience)] {
        if value.is_empty() {
            found.push(
                error(key, "tokens need one, and it is empty".to_owned())
                    .help("a name, or the address of the front"),
            );
        }
        let written = written(value);
        if written > LONGEST_NAME {
            let what = format!(
                "{written} bytes as JSON has it, more than {LONGEST_NAME}: tokens would be too long to be accepted"
            );
            found.push(error(key, what).help("a shorter name"));
        }
    }
    if tokens.keys.is_none() && beyond_this_host(config.server.listen) {
        let what = "tokens end with this process, and no other replica knows them".to_owned();
        found.push(
            warning("tokens.keys", what).help("make a key with `authd keys`, and name its directory here"),
        );
    }
}

fn database(config: &DirectoryConfig, found: &mut Vec<Mistake>) {
    let (database, limit) = (&config.database, config.server.request_timeout);
    let (statement, wait, connect) =
        (database.statement_timeout, database.pool.acquire_timeout, database.connect_timeout);
    let remote = database.url.starts_with("postgres://") || database.url.starts_with("postgresql://");
    let mut first = ("database.pool.acquire_timeout", "waiting for a connection", wait);
    if remote && connect > wait {
        first = ("database.connect_timeout", "connecting", connect);
    }
    let (key, words, before) = first;
    let sum = plus(&[before, statement]);
    if sum > limit {
        let what = format!(
            "{words} ({before}) and one statement ({statement}) may take {before} + {statement} = {sum}, longer than the request ({limit})"
        );
        found.push(
            error("database.statement_timeout", what)
                .with(key, before)
                .with("server.request_timeout", limit)
                .help(&format!("at most {}, or a longer server.request_timeout", minus(limit, before))),
        );
    }
    pool(&database.pool, "database.pool.idle_timeout", "database.pool.max_lifetime", found);
    let path = database.url.strip_prefix("sqlite:");
    if !remote && path.is_none_or(str::is_empty) {
        let help = "\"sqlite:PATH\", or \"postgres://USER@HOST:PORT/DATABASE\"";
        found.push(error("database.url", "this names no database".to_owned()).help(help));
    }
    if path.is_some() && database.password_file.is_some() {
        let what = "has no effect: SQLite knows no password".to_owned();
        found.push(warning("database.password_file", what).help("take it out"));
    }
}

fn pool(pool: &PoolConfig, idle: &'static str, lifetime: &'static str, found: &mut Vec<Mistake>) {
    let Some(life) = pool.max_lifetime else { return };
    if pool.idle_timeout > life {
        let what =
            format!("never reached: no connection becomes older than {life}, {life} < {}", pool.idle_timeout);
        found.push(warning(idle, what).with(lifetime, life).help("lower it, or raise the lifetime"));
    }
}

/// The scheme of a URL of a scheme, a host and perhaps a port, or why it is none.
fn address(url: &str) -> Result<&str, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("there is no scheme")?;
    if !matches!(scheme, "http" | "https") {
        return Err("this scheme is not known");
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return Err("there is more than a host and a port");
    }
    if rest.contains('@') {
        return Err("there is a user in it; secrets go to directory.secret_file");
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err("there is no host");
    }
    match port.map(str::parse::<u16>) {
        None | Some(Ok(1..)) => Ok(scheme),
        Some(_) => Err("a port is 1 to 65535"),
    }
}

fn beyond_this_host(listen: SocketAddr) -> bool {
    !listen.ip().is_loopback()
}

fn plus(lengths: &[Length]) -> Length {
    length(lengths.iter().fold(Duration::ZERO, |sum, length| sum.saturating_add(length.get())))
}

fn minus(from: Length, length_of: Length) -> Length {
    length(from.get().saturating_sub(length_of.get()))
}

fn times(of: Length, count: u32) -> Length {
    length(of.get().saturating_mul(count))
}

fn length(duration: Duration) -> Length {
    Length::millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn error(key: &'static str, what: String) -> Mistake {
    Mistake::error(Place::File, key, what, String::new())
}

fn warning(key: &'static str, what: String) -> Mistake {
    Mistake { level: Level::Warning, ..error(key, what) }
}

impl Mistake {
    /// The same with a further key of its sum.
    fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.terms.push(Term { key, value: value.to_string(), place: Place::File });
        self
    }

    /// The same with what to do.
    fn help(self, help: &str) -> Self {
        Self { help: help.to_owned(), ..self }
    }
}
