//! Device tokens: the device cookies of OWASP's page *Slow Down Online Guessing Attacks*. One proves
//! that somebody signed in to the account from that device, and lets nobody in.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Refused, Tokens, jws};
use crate::account::{AccountId, DeviceId};
use crate::clock::Timestamp;

/// How long a device is known after its last sign-in: as long as browsers keep a cookie at most
/// (draft-ietf-httpbis-rfc6265bis, section 5.5: 400 days).
const LASTS: Duration = Duration::from_secs(400 * 86_400);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims<'a> {
    iss: Cow<'a, str>,
    aud: Cow<'a, str>,
    sub: AccountId,
    device: DeviceId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl<'a> Claims<'a> {
    pub(super) fn of(tokens: &'a Tokens, account: AccountId, device: DeviceId, now: Timestamp) -> Self {
        Self {
            iss: tokens.issuer.as_str().into(),
            aud: tokens.issuer.as_str().into(),
            sub: account,
            device,
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: now.after(LASTS).seconds(),
        }
    }

    pub(super) fn check(&self, tokens: &Tokens, now: Timestamp) -> Result<(AccountId, DeviceId), Refused> {
        let Self { iat, nbf, exp, .. } = *self;
        let aims = jws::Aims { iss: &self.iss, aud: &self.aud, iat, nbf, exp };
        tokens.check(&aims, &tokens.issuer, now)?;
        Ok((self.sub, self.device))
    }
}
