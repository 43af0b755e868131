//! The passage around a router in process, on paused time.

use axum::Extension;
use axum::body::Bytes;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt as _;

use super::*;
use crate::clock::{Timestamp, VirtualClock};
use crate::entropy::SeededEntropy;
use crate::http::log::tests::Page;

const TOKEN: &str = "eyJhbGciOiJub25lIn0.secret.";

async fn panics() -> StatusCode {
    panic!("never logged: {TOKEN}")
}

/// A router with its passage, and what it logs and counts.
struct Set {
    router: Router,
    page: Page,
    log: Log,
    metrics: Arc<Metrics>,
}

fn set(more: &str) -> Set {
    let text =
        format!("listen = '127.0.0.1:0'\nrequest_timeout = '3s'\ntrusted_proxies = ['192.0.2.0/24']\n{more}");
    let config: ServerConfig = toml::from_str(&text).unwrap();
    let noted = || async {
        let note = Note {
            reason: Some("ok"),
            upstream: Duration::from_micros(1500),
            retries: 1,
            user: Some("u1".to_owned()),
            detail: Some("as told".to_owned()),
        };
        (Extension(note), "noted")
    };
    let said = |Extension(passage): Extension<Passage>| async move {
        let Passage { request_id, traceparent, tracestate, client, arrived, deadline } = passage;
        let left = deadline - arrived;
        format!("{request_id} {traceparent} {} {client} {left:?}", tracestate.unwrap_or_default())
    };
    let router = Router::new()
        .route("/noted/{id}", get(noted))
        .route("/said", get(said))
        .route("/slow", get(|| async { sleep(Duration::from_secs(100)).await }))
        .route("/read", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/panic", get(panics))
        .route("/healthz", get(|| async { "alive" }));
    let (page, metrics) = (Page::default(), Arc::new(Metrics::new()));
    let clock = Arc::new(VirtualClock::at(Timestamp(1_792_000_000_000)));
    let log = Log::to(page.clone(), clock, metrics.clone());
    let means = Means {
        config: Live::fixed(config),
        metrics: metrics.clone(),
        log: log.clone(),
        entropy: Arc::new(SeededEntropy::new(1)),
        always: &["/healthz"],
        turned: |metrics, _, _| metrics.login(crate::metrics::LoginResult::Throttled),
    };
    Set { router: layer(router, means), page, log, metrics }
}

impl Set {
    async fn ask(&self, request: Request) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    fn logged(&self) -> Vec<Value> {
        self.log.flush(Duration::from_secs(5));
        self.page.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

async fn text(response: Response) -> String {
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_leaves_one_line_without_path_query_or_secret() {
    let set = set("");
    let request = Request::get(format!("/noted/17?token={TOKEN}"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("x-request-id", "r-1")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .body(Body::empty())
        .unwrap();
    let response = set.ask(request).await;
    assert_eq!(response.headers()["x-request-id"], "r-1");
    assert!(response.extensions().get::<Note>().is_none());
    set.logged();
    insta::assert_snapshot!(set.page.text(), @r#"{"time":"2026-10-14T17:46:40.000Z","level":"info","event":"request","request_id":"r-1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","method":"GET","route":"/noted/{id}","status":200,"duration_ms":0.0,"reason":"ok","detail":"as told","upstream_ms":1.5,"retries":1,"user":"u1","client":"0.0.0.0"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_handler_finds_names_client_and_limit() {
    let set = set("");
    let request = Request::get("/said")
        .header("x-request-id", "r-1")
        .header("x-forwarded-for", "203.0.113.9")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .header("tracestate", "a=1")
        .extension(Peer(([192, 0, 2, 1], 4711).into()))
        .body(Body::empty())
        .unwrap();
    insta::assert_snapshot!(text(set.ask(request).await).await, @"r-1 00-4bf92f3577b34da6a3ce929d0e0e4736-532deabf88729cb4-01 a=1 203.0.113.9 3s");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_dropped_and_named() {
    let set = set("");
    let began = Instant::now();
    let response = set.get("/slow").await;
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    insta::assert_snapshot!(text(response).await, @r#"{"error":"timeout","error_description":"the answer was not ready within 3s"}"#);
    assert_eq!(set.logged()[0]["reason"], "request_timeout");
    assert_eq!(set.metrics.in_flight.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_the_clients_fault() {
    let set = set("");
    let body = Body::new(Never);
    let response = set.ask(Request::post("/read").body(body).unwrap()).await;
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(set.logged()[0]["reason"], "slow_body");
}

/// A body of which nothing comes.
struct Never;

impl hyper::body::Body for Never {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_refused_announced_or_not() {
    let set = set("max_body_bytes = 10");
    let eleven = || Body::from("12345678901");
    let response = set.ask(Request::post("/read").body(eleven()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(set.logged()[0]["reason"], "large_body");
    let hidden = Body::new(Unannounced(Some(Bytes::from_static(b"12345678901"))));
    let response = set.ask(Request::post("/read").body(hidden).unwrap()).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let response = set.ask(Request::post("/read").body(Body::from("1234567890")).unwrap()).await;
    assert_eq!(text(response).await, "10");
}

/// A body that does not say how large it is.
struct Unannounced(Option<Bytes>);

impl hyper::body::Body for Unannounced {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(hyper::body::Frame::data(bytes))))
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_requests_are_turned_away_at_once_but_for_liveness() {
    let set = set("max_in_flight = 2");
    let slow = || {
        let router = set.router.clone();
        tokio::spawn(router.oneshot(Request::get("/slow").body(Body::empty()).unwrap()))
    };
    let (one, two) = (slow(), slow());
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    let response = set.get("/said").await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(set.metrics.shed.get(), 1);
    assert!(set.metrics.text().contains("auth_login_total{result=\"throttled\"} 1"));
    assert_eq!(set.get("/healthz").await.status(), StatusCode::OK);
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    assert_eq!(set.get("/said").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_answer_and_the_next_request_is_served() {
    let set = set("");
    let response = set.get("/panic").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!text(response).await.contains(TOKEN));
    assert_eq!(set.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(set.logged()[0]["reason"], "panic");
    assert_eq!(set.metrics.in_flight.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_goes_away_is_logged_too() {
    let set = set("");
    let request = Request::get("/slow").body(Body::empty()).unwrap();
    let asking = set.router.clone().oneshot(request);
    assert!(tokio::time::timeout(Duration::from_secs(1), asking).await.is_err());
    let logged = set.logged();
    assert_eq!((&logged[0]["status"], &logged[0]["reason"]), (&499.into(), &"abandoned".into()));
    assert_eq!(set.metrics.in_flight.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_router_does_not_have_is_refused_as_json() {
    let set = set("");
    let response = set.get("/no/such?x=1").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    insta::assert_snapshot!(text(response).await, @r#"{"error":"not_found","error_description":"there is nothing at this path"}"#);
    let response = set.ask(Request::delete("/said").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    let logged = set.logged();
    assert_eq!((&logged[0]["route"], &logged[1]["route"]), (&"unmatched".into(), &"/said".into()));
}

#[tokio::test(start_paused = true)]
async fn a_method_that_a_client_made_up_is_not_repeated() {
    let set = set("");
    set.ask(Request::builder().method("MADEUP").uri("/said").body(Body::empty()).unwrap()).await;
    assert_eq!(set.logged()[0]["method"], "OTHER");
}
