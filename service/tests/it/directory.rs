//! The directory's router, called in process, over a store in memory.

use std::sync::Arc;
use std::time::Duration;

use authd::account::{AccountId, Epoch, SessionId};
use authd::api::{Register, Revoke, Status, path};
use authd::clock::{Clock as _, Timestamp, VirtualClock};
use authd::config::directory::{DatabaseConfig, DirectoryConfig};
use authd::config::live::Live;
use authd::directory::{Directory, router, sweep};
use authd::http::Note;
use authd::metrics::Metrics;
use authd::session::Presented;
use authd::store::memory::Memory;
use authd::store::{self, Store};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const ANA: &str = "0000000000000000000000000000a11a";

fn directory(secret: Option<&str>) -> Router {
    over(Arc::new(Memory::default()), secret)
}

fn over(store: Arc<dyn Store>, secret: Option<&str>) -> Router {
    let config: DirectoryConfig =
        toml::from_str("server.listen = '127.0.0.1:0'\nlockout.threshold = 2").unwrap();
    router(Arc::new(Directory {
        store,
        config: Live::fixed(config),
        clock: Arc::new(VirtualClock::at(Timestamp(1_000_000))),
        metrics: Arc::new(Metrics::new()),
        secret: secret.map(str::to_owned),
    }))
}

/// Sends a request; the answer's status, the reason noted for the access log, and the body.
async fn send(router: &Router, request: Request<Body>) -> String {
    let response = router.clone().oneshot(request).await.unwrap();
    let reason = response.extensions().get::<Note>().and_then(|note| note.reason).unwrap_or("-");
    let head = format!("{} {reason}", response.status().as_u16());
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    format!("{head} {}", String::from_utf8_lossy(&body))
}

async fn post(router: &Router, path: &str, body: impl Into<Value>) -> String {
    send(router, Request::post(path).body(Body::from(body.into().to_string())).unwrap()).await
}

async fn registered(router: &Router) {
    let ana = json!({"id": ANA, "login": "ana@x.example", "hash": "$1"});
    assert_eq!(post(router, path::REGISTER, ana).await, format!(r#"200 - {{"id":"{ANA}"}}"#));
}

#[tokio::test]
async fn an_account_is_registered_once_and_found_by_its_login() {
    let router = directory(None);
    registered(&router).await;
    registered(&router).await;
    let other = json!({"id": "0".repeat(32), "login": "Ana@x.example", "hash": "$2"});
    assert_snapshot!(post(&router, path::REGISTER, other).await, @r#"409 login_taken {"error":"login_taken","error_description":"the login has another account"}"#);
    let lookup = json!({"login": "ana@x.example", "device": null});
    assert_snapshot!(post(&router, path::LOOKUP, lookup).await, @r#"200 - {"account":{"id":"0000000000000000000000000000a11a","login":"ana@x.example","hash":"$1","epoch":0},"locked":false,"failures":false}"#);
    let lookup = json!({"login": "ben@x.example", "device": null});
    assert_snapshot!(post(&router, path::LOOKUP, lookup).await, @r#"200 - {"account":null,"locked":false,"failures":false}"#);
}

#[tokio::test]
async fn a_hash_is_replaced_only_where_the_old_one_is_stored() {
    let router = directory(None);
    registered(&router).await;
    let change = |old: &str, new: &str, changed: bool| json!({"account": ANA, "old": old, "new": new, "changed": changed});
    assert_snapshot!(post(&router, path::SET_HASH, change("$1", "$2", true)).await, @r#"200 - {"epoch":1}"#);
    assert_snapshot!(post(&router, path::SET_HASH, change("$2", "$3", false)).await, @r#"200 - {"epoch":1}"#);
    assert_snapshot!(post(&router, path::SET_HASH, change("$1", "$4", true)).await, @r#"409 account_changed {"error":"account_changed","error_description":"the account has another hash by now, or is gone"}"#);
}

#[tokio::test]
async fn failures_lock_and_a_success_clears_them() {
    let router = directory(None);
    let attempt = json!({"login": "ana@x.example", "device": null});
    assert_snapshot!(post(&router, path::FAILED, attempt.clone()).await, @r#"200 - {"until":null}"#);
    assert_snapshot!(post(&router, path::FAILED, attempt.clone()).await, @r#"200 locked {"until":1060000}"#);
    assert_snapshot!(post(&router, path::LOOKUP, attempt.clone()).await, @r#"200 locked {"account":null,"locked":true,"failures":true}"#);
    let device = json!({"login": "ana@x.example", "device": ANA});
    assert_snapshot!(post(&router, path::LOOKUP, device).await, @r#"200 - {"account":null,"locked":false,"failures":false}"#);
    assert_snapshot!(post(&router, path::CLEARED, attempt.clone()).await, @r#"200 - {"until":null}"#);
    assert_snapshot!(post(&router, path::LOOKUP, attempt).await, @r#"200 - {"account":null,"locked":false,"failures":false}"#);
}

#[tokio::test]
async fn a_session_is_rotated_read_and_revoked() {
    let router = directory(None);
    registered(&router).await;
    let presented = Presented {
        session: SessionId([7; 16]),
        account: ANA.parse().unwrap(),
        epoch: Epoch(0),
        generation: 0,
        expires: Timestamp(2_000_000),
    };
    let presented = serde_json::to_value(presented).unwrap();
    let session = &presented["session"];
    assert_snapshot!(post(&router, path::ROTATE, presented.clone()).await, @r#"200 - {"outcome":"successor","generation":1,"rotated":1000000,"replayed":false}"#);
    assert_snapshot!(post(&router, path::ROTATE, presented.clone()).await, @r#"200 replayed {"outcome":"successor","generation":1,"rotated":1000000,"replayed":true}"#);
    let status = json!({"session": session, "account": ANA, "epoch": 0});
    assert_snapshot!(post(&router, path::STATUS, status.clone()).await, @r#"200 - {"active":true,"login":"ana@x.example"}"#);
    let revoke = json!({"session": session, "account": ANA, "expires": 2_000_000});
    assert_snapshot!(post(&router, path::REVOKE, revoke).await, @"200 - {}");
    assert_snapshot!(post(&router, path::STATUS, status).await, @r#"200 inactive {"active":false,"login":"ana@x.example"}"#);
    assert_snapshot!(post(&router, path::ROTATE, presented).await, @r#"200 revoked {"outcome":"revoked"}"#);
}

#[tokio::test]
async fn a_body_that_is_no_message_is_refused_with_its_place() {
    let router = directory(None);
    let mut answers = String::new();
    for body in [
        "",
        "{",
        "[]",
        r#"{"login":"a"} x"#,
        r#"{"login":"ana","device":null,"password":"x"}"#,
        r#"{"device":null}"#,
        r#"{"login":"","device":null}"#,
        r#"{"login":"ana","device":"12"}"#,
        "\u{0}",
    ] {
        let request = Request::post(path::LOOKUP).body(Body::from(body)).unwrap();
        answers += &format!("{body:?}\n  {}\n", send(&router, request).await);
    }
    assert_snapshot!(answers, @r#"
    ""
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: the JSON ends too early, at line 1 column 0"}
    "{"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: the JSON ends too early, at line 1 column 1"}
    "[]"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: a member is not of the documented type, at line 1 column 2"}
    "{\"login\":\"a\"} x"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: the body is no JSON, at line 1 column 15"}
    "{\"login\":\"ana\",\"device\":null,\"password\":\"x\"}"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: unknown field `password`, expected `login` or `device` at line 1 column 39"}
    "{\"device\":null}"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: missing field `login` at line 1 column 15"}
    "{\"login\":\"\",\"device\":null}"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: a member is not of the documented type, at line 1 column 11"}
    "{\"login\":\"ana\",\"device\":\"12\"}"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: a member is not of the documented type, at line 1 column 29"}
    "\0"
      400 malformed {"error":"malformed","error_description":"the body is not the message of this path: the body is no JSON, at line 1 column 1"}
    "#);
}

#[tokio::test]
async fn a_refused_message_is_not_repeated() {
    let router = directory(None);
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA";
    let bodies = [
        (path::SET_HASH, json!({"account": ANA, "old": "$1", "new": "$2", "changed": hash})),
        (path::SET_HASH, json!(hash)),
        (path::REGISTER, json!({"id": hash, "login": "ana@x.example", "hash": "$1"})),
        (path::LOOKUP, json!({"login": "ana@x.example", "device": {hash: hash}})),
    ];
    for (path, body) in bodies {
        let said = post(&router, path, body).await;
        assert!(said.starts_with("400 malformed") && !said.contains("argon2id"), "{said}");
    }
}

#[tokio::test]
async fn only_who_sends_the_secret_is_answered_below_v1() {
    let router = directory(Some("s3cret"));
    let mut answers = String::new();
    for value in ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cretx", "Basic s3cret", "bearer s3cret"]
    {
        let request = Request::post(path::LOOKUP).header("authorization", value);
        let body = Body::from(r#"{"login":"ana","device":null}"#);
        answers += &format!("{value:?}: {}\n", send(&router, request.body(body).unwrap()).await);
    }
    for path in ["/healthz", "/readyz", "/v1/other"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        answers += &format!("{path}: {}\n", send(&router, request).await);
    }
    let request =
        Request::get(path::LOOKUP).header("authorization", "Bearer s3cret").body(Body::empty()).unwrap();
    answers += &format!("GET: {}\n", send(&router, request).await);
    assert_snapshot!(answers, @r#"
    "": 401 unauthorized {"error":"unauthorized","error_description":"send the secret as a bearer token"}
    "Bearer": 401 unauthorized {"error":"unauthorized","error_description":"send the secret as a bearer token"}
    "Bearer ": 401 unauthorized {"error":"unauthorized","error_description":"send the secret as a bearer token"}
    "Bearer s3cre": 401 unauthorized {"error":"unauthorized","error_description":"send the secret as a bearer token"}
    "Bearer s3cretx": 401 unauthorized {"error":"unauthorized","error_description":"send the secret as a bearer token"}
    "Basic s3cret": 401 unauthorized {"error":"unauthorized","error_description":"send the secret as a bearer token"}
    "bearer s3cret": 200 - {"account":null,"locked":false,"failures":false}
    /healthz: 200 - {"status":"alive"}
    /readyz: 200 - {"status":"ready"}
    /v1/other: 404 no_such_path {"error":"no_such_path","error_description":"there is no such path"}
    GET: 405 other_method {"error":"other_method","error_description":"the path takes another method"}
    "#);
}

#[tokio::test]
async fn calls_to_the_database_are_measured_by_how_they_ended() {
    let router = directory(None);
    registered(&router).await;
    let metrics = send(&router, Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert!(
        metrics.contains(r#"auth_hop_duration_seconds_count{hop="database",outcome="ok"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_database_that_is_down_makes_it_unready_and_not_dead() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://authd@{}/authd", listener.local_addr().unwrap());
    drop(listener);
    let router = over(store::open(&DatabaseConfig { url, ..DatabaseConfig::default() }).unwrap(), None);
    let get = async |path| send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_snapshot!(get("/healthz").await, @r#"200 - {"status":"alive"}"#);
    let down = r#"503 unreachable {"error":"unreachable","error_description":"the database has no answer now; the log of the directory says why"}"#;
    assert_eq!(get("/readyz").await, down);
    let lookup = json!({"login": "ana@x.example", "device": null});
    assert_eq!(post(&router, path::LOOKUP, lookup).await, down);
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let detail = response.extensions().get::<Note>().and_then(|note| note.detail.as_deref());
    assert!(detail.is_some_and(|why| why.starts_with("the database cannot be reached: ")), "{detail:?}");
    let metrics = get("/metrics").await;
    let counted = r#"auth_hop_duration_seconds_count{hop="database",outcome="unreachable"} 3"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_kept_for_an_hour_after_its_end_and_then_swept() {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let clock = Arc::new(VirtualClock::at(Timestamp(1_000_000)));
    let store = Arc::new(Memory::default());
    let (session, account) = (SessionId([5; 16]), AccountId([10; 16]));
    let new = Register { id: account, login: "ana@x.example".parse().unwrap(), hash: "$1".to_owned() };
    store.register(new).await.unwrap();
    let expires = clock.now().after(hour);
    store.revoke(Revoke { session, account, expires }, clock.now()).await.unwrap();
    let directory = Directory {
        store: store.clone(),
        config: Live::fixed(toml::from_str("server.listen = '127.0.0.1:0'").unwrap()),
        clock: clock.clone(),
        metrics: Arc::new(Metrics::new()),
        secret: None,
    };
    let sweeping = tokio::spawn(async move { sweep::run(&directory).await });
    // What is revoked is not active; of what was swept nothing is known, so that it would be.
    let kept = async |passed: Duration| {
        clock.advance(passed);
        tokio::time::sleep(minute).await;
        tokio::task::yield_now().await;
        let status = Status { session, account, epoch: Epoch(0) };
        !store.status(status, Timestamp(1_000_000)).await.unwrap().active
    };
    assert!(kept(Duration::ZERO).await);
    assert!(kept(2 * hour - Duration::from_millis(1)).await);
    assert!(!kept(Duration::from_millis(1)).await);
    sweeping.abort();
}
