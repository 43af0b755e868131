//! Making accounts and changing passwords.

use std::io::Write as _;
use std::time::Duration;

use authd::api::path;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::service::{ANA, PASSWORD};
use super::sign_in::counted;
use super::{Service, Stage, Weather, over_every_store, run};

over_every_store!(
    a_login_is_taken_once,
    a_new_password_is_judged,
    a_breached_password_is_refused_and_an_unreadable_list_lets_none_pass,
    an_address_is_limited_before_the_list_of_breached_passwords_is_read,
    a_changed_password_voids_what_was_issued_before,
    a_wrong_old_password_is_refused_like_a_sign_in,
    a_change_beside_another_one_is_told,
);

async fn a_login_is_taken_once(stage: &Stage) {
    let service = stage.service();
    let made = service.register(ANA, PASSWORD).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.text("id").len(), 32);
    let again = service.register("ANA@x.example", "another password").await;
    assert_snapshot!(again.said(), @"409 login_taken");
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
    assert_eq!(service.login(ANA, "another password").await.status, 401);
}

async fn a_new_password_is_judged(stage: &Stage) {
    let service = stage.service_with(|config| config.passwords.max_bytes = 64);
    let long = "p".repeat(65);
    let tried = [
        (ANA, "éééé"),
        (ANA, &*long),
        ("ana.of.the.mill", "Ana.of.the.mill"),
        (" ", PASSWORD),
        ("ana\u{7}", PASSWORD),
    ];
    let mut said = Vec::new();
    for (login, password) in tried {
        let answer = service.register(login, password).await;
        said.push(format!("{}: {}", answer.said(), answer.text("error_description")));
    }
    assert_snapshot!(said.join("\n"), @r"
    400 weak_password: a password has 8 characters at least
    400 weak_password: a password has 64 bytes at most
    400 weak_password: the password is the login; choose another one
    400 invalid_request: a login has 1 to 254 bytes and no control characters
    400 invalid_request: a login has 1 to 254 bytes and no control characters
    ");
    assert_eq!(service.calls(), [""; 0]);
    service.ana().await;
    assert_eq!(change(&service, PASSWORD, "éééé").await, "400 weak_password");
}

/// Changes Ana's password.
async fn change(service: &Service, old: &str, new: &str) -> String {
    let asked = json!({"login": ANA, "old_password": old, "new_password": new});
    let answer = service.post("/password", asked).await;
    if answer.status == 204 { "204".to_owned() } else { answer.said() }
}

async fn a_breached_password_is_refused_and_an_unreadable_list_lets_none_pass(stage: &Stage) {
    let path = stage.file("breached");
    // SHA-1 of `correct horse battery`, among others.
    let list = "0000000000000000000000000000000000000001:2\n98DECC62ECE399A22ED30D490EF333BE7FDE7385:7\nFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF:1\n";
    std::fs::File::create(&path).unwrap().write_all(list.as_bytes()).unwrap();
    let service = stage.service_with(|config| config.passwords.breached = Some(path.clone()));
    assert_eq!(service.register(ANA, PASSWORD).await.said(), "400 weak_password");
    assert_eq!(service.register(ANA, "another password").await.status, 201);
    assert_eq!(change(&service, "another password", PASSWORD).await, "400 weak_password");

    std::fs::File::create(&path).unwrap();
    let refused = service.register("ben@x.example", "another password").await;
    assert_eq!(
        (refused.said().as_str(), refused.header("retry-after")),
        ("503 temporarily_unavailable", Some("1"))
    );
    assert_eq!(service.logged()["reason"], "breached_list_unreadable");
    assert_eq!(change(&service, "another password", "a third password").await, "503 temporarily_unavailable");
    // Whoever has an account signs in.
    assert_eq!(service.login(ANA, "another password").await.status, 200);
}

async fn an_address_is_limited_before_the_list_of_breached_passwords_is_read(stage: &Stage) {
    let path = stage.file("breached");
    std::fs::write(&path, "0000000000000000000000000000000000000001:2\n").unwrap();
    let service = stage.service_with(|config| {
        config.passwords.breached = Some(path.clone());
        config.limits.address_burst = 3;
        config.limits.address_interval = "1h".parse().unwrap();
    });
    assert_eq!(service.register(ANA, PASSWORD).await.status, 201);
    // A change takes one request out of the bucket, whatever it proves on its way.
    assert_eq!(change(&service, PASSWORD, "another password").await, "204");
    // A list that cannot be read tells that it was.
    std::fs::File::create(&path).unwrap();
    assert_eq!(change(&service, "another password", PASSWORD).await, "503 temporarily_unavailable");
    assert_eq!(change(&service, "another password", PASSWORD).await, "429 too_many_requests");
}

async fn a_changed_password_voids_what_was_issued_before(stage: &Stage) {
    let service = stage.service();
    let before = service.ana().await;
    assert_eq!(change(&service, PASSWORD, "another password").await, "204");
    assert_eq!(service.calls(), [path::LOOKUP, path::SET_HASH]);
    assert_eq!(service.login(ANA, PASSWORD).await.status, 401);
    let after = service.login(ANA, "another password").await;
    assert_eq!(after.status, 200);
    assert_eq!(service.refresh(&before.text("refresh_token")).await.said(), "401 invalid_grant");
    let asked = [("token", &*before.text("access_token"))];
    let answer = service.form_as(&after.text("access_token"), "/introspect", &asked).await;
    assert_eq!(answer.json(), json!({"active": false}));
    assert_eq!(service.refresh(&after.text("refresh_token")).await.status, 200);
    // A device is known by its account, not by a password.
    assert_eq!(service.login_from(&before.text("device_token"), ANA, "another password").await.status, 200);
}

async fn a_wrong_old_password_is_refused_like_a_sign_in(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    let body = |login: &str| json!({"login": login, "old_password": "wrong password", "new_password": "another password"});
    let mut answers = Vec::new();
    for login in [ANA, "nobody@x.example"] {
        let answer = service.post("/password", body(login)).await;
        assert_eq!(service.calls(), [path::LOOKUP, path::FAILED]);
        assert_eq!(answer.took, Duration::from_millis(250));
        answers.push(answer.body);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], service.login(ANA, "wrong password").await.body);
    // Guesses made here lock as any, and only sign-ins count as sign-ins.
    service.post("/password", body(ANA)).await;
    assert_eq!(service.login(ANA, PASSWORD).await.status, 401);
    assert_eq!(service.logins(), counted([("ok", 1), ("bad_credentials", 1), ("locked", 1)]));
}

async fn a_change_beside_another_one_is_told(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    service.weather(Weather::AnswersAt(path::SET_HASH, 409));
    assert_eq!(change(&service, PASSWORD, "another password").await, "409 account_changed");
    service.weather(Weather::Fair);
    assert_eq!(service.login(ANA, PASSWORD).await.status, 200);
    let missing: Value = json!({"login": ANA, "old_password": PASSWORD});
    assert_eq!(service.post("/password", missing).await.said(), "400 invalid_request");
}
