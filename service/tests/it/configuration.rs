//! Reading configuration: what is said of mistakes, what passes, what the environment overrides.

use std::path::Path;

use authd::config::directory::DirectoryConfig;
use authd::config::document::{self, Config};
use authd::config::environment::Environment;
use authd::config::front::FrontConfig;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// What is said of a text: its mistakes, or its warnings.
fn said<T: Config>(text: &str, variables: &[(&str, &str)]) -> String {
    match document::judge::<T>("auth.toml", text, &environment(variables)) {
        Ok(judged) => format!("accepted\n{}", judged.warnings),
        Err(mistakes) => format!("refused\n{mistakes}"),
    }
}

fn example(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/login-stack");
    std::fs::read_to_string(root.join(path)).expect("the example is there")
}

const FRONT: &str = "[server]\nlisten = \"127.0.0.1:8080\"\n[directory]\nurl = \"http://localhost:8081\"\n";
const DIRECTORY: &str = "[server]\nlisten = \"127.0.0.1:8081\"\n";

#[test]
fn the_login_stack_loads_unchanged() {
    insta::assert_snapshot!(said::<FrontConfig>(&example("auth/auth.toml"), &[]), @r"
    accepted
    warning: auth.toml:4:10: server.listen: 0.0.0.0:8080 can be reached from other hosts, and what is sent there is not encrypted
      help: set server.tls, or name the proxy that ends TLS in server.trusted_proxies
    warning: auth.toml: tokens.keys: tokens end with this process, and no other replica knows them
      help: make a key with `authd keys`, and name its directory here
    ");
    insta::assert_snapshot!(said::<DirectoryConfig>(&example("directory/directory.toml"), &[]), @r"
    accepted
    warning: auth.toml:4:10: server.listen: 0.0.0.0:8081 can be reached from other hosts, and what is sent there is not encrypted
      help: set server.tls, or name the proxy that ends TLS in server.trusted_proxies
    warning: auth.toml: fronts.secret_file: whoever reaches this address is given password hashes: no secret is asked for
      with server.listen = 0.0.0.0:8081 (auth.toml:4:10)
      help: write a secret to a file, and name it here and in the front's directory.secret_file
    ");
}

/// The other half, that `forewarn check` convicts the same file, is in `crates/forewarn`'s tests of the
/// login stack.
#[test]
fn a_limit_below_the_latency_passes_here_because_only_the_other_side_can_convict_it() {
    let text = example("auth/auth.toml");
    let config: FrontConfig = document::read("auth.toml", &text, &Environment::default()).unwrap();
    assert_eq!(config.directory.request_timeout.to_string(), "300ms");
    for (connect, wait) in [("50ms", "50ms"), ("50ms", "100ms"), ("100ms", "50ms"), ("100ms", "100ms")] {
        let variables =
            [("AUTHD_DIRECTORY__CONNECT_TIMEOUT", connect), ("AUTHD_DIRECTORY__POOL__ACQUIRE_TIMEOUT", wait)];
        assert!(document::read::<FrontConfig>("auth.toml", &text, &environment(&variables)).is_ok());
    }
}

#[test]
fn the_least_that_must_be_written_is_enough() {
    insta::assert_snapshot!(said::<FrontConfig>(FRONT, &[]), @"accepted");
    insta::assert_snapshot!(said::<DirectoryConfig>(DIRECTORY, &[]), @"accepted");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = r#"
retries = 3

[server]
listn = "0.0.0.0:8080"
request_timeout = 3
keep_alive_timeout = "65"
max_in_flight = 0
max_connections = -1
trusted_proxies = ["10.0.0.0/8", "ten"]

[tokens]
access_tll = "10m"
issuer = ["a"]

[directory]
url = "http://directory:8081"
request_timeout = "300 ms"
max_attempts = "three"

[directory.pool]
size = 1.5
aquire_timeout = "50ms"
"#;
    insta::assert_snapshot!(said::<FrontConfig>(text, &[]), @r#"
    refused
    error: auth.toml:2:1: retries: there is no such key
      help: known here: server, tokens, passwords, limits, directory
    error: auth.toml:4:2: server.listen: this key is needed and missing
      help: write it, or set AUTHD_SERVER__LISTEN
    error: auth.toml:5:1: server.listn: there is no such key
      help: did you mean `server.listen`?
    error: auth.toml:6:19: server.request_timeout: 3 has no unit: write "3ms" or "3s" (units are ms, s, m, h, d)
    error: auth.toml:7:22: server.keep_alive_timeout: `65` is no length of time: write a whole number and a unit (ms, s, m, h, d), such as "300ms"
    error: auth.toml:8:17: server.max_in_flight: 0 is out of range: 1 to 4294967295
    error: auth.toml:9:19: server.max_connections: -1 is out of range: 1 to 4294967295
    error: auth.toml:10:19: server.trusted_proxies: number 2: a network such as "10.0.0.0/8" or an address is needed
    error: auth.toml:13:1: tokens.access_tll: there is no such key
      help: did you mean `tokens.access_ttl`?
    error: auth.toml:14:10: tokens.issuer: text in double quotes is needed, and a list stands here
    error: auth.toml:18:19: directory.request_timeout: `300 ms` is no length of time: write a whole number and a unit (ms, s, m, h, d), such as "300ms"
    error: auth.toml:19:16: directory.max_attempts: a whole number is needed, and text stands here
    error: auth.toml:22:8: directory.pool.size: a whole number is needed, and a number with a fraction stands here
    error: auth.toml:23:1: directory.pool.aquire_timeout: there is no such key
      help: did you mean `directory.pool.acquire_timeout`?
    "#);
}

#[test]
fn what_is_no_toml_is_told_with_the_rest_where_the_rest_is_sure() {
    let text = "[server]\nlisten = \"127.0.0.1:8080\"\nrequest_timeout = 3s\nrequest_timeot = \"3s\"\n\
                [directory]\nurl = \"http://a\"\nurl = \"http://b\"\n";
    insta::assert_snapshot!(said::<FrontConfig>(text, &[]), @r"
    refused
    error: auth.toml:3:19: a value needs quotes, unless it is a number, true or false
      help: write it in double quotes
    error: auth.toml:4:1: server.request_timeot: there is no such key
      help: did you mean `server.request_timeout`?
    error: auth.toml:7:1: the key stands here for the second time
      help: write it once
    ");
    let text = "[server\nlisten = \"127.0.0.1:8080\"\n";
    insta::assert_snapshot!(said::<FrontConfig>(text, &[]), @r"
    refused
    error: auth.toml:1:8: this is no TOML: unclosed table, expected `]`
      help: correct it; the rest is read only once this is TOML
    ");
}

#[test]
fn the_environment_overrides_single_keys() {
    let variables = [
        ("AUTHD_SERVER__LISTEN", "0.0.0.0:9000"),
        ("AUTHD_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
        ("AUTHD_DIRECTORY__REQUEST_TIMEOUT", "1s"),
        ("AUTHD_DIRECTORY__POOL__SIZE", "7"),
        ("AUTHD_PASSWORDS__HASH_THREADS", "2"),
        ("AUTHD_TOKENS__KEYS", "/etc/authd/keys"),
    ];
    let config: FrontConfig = document::read("auth.toml", FRONT, &environment(&variables)).unwrap();
    assert_eq!(config.server.listen.port(), 9000);
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.directory.request_timeout.to_string(), "1s");
    assert_eq!(config.directory.pool.size, 7);
    assert_eq!(config.passwords.hash_threads, Some(2));
    assert_eq!(config.tokens.keys.as_deref(), Some(Path::new("/etc/authd/keys")));
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    let variables = [
        ("AUTHD_SERVR__LISTEN", "0.0.0.0:9000"),
        ("AUTHD_SERVER__LISTEM", "0.0.0.0:9000"),
        ("AUTHD_SERVER__LISTEN", ""),
        ("AUTHD_DIRECTORY__REQUEST_TIMEOUT", "1"),
        ("AUTHD_DIRECTORY__POOL__SIZE", "many"),
        ("AUTHD_DIRECTORY__POOL__MAX_LIFETIME", "0s"),
        ("AUTHD_LIMITS", "64"),
        ("AUTHD_LISTEN", "0.0.0.0:9000"),
        ("AUTHD_SERVER__TLS__KEY", "/key.pem"),
    ];
    insta::assert_snapshot!(said::<FrontConfig>(FRONT, &variables), @r#"
    refused
    error: environment variable AUTHD_DIRECTORY__POOL__MAX_LIFETIME: directory.pool.max_lifetime: no time at all is out of range: at least 1ms
    error: environment variable AUTHD_DIRECTORY__POOL__SIZE: directory.pool.size: a whole number is needed, and the variable has none
    error: environment variable AUTHD_DIRECTORY__REQUEST_TIMEOUT: directory.request_timeout: `1` is no length of time: write a whole number and a unit (ms, s, m, h, d), such as "300ms"
    error: environment variable AUTHD_LIMITS: limits: a table is needed, and text stands here
    error: environment variable AUTHD_LISTEN: listen: there is no such key
      help: known names begin with AUTHD_SERVER, AUTHD_TOKENS, AUTHD_PASSWORDS, AUTHD_LIMITS, AUTHD_DIRECTORY
    error: environment variable AUTHD_SERVER__LISTEM: server.listem: there is no such key
      help: did you mean AUTHD_SERVER__LISTEN?
    error: environment variable AUTHD_SERVER__LISTEN: server.listen: the variable is empty
      help: give it a value, or unset it
    error: environment variable AUTHD_SERVER__TLS__KEY: server.tls.certificate: this key is needed and missing
      help: write it, or set AUTHD_SERVER__TLS__CERTIFICATE
    error: environment variable AUTHD_SERVR__LISTEN: servr.listen: there is no such key
      help: did you mean AUTHD_SERVER__LISTEN?
    "#);
}

#[test]
fn sums_between_the_keys_of_a_front_are_shown() {
    let text = r#"
[server]
listen = "0.0.0.0:0"
request_timeout = "1s"
shutdown_timeout = "500ms"
max_in_flight = 2000
max_body_bytes = 1000
trusted_proxies = ["0.0.0.0/0"]

[tokens]
access_ttl = "30d"
refresh_ttl = "12h"
clock_skew = "60d"
issuer = ""

[passwords]
memory_kib = 8
iterations = 1
lanes = 2
min_length = 6
max_bytes = 5

[directory]
url = "https://directory:8081"
connect_timeout = "300ms"
request_timeout = "600ms"
max_attempts = 3
backoff = "200ms"

[directory.pool]
acquire_timeout = "400ms"
idle_timeout = "30m"
max_lifetime = "10m"
"#;
    insta::assert_snapshot!(said::<FrontConfig>(text, &[]), @r"
    refused
    warning: auth.toml:3:10: server.listen: with port 0 the system picks another port at each start
      help: write a port of 1 to 65535
    error: auth.toml:4:19: server.request_timeout: a refused sign-in makes 2 calls of up to 600ms: 2 x 600ms = 1200ms, answered at the next multiple of 250ms = 1250ms, and the hash comes on top; longer than a request may take (1s)
      with directory.request_timeout = 600ms (auth.toml:26:19)
      with passwords.refusal_step = 250ms (the default)
      help: above 1250ms by the time of a hash, or a shorter directory.request_timeout
    warning: auth.toml:5:20: server.shutdown_timeout: a stop ends requests after 500ms, which may take 1s
      with server.request_timeout = 1s (auth.toml:4:19)
      help: at least 1s
    warning: auth.toml:6:17: server.max_in_flight: never reached: each of at most 1024 connections carries one request, 1024 < 2000
      with server.max_connections = 1024 (the default)
      help: lower it, so that too much load is answered with 503
    warning: auth.toml:7:18: server.max_body_bytes: a change of password may need 2 x 5 bytes + 640 for a device token + 512 for the rest = 1162, more than 1000
      with passwords.max_bytes = 5 (auth.toml:21:13)
      help: at least 1162
    warning: auth.toml:8:19: server.trusted_proxies: everyone is trusted to say from which address they come
      help: name the networks of the proxies alone
    error: auth.toml:11:14: tokens.access_ttl: an access token (30d) outlives the session it belongs to (12h)
      with tokens.refresh_ttl = 12h (auth.toml:12:15)
      help: 10m is usual
    warning: auth.toml:13:14: tokens.clock_skew: a token of 30d is accepted for 30d + 60d = 90d
      with tokens.access_ttl = 30d (auth.toml:11:14)
      help: 5s is usual
    error: auth.toml:14:10: tokens.issuer: tokens need one, and it is empty
      help: a name, or the address of the front
    error: auth.toml:17:14: passwords.memory_kib: argon2id needs 8 KiB a lane: 2 x 8 = 16, more than 8
      with passwords.lanes = 2 (auth.toml:19:9)
      help: see RFC 9106
    warning: auth.toml:20:14: passwords.min_length: 6 characters is less than the 8 that NIST SP 800-63B asks for
      help: 15 where the password is the only factor
    error: auth.toml:21:13: passwords.max_bytes: no password fits: at least 6 characters, at most 5 bytes
      with passwords.min_length = 6 (auth.toml:20:14)
      help: 256 or more
    error: auth.toml:26:19: directory.request_timeout: connecting (300ms) and waiting for a connection (400ms) may take 300ms + 400ms = 700ms, longer than the whole call (600ms)
      with directory.connect_timeout = 300ms (auth.toml:25:19)
      with directory.pool.acquire_timeout = 400ms (auth.toml:31:19)
      help: above 700ms, by as much as the directory needs to answer
    error: auth.toml:27:16: directory.max_attempts: the last of 3 attempts can never be made: the waits before it come to 3 x 200ms = 600ms of 600ms
      with directory.backoff = 200ms (auth.toml:28:11)
      with directory.request_timeout = 600ms (auth.toml:26:19)
      help: fewer attempts, or a shorter backoff
    warning: auth.toml:32:16: directory.pool.idle_timeout: never reached: no connection becomes older than 10m, 10m < 30m
      with directory.pool.max_lifetime = 10m (auth.toml:33:16)
      help: lower it, or raise the lifetime
    error: auth.toml: directory.ca: no certificate of https:// is trusted without an authority
      help: name a PEM file with the directory's authority
    warning: auth.toml: tokens.keys: tokens end with this process, and no other replica knows them
      help: make a key with `authd keys`, and name its directory here
    ");
}

#[test]
fn attempts_that_do_not_fit_and_steps_that_are_too_long_are_told() {
    let step = [("AUTHD_PASSWORDS__REFUSAL_STEP", "3s")];
    insta::assert_snapshot!(said::<FrontConfig>(FRONT, &step), @r"
    refused
    error: environment variable AUTHD_PASSWORDS__REFUSAL_STEP: passwords.refusal_step: refusals are answered at multiples of 3s; every request ends after 3s
      with server.request_timeout = 3s (the default)
      help: longer than a hash takes, and a small part of server.request_timeout
    ");
    let attempts = [("AUTHD_DIRECTORY__MAX_ATTEMPTS", "4"), ("AUTHD_DIRECTORY__BACKOFF", "150ms")];
    insta::assert_snapshot!(said::<FrontConfig>(FRONT, &attempts), @r"
    refused
    error: environment variable AUTHD_DIRECTORY__MAX_ATTEMPTS: directory.max_attempts: the last of 4 attempts can never be made: the waits before it come to 7 x 150ms = 1050ms of 1s
      with directory.backoff = 150ms (environment variable AUTHD_DIRECTORY__BACKOFF)
      with directory.request_timeout = 1s (the default)
      help: fewer attempts, or a shorter backoff
    ");
    let attempts = [("AUTHD_DIRECTORY__MAX_ATTEMPTS", "4"), ("AUTHD_DIRECTORY__BACKOFF", "0ms")];
    insta::assert_snapshot!(said::<FrontConfig>(FRONT, &attempts), @r"
    accepted
    warning: environment variable AUTHD_DIRECTORY__BACKOFF: directory.backoff: a call that failed is repeated at once, when it helps least
      with directory.max_attempts = 4 (environment variable AUTHD_DIRECTORY__MAX_ATTEMPTS)
      help: at least 10ms
    ");
    let attempts = [("AUTHD_DIRECTORY__MAX_ATTEMPTS", "4000000000")];
    insta::assert_snapshot!(said::<FrontConfig>(FRONT, &attempts), @r"
    refused
    error: environment variable AUTHD_DIRECTORY__MAX_ATTEMPTS: directory.max_attempts: the last of 4000000000 attempts can never be made: the waits before it come to 4294967295 x 50ms = 214748364750ms of 1s
      with directory.backoff = 50ms (the default)
      with directory.request_timeout = 1s (the default)
      help: fewer attempts, or a shorter backoff
    ");
}

#[test]
fn sums_between_the_keys_of_a_directory_are_shown() {
    let text = r#"
[server]
listen = "0.0.0.0:8081"
request_timeout = "1s"

[database]
url = "postgres://directory:hunter2@db/directory"
connect_timeout = "600ms"
statement_timeout = "500ms"

[lockout]
duration = "1h"
"#;
    insta::assert_snapshot!(said::<DirectoryConfig>(text, &[]), @r"
    refused
    warning: auth.toml:3:10: server.listen: 0.0.0.0:8081 can be reached from other hosts, and what is sent there is not encrypted
      help: set server.tls, or name the proxy that ends TLS in server.trusted_proxies
    error: auth.toml:9:21: database.statement_timeout: connecting (600ms) and one statement (500ms) may take 600ms + 500ms = 1100ms, longer than the request (1s)
      with database.connect_timeout = 600ms (auth.toml:8:19)
      with server.request_timeout = 1s (auth.toml:4:19)
      help: at most 400ms, or a longer server.request_timeout
    error: auth.toml:12:12: lockout.duration: the first lock (1h) is longer than the longest (15m)
      with lockout.longest = 15m (the default)
      help: lower the one or raise the other
    warning: auth.toml: fronts.secret_file: whoever reaches this address is given password hashes: no secret is asked for
      with server.listen = 0.0.0.0:8081 (auth.toml:3:10)
      help: write a secret to a file, and name it here and in the front's directory.secret_file
    ");
}

#[test]
fn urls_that_name_nothing_are_refused() {
    for url in [
        "directory:8081",
        "ftp://directory",
        "http://",
        "http://a b",
        "http://d:0",
        "http://d:70000",
        "http://d/path",
    ] {
        let variables = [("AUTHD_DIRECTORY__URL", url)];
        assert!(
            said::<FrontConfig>(FRONT, &variables).contains("AUTHD_DIRECTORY__URL: directory.url: "),
            "{url}"
        );
    }
    for url in ["http://d", "http://d:1/", "http://[::1]", "http://[::1]:8081"] {
        assert!(
            said::<FrontConfig>(FRONT, &[("AUTHD_DIRECTORY__URL", url)]).starts_with("accepted"),
            "{url}"
        );
    }
    for url in ["sqlite:", "mysql://db", "directory.db"] {
        assert!(
            said::<DirectoryConfig>(DIRECTORY, &[("AUTHD_DATABASE__URL", url)]).starts_with("refused"),
            "{url}"
        );
    }
}

#[test]
fn no_secret_is_repeated() {
    let secret = "hunter2";
    let texts = [
        format!("{DIRECTORY}[database]\nurl = [\"postgres://u:{secret}@db/d\"]\n"),
        format!("{DIRECTORY}[database]\nurl = \"postgre://u:{secret}@db/d\"\n"),
        format!("{DIRECTORY}[database]\nurl = \"postgres://u:{secret}@db/d\n"),
        format!("{DIRECTORY}[database]\nurl = postgres://u:{secret}@db/d\n"),
        format!("{DIRECTORY}[lockout]\nthreshold = \"{secret}\"\n"),
    ];
    for text in texts {
        let said = said::<DirectoryConfig>(&text, &[("AUTHD_DATABASE__PASSWORD", secret)]);
        assert!(said.starts_with("refused") && !said.contains(secret), "{said}");
    }
    let variables = [("AUTHD_DATABASE__POOL__SIZE", secret), ("AUTHD_SERVER__LISTEN", secret)];
    assert!(!said::<DirectoryConfig>(DIRECTORY, &variables).contains(secret));
}

#[test]
fn a_file_is_known_by_its_tables() {
    assert_eq!(document::role(FRONT), Some("front"));
    assert_eq!(document::role(&example("directory/directory.toml")), Some("directory"));
    assert_eq!(document::role(DIRECTORY), None);
}

/// That `forewarn check` finds the good ones clean, and each of the others guilty of what it is named
/// after, is in `crates/forewarn`'s tests of `authd`.
#[test]
fn what_is_shipped_has_every_key_and_nothing_to_say() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let read = |name: &str| std::fs::read_to_string(shipped.join(name)).unwrap();
    assert_eq!(said::<FrontConfig>(&read("front.toml"), &[]), "accepted\n");
    assert_eq!(said::<DirectoryConfig>(&read("directory.toml"), &[]), "accepted\n");
    // Keys that are commented out are keys, too.
    let uncommented = |text: &str| {
        let key = |line: &&str| {
            line.starts_with("# [")
                || line.split_once(" = ").is_some_and(|(key, _)| !key.trim_start_matches("# ").contains(' '))
        };
        text.lines()
            .map(|line| if key(&line) { line.trim_start_matches("# ") } else { line })
            .collect::<Vec<_>>()
            .join("\n")
    };
    let front = uncommented(&read("front.toml"));
    let config: FrontConfig = document::read("front.toml", &front, &Environment::default()).unwrap();
    let written = front.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(written, keys(&serde_json::to_value(config).unwrap()));
    let directory = uncommented(&read("directory.toml"));
    let config: DirectoryConfig =
        document::read("directory.toml", &directory, &Environment::default()).unwrap();
    let written = directory.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(written, keys(&serde_json::to_value(config).unwrap()));
}

/// How many keys have a value.
fn keys(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(table) => table.values().map(keys).sum(),
        serde_json::Value::Null => 0,
        _ => 1,
    }
}

#[test]
fn names_that_would_make_tokens_too_long_are_refused() {
    let (long, escaped) = ("n".repeat(513), r"\u0001".repeat(86));
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:8080\"\n[directory]\nurl = \"http://localhost:8081\"\n\
         [tokens]\nissuer = \"{long}\"\naudience = \"{escaped}\"\n"
    );
    insta::assert_snapshot!(said::<FrontConfig>(&text, &[]), @r"
    refused
    error: auth.toml:6:10: tokens.issuer: 513 bytes as JSON has it, more than 512: tokens would be too long to be accepted
      help: a shorter name
    error: auth.toml:7:12: tokens.audience: 516 bytes as JSON has it, more than 512: tokens would be too long to be accepted
      help: a shorter name
    ");
}

/// What keys mean is said once and copied, since a `forewarn.toml` includes no other; a stack may add
/// what was measured of it.
#[test]
fn stacks_with_a_fault_say_of_their_keys_what_the_good_one_says() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let says = |folder: &Path| std::fs::read_to_string(folder.join("forewarn.toml")).unwrap();
    let good = says(&shipped);
    let keys = &good[good.find("[[service]]").unwrap()..];
    let copied = format!("# The same as for the good ones.\n\n{keys}");
    let stacks: Vec<_> =
        std::fs::read_dir(shipped.join("bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!stacks.is_empty());
    for stack in stacks {
        let text = says(&stack);
        let Some(added) = text.strip_prefix(&copied) else { panic!("{}: copy it anew", stack.display()) };
        let tables = added.lines().filter(|line| line.starts_with('['));
        for table in tables {
            assert!(["[[hash]]", "[[observed]]"].contains(&table), "{}: {table}", stack.display());
        }
    }
}
