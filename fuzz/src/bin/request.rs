//! Every promise of answering a request. The first byte names the route; then come headers, one a line,
//! up to an empty line; the rest is the body. The front runs in this process, before a directory that
//! answers everything as it should. Whatever is sent, the answer is no mistake of the service's own, an
//! error has the documented form, what is passed on to the directory is what the directory reads, and
//! the access log has one line of JSON for it.
#![no_main]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use authd::account::{Account, AccountId, Epoch};
use authd::api::{self, path};
use authd::clock::{Timestamp, VirtualClock};
use authd::config::document;
use authd::config::environment::Environment;
use authd::config::front::FrontConfig;
use authd::config::length::Length;
use authd::config::live::Live;
use authd::entropy::Entropy;
use authd::front::throttle::Throttle;
use authd::front::{ALWAYS, Front, Pseudonyms};
use authd::hash::Hasher;
use authd::hop::{Ask, Calling, Reply, Transport};
use authd::http::Peer;
use authd::http::log::Log;
use authd::http::passage::{self, Means};
use authd::metrics::Metrics;
use authd::session::{Presented, Rotation};
use authd::token::keys::KeyRing;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// 2026-11-22T19:30:00Z.
const NOW: Timestamp = Timestamp(1_795_375_800_000);

/// The routes, each with the type of its body.
const ROUTES: &[(&str, &str, &str)] = &[
    ("POST", "/login", "application/json"),
    ("POST", "/register", "application/json"),
    ("POST", "/refresh", "application/json"),
    ("POST", "/logout", "application/json"),
    ("POST", "/password", "application/json"),
    ("POST", "/token", "application/x-www-form-urlencoded"),
    ("POST", "/revoke", "application/x-www-form-urlencoded"),
    ("POST", "/introspect", "application/x-www-form-urlencoded"),
    ("GET", "/.well-known/jwks.json", ""),
    ("GET", "/readyz", ""),
    ("PUT", "/login", "application/json"),
];

/// Peers in `10.0.0.0/8` are proxies; hashes are as cheap as they can be; refusals do not wait.
const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:8080"
trusted_proxies = ["10.0.0.0/8", "fd00::/8"]
[passwords]
memory_kib = 8
iterations = 1
hash_threads = 1
min_length = 8
[limits]
address_burst = 0
[directory]
url = "http://127.0.0.1:8081"
"#;

/// argon2id of `correct horse`, by libargon2, with the memory that is configured.
const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$M7jw0GQI4Kfcxf+xPldfNRYttP89scc9XVAYAcaZ0U0";

/// Gives the same bytes always, so that an input is answered the same way always.
struct Known;

impl Entropy for Known {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// A directory with one account, whose answers never fail.
struct Obliging;

impl Transport for Obliging {
    fn call(&self, ask: Ask) -> Calling<'_> {
        check_passed(&ask);
        let answer = answer(&ask).to_string();
        let reply = Reply { status: 200, body: Bytes::from(answer), retries: 0, took: Duration::ZERO };
        Box::pin(async move { Ok(reply) })
    }
}

/// What goes on to the directory can stand in its requests' heads, and traces it.
fn check_passed(ask: &Ask) {
    for (name, value) in &ask.passed {
        assert!(HeaderValue::from_str(value).is_ok(), "{name} cannot be sent");
        if *name == "traceparent" {
            let digits = value.bytes().filter(u8::is_ascii_hexdigit).count();
            assert!(value.len() == 55 && value.starts_with("00-") && digits == 52, "{value}");
        }
    }
}

fn read<T: DeserializeOwned>(ask: &Ask) -> T {
    serde_json::from_slice(&ask.body).expect("the directory reads what the front writes")
}

fn answer(ask: &Ask) -> Value {
    match ask.path {
        path::REGISTER => json!({ "id": read::<api::Register>(ask).id }),
        path::LOOKUP => {
            let asked = read::<api::Lookup>(ask);
            let id = AccountId([7; 16]);
            let account = Account { id, login: asked.login, hash: HASH.to_owned(), epoch: Epoch(0) };
            json!({ "account": account, "locked": false, "failures": true })
        }
        path::SET_HASH => {
            read::<api::SetHash>(ask);
            json!({ "epoch": 1 })
        }
        path::FAILED | path::CLEARED => {
            read::<api::Attempt>(ask);
            json!({ "until": null })
        }
        path::ROTATE => {
            let generation = read::<Presented>(ask).generation.saturating_add(1);
            json!(Rotation::Successor { generation, rotated: NOW, replayed: false })
        }
        path::REVOKE => {
            read::<api::Revoke>(ask);
            json!({})
        }
        path::STATUS => {
            read::<api::Status>(ask);
            json!({ "active": true, "login": "ana@x.example" })
        }
        _ => json!({}),
    }
}

/// The access log, each line of which is read back.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line: Value = serde_json::from_slice(line).expect("a line of the log is JSON");
            let client = line["client"].as_str().map(str::parse::<IpAddr>);
            assert!(matches!(client, Some(Ok(_))), "the log names a client: {line}");
            assert!(line["route"].is_string() && line["request_id"].is_string(), "{line}");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let mut config: FrontConfig =
        document::read("auth.toml", CONFIG, &Environment::default()).expect("the configuration is good");
    // A configuration cannot say this.
    config.passwords.refusal_step = Length::millis(0);
    let metrics = Arc::new(Metrics::new());
    let clock = Arc::new(VirtualClock::at(NOW));
    let log = Log::to(Lines, clock.clone(), metrics.clone());
    let front = Front {
        keys: Live::fixed(KeyRing::ephemeral(&Known, NOW)),
        hasher: Hasher::new(&config.passwords, metrics.clone(), Arc::new(Known)),
        config: Live::fixed(config.clone()),
        transport: Arc::new(Obliging),
        breached: None,
        clock,
        entropy: Arc::new(Known),
        metrics: metrics.clone(),
        throttle: Throttle::default(),
        pseudonyms: Pseudonyms::drawn(&Known),
    };
    let config = Live::fixed(config);
    let means =
        Means { config, metrics, log, entropy: Arc::new(Known), always: ALWAYS, turned: passage::untold };
    passage::layer(authd::front::router(Arc::new(front)), means)
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(request) = request(input) else { return };
    let response = match RUNTIME.block_on(ROUTER.clone().oneshot(request)) {
        Ok(response) => response,
        Err(never) => match never {},
    };
    RUNTIME.block_on(check(response));
});

/// The request that an input describes, if it is one that HTTP can carry.
fn request(input: &[u8]) -> Option<Request<Body>> {
    let (route, mut rest) = input.split_first()?;
    let (method, path, kind) = ROUTES[usize::from(*route) % ROUTES.len()];
    let mut request = Request::builder().method(method).uri(path).body(Body::empty()).ok()?;
    let peer = SocketAddr::from(([10, 0, 0, 1], 40_000));
    request.extensions_mut().insert(Peer(peer));
    let headers = request.headers_mut();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    if !headers.contains_key(header::CONTENT_TYPE) && !kind.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    *request.body_mut() = Body::from(rest.to_vec());
    Some(request)
}

async fn check(response: Response<Body>) {
    let (parts, body) = response.into_parts();
    assert!(parts.status.as_u16() < 500, "{}", parts.status);
    let id = parts.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    assert!(id.is_some_and(|id| !id.is_empty() && id.len() <= 200), "an answer without a name");
    let body = body.collect().await.expect("a body that is at hand").to_bytes();
    if parts.status.is_client_error() && parts.status.as_u16() != 405 {
        let error: Value = serde_json::from_slice(&body).expect("an error has a JSON body");
        assert!(error["error"].is_string() && error["error_description"].is_string(), "{error}");
    }
}
