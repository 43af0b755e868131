//! Signing in: one call when all is well; refusals that tell nothing; locks that shut no owner out.

use std::task::Poll;
use std::time::Duration;

use authd::account::{AccountId, Login};
use authd::api::{Register, path};
use authd::http::Peer;
use insta::assert_snapshot;
use serde_json::json;

use super::service::{ANA, PASSWORD, posted};
use super::stage::standing;
use super::{Answer, Stage, Weather, over_every_store, run};

over_every_store!(
    a_person_registers_and_signs_in_by_one_call_to_the_directory,
    refusals_are_the_same_to_the_byte_and_take_the_same_time,
    a_refusal_that_takes_longer_is_answered_at_a_later_step,
    guesses_lock_an_account_for_strangers_for_a_while,
    a_known_device_signs_in_while_strangers_are_locked_out,
    a_device_of_another_account_is_a_stranger,
    a_success_forgets_the_failures_before_it,
    an_older_hash_is_replaced_after_a_success,
    a_stored_hash_that_cannot_be_judged_is_told_to_the_operator_alone,
    an_address_that_asks_too_often_waits,
    too_many_requests_at_once_are_refused_and_counted,
    a_full_hash_queue_refuses,
    a_client_that_goes_away_is_counted_once,
    the_token_endpoint_signs_in_by_password,
);

/// A bcrypt hash (cost 4) and a PBKDF2-HMAC-SHA256 hash (1000 rounds) of [`PASSWORD`].
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS";
const PBKDF2: &str =
    "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$Cf9xjlisAEzRbMZsosxST/5+wkpfUV6uoqiZkYtP6iQ";

async fn brought_along(stage: &Stage, login: &str, hash: &str) {
    let login: Login = login.parse().unwrap();
    let id = AccountId([u8::try_from(login.as_str().len()).unwrap(); 16]);
    let new = Register { id, login, hash: hash.to_owned() };
    assert!(standing(stage.store.register(new)).await.unwrap());
}

async fn a_person_registers_and_signs_in_by_one_call_to_the_directory(stage: &Stage) {
    let service = stage.service();
    let made = service.register(" Ana@X.example ", PASSWORD).await;
    assert_eq!((made.status, service.calls()), (201, vec![path::REGISTER]));
    let answer = service.login(ANA, PASSWORD).await;
    assert_eq!((answer.status, service.calls()), (200, vec![path::LOOKUP]));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json()["expires_in"], 600);
    assert_eq!(service.logins(), counted([("ok", 1)]));

    let mut line = service.logged();
    let user = line["user"].take();
    assert_eq!(user.as_str().unwrap().len(), 16);
    assert_snapshot!(
        format!("{} {} {} {}", line["route"], line["status"], line["reason"], line["client"]),
        @r#""/login" 200 "ok" "192.0.2.1""#
    );
    let log = service.log();
    assert!(!log.contains(ANA) && !log.contains(PASSWORD) && !log.contains(&answer.text("access_token")));
}

async fn refusals_are_the_same_to_the_byte_and_take_the_same_time(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    service.register("locked@x.example", PASSWORD).await;
    for _ in 0..3 {
        service.login("locked@x.example", "wrong password").await;
    }
    brought_along(stage, "bcrypt@x.example", BCRYPT).await;
    brought_along(stage, "pbkdf@x.example", PBKDF2).await;
    brought_along(stage, "strange@x.example", "$unknown$").await;
    let tried = [
        (ANA, "wrong password"),
        (ANA, ""),
        ("nobody@x.example", PASSWORD),
        ("locked@x.example", PASSWORD),
        ("locked@x.example", "wrong password"),
        ("bcrypt@x.example", "wrong password"),
        ("pbkdf@x.example", "wrong password"),
        ("strange@x.example", "wrong password"),
    ];
    let mut answers = Vec::new();
    for weather in [Weather::Fair, Weather::Slow(Duration::from_millis(40))] {
        service.weather(weather);
        for (login, password) in tried {
            service.calls();
            let answer = service.login(login, password).await;
            assert_eq!(service.calls(), [path::LOOKUP, path::FAILED], "{login}");
            answers.push(everything(&answer));
        }
    }
    answers.dedup();
    assert_snapshot!(answers.join("\n\n"), @r#"
    401 after 250ms
    cache-control: no-store
    content-length: 103
    content-type: application/json
    pragma: no-cache
    www-authenticate: Bearer
    {"error":"invalid_grant","error_description":"no account with this login and password can sign in now"}
    "#);
    // Twice two tries at the locked account; and at Ana's, after three wrong passwords, the fourth.
    assert_eq!(service.logins()["locked"], 5);
}

/// All of an answer that a client can see, but for the request's name.
fn everything(answer: &Answer) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let body = String::from_utf8_lossy(&answer.body);
    format!("{} after {:?}\n{}\n{body}", answer.status, answer.took, headers.join("\n"))
}

async fn a_refusal_that_takes_longer_is_answered_at_a_later_step(stage: &Stage) {
    let service = stage.service_with(|config| config.server.request_timeout = "1s".parse().unwrap());
    let mut took = Vec::new();
    for millis in [0, 124, 125, 126, 376, 480] {
        service.weather(Weather::Slow(Duration::from_millis(millis)));
        let answer = service.login("nobody@x.example", PASSWORD).await;
        assert_eq!(answer.status, 401);
        took.push(answer.took.as_millis());
    }
    // The last step would lie beyond the request's limit: just before it then, for all of them.
    assert_eq!(took, [250, 250, 250, 500, 995, 995]);
}

async fn guesses_lock_an_account_for_strangers_for_a_while(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    for _ in 0..3 {
        assert_eq!(service.login(ANA, "wrong password").await.status, 401);
    }
    assert_eq!(service.login(ANA, PASSWORD).await.status, 401);
    assert_eq!(service.logins(), counted([("ok", 1), ("bad_credentials", 3), ("locked", 1)]));
    assert_eq!(service.logged()["reason"], "locked");
    service.clock.advance(Duration::from_secs(60));
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
}

async fn a_known_device_signs_in_while_strangers_are_locked_out(stage: &Stage) {
    let service = stage.service();
    let device = service.ana().await.text("device_token");
    for _ in 0..3 {
        service.login(ANA, "wrong password").await;
    }
    service.calls();
    let answer = service.login_from(&device, ANA, PASSWORD).await;
    assert_eq!((answer.status, service.calls()), (200, vec![path::LOOKUP]));
    // It stays locked for strangers, and a token that does not hold makes nobody known.
    assert_eq!(service.login(ANA, PASSWORD).await.status, 401);
    assert_eq!(service.login_from("no token", ANA, PASSWORD).await.status, 401);
    // The device's own failures lock the device.
    let device = answer.text("device_token");
    for _ in 0..3 {
        service.login_from(&device, ANA, "wrong password").await;
    }
    assert_eq!(service.login_from(&device, ANA, PASSWORD).await.status, 401);
}

async fn a_device_of_another_account_is_a_stranger(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    service.register("eve@x.example", PASSWORD).await;
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(service.login("eve@x.example", PASSWORD).await.text("device_token"));
    }
    service.calls();
    for device in &devices[..3] {
        service.login_from(device, ANA, "wrong password").await;
        assert_eq!(service.calls(), [path::LOOKUP, path::LOOKUP, path::FAILED]);
    }
    assert_eq!(service.login_from(&devices[3], ANA, PASSWORD).await.status, 401);
    // Nor does it tell whether a login has an account.
    service.calls();
    service.login_from(&devices[3], "nobody@x.example", PASSWORD).await;
    assert_eq!(service.calls(), [path::LOOKUP, path::LOOKUP, path::FAILED]);
}

async fn a_success_forgets_the_failures_before_it(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(service.login(ANA, "wrong password").await.status, 401);
        }
        service.calls();
        assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
        assert_eq!(service.calls(), [path::LOOKUP, path::CLEARED]);
    }
    // What cannot be forgotten now refuses nobody.
    service.login(ANA, "wrong password").await;
    service.weather(Weather::AnswersAt(path::CLEARED, 503));
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
}

async fn an_older_hash_is_replaced_after_a_success(stage: &Stage) {
    for (login, hash) in [("bcrypt@x.example", BCRYPT), ("pbkdf@x.example", PBKDF2)] {
        let service = stage.service();
        brought_along(stage, login, hash).await;
        let answer = service.login(login, PASSWORD).await;
        assert_eq!(answer.status, 200, "{login}");
        service.settle().await;
        assert_eq!(service.calls(), [path::LOOKUP, path::SET_HASH]);
        let id = AccountId([u8::try_from(login.len()).unwrap(); 16]);
        let kept = standing(stage.store.account(id)).await.unwrap().unwrap();
        assert!(kept.hash.starts_with("$argon2id$"), "{}", kept.hash);
        // The password is the same, so what was issued stays valid.
        assert_eq!(service.refresh(&answer.text("refresh_token")).await.status, 200);
        service.calls();
        assert_eq!(service.login(login, PASSWORD).await.status, 200);
        service.settle().await;
        assert_eq!(service.calls(), [path::LOOKUP]);
    }
}

async fn a_stored_hash_that_cannot_be_judged_is_told_to_the_operator_alone(stage: &Stage) {
    let service = stage.service();
    brought_along(stage, "strange@x.example", "$unknown$").await;
    brought_along(stage, "broken@x.example", "$2b$04$tooshort").await;
    let unknown = service.login("nobody@x.example", PASSWORD).await;
    for (login, why) in [("strange@x.example", "hash_scheme"), ("broken@x.example", "hash_form")] {
        let answer = service.login(login, PASSWORD).await;
        assert_eq!(everything(&answer), everything(&unknown), "{login}");
        assert_eq!(service.logged()["reason"], why);
        let counted = format!("auth_hash_unread_total{{why=\"{why}\"}} 1");
        assert!(service.metrics.text().contains(&counted), "{counted}");
    }
    let change = json!({
        "login": "broken@x.example", "old_password": PASSWORD, "new_password": "another long passphrase",
    });
    assert_eq!(service.post("/password", change).await.status, 401);
    assert_eq!(service.logged()["reason"], "hash_form");
    assert_eq!(service.logins(), counted([("bad_credentials", 3)]));
}

async fn an_address_that_asks_too_often_waits(stage: &Stage) {
    let service = stage.service_with(|config| config.limits.address_burst = 3);
    service.ana().await;
    // What is not understood takes nothing from the bucket.
    assert_eq!(service.post("/login", json!({"login": ANA})).await.status, 400);
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
    service.calls();
    let refused = service.login(ANA, PASSWORD).await;
    assert_eq!(
        (refused.said().as_str(), refused.header("retry-after")),
        ("429 too_many_requests", Some("3"))
    );
    assert_eq!(service.logins(), counted([("ok", 2), ("throttled", 1)]));
    let body = [("grant_type", "password"), ("username", ANA), ("password", PASSWORD)];
    assert_eq!(service.form("/token", &body).await.status, 429);
    assert_eq!(service.register("ben@x.example", PASSWORD).await.status, 429);
    let change = json!({"login": ANA, "old_password": PASSWORD, "new_password": "another password"});
    assert_eq!(service.post("/password", change).await.status, 429);
    assert_eq!(service.calls(), [""; 0]);

    let mut elsewhere = posted("/login", &json!({"login": ANA, "password": PASSWORD}));
    elsewhere.extensions_mut().insert(Peer("198.51.100.9:1".parse().unwrap()));
    assert_eq!(service.send(elsewhere).await.status, 200);
    service.clock.advance(Duration::from_secs(3));
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
}

async fn too_many_requests_at_once_are_refused_and_counted(stage: &Stage) {
    let service = stage.service_with(|config| config.server.max_in_flight = 0);
    let refused = service.login(ANA, PASSWORD).await;
    assert_eq!(refused.said(), "503 temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(service.logins(), counted([("throttled", 1)]));
    assert_eq!(service.refresh("token").await.status, 503);
    for path in ["/.well-known/jwks.json", "/openapi.json", "/readyz"] {
        assert_eq!(service.get(path).await.status, 503, "{path}");
    }
    for path in ["/healthz", "/metrics"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
    assert_eq!(service.logins(), counted([("throttled", 1)]));
    assert_eq!(service.calls(), [""; 0]);
}

async fn a_full_hash_queue_refuses(stage: &Stage) {
    let service = stage.service_with(|config| config.passwords.hash_queue = 0);
    // Some seconds of work for the one thread, for nobody who would wait for it.
    let long = PBKDF2.replace("i=1000,", "i=4000000,");
    let _hash = loop {
        let mut hash = Box::pin(service.hasher.verify(PASSWORD.to_owned(), Some(long.clone())));
        let polled = std::future::poll_fn(|context| Poll::Ready(hash.as_mut().poll(context))).await;
        // Until the thread has started there is no room for anything.
        if polled.is_pending() {
            break hash;
        }
        std::thread::yield_now();
    };
    let refused = service.login(ANA, PASSWORD).await;
    assert_eq!(refused.said(), "503 temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(service.logins(), counted([("throttled", 1)]));
    assert_eq!(service.logged()["reason"], "hash_queue_full");
    assert_eq!(service.register("ben@x.example", PASSWORD).await.status, 503);
}

async fn a_client_that_goes_away_is_counted_once(stage: &Stage) {
    let service = stage.service();
    service.weather(Weather::Slow(Duration::from_millis(500)));
    let login = service.login(ANA, PASSWORD);
    let gone = tokio::time::timeout(Duration::from_millis(100), login).await;
    assert!(gone.is_err());
    assert_eq!(service.logins(), counted([("timeout", 1)]));
}

async fn the_token_endpoint_signs_in_by_password(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    let ask =
        |password| [("grant_type", "password"), ("username", ANA), ("password", password), ("scope", "x")];
    let answer = service.form("/token", &ask(PASSWORD)).await;
    assert_eq!((answer.status, service.calls()), (200, vec![path::LOOKUP]));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let refused = service.form("/token", &ask("wrong password")).await;
    assert_eq!(refused.said(), "400 invalid_grant");
    assert_eq!(refused.took, Duration::from_millis(250));
    assert_eq!(service.logins(), counted([("ok", 2), ("bad_credentials", 1)]));
    let refreshed = [("grant_type", "refresh_token"), ("refresh_token", &*answer.text("refresh_token"))];
    assert_eq!(service.form("/token", &refreshed).await.status, 200);
    assert_eq!(service.logins(), counted([("ok", 2), ("bad_credentials", 1)]));
}

/// Counts as [`super::Service::logins`] gives them.
pub(super) fn counted<const N: usize>(counts: [(&str, u64); N]) -> std::collections::BTreeMap<String, u64> {
    counts.into_iter().map(|(result, count)| (result.to_owned(), count)).collect()
}
