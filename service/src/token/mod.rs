//! Tokens: JSON Web Tokens (RFC 7519) in compact serialization (RFC 7515), signed with Ed25519
//! (RFC 8037); the keys that sign and verify them, and their publication as a JWK set (RFC 7517).
//!
//! There are three kinds, told apart by the header's `typ` so that none is taken for another
//! (RFC 8725, section 3.11): access tokens in the shape of RFC 9068, refresh tokens, and device tokens.
//! This service reads only what it issued itself, so whatever looks otherwise is refused.

mod access;
mod device;
mod jws;
pub mod keys;
mod refresh;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use access::Access;

use crate::account::{AccountId, DeviceId};
use crate::clock::Timestamp;
use crate::config::front::TokensConfig;
use crate::session::Presented;
use keys::KeyRing;

/// What a token is for; written as its header's `typ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Shown to whoever trusts this service.
    Access,
    /// Exchanged for new tokens.
    Refresh,
    /// Proves that a device has signed in before.
    Device,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "refresh+jwt",
            Self::Device => "device+jwt",
        }
    }
}

/// Why a token is not accepted. Whoever presents it may be told: all of this can be read off the token
/// and the published keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// It is not in the form that this service issues.
    Malformed,
    /// Its header names another algorithm, or `none`.
    Algorithm,
    /// It is a token for another purpose.
    Kind,
    /// It names a key that is not known here (any more).
    Key,
    /// Its signature does not hold.
    Signature,
    /// It comes from another issuer.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// Its time is still to come.
    NotYet,
    /// Its time is over.
    Expired,
}

impl Refused {
    /// The word for metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::Kind => "token_kind",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::NotYet => "token_not_yet",
            Self::Expired => "token_expired",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the token is not in the form that is issued here",
            Self::Algorithm => "the token's algorithm is not EdDSA",
            Self::Kind => "the token is one for another purpose",
            Self::Key => "the token names a key that is not known here",
            Self::Signature => "the token's signature does not hold",
            Self::Issuer => "the token comes from another issuer",
            Self::Audience => "the token is meant for another audience",
            Self::NotYet => "the token is not valid yet",
            Self::Expired => "the token has expired",
        })
    }
}

impl std::error::Error for Refused {}

/// Issues and verifies tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    keys: Arc<KeyRing>,
    issuer: String,
    audience: String,
    access_ttl: Duration,
    skew: Duration,
}

impl Tokens {
    /// Tokens signed with these keys.
    #[must_use]
    pub fn new(keys: impl Into<Arc<KeyRing>>, config: &TokensConfig) -> Self {
        Self {
            keys: keys.into(),
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            access_ttl: config.access_ttl.get(),
            skew: config.clock_skew.get(),
        }
    }

    /// When an access token ends that is issued now: with its session at the latest, which nobody
    /// remembers for long after.
    #[must_use]
    pub fn access_end(&self, presented: &Presented, now: Timestamp) -> Timestamp {
        now.after(self.access_ttl).min(presented.expires)
    }

    /// An access token of the session that a refresh token belongs to. The same arguments give the same
    /// token.
    #[must_use]
    pub fn access(&self, presented: &Presented, now: Timestamp) -> String {
        let expires = self.access_end(presented, now);
        let claims = access::Claims::of(self, presented, now, expires);
        jws::issue(self.keys.active(now), Kind::Access, &claims)
    }

    /// A refresh token: the same bytes for the same arguments, since Ed25519 draws nothing (RFC 8032)
    /// and `made` decides which key signs. `expires` is kept in whole seconds, as `exp` has them.
    #[must_use]
    pub fn refresh(&self, presented: Presented, made: Timestamp) -> String {
        let claims = refresh::Claims::of(self, presented, made);
        jws::issue(self.keys.active(made), Kind::Refresh, &claims)
    }

    /// A token by which a device is known at later sign-ins to the account.
    #[must_use]
    pub fn device(&self, account: AccountId, device: DeviceId, now: Timestamp) -> String {
        let claims = device::Claims::of(self, account, device, now);
        jws::issue(self.keys.active(now), Kind::Device, &claims)
    }

    /// What an access token says, if it holds.
    pub fn verify_access(&self, token: &str, now: Timestamp) -> Result<Access, Refused> {
        let claims: access::Claims<'_> = jws::open(token, Kind::Access, &self.keys)?;
        claims.check(self, now)
    }

    /// What a refresh token says, if it holds.
    pub fn verify_refresh(&self, token: &str, now: Timestamp) -> Result<Presented, Refused> {
        let claims: refresh::Claims<'_> = jws::open(token, Kind::Refresh, &self.keys)?;
        claims.check(self, now)
    }

    /// Which device of which account a device token names, if it holds.
    pub fn verify_device(&self, token: &str, now: Timestamp) -> Result<(AccountId, DeviceId), Refused> {
        let claims: device::Claims<'_> = jws::open(token, Kind::Device, &self.keys)?;
        claims.check(self, now)
    }

    /// The public keys as a JWK set (RFC 7517, section 5), the one in force first. Keys whose time is
    /// still to come are in it, so that whoever keeps a copy knows them before they sign.
    #[must_use]
    pub fn key_set(&self, now: Timestamp) -> serde_json::Value {
        self.keys.set(now)
    }

    /// Checks what all kinds claim. Both ends of the time give way by the clocks' skew.
    fn check(&self, aims: &jws::Aims<'_>, audience: &str, now: Timestamp) -> Result<(), Refused> {
        if aims.iss != self.issuer {
            return Err(Refused::Issuer);
        }
        if aims.aud != audience {
            return Err(Refused::Audience);
        }
        let latest = now.after(self.skew);
        if Timestamp::of_seconds(aims.nbf) > latest || Timestamp::of_seconds(aims.iat) > latest {
            return Err(Refused::NotYet);
        }
        // "On or after" `exp` it is not accepted (RFC 7519, section 4.1.4).
        if now >= Timestamp::of_seconds(aims.exp).after(self.skew) {
            return Err(Refused::Expired);
        }
        Ok(())
    }
}
