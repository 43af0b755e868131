//! Requests that are not what they should be: refused before anything is asked or hashed, in words that
//! say what is wrong and repeat nothing of it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use authd::front::operations;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request};
use hyper::body::{Body as HttpBody, Frame};
use insta::assert_snapshot;
use serde_json::json;

use super::service::{ANA, PASSWORD};
use super::sign_in::counted;
use super::{Answer, Service, Stage, over_every_store, run};

over_every_store!(
    bodies_that_are_not_understood_are_refused_in_words,
    every_operation_wants_its_type_of_body,
    large_bodies_are_refused_by_their_head_and_while_they_arrive,
    a_body_that_does_not_arrive_is_given_up,
    paths_and_methods_that_are_not_there_are_told,
    the_service_tells_of_itself,
);

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Operations with a body, and its type.
fn posts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let forms = ["/token", "/revoke", "/introspect"];
    let posts = operations().filter(|(method, _)| *method == Method::POST);
    posts.map(move |(_, path)| (path, if forms.contains(&path) { FORM } else { JSON }))
}

/// Posts as somebody who may.
async fn post(service: &Service, bearer: &str, path: &str, media: &str, body: Body) -> Answer {
    let request =
        Request::post(path).header(CONTENT_TYPE, media).header("authorization", format!("Bearer {bearer}"));
    service.send(request.body(body).unwrap()).await
}

async fn bodies_that_are_not_understood_are_refused_in_words(stage: &Stage) {
    let service = stage.service();
    let tried = [
        ("/login", JSON, ""),
        ("/login", JSON, r#"{"login":"ana","password":"hunter2""#),
        ("/login", JSON, r#"{"login":"ana","password":hunter2}"#),
        ("/login", JSON, r#"["hunter2"]"#),
        ("/login", JSON, r#"{"login":"ana"}"#),
        ("/login", JSON, r#"{"login":"ana","password":["hunter2"]}"#),
        ("/login", JSON, r#"{"login":"ana","password":"hunter2","otp":"1"}"#),
        ("/login", JSON, r#"{"login":"ana","password":"hunter2","password":"hunter3"}"#),
        ("/login", JSON, r#"{"login":"","password":"hunter2"}"#),
        ("/login", JSON, "{\"login\":\"ana\",\"password\":\"\u{fffd}\"} x"),
        ("/register", JSON, r#"{"login":"ana","password":"correct horse","admin":true}"#),
        ("/refresh", JSON, r#"{"token":"hunter2"}"#),
        ("/logout", JSON, "{}"),
        ("/password", JSON, r#"{"login":"ana"}"#),
        ("/token", FORM, ""),
        ("/token", FORM, "grant_type=client_credentials"),
        ("/token", FORM, "grant_type=password&username=ana"),
        ("/token", FORM, "grant_type=password&username=ana&password="),
        ("/token", FORM, "grant_type=password&grant_type=password&username=ana&password=hunter2"),
        ("/token", FORM, "grant_type=password&username=ana&password=%ff"),
        ("/token", FORM, "grant_type=refresh_token"),
        ("/revoke", FORM, "token_type_hint=refresh_token"),
    ];
    let mut said = Vec::new();
    for (path, media, body) in tried {
        let answer = post(&service, "", path, media, Body::from(body)).await;
        assert_eq!(answer.took, Duration::ZERO);
        let description = answer.text("error_description");
        assert!(!description.contains("hunter"), "{description}");
        said.push(format!("{path} {body}\n  {}: {description}", answer.said()));
    }
    assert_snapshot!(said.join("\n"), @r#"
    /login 
      400 invalid_request: the JSON ends too early, at line 1 column 0
    /login {"login":"ana","password":"hunter2"
      400 invalid_request: the JSON ends too early, at line 1 column 35
    /login {"login":"ana","password":hunter2}
      400 invalid_request: the body is no JSON, at line 1 column 27
    /login ["hunter2"]
      400 invalid_request: the body is a list, and no JSON object
    /login {"login":"ana"}
      400 invalid_request: missing field `password` at line 1 column 15
    /login {"login":"ana","password":["hunter2"]}
      400 invalid_request: a member is not of the documented type, at line 1 column 26
    /login {"login":"ana","password":"hunter2","otp":"1"}
      400 invalid_request: unknown field `otp`, expected one of `login`, `password`, `device_token` at line 1 column 41
    /login {"login":"ana","password":"hunter2","password":"hunter3"}
      400 invalid_request: duplicate field `password` at line 1 column 46
    /login {"login":"","password":"hunter2"}
      400 invalid_request: a login has 1 to 254 bytes and no control characters
    /login {"login":"ana","password":"�"} x
      400 invalid_request: the body is no JSON, at line 1 column 34
    /register {"login":"ana","password":"correct horse","admin":true}
      400 invalid_request: unknown field `admin`, expected `login` or `password` at line 1 column 49
    /refresh {"token":"hunter2"}
      400 invalid_request: unknown field `token`, expected `refresh_token` at line 1 column 8
    /logout {}
      400 invalid_request: missing field `refresh_token` at line 1 column 2
    /password {"login":"ana"}
      400 invalid_request: missing field `old_password` at line 1 column 15
    /token 
      400 invalid_request: the parameter `grant_type` is missing
    /token grant_type=client_credentials
      400 unsupported_grant_type: grant_type is `password` or `refresh_token`
    /token grant_type=password&username=ana
      400 invalid_request: the parameter `password` is missing
    /token grant_type=password&username=ana&password=
      400 invalid_request: the parameter `password` is missing
    /token grant_type=password&grant_type=password&username=ana&password=hunter2
      400 invalid_request: a parameter stands twice
    /token grant_type=password&username=ana&password=%ff
      400 invalid_request: a parameter is not percent-encoded UTF-8
    /token grant_type=refresh_token
      400 invalid_request: the parameter `refresh_token` is missing
    /revoke token_type_hint=refresh_token
      400 invalid_request: the parameter `token` is missing
    "#);
    assert_eq!((service.calls(), service.logins()), (vec![], counted([])));
    assert!(!service.log().contains("hunter"));
}

async fn every_operation_wants_its_type_of_body(stage: &Stage) {
    let service = stage.service();
    let bearer = service.ana().await.text("access_token");
    for (path, media) in posts() {
        for wrong in ["text/plain", "", if media == JSON { FORM } else { JSON }] {
            let answer = post(&service, &bearer, path, wrong, Body::from("{}")).await;
            assert_eq!(answer.said(), "415 invalid_request", "{path} {wrong}");
        }
        let spelled = media.to_uppercase() + "; charset=utf-8";
        let answer = post(&service, &bearer, path, &spelled, Body::from("=")).await;
        assert_eq!(answer.status, 400, "{path}");
    }
}

async fn large_bodies_are_refused_by_their_head_and_while_they_arrive(stage: &Stage) {
    let service = stage.service_with(|config| config.server.max_body_bytes = 1000);
    let bearer = service.ana().await.text("access_token");
    for (path, media) in posts() {
        let told = post(&service, &bearer, path, media, Body::from("x".repeat(1001))).await;
        assert_eq!(told.said(), "413 invalid_request", "{path}");
        let pieces = (0..11).map(|_| Ok(Frame::data(Bytes::from(vec![b'x'; 100]))));
        let untold = Body::new(Pieces(pieces));
        assert_eq!(
            post(&service, &bearer, path, media, untold).await.said(),
            "413 invalid_request",
            "{path}"
        );
    }
    assert_eq!(service.calls(), [""; 0]);
}

type Piece = Result<Frame<Bytes>, std::io::Error>;

/// A body that says nothing of its size.
struct Pieces<I>(I);

impl<I: Iterator<Item = Piece> + Unpin> HttpBody for Pieces<I> {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Piece>> {
        Poll::Ready(self.0.next())
    }
}

/// A body that does not come.
struct Never;

impl HttpBody for Never {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Piece>> {
        Poll::Pending
    }
}

async fn a_body_that_does_not_arrive_is_given_up(stage: &Stage) {
    let service = stage.service();
    let bearer = service.ana().await.text("access_token");
    for (path, media) in posts() {
        let answer = post(&service, &bearer, path, media, Body::new(Never)).await;
        assert_eq!(
            (answer.said().as_str(), answer.took),
            ("408 invalid_request", Duration::from_secs(3)),
            "{path}"
        );
    }
    // What never arrived was no sign-in.
    assert_eq!(service.logins(), counted([("ok", 1)]));
    let broken = [Ok(Frame::data(Bytes::from_static(b"{"))), Err(std::io::Error::other("reset"))];
    let broken = Body::new(Pieces(broken.into_iter()));
    assert_eq!(post(&service, "", "/login", JSON, broken).await.said(), "400 invalid_request");
}

async fn paths_and_methods_that_are_not_there_are_told(stage: &Stage) {
    let service = stage.service();
    assert_eq!(service.get("/nowhere").await.said(), "404 not_found");
    assert_eq!(service.get("/login").await.said(), "405 method_not_allowed");
    assert_eq!(service.post("/healthz", json!({})).await.said(), "405 method_not_allowed");
}

async fn the_service_tells_of_itself(stage: &Stage) {
    let service = stage.service();
    assert_eq!(service.get("/healthz").await.json(), json!({"status": "alive"}));
    assert_eq!(service.calls(), [""; 0]);
    assert_eq!(service.get("/readyz").await.json(), json!({"status": "ready"}));
    assert_eq!(service.calls(), ["/readyz"]);
    assert_eq!(service.get("/openapi.json").await.json()["info"]["title"], "authd");
    service.register(ANA, PASSWORD).await;
    let metrics = service.get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.body);
    for result in [
        "ok",
        "bad_credentials",
        "locked",
        "throttled",
        "timeout",
        "unreachable",
        "dependency_error",
        "internal",
    ] {
        assert!(text.contains(&format!("auth_login_total{{result=\"{result}\"}} 0")), "{result}");
    }
}
