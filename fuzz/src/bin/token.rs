//! Every promise of reading a token. The text is tried as a token; and, divided at its first end of
//! line, as header and claims that are signed with the right key, since no fuzzer finds a signature.
//! Nothing panics; what is accepted is of one kind alone, holds now, and can be issued and read again.
#![no_main]

use std::sync::LazyLock;

use authd::account::DeviceId;
use authd::clock::Timestamp;
use authd::config::front::TokensConfig;
use authd::entropy::Entropy;
use authd::token::Tokens;
use authd::token::keys::KeyRing;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::Ed25519KeyPair;

/// 2026-11-22T19:30:00Z.
const NOW: Timestamp = Timestamp(1_795_375_800_000);
const SECRET: [u8; 32] = [7; 32];

struct Known;

impl Entropy for Known {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

static TOKENS: LazyLock<Tokens> =
    LazyLock::new(|| Tokens::new(KeyRing::ephemeral(&Known, NOW), &TokensConfig::default()));
static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&SECRET).expect("32 bytes are a key"));

libfuzzer_sys::fuzz_target!(|text: &str| {
    check(text);
    if let Some((header, claims)) = text.split_once('\n') {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(PAIR.sign(message.as_bytes()));
        check(&format!("{message}.{signature}"));
    }
});

fn check(token: &str) {
    let access = TOKENS.verify_access(token, NOW);
    let refresh = TOKENS.verify_refresh(token, NOW);
    let device = TOKENS.verify_device(token, NOW);
    let accepted = [access.is_ok(), refresh.is_ok(), device.is_ok()];
    assert!(accepted.into_iter().filter(|accepted| *accepted).count() <= 1, "a token of two kinds");
    for refused in [access.err(), refresh.err(), device.err()].into_iter().flatten() {
        assert!(!refused.to_string().is_empty() && !refused.as_str().is_empty());
    }
    if let Ok(access) = access {
        assert!(access.expires > Timestamp(NOW.0 - 5000) && access.issued <= Timestamp(NOW.0 + 5000));
    }
    if let Ok(presented) = refresh {
        assert!(presented.expires > Timestamp(NOW.0 - 5000));
        let again = TOKENS.refresh(presented, NOW);
        assert_eq!(TOKENS.verify_refresh(&again, NOW), Ok(presented), "a token that is not read back");
    }
    if let Ok((account, DeviceId(device))) = device {
        let again = TOKENS.device(account, DeviceId(device), NOW);
        assert_eq!(TOKENS.verify_device(&again, NOW), Ok((account, DeviceId(device))));
    }
}
