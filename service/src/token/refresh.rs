//! Refresh tokens: read by this service alone, so its issuer is their audience too.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Refused, Tokens, jws};
use crate::account::{AccountId, Epoch, SessionId};
use crate::clock::Timestamp;
use crate::session::Presented;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims<'a> {
    iss: Cow<'a, str>,
    aud: Cow<'a, str>,
    sub: AccountId,
    sid: SessionId,
    epoch: Epoch,
    /// How often the session's token had been rotated.
    generation: u32,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl<'a> Claims<'a> {
    pub(super) fn of(tokens: &'a Tokens, presented: Presented, made: Timestamp) -> Self {
        Self {
            iss: tokens.issuer.as_str().into(),
            aud: tokens.issuer.as_str().into(),
            sub: presented.account,
            sid: presented.session,
            epoch: presented.epoch,
            generation: presented.generation,
            iat: made.seconds(),
            nbf: made.seconds(),
            exp: presented.expires.seconds(),
        }
    }

    pub(super) fn check(&self, tokens: &Tokens, now: Timestamp) -> Result<Presented, Refused> {
        let Self { iat, nbf, exp, .. } = *self;
        let aims = jws::Aims { iss: &self.iss, aud: &self.aud, iat, nbf, exp };
        tokens.check(&aims, &tokens.issuer, now)?;
        Ok(Presented {
            session: self.sid,
            account: self.sub,
            epoch: self.epoch,
            generation: self.generation,
            expires: Timestamp::of_seconds(exp),
        })
    }
}
