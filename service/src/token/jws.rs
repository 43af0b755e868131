//! Compact serialization of JSON Web Signatures (RFC 7515, section 3.1), as narrow as this service
//! needs it: one algorithm, the three header fields that it writes itself, no padding. A signature is
//! verified before anything of the claims is read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::{Key, KeyRing};
use super::{Kind, Refused};

/// The one algorithm (RFC 8037, section 3.1).
const ALGORITHM: &str = "EdDSA";

/// The longest token that is looked at, in bytes: some seven times what is issued with names of
/// ordinary length, and less than one request head may have.
const LONGEST: usize = 4096;

/// The header. A field that is not here, `crit` above all, and a field that stands twice make a token
/// malformed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    typ: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    kid: Option<Cow<'a, str>>,
}

/// The claims that all kinds have: from whom, for whom, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aims<'a> {
    pub(super) iss: &'a str,
    pub(super) aud: &'a str,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
}

/// A token with these claims.
pub(super) fn issue<C: Serialize>(key: &Key, kind: Kind, claims: &C) -> String {
    let header =
        Header { alg: ALGORITHM.into(), typ: Some(kind.as_str().into()), kid: Some(key.kid().into()) };
    let mut token = String::with_capacity(640);
    append(&mut token, &header);
    token.push('.');
    append(&mut token, claims);
    let signature = key.sign(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
    token
}

fn append<T: Serialize>(token: &mut String, part: &T) {
    let json = serde_json::to_vec(part).expect("bug: a token's parts are maps of texts and numbers");
    URL_SAFE_NO_PAD.encode_string(json, token);
}

/// The claims of a token, its signature verified.
pub(super) fn open<C: DeserializeOwned>(token: &str, kind: Kind, keys: &KeyRing) -> Result<C, Refused> {
    if token.len() > LONGEST {
        return Err(Refused::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    if claims.contains('.') {
        return Err(Refused::Malformed);
    }
    let header = decode(header)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| Refused::Malformed)?;
    if header.alg != ALGORITHM {
        return Err(Refused::Algorithm);
    }
    let (Some(typ), Some(kid)) = (header.typ, header.kid) else { return Err(Refused::Malformed) };
    if typ != kind.as_str() {
        return Err(Refused::Kind);
    }
    let key = keys.find(&kid).ok_or(Refused::Key)?;
    key.verify(signed.as_bytes(), &decode(signature)?).map_err(|_| Refused::Signature)?;
    serde_json::from_slice(&decode(claims)?).map_err(|_| Refused::Malformed)
}

/// Base64url without padding, in its one canonical form: bits of the last digit that carry nothing
/// are zero, so that no two texts mean the same token.
fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed)
}
