//! Access tokens: JSON Web Tokens in the profile of RFC 9068, readable by whoever has the key set.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Refused, Tokens, jws};
use crate::account::{AccountId, Epoch, SessionId};
use crate::clock::Timestamp;
use crate::session::Presented;

/// What a verified access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub account: AccountId,
    /// The session that it was issued in.
    pub session: SessionId,
    /// The account's epoch at the sign-in.
    pub epoch: Epoch,
    /// The end of its session, to the second.
    pub session_expires: Timestamp,
    /// When it was issued, to the second.
    pub issued: Timestamp,
    /// Its end, to the second.
    pub expires: Timestamp,
}

/// The claims that RFC 9068, section 2.2, requires, the session with its end, and the epoch.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims<'a> {
    iss: Cow<'a, str>,
    aud: Cow<'a, str>,
    sub: AccountId,
    /// There is one kind of client, which is the audience itself: whoever asks with the password.
    client_id: Cow<'a, str>,
    sid: SessionId,
    /// Until when the session's revocation must be remembered, whatever the configuration says by then.
    session_exp: i64,
    epoch: Epoch,
    jti: Cow<'a, str>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl<'a> Claims<'a> {
    pub(super) fn of(tokens: &'a Tokens, presented: &Presented, now: Timestamp, expires: Timestamp) -> Self {
        let session = presented.session;
        Self {
            iss: tokens.issuer.as_str().into(),
            aud: tokens.audience.as_str().into(),
            sub: presented.account,
            client_id: tokens.audience.as_str().into(),
            sid: session,
            session_exp: presented.expires.seconds(),
            epoch: presented.epoch,
            // Two tokens with one identifier are the same token to the last byte.
            jti: format!("{session}.{}", now.0).into(),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: expires.seconds(),
        }
    }

    pub(super) fn check(&self, tokens: &Tokens, now: Timestamp) -> Result<Access, Refused> {
        let Self { iat, nbf, exp, .. } = *self;
        let aims = jws::Aims { iss: &self.iss, aud: &self.aud, iat, nbf, exp };
        tokens.check(&aims, &tokens.audience, now)?;
        Ok(Access {
            account: self.sub,
            session: self.sid,
            epoch: self.epoch,
            session_expires: Timestamp::of_seconds(self.session_exp),
            issued: Timestamp::of_seconds(iat),
            expires: Timestamp::of_seconds(exp),
        })
    }
}
