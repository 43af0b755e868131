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

/// The most memory that a stored hash may ask for, in KiB: half of what RFC 9106, section 4, recommends
/// first, 2 GiB, which no service with some threads has to spare.
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
