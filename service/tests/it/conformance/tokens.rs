//! What becomes of tokens: rotation with its grace, reuse, sign-out, revocation, introspection; and
//! tokens of every bad kind.

use std::time::Duration;

use authd::account::{AccountId, Epoch, SessionId};
use authd::api::path;
use authd::clock::{Clock as _, Timestamp};
use authd::config::front::TokensConfig;
use authd::entropy::SeededEntropy;
use authd::session::Presented;
use authd::token::Tokens;
use authd::token::keys::KeyRing;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insta::assert_snapshot;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use super::service::{ANA, KEYS, PASSWORD};
use super::stage::standing;
use super::{Answer, Service, Stage, over_every_store, run};

over_every_store!(
    a_refresh_token_gives_one_successor_again_within_the_grace,
    a_token_used_twice_ends_its_session,
    a_session_ends_when_it_was_to_end,
    a_sign_out_ends_a_session,
    a_refresh_token_or_an_access_token_is_revoked,
    a_revocation_lasts_as_long_as_the_session_would_have_under_a_shorter_life_too,
    an_access_token_is_described_to_whoever_has_one,
    bad_tokens_are_refused_before_the_directory_is_asked,
    the_published_keys_verify_access_tokens,
);

async fn a_refresh_token_gives_one_successor_again_within_the_grace(stage: &Stage) {
    let service = stage.service();
    let first = service.ana().await.text("refresh_token");
    let once = service.refresh(&first).await;
    assert_eq!((once.status, service.calls()), (200, vec![path::ROTATE]));
    assert_eq!(once.json().get("device_token"), None);
    assert_eq!(service.logged()["reason"], "rotated");
    service.clock.advance(Duration::from_secs(10));
    let again = service.refresh(&first).await;
    assert_eq!(service.logged()["reason"], "replayed");
    assert_eq!(again.text("refresh_token"), once.text("refresh_token"));
    let next = service.refresh(&again.text("refresh_token")).await;
    assert_eq!(next.status, 200);
    assert_ne!(next.text("refresh_token"), once.text("refresh_token"));
    // Two generations back is no retry any more.
    assert_eq!(service.refresh(&first).await.said(), "401 invalid_grant");
}

async fn a_token_used_twice_ends_its_session(stage: &Stage) {
    let service = stage.service();
    let first = service.ana().await.text("refresh_token");
    let second = service.refresh(&first).await.text("refresh_token");
    service.clock.advance(Duration::from_millis(10_001));
    let reused = service.refresh(&first).await;
    assert_snapshot!(String::from_utf8_lossy(&reused.body), @r#"{"error":"invalid_grant","error_description":"the token was used before; its session is ended"}"#);
    assert_eq!(service.logged()["reason"], "token_reused");
    let successor = service.refresh(&second).await;
    assert_snapshot!(String::from_utf8_lossy(&successor.body), @r#"{"error":"invalid_grant","error_description":"the token's session was ended"}"#);
    // Another session of the same account lives on.
    let other = service.login(ANA, PASSWORD).await;
    assert_eq!(service.refresh(&other.text("refresh_token")).await.status, 200);
    let asked = [("grant_type", "refresh_token"), ("refresh_token", &*second)];
    assert_eq!(service.form("/token", &asked).await.said(), "400 invalid_grant");
}

async fn a_session_ends_when_it_was_to_end(stage: &Stage) {
    let service = stage.service_with(|config| config.tokens.refresh_ttl = "1h".parse().unwrap());
    let mut token = service.ana().await.text("refresh_token");
    for _ in 0..3 {
        service.clock.advance(Duration::from_secs(1199));
        token = service.refresh(&token).await.text("refresh_token");
    }
    service.clock.advance(Duration::from_secs(3));
    // Past its end, and the clocks' skew not yet: the directory says so.
    let over = service.refresh(&token).await;
    assert_eq!(
        (over.said().as_str(), service.logged()["reason"].as_str()),
        ("401 invalid_grant", Some("session_expired"))
    );
    service.clock.advance(Duration::from_secs(5));
    service.calls();
    assert_eq!(service.refresh(&token).await.said(), "401 invalid_grant");
    assert_eq!(service.post("/logout", json!({"refresh_token": token})).await.status, 204);
    assert_eq!(service.calls(), [""; 0]);
}

async fn a_sign_out_ends_a_session(stage: &Stage) {
    let service = stage.service();
    let signed_in = service.ana().await;
    let token = signed_in.text("refresh_token");
    for _ in 0..2 {
        let answer = service.post("/logout", json!({"refresh_token": token})).await;
        assert_eq!((answer.status, service.calls()), (204, vec![path::REVOKE]));
    }
    assert_eq!(service.refresh(&token).await.said(), "401 invalid_grant");
    assert_eq!(service.logged()["reason"], "session_revoked");
    let wrong = service.post("/logout", json!({"refresh_token": signed_in.text("access_token")})).await;
    assert_eq!(wrong.said(), "401 invalid_grant");
}

async fn revoke(service: &Service, token: &str) -> Answer {
    service.form("/revoke", &[("token", token), ("token_type_hint", "refresh_token")]).await
}

async fn a_refresh_token_or_an_access_token_is_revoked(stage: &Stage) {
    let service = stage.service();
    service.ana().await;
    for kind in ["refresh_token", "access_token"] {
        let signed_in = service.login(ANA, PASSWORD).await;
        assert_eq!(revoke(&service, &signed_in.text(kind)).await.status, 200);
        let refreshed = service.refresh(&signed_in.text("refresh_token")).await;
        assert_eq!(refreshed.said(), "401 invalid_grant", "{kind}");
    }
    service.calls();
    for unknown in ["", "x", "a.b.c"] {
        let expected = if unknown.is_empty() { 400 } else { 200 };
        assert_eq!(revoke(&service, unknown).await.status, expected);
    }
    let device = service.login(ANA, PASSWORD).await.text("device_token");
    assert_eq!(revoke(&service, &device).await.said(), "400 unsupported_token_type");
    assert_eq!(service.calls(), [path::LOOKUP]);
}

async fn a_revocation_lasts_as_long_as_the_session_would_have_under_a_shorter_life_too(stage: &Stage) {
    let service = stage.service_with(|config| config.tokens.refresh_ttl = "8h".parse().unwrap());
    let signed_in = service.ana().await;
    service.reconfigure(|config| config.tokens.refresh_ttl = "1h".parse().unwrap());
    assert_eq!(revoke(&service, &signed_in.text("access_token")).await.status, 200);
    // Long past the end of a session that begins now, and well before the end of this one.
    service.clock.advance(Duration::from_secs(4 * 3600));
    let policy = Stage::directory_config().lockout.policy();
    standing(stage.store.sweep(service.clock.now(), policy)).await.unwrap();
    let refreshed = service.refresh(&signed_in.text("refresh_token")).await;
    assert_eq!(refreshed.said(), "401 invalid_grant");
    assert_eq!(service.logged()["reason"], "session_revoked");
}

async fn an_access_token_is_described_to_whoever_has_one(stage: &Stage) {
    let service = stage.service();
    let one = service.ana().await;
    let other = service.login(ANA, PASSWORD).await;
    let bearer = other.text("access_token");
    let ask = async |token: &str| {
        let answer = service.form_as(&bearer, "/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, 200);
        answer.json()
    };
    let mut told = ask(&one.text("access_token")).await;
    assert_eq!(told["sub"].take().as_str().unwrap().len(), 32);
    assert_eq!(told["sid"].take().as_str().unwrap().len(), 32);
    assert_snapshot!(told, @r#"{"active":true,"aud":"authd","exp":1792000600,"iat":1792000000,"iss":"authd","sid":null,"sub":null,"token_type":"Bearer","username":"ana@x.example"}"#);
    let inactive = json!({"active": false});
    for token in [&*one.text("refresh_token"), &one.text("device_token"), "x"] {
        assert_eq!(ask(token).await, inactive);
    }
    service.post("/logout", json!({"refresh_token": one.text("refresh_token")})).await;
    assert_eq!(ask(&one.text("access_token")).await, inactive);
    assert_eq!(ask(&bearer).await["active"], true);

    // Strangers learn nothing.
    let asked = [("token", &*bearer)];
    assert_eq!(service.form("/introspect", &asked).await.said(), "401 invalid_token");
    let elsewhere = TokensConfig { audience: "else".to_owned(), ..TokensConfig::default() };
    let keys = KeyRing::ephemeral(&SeededEntropy::new(KEYS), Timestamp(0));
    let now = service.clock.now();
    let presented = Presented {
        session: SessionId([2; 16]),
        account: AccountId([1; 16]),
        epoch: Epoch(0),
        generation: 0,
        expires: now.after(Duration::from_secs(60)),
    };
    let elsewhere = Tokens::new(keys, &elsewhere).access(&presented, now);
    for stranger in ["", "x", &*other.text("refresh_token"), &*elsewhere] {
        let refused = service.form_as(stranger, "/introspect", &asked).await;
        assert_eq!(refused.said(), "401 invalid_token");
        assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    assert_eq!(service.form_as(&bearer, "/introspect", &[]).await.said(), "400 invalid_request");
    service.clock.advance(Duration::from_secs(600 + 5));
    assert_eq!(service.form_as(&bearer, "/introspect", &asked).await.said(), "401 invalid_token");
}

async fn bad_tokens_are_refused_before_the_directory_is_asked(stage: &Stage) {
    let service = stage.service();
    let signed_in = service.ana().await;
    let good = signed_in.text("refresh_token");
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{good}") };
    let encoded = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let decoded =
        |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let headed = |name: &str, value: &str| {
        let mut changed = decoded(header);
        changed[name] = json!(value);
        format!("{}.{claims}.{signature}", encoded(changed))
    };
    let mut claimed = decoded(claims);
    claimed["generation"] = json!(1);
    let strange = |change: fn(&mut TokensConfig), at: Timestamp, seed| {
        let mut config = TokensConfig::default();
        change(&mut config);
        let ring = KeyRing::ephemeral(&SeededEntropy::new(seed), Timestamp(0));
        let presented = Presented {
            session: SessionId([1; 16]),
            account: AccountId([2; 16]),
            epoch: Epoch(0),
            generation: 0,
            expires: at.after(Duration::from_secs(60)),
        };
        Tokens::new(ring, &config).refresh(presented, at)
    };
    let now = service.clock.now();
    let none = format!("{}.{claims}.", encoded(json!({"alg": "none", "typ": "refresh+jwt"})));
    let tried = [
        ("nothing", String::new()),
        ("no token", "x".to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{good}.{signature}")),
        ("padded", format!("{good}=")),
        ("huge", "a".repeat(12_000)),
        ("no algorithm", none),
        ("another algorithm", headed("alg", "HS256")),
        ("an extension", headed("crit", "b64")),
        ("an access token", signed_in.text("access_token")),
        ("a device token", signed_in.text("device_token")),
        ("renamed kind", headed("typ", "at+jwt")),
        ("an unknown key", strange(|_| (), now, KEYS + 1)),
        ("an unknown key's name", headed("kid", "0123456789abcdef")),
        ("changed claims", format!("{header}.{}.{signature}", encoded(claimed))),
        ("no signature", format!("{header}.{claims}.")),
        ("another issuer", strange(|config| config.issuer = "else".to_owned(), now, KEYS)),
        ("the future", strange(|_| (), now.after(Duration::from_secs(60)), KEYS)),
        ("the past", strange(|_| (), Timestamp(now.0 - 120_000), KEYS)),
    ];
    let mut said = Vec::new();
    for (what, token) in &tried {
        let answer = service.refresh(token).await;
        assert_eq!((answer.said().as_str(), answer.took), ("401 invalid_grant", Duration::ZERO), "{what}");
        let reason = service.logged()["reason"].as_str().unwrap_or_default().to_owned();
        said.push(format!("{what}: {} ({reason})", answer.text("error_description")));
    }
    assert_snapshot!(said.join("\n"), @r"
    nothing: the token is not in the form that is issued here (token_malformed)
    no token: the token is not in the form that is issued here (token_malformed)
    two parts: the token is not in the form that is issued here (token_malformed)
    four parts: the token is not in the form that is issued here (token_malformed)
    padded: the token is not in the form that is issued here (token_malformed)
    huge: the token is not in the form that is issued here (token_malformed)
    no algorithm: the token's algorithm is not EdDSA (token_algorithm)
    another algorithm: the token's algorithm is not EdDSA (token_algorithm)
    an extension: the token is not in the form that is issued here (token_malformed)
    an access token: the token is one for another purpose (token_kind)
    a device token: the token is one for another purpose (token_kind)
    renamed kind: the token is one for another purpose (token_kind)
    an unknown key: the token names a key that is not known here (token_key)
    an unknown key's name: the token names a key that is not known here (token_key)
    changed claims: the token's signature does not hold (token_signature)
    no signature: the token's signature does not hold (token_signature)
    another issuer: the token comes from another issuer (token_issuer)
    the future: the token is not valid yet (token_not_yet)
    the past: the token has expired (token_expired)
    ");
    assert_eq!(service.calls(), [""; 0]);
    assert_eq!(service.refresh(&good).await.status, 200);
}

async fn the_published_keys_verify_access_tokens(stage: &Stage) {
    let service = stage.service();
    let token = service.ana().await.text("access_token");
    let answer = service.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let key = answer.json()["keys"][0].clone();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let public = decoded(key["x"].as_str().unwrap());
    let verified = UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &decoded(signature));
    assert!(verified.is_ok());
    let header: Value = serde_json::from_slice(&decoded(signed.split('.').next().unwrap())).unwrap();
    assert_eq!(header["kid"], key["kid"]);
}
