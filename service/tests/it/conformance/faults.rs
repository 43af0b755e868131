//! What goes wrong between front and directory, and what a client and the metrics are told of it.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::service::{ANA, PASSWORD};
use super::sign_in::counted;
use super::{Answer, Service, Stage, Weather, over_every_store, run};

over_every_store!(
    a_directory_slower_than_the_call_may_take_is_a_timeout,
    a_directory_slower_than_the_request_may_take_is_a_timeout,
    each_failure_has_its_status_and_its_count,
    every_operation_passes_on_what_is_wrong_with_the_directory,
    a_panic_is_an_answer_a_line_and_a_count,
    readiness_tells_of_the_directory_and_liveness_does_not,
);

async fn a_directory_slower_than_the_call_may_take_is_a_timeout(stage: &Stage) {
    let service = stage.service_with(|config| config.directory.request_timeout = "300ms".parse().unwrap());
    service.ana().await;
    service.weather(Weather::Slow(Duration::from_millis(301)));
    let answer = service.login(ANA, PASSWORD).await;
    assert_eq!((answer.said().as_str(), answer.took), ("504 timeout", Duration::from_millis(300)));
    assert_eq!(service.logins(), counted([("ok", 1), ("timeout", 1)]));
    let line = service.logged();
    assert_eq!((&line["reason"], &line["upstream_ms"]), (&json!("timeout"), &json!(300.0)));
    assert_eq!(
        (&line["level"], &line["detail"]),
        (&json!("warning"), &json!("the call did not end in time"))
    );
    service.weather(Weather::Slow(Duration::from_millis(300)));
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
}

async fn a_directory_slower_than_the_request_may_take_is_a_timeout(stage: &Stage) {
    let service = stage.service_with(|config| {
        config.server.request_timeout = "300ms".parse().unwrap();
        config.directory.request_timeout = "800ms".parse().unwrap();
    });
    service.ana().await;
    service.weather(Weather::Slow(Duration::from_millis(310)));
    let answer = service.login(ANA, PASSWORD).await;
    assert_eq!((answer.said().as_str(), answer.took), ("504 timeout", Duration::from_millis(300)));
    assert_eq!(service.logins(), counted([("ok", 1), ("timeout", 1)]));
}

async fn a_panic_is_an_answer_a_line_and_a_count(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    service.weather(Weather::Panics);
    assert_eq!(service.login(ANA, PASSWORD).await.said(), "500 server_error");
    let line = service.logged();
    assert_eq!((&line["status"], &line["reason"]), (&json!(500), &json!("panic")));
    assert_eq!(service.logins(), counted([("ok", 1), ("internal", 1)]));
    service.weather(Weather::Fair);
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
}

async fn each_failure_has_its_status_and_its_count(stage: &Stage) {
    let kinds = [
        Weather::Slow(Duration::from_secs(2)),
        Weather::Crowded,
        Weather::Down,
        Weather::Broken,
        Weather::Answers(503),
        Weather::Answers(500),
        Weather::Answers(401),
        Weather::Answers(400),
        Weather::Answers(409),
        Weather::Answers(200),
        Weather::AnswersAt("/v1/attempts/failed", 503),
    ];
    let mut said = Vec::new();
    for weather in kinds {
        let service = stage.service();
        service.weather(weather);
        let answer = service.login("nobody@x.example", PASSWORD).await;
        let counted: Vec<String> =
            service.logins().into_iter().map(|(result, count)| format!("{result} {count}")).collect();
        let retry = answer.header("retry-after").unwrap_or("-");
        let reason = service.logged()["reason"].as_str().unwrap().to_owned();
        said.push(format!("{weather:?}: {} retry {retry}, {} ({reason})", answer.said(), counted.join(" ")));
    }
    assert_snapshot!(said.join("\n"), @r#"
    Slow(2s): 504 timeout retry -, timeout 1 (timeout)
    Crowded: 504 timeout retry -, timeout 1 (timeout)
    Down: 503 temporarily_unavailable retry 1, unreachable 1 (unreachable)
    Broken: 503 temporarily_unavailable retry 1, dependency_error 1 (dependency_error)
    Answers(503): 503 temporarily_unavailable retry 1, dependency_error 1 (dependency_error)
    Answers(500): 503 temporarily_unavailable retry 1, dependency_error 1 (dependency_error)
    Answers(401): 503 temporarily_unavailable retry 1, dependency_error 1 (dependency_error)
    Answers(400): 500 server_error retry -, internal 1 (misunderstood)
    Answers(409): 500 server_error retry -, internal 1 (misunderstood)
    Answers(200): 500 server_error retry -, internal 1 (misunderstood)
    AnswersAt("/v1/attempts/failed", 503): 503 temporarily_unavailable retry 1, dependency_error 1 (dependency_error)
    "#);
}

/// Every operation that asks the directory, asked so that it does.
async fn all(service: &Service, signed_in: &Answer) -> Vec<(&'static str, Answer)> {
    let (access, refresh) = (signed_in.text("access_token"), signed_in.text("refresh_token"));
    let change = json!({"login": ANA, "old_password": PASSWORD, "new_password": "another password"});
    let grant = [("grant_type", "password"), ("username", ANA), ("password", PASSWORD)];
    vec![
        ("/register", service.register("ben@x.example", PASSWORD).await),
        ("/login", service.login(ANA, PASSWORD).await),
        ("/token", service.form("/token", &grant).await),
        ("/refresh", service.refresh(&refresh).await),
        ("/revoke", service.form("/revoke", &[("token", &*refresh)]).await),
        ("/introspect", service.form_as(&access, "/introspect", &[("token", &*access)]).await),
        ("/logout", service.post("/logout", json!({"refresh_token": refresh})).await),
        ("/password", service.post("/password", change).await),
    ]
}

async fn every_operation_passes_on_what_is_wrong_with_the_directory(stage: &Stage) {
    let service = stage.service();
    let signed_in = service.ana().await;
    let kinds = [
        (Weather::Slow(Duration::from_secs(2)), 504),
        (Weather::Down, 503),
        (Weather::Answers(503), 503),
        (Weather::Answers(404), 500),
    ];
    for (weather, status) in kinds {
        service.weather(weather);
        for (path, answer) in all(&service, &signed_in).await {
            assert_eq!(answer.status, status, "{path} {weather:?}");
        }
    }
    service.weather(Weather::Fair);
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
}

async fn readiness_tells_of_the_directory_and_liveness_does_not(stage: &Stage) {
    let service = stage.service();
    for weather in [Weather::Down, Weather::Answers(503), Weather::Slow(Duration::from_millis(900))] {
        service.weather(weather);
        let answer = service.get("/readyz").await;
        assert_eq!(answer.said(), "503 temporarily_unavailable", "{weather:?}");
        assert!(answer.took <= Duration::from_millis(800));
        assert_eq!(service.get("/healthz").await.status, 200);
        assert_eq!(service.get("/.well-known/jwks.json").await.status, 200);
    }
    service.weather(Weather::Slow(Duration::from_millis(700)));
    assert_eq!(service.get("/readyz").await.status, 200);
}
