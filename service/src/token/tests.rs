//! Good tokens hold; bad ones of every kind are refused, each for its own reason.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::account::{Epoch, SessionId};
use crate::config::length::Length;
use crate::entropy::{Entropy as _, SeededEntropy};

/// 2026-11-22T19:30:00Z.
const NOW: Timestamp = Timestamp(1_795_375_800_000);
const ACCOUNT: AccountId = AccountId([0xa; 16]);
const SESSION: SessionId = SessionId([0x5; 16]);
const DEVICE: DeviceId = DeviceId([0xd; 16]);

fn config() -> TokensConfig {
    TokensConfig {
        issuer: "https://auth.example".to_owned(),
        audience: "https://api.example".to_owned(),
        access_ttl: Length::seconds(600),
        clock_skew: Length::seconds(5),
        ..TokensConfig::default()
    }
}

fn tokens() -> Tokens {
    Tokens::new(KeyRing::ephemeral(&SeededEntropy::new(1), NOW), &config())
}

fn presented() -> Presented {
    Presented {
        session: SESSION,
        account: ACCOUNT,
        epoch: Epoch(3),
        generation: 7,
        expires: NOW.after(Duration::from_secs(86_400)),
    }
}

/// A token of any header and claims, signed with the key that is known.
fn signed(tokens: &Tokens, header: &str, claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(header), part(claims));
    let signature = tokens.keys.active(NOW).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn parts(token: &str) -> (Value, Value) {
    let part = |at: usize| {
        let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    (part(0), part(1))
}

#[test]
fn tokens_of_each_kind_say_what_they_were_made_of() {
    let tokens = tokens();
    let access = tokens.access(&presented(), NOW);
    let expires = NOW.after(Duration::from_secs(600));
    let Presented { account, session, epoch, expires: session_expires, .. } = presented();
    let said = Access { account, session, epoch, session_expires, issued: NOW, expires };
    assert_eq!(tokens.verify_access(&access, NOW), Ok(said));
    assert_eq!(tokens.verify_refresh(&tokens.refresh(presented(), NOW), NOW), Ok(presented()));
    assert_eq!(tokens.verify_device(&tokens.device(ACCOUNT, DEVICE, NOW), NOW), Ok((ACCOUNT, DEVICE)));
}

#[test]
fn an_access_token_has_the_header_and_the_claims_of_rfc_9068() {
    let tokens = tokens();
    let (header, claims) = parts(&tokens.access(&presented(), NOW));
    let kid = tokens.keys.active(NOW).kid();
    assert_eq!(header, json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid }));
    let expected = json!({
        "iss": "https://auth.example",
        "aud": "https://api.example",
        "sub": "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
        "client_id": "https://api.example",
        "sid": "05050505050505050505050505050505",
        "session_exp": 1_795_462_200,
        "epoch": 3,
        "jti": "05050505050505050505050505050505.1795375800000",
        "iat": 1_795_375_800,
        "nbf": 1_795_375_800,
        "exp": 1_795_376_400,
    });
    assert_eq!(claims, expected);
}

#[test]
fn every_bad_token_is_refused_for_its_own_reason() {
    let tokens = tokens();
    let good = tokens.access(&presented(), NOW);
    let (header, claims) = parts(&good);
    let with = |key: &str, value: Value| {
        let mut header = header.clone();
        header[key] = value;
        signed(&tokens, &header.to_string(), &claims.to_string())
    };
    let claim = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        signed(&tokens, &header.to_string(), &claims.to_string())
    };
    let without = |key: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(key);
        signed(&tokens, &header.to_string(), &claims.to_string())
    };
    let [first, second, third]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let none = format!("{}.{second}.", encoded(r#"{"alg":"none","typ":"at+jwt"}"#));
    let twice = r#"{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"k"}"#;
    let stranger = Tokens::new(KeyRing::ephemeral(&SeededEntropy::new(2), NOW), &config());
    let other = stranger.access(&presented(), NOW);
    let foreign = other.rsplit('.').next().unwrap();
    let seconds = NOW.seconds();

    let bad = [
        ("nothing", String::new(), Refused::Malformed),
        ("two parts", format!("{first}.{second}"), Refused::Malformed),
        ("four parts", format!("{good}.{third}"), Refused::Malformed),
        ("five parts, as of encryption", format!("{good}.{third}.{third}"), Refused::Malformed),
        ("only dots", "..".to_owned(), Refused::Malformed),
        ("padding", format!("{first}.{second}.{third}=="), Refused::Malformed),
        ("white space", format!(" {good}"), Refused::Malformed),
        ("digits of the other alphabet", format!("{first}.{second}.{}", "+/".repeat(43)), Refused::Malformed),
        ("too long", format!("{first}.{second}.{}", "A".repeat(5000)), Refused::Malformed),
        ("a header that is no JSON", format!("{}.{second}.{third}", encoded("x")), Refused::Malformed),
        ("a header that is a list", format!("{}.{second}.{third}", encoded("[]")), Refused::Malformed),
        ("a field of the header twice", signed(&tokens, twice, "{}"), Refused::Malformed),
        ("a critical extension", with("crit", json!(["exp"])), Refused::Malformed),
        ("a key in the header", with("jwk", json!({ "kty": "OKP" })), Refused::Malformed),
        ("an address of keys", with("jku", json!("https://evil.example/keys")), Refused::Malformed),
        ("no signature at all", none, Refused::Algorithm),
        ("`none` in capitals", with("alg", json!("NONE")), Refused::Algorithm),
        ("the key taken for a secret", with("alg", json!("HS256")), Refused::Algorithm),
        ("the algorithm in other letters", with("alg", json!("eddsa")), Refused::Algorithm),
        ("no type", with("typ", Value::Null), Refused::Malformed),
        ("a type of others", with("typ", json!("JWT")), Refused::Kind),
        ("a refresh token", tokens.refresh(presented(), NOW), Refused::Kind),
        ("a device token", tokens.device(ACCOUNT, DEVICE, NOW), Refused::Kind),
        ("no key", with("kid", Value::Null), Refused::Malformed),
        ("another's key", other.clone(), Refused::Key),
        ("a path for a key", with("kid", json!("../../etc/passwd")), Refused::Key),
        ("another's signature", format!("{first}.{second}.{foreign}"), Refused::Signature),
        ("half a signature", format!("{first}.{second}.{}", &third[..40]), Refused::Signature),
        ("an empty signature", format!("{first}.{second}."), Refused::Signature),
        ("claims that are no JSON", signed(&tokens, &header.to_string(), "x"), Refused::Malformed),
        ("a claim more", claim("admin", json!(true)), Refused::Malformed),
        ("a claim less", without("exp"), Refused::Malformed),
        ("a subject that is no identifier", claim("sub", json!("root")), Refused::Malformed),
        ("a time that is a text", claim("exp", json!("tomorrow")), Refused::Malformed),
        ("another issuer", claim("iss", json!("https://auth.example/")), Refused::Issuer),
        ("another audience", claim("aud", json!("https://auth.example")), Refused::Audience),
        ("not yet", claim("nbf", json!(seconds + 6)), Refused::NotYet),
        ("issued in the future", claim("iat", json!(seconds + 6)), Refused::NotYet),
        ("expired", claim("exp", json!(seconds - 5)), Refused::Expired),
        ("expired long ago", claim("exp", json!(i64::MIN)), Refused::Expired),
    ];
    for (what, token, why) in bad {
        assert_eq!(tokens.verify_access(&token, NOW), Err(why), "{what}");
    }
    assert!(tokens.verify_access(&claim("nbf", json!(seconds + 5)), NOW).is_ok(), "within the skew");
    assert!(tokens.verify_access(&claim("exp", json!(seconds - 4)), NOW).is_ok(), "within the skew");
}

#[test]
fn no_kind_is_taken_for_another() {
    let tokens = tokens();
    let access = tokens.access(&presented(), NOW);
    let device = tokens.device(ACCOUNT, DEVICE, NOW);
    let refresh = tokens.refresh(presented(), NOW);
    for token in [&access, &device] {
        assert_eq!(tokens.verify_refresh(token, NOW), Err(Refused::Kind));
    }
    for token in [&access, &refresh] {
        assert_eq!(tokens.verify_device(token, NOW), Err(Refused::Kind));
    }
}

#[test]
fn the_key_set_has_public_halves_alone_and_verifies_what_was_signed() {
    let tokens = tokens();
    let set = tokens.key_set(NOW);
    let key = &set["keys"][0];
    assert_eq!(
        key,
        &json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": tokens.keys.active(NOW).kid(),
            "x": key["x"],
        })
    );
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let token = tokens.access(&presented(), NOW);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public)
        .verify(message.as_bytes(), &signature)
        .unwrap();
}

/// A directory that goes with the test.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let mark = crate::entropy::SystemEntropy::new().id()[0..4].to_vec();
        let path = std::env::temp_dir().join(format!("authd-keys-{name}-{mark:02x?}"));
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn permit(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_new_key_is_published_before_it_signs_and_an_old_one_verifies_until_it_is_removed() {
    let scratch = Scratch::new("rotation");
    let entropy = SeededEntropy::new(3);
    let later = NOW.after(Duration::from_secs(3600));
    let old = keys::draw(&scratch.0, NOW, &entropy).unwrap();
    let new = keys::draw(&scratch.0, later, &entropy).unwrap();
    let ring = KeyRing::open(&scratch.0).unwrap();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    assert_eq!(ring.active(NOW).kid(), name(&old));
    assert_eq!(ring.active(Timestamp(later.0 - 1)).kid(), name(&old));
    assert_eq!(ring.active(later).kid(), name(&new));
    assert_eq!(ring.active(Timestamp(0)).kid(), name(&old), "before all of them: the first");

    let tokens = Tokens::new(ring, &config());
    let kids = |set: &Value| -> Vec<String> {
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kids(&tokens.key_set(NOW)), [name(&old), name(&new)]);
    assert_eq!(kids(&tokens.key_set(later)), [name(&new), name(&old)]);
    let before = tokens.refresh(presented(), NOW);
    assert_eq!(tokens.verify_refresh(&before, later), Ok(presented()));
    assert_ne!(before, tokens.refresh(presented(), later), "the time it was made decides which key signs");
    assert_eq!(before, tokens.refresh(presented(), NOW), "whenever it is made again");

    std::fs::remove_file(old).unwrap();
    let tokens = Tokens::new(KeyRing::open(&scratch.0).unwrap(), &config());
    assert_eq!(tokens.verify_refresh(&before, later), Err(Refused::Key));
}

#[test]
fn a_key_that_others_may_read_is_refused_and_one_that_a_group_may_read_is_warned_of() {
    let scratch = Scratch::new("permissions");
    let path = keys::draw(&scratch.0, NOW, &SeededEntropy::new(4)).unwrap();
    assert!(KeyRing::open(&scratch.0).unwrap().warnings().is_empty());
    permit(&path, 0o440);
    assert_eq!(KeyRing::open(&scratch.0).unwrap().warnings().len(), 1);
    for mode in [0o644, 0o660, 0o604, 0o602] {
        permit(&path, mode);
        let fault = KeyRing::open(&scratch.0).unwrap_err();
        assert_eq!(fault.why, format!("may be read or changed by others (mode {mode:03o}): chmod 600 it"));
    }
}

#[test]
fn a_key_of_another_tool_signs_at_once_and_other_files_are_named() {
    let scratch = Scratch::new("foreign");
    assert!(KeyRing::open(&scratch.0).unwrap_err().to_string().contains("No such file"));
    std::fs::create_dir(&scratch.0).unwrap();
    let fault = KeyRing::open(&scratch.0).unwrap_err();
    assert_eq!(fault.why, "holds no key `KID.pem`: make one with `authd keys new`");

    // The private key of RFC 8410, section 10.3, in the first form.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let path = scratch.0.join("2026.pem");
    let put = |text: &str| {
        std::fs::write(&path, text).unwrap();
        permit(&path, 0o600);
        KeyRing::open(&scratch.0)
    };
    std::fs::write(scratch.0.join("README"), "not a key").unwrap();
    let set = Tokens::new(put(pem).unwrap(), &config()).key_set(Timestamp(0));
    assert_eq!(set["keys"][0]["kid"], "2026");
    // Its public half, from section 10.1 of the same.
    assert_eq!(set["keys"][0]["x"], "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
    for (text, why) in [
        ("", "holds no `-----BEGIN PRIVATE KEY-----` (PKCS#8)"),
        (&pem.replace("MC4CAQ", "MC4CAg"), "holds a key that is not one of Ed25519"),
        (
            &format!("From: soon\n{pem}"),
            "`From:` `soon` is no moment: write it in UTC, such as 2026-11-22T19:30:00Z",
        ),
    ] {
        assert_eq!(put(text).unwrap_err().why, why);
    }
    std::fs::rename(&path, scratch.0.join("a key.pem")).unwrap();
    let why = "is no name of a key: letters, digits, `.`, `_`, `-`";
    assert_eq!(KeyRing::open(&scratch.0).unwrap_err().why, why);
}

#[test]
fn no_configuration_that_is_taken_makes_tokens_that_are_refused_for_their_length() {
    use crate::config::check::{LONGEST_NAME, longest_token};
    let scratch = Scratch::new("longest");
    let drawn = keys::draw(&scratch.0, NOW, &SeededEntropy::new(1)).unwrap();
    std::fs::rename(drawn, scratch.0.join(format!("{}.pem", "k".repeat(64)))).unwrap();
    let name = "n".repeat(LONGEST_NAME);
    let config = TokensConfig { issuer: name.clone(), audience: name, ..config() };
    let tokens = Tokens::new(KeyRing::open(&scratch.0).unwrap(), &config);
    let expires = Timestamp(i64::MAX / 1000 * 1000);
    let presented = Presented { epoch: Epoch(u32::MAX), generation: u32::MAX, expires, ..presented() };
    assert!(tokens.verify_access(&tokens.access(&presented, NOW), NOW).is_ok());
    let (refresh, device) = (tokens.refresh(presented, NOW), tokens.device(ACCOUNT, DEVICE, NOW));
    assert_eq!(tokens.verify_refresh(&refresh, NOW), Ok(presented));
    assert!(tokens.verify_device(&device, NOW).is_ok());
    // What `config::check` counts with is enough.
    for token in [refresh, device] {
        assert!(token.len() as u64 <= longest_token(LONGEST_NAME as u64), "{} bytes", token.len());
    }
}

#[test]
fn a_key_is_named_by_its_thumbprint() {
    // The key of RFC 8037, appendix A.1, and the beginning of its thumbprint in appendix A.3.
    let secret = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    struct Known(Vec<u8>);
    impl crate::entropy::Entropy for Known {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }
    }
    let thumbprint = URL_SAFE_NO_PAD.decode("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k").unwrap();
    let beginning: String = thumbprint.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let ring = KeyRing::ephemeral(&Known(secret), NOW);
    assert_eq!(ring.active(NOW).kid(), beginning);
    assert_eq!(ring.set(NOW)["keys"][0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
}

fn any_presented() -> impl Strategy<Value = Presented> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 16]>());
    (ids, any::<u32>(), any::<u32>(), 1i64..8_000_000_000).prop_map(
        |((session, account), epoch, generation, life)| Presented {
            session: SessionId(session),
            account: AccountId(account),
            epoch: Epoch(epoch),
            generation,
            expires: Timestamp((NOW.seconds() + life) * 1000),
        },
    )
}

proptest! {
    #[test]
    fn what_a_refresh_token_was_made_of_is_read_back(presented in any_presented()) {
        let tokens = tokens();
        let token = tokens.refresh(presented, NOW);
        prop_assert_eq!(tokens.verify_refresh(&token, NOW), Ok(presented));
        prop_assert_eq!(&token, &tokens.refresh(presented, NOW));
    }

    #[test]
    fn any_text_is_refused(text in "\\PC{0,200}") {
        prop_assert!(tokens().verify_access(&text, NOW).is_err());
    }

    #[test]
    fn tokens_of_one_kind_are_shorter_than_what_is_looked_at(account: [u8; 16], session: [u8; 16]) {
        let (account, session) = (AccountId(account), SessionId(session));
        let presented = Presented { account, session, epoch: Epoch(u32::MAX), ..presented() };
        let token = tokens().access(&presented, NOW);
        prop_assert!(token.len() < 640, "{} bytes", token.len());
    }
}

#[test]
fn every_change_of_one_byte_is_refused() {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let tokens = tokens();
    let good = tokens.access(&presented(), NOW);
    for (at, byte) in good.bytes().enumerate() {
        // The next digit carries one bit more or less, also where the last bits should be zero.
        let next = DIGITS.iter().position(|digit| *digit == byte).map(|digit| DIGITS[(digit + 1) % 64]);
        let flipped = (0..7).map(|bit| byte ^ (1 << bit));
        for changed in flipped.chain(next) {
            let mut token = good.clone().into_bytes();
            token[at] = changed;
            let token = String::from_utf8(token).unwrap();
            assert!(tokens.verify_access(&token, NOW).is_err(), "byte {at} as {changed}");
        }
        let cut = [&good[..at], &good[at + 1..]].concat();
        assert!(tokens.verify_access(&cut, NOW).is_err(), "without byte {at}");
    }
}

#[test]
fn an_access_token_ends_with_its_session_at_the_latest() {
    let tokens = tokens();
    let late = Presented { expires: NOW.after(Duration::from_secs(60)), ..presented() };
    let token = tokens.access(&late, NOW);
    let access = tokens.verify_access(&token, NOW).unwrap();
    assert_eq!((access.expires, access.session_expires), (late.expires, late.expires));
    let after = late.expires.after(config().clock_skew.get()).after(Duration::from_secs(1));
    assert_eq!(tokens.verify_access(&token, after), Err(Refused::Expired));
}
