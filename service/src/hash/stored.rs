//! Stored hashes as text: PHC strings of argon2 and PBKDF2-HMAC-SHA256, `$2b$...` of bcrypt, and what
//! Django writes. What a stored hash would cost is bounded before anything is computed, so that a
//! strange one in the directory cannot take the service down.

use std::fmt;
use std::num::NonZeroU32;

use argon2::Algorithm;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::pbkdf2;
use subtle::ConstantTimeEq as _;

use super::scheme::{Bench, Cost};

/// The length in bytes of the hashes made here (RFC 9106, section 4).
pub(super) const LENGTH: usize = 32;

/// The most memory that a stored hash may ask for, in KiB: half of the 2 GiB that RFC 9106, section 4,
/// recommends first. It is used once at a time, if it is more than what is configured.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
/// The most memory times passes, in KiB: some seconds.
const MOST_WORK_KIB: u64 = 4 * 1024 * 1024;
/// The highest cost of bcrypt: some seconds; 12 is common.
const MOST_BCRYPT: u32 = 15;
/// The most rounds of PBKDF2: some seconds; the OWASP Password Storage Cheat Sheet asks for 600 000.
const MOST_ROUNDS: u32 = 10_000_000;
/// bcrypt takes no more of a password than this, with the zero byte that ends it.
const BCRYPT_BYTES: usize = 72;

/// Why a stored hash could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is of no scheme that is known here.
    Scheme,
    /// It is not in the form of its scheme.
    Form,
    /// It would cost more than is allowed.
    Cost,
    /// There is no memory for it.
    Memory,
}

impl Unread {
    /// The word for metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheme => "hash_scheme",
            Self::Form => "hash_form",
            Self::Cost => "hash_cost",
            Self::Memory => "hash_memory",
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the stored hash is of a scheme that is not known here",
            Self::Form => "the stored hash is not in the form of its scheme",
            Self::Cost => "the stored hash would cost more than is allowed",
            Self::Memory => "there is no memory for the stored hash",
        })
    }
}

/// A stored hash, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stored {
    /// Any variant of argon2, version 1.3.
    Argon2 { algorithm: Algorithm, cost: Cost, salt: Vec<u8>, hash: Vec<u8> },
    /// bcrypt.
    Bcrypt { cost: u32, salt: [u8; 16], hash: Vec<u8> },
    /// PBKDF2-HMAC-SHA256.
    Pbkdf2 { rounds: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
}

/// The PHC string of a new hash.
pub(super) fn written(bench: &mut Bench, cost: Cost, password: &[u8], salt: &[u8]) -> Result<String, Unread> {
    let mut hash = [0; LENGTH];
    bench.argon2id(cost, password, salt, &mut hash)?;
    let Cost { memory_kib, iterations, lanes } = cost;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(format!("$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}${salt}${hash}"))
}

impl Stored {
    /// Takes a stored hash apart and refuses one that would cost too much.
    pub(super) fn read(text: &str) -> Result<Self, Unread> {
        let (scheme, rest) = match text.strip_prefix('$') {
            Some(rest) => rest.split_once('$').ok_or(Unread::Form)?,
            None => text.split_once('$').ok_or(Unread::Scheme)?,
        };
        match scheme {
            "argon2id" => argon2(Algorithm::Argon2id, rest),
            "argon2i" => argon2(Algorithm::Argon2i, rest),
            "argon2d" => argon2(Algorithm::Argon2d, rest),
            "2a" | "2b" | "2y" => bcrypt(rest),
            "pbkdf2-sha256" => pbkdf2(rest),
            "pbkdf2_sha256" => django(rest),
            _ => Err(Unread::Scheme),
        }
    }

    /// Whether a password gives this hash; compared in constant time.
    pub(super) fn verify(&self, bench: &mut Bench, password: &[u8]) -> Result<bool, Unread> {
        match self {
            Self::Argon2 { algorithm, cost, salt, hash } => {
                let mut computed = vec![0; hash.len()];
                bench.argon2(*algorithm, *cost, password, salt, &mut computed)?;
                Ok(computed.ct_eq(hash).into())
            }
            Self::Bcrypt { cost, salt, hash } => {
                // What is beyond 72 bytes counts for nothing, as in every bcrypt.
                let ended = [password, &[0]].concat();
                let computed = bcrypt::bcrypt(*cost, *salt, &ended[..ended.len().min(BCRYPT_BYTES)]);
                Ok(computed[..hash.len()].ct_eq(hash).into())
            }
            Self::Pbkdf2 { rounds, salt, hash } => {
                Ok(pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, *rounds, salt, password, hash).is_ok())
            }
        }
    }

    /// Whether it is of another scheme than new hashes, or cheaper, or shorter.
    pub(super) fn outdated(&self, wanted: Cost) -> bool {
        let Self::Argon2 { algorithm: Algorithm::Argon2id, cost, salt, hash } = self else { return true };
        let cheaper = cost.memory_kib < wanted.memory_kib || cost.iterations < wanted.iterations;
        cheaper || salt.len() < 16 || hash.len() < LENGTH
    }
}

/// `v=19$m=19456,t=2,p=1$SALT$HASH`.
fn argon2(algorithm: Algorithm, text: &str) -> Result<Stored, Unread> {
    let [version, parameters, salt, hash] = fields(text)?;
    if version != "v=19" {
        return Err(Unread::Scheme);
    }
    let [memory_kib, iterations, lanes] = numbers(parameters, ["m", "t", "p"])?;
    let work = u64::from(memory_kib) * u64::from(iterations);
    if memory_kib > MOST_MEMORY_KIB || work > MOST_WORK_KIB {
        return Err(Unread::Cost);
    }
    let (salt, hash) = (bytes(salt, 8..=64)?, bytes(hash, 16..=64)?);
    Ok(Stored::Argon2 { algorithm, cost: Cost { memory_kib, iterations, lanes }, salt, hash })
}

/// `12$` and 22 characters of salt, 31 of hash.
fn bcrypt(text: &str) -> Result<Stored, Unread> {
    // Digits whose last bits carry nothing are written by some with those bits set.
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &alphabet::BCRYPT,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::RequireNone)
            .with_decode_allow_trailing_bits(true),
    );
    let [cost, rest] = fields(text)?;
    let cost = number(cost)?;
    let (salt, hash) = rest.split_at_checked(22).ok_or(Unread::Form)?;
    let decoded = |part: &str| BASE64.decode(part).map_err(|_| Unread::Form);
    let salt = decoded(salt)?.try_into().map_err(|_| Unread::Form)?;
    let hash = decoded(hash)?;
    if cost < 4 || hash.len() != 23 {
        return Err(Unread::Form);
    }
    if cost > MOST_BCRYPT {
        return Err(Unread::Cost);
    }
    Ok(Stored::Bcrypt { cost, salt, hash })
}

/// `i=600000,l=32$SALT$HASH`.
fn pbkdf2(text: &str) -> Result<Stored, Unread> {
    let [parameters, salt, hash] = fields(text)?;
    let [rounds, length] = numbers(parameters, ["i", "l"])?;
    let hash = bytes(hash, 16..=64)?;
    if u32::try_from(hash.len()) != Ok(length) {
        return Err(Unread::Form);
    }
    rounds_of(rounds, bytes(salt, 8..=64)?, hash)
}

/// `600000$salt as it is$HASH`, padded.
fn django(text: &str) -> Result<Stored, Unread> {
    let [rounds, salt, hash] = fields(text)?;
    let hash = STANDARD.decode(hash).map_err(|_| Unread::Form)?;
    if hash.len() != 32 || !(8..=128).contains(&salt.len()) {
        return Err(Unread::Form);
    }
    rounds_of(number(rounds)?, salt.as_bytes().to_vec(), hash)
}

fn rounds_of(rounds: u32, salt: Vec<u8>, hash: Vec<u8>) -> Result<Stored, Unread> {
    if rounds > MOST_ROUNDS {
        return Err(Unread::Cost);
    }
    let rounds = NonZeroU32::new(rounds).ok_or(Unread::Form)?;
    Ok(Stored::Pbkdf2 { rounds, salt, hash })
}

fn fields<const N: usize>(text: &str) -> Result<[&str; N], Unread> {
    let fields: Vec<&str> = text.splitn(N + 1, '$').collect();
    fields.try_into().map_err(|_| Unread::Form)
}

/// `NAME=NUMBER`, joined by commas, in this order.
fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Result<[u32; N], Unread> {
    let mut parts = text.split(',');
    let mut values = [0; N];
    for (value, name) in values.iter_mut().zip(names) {
        let (found, text) = parts.next().and_then(|part| part.split_once('=')).ok_or(Unread::Form)?;
        if found != name {
            return Err(Unread::Form);
        }
        *value = number(text)?;
    }
    parts.next().is_none().then_some(values).ok_or(Unread::Form)
}

/// A decimal number; one too great for its type is one that costs too much.
fn number(text: &str) -> Result<u32, Unread> {
    if text.is_empty() || text.len() > 20 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unread::Form);
    }
    text.parse().map_err(|_| Unread::Cost)
}

fn bytes(text: &str, length: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, Unread> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| Unread::Form)?;
    length.contains(&bytes.len()).then_some(bytes).ok_or(Unread::Form)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    const COST: Cost = Cost { memory_kib: 64, iterations: 2, lanes: 2 };

    fn verify(stored: &str, password: &str) -> Result<bool, Unread> {
        let mut bench = Bench::new(COST, Arc::default());
        Stored::read(stored)?.verify(&mut bench, password.as_bytes())
    }

    /// Made by libargon2 20171227, libxcrypt 4.4.33 and Python 3.11's `hashlib`.
    const HORSES: [&str; 8] = [
        "$argon2id$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$ehqGRlXhNY90u1mXokuaGpor9OaG4WSZVb4jCfev4ys",
        "$argon2i$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$JJ/ZDykYOnhMabOK2tGFjoWMyIA2jiyUS51az8rbHG4",
        "$argon2d$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$dOi7cZl2dlo4eu/sTQ2j9syppP/ZDNFzsjFGgjz/J0M",
        "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0$F7o7+5VTVzFAO998X6s3AHrDsJVdMiIlgndIMe19NvY",
        "pbkdf2_sha256$1000$seasalt2$oksQ9Bdi8Bce0okH61Cis7qICJfP+cYfDOnMdNPMzK8=",
    ];

    #[test]
    fn hashes_of_other_tools_are_verified() {
        for stored in HORSES {
            assert_eq!(verify(stored, "correct horse"), Ok(true), "{stored}");
            assert_eq!(verify(stored, "correct horses"), Ok(false), "{stored}");
            assert_eq!(verify(stored, ""), Ok(false), "{stored}");
        }
        let umlaut = "$2b$04$abcdefghijklmnopqrstuuQYEk91mE9jD3s0Fa6l8hqSxfClgS2VO";
        assert_eq!(verify(umlaut, "gr\u{fc}n"), Ok(true));
    }

    #[test]
    fn bcrypt_compares_the_first_72_bytes() {
        let stored = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
        for (length, matches) in [(71, false), (72, true), (80, true), (1024, true)] {
            assert_eq!(verify(stored, &"x".repeat(length)), Ok(matches), "{length} bytes");
        }
    }

    #[test]
    fn only_argon2id_of_at_least_the_wanted_cost_is_up_to_date() {
        let outdated = |stored: &str| Stored::read(stored).unwrap().outdated(COST);
        let of =
            |parameters: &str, salt: &str, hash: &str| format!("$argon2id$v=19${parameters}${salt}${hash}");
        let (salt, hash) = ("MDEyMzQ1Njc4OWFiY2RlZg", "ehqGRlXhNY90u1mXokuaGpor9OaG4WSZVb4jCfev4ys");
        assert!(!outdated(HORSES[0]));
        assert!(!outdated(&of("m=128,t=3,p=1", salt, hash)), "dearer");
        assert!(outdated(&of("m=63,t=2,p=2", salt, hash)), "less memory");
        assert!(outdated(&of("m=64,t=1,p=2", salt, hash)), "fewer passes");
        assert!(outdated(&of("m=64,t=2,p=2", "c2FsdHNhbHQ", hash)), "a short salt");
        assert!(outdated(&of("m=64,t=2,p=2", salt, "ehqGRlXhNY90u1mXokuaGg")), "a short hash");
        assert!(HORSES[1..].iter().all(|stored| outdated(stored)), "other schemes");
    }

    #[test]
    fn a_stored_hash_that_is_none_or_costs_too_much_is_refused() {
        let rest = "MDEyMzQ1Njc4OWFiY2RlZg$ehqGRlXhNY90u1mXokuaGpor9OaG4WSZVb4jCfev4ys";
        let argon2 = |parameters: &str| format!("$argon2id${parameters}${rest}");
        let bcrypt = |cost: &str| format!("$2b${cost}$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e");
        let pbkdf2 = |rounds: &str| format!("$pbkdf2-sha256$i={rounds},l=32${rest}");
        let refused = [
            (String::new(), Unread::Scheme),
            ("correct horse".to_owned(), Unread::Scheme),
            ("$".to_owned(), Unread::Form),
            ("$1$salt$hash".to_owned(), Unread::Scheme),
            ("$argon2id$".to_owned(), Unread::Form),
            (argon2("v=19$m=64,t=2"), Unread::Form),
            (argon2("v=19$t=2,m=64,p=2"), Unread::Form),
            (argon2("v=19$m=64,t=2,p=2,x=1"), Unread::Form),
            (argon2("v=19$m=+64,t=2,p=2"), Unread::Form),
            (argon2("v=19$m=64,t=0,p=2"), Unread::Form),
            (argon2("v=19$m=8,t=2,p=2"), Unread::Form),
            (argon2("v=16$m=64,t=2,p=2"), Unread::Scheme),
            (argon2("v=19$m=1048577,t=1,p=1"), Unread::Cost),
            (argon2("v=19$m=1048576,t=5,p=1"), Unread::Cost),
            (argon2("v=19$m=64,t=4294967295,p=1"), Unread::Cost),
            (argon2("v=19$m=99999999999,t=1,p=1"), Unread::Cost),
            (format!("{}=", HORSES[0]), Unread::Form),
            (format!("{}$", HORSES[0]), Unread::Form),
            (bcrypt("03"), Unread::Form),
            (bcrypt("16"), Unread::Cost),
            (bcrypt("31"), Unread::Cost),
            (bcrypt("99999999999999999999999"), Unread::Form),
            ("$2b$12$short".to_owned(), Unread::Form),
            (format!("$2b$12${}", "\u{fc}".repeat(27)), Unread::Form),
            ("$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e".to_owned(), Unread::Scheme),
            (pbkdf2("0"), Unread::Form),
            (pbkdf2("10000001"), Unread::Cost),
            ("pbkdf2_sha256$1000$salt".to_owned(), Unread::Form),
        ];
        for (stored, why) in refused {
            assert_eq!(verify(&stored, "correct horse"), Err(why), "{stored}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_verified(password in "\\PC{0,40}", salt: [u8; 16]) {
            let mut bench = Bench::new(COST, Arc::default());
            let stored = written(&mut bench, COST, password.as_bytes(), &salt).unwrap();
            let stored = Stored::read(&stored).unwrap();
            prop_assert_eq!(stored.verify(&mut bench, password.as_bytes()), Ok(true));
            prop_assert!(!stored.outdated(COST));
        }

        #[test]
        fn no_text_costs_more_than_is_allowed(text in "[$]?(argon2id|2b|pbkdf2-sha256|pbkdf2_sha256)[$][v=19mtpil,0-9$A-Za-z./+]{0,90}") {
            if let Ok(Stored::Argon2 { cost, .. }) = Stored::read(&text) {
                prop_assert!(cost.memory_kib <= MOST_MEMORY_KIB);
            }
        }
    }
}
