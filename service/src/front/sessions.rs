//! What becomes of issued tokens: rotated, ended, described.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::body;
use super::refusal::Refusal;
use super::visit::{UNKEPT, Visit, unkept};
use crate::account::{AccountId, Login, SessionId};
use crate::api;
use crate::http::bearer;
use crate::session::{Presented, Rotation};
use crate::token::{Access, Refused};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    refresh_token: String,
}

/// The answer of RFC 7662, section 2.2.
#[derive(Serialize)]
struct Description {
    active: bool,
    #[serde(flatten)]
    token: Option<Described>,
}

/// What is told of a token that is active.
#[derive(Serialize)]
struct Described {
    token_type: &'static str,
    iss: String,
    aud: String,
    sub: AccountId,
    sid: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<Login>,
    iat: i64,
    exp: i64,
}

/// `POST /refresh`.
pub(super) async fn refresh(mut visit: Visit, request: Request) -> Response {
    let outcome = match body::json(request).await {
        Ok(Refresh { refresh_token }) => visit.refreshed(&refresh_token).await,
        Err(refusal) => Err(refusal),
    };
    visit.answer(outcome)
}

/// `POST /logout`: ends the session of a refresh token.
pub(super) async fn logout(mut visit: Visit, request: Request) -> Response {
    let outcome = visit.logged_out(request).await;
    visit.answer(outcome)
}

/// `POST /revoke`: RFC 7009. A token that is not known, or not valid any more, is as good as revoked.
/// Whoever holds a token may end it, without further proof.
pub(super) async fn revoke(mut visit: Visit, request: Request) -> Response {
    let outcome = visit.revoked(request).await;
    visit.answer(outcome)
}

/// `POST /introspect`: RFC 7662, for services that want to know of a sign-out before the access token
/// ends. It describes access tokens alone: what becomes of a refresh token is told to who presents it.
/// The caller shows an access token of its own (section 2.1 leaves the manner open), which is verified
/// as any service would, by signature and time: so strangers cannot ask, no further secret needs to be
/// kept, and a call costs one question to the directory.
pub(super) async fn introspect(mut visit: Visit, request: Request) -> Response {
    let outcome = visit.introspected(request).await;
    visit.answer(outcome)
}

impl Visit {
    /// Exchanges a refresh token. Within the directory's grace the same token gets the same successor.
    pub(super) async fn refreshed(&mut self, token: &str) -> Result<Response, Refusal> {
        let presented = self.tokens.verify_refresh(token, self.now())?;
        match self.directory.rotate(&presented).await? {
            Rotation::Successor { generation, rotated, replayed } => {
                self.reason = Some(if replayed { "replayed" } else { "rotated" });
                let successor = Presented { generation, ..presented };
                Ok(unkept(StatusCode::OK, self.issued(successor, rotated)))
            }
            Rotation::Reused => {
                Err(Refusal::grant("the token was used before; its session is ended", "token_reused"))
            }
            Rotation::Revoked => Err(Refusal::grant("the token's session was ended", "session_revoked")),
            Rotation::Expired => Err(Refusal::grant("the token's session is over", "session_expired")),
        }
    }

    async fn logged_out(&mut self, request: Request) -> Result<Response, Refusal> {
        let Refresh { refresh_token } = body::json(request).await?;
        match self.tokens.verify_refresh(&refresh_token, self.now()) {
            Ok(presented) => self.end(presented.into()).await?,
            // There is nothing left to end.
            Err(Refused::Expired) => self.reason = Some(Refused::Expired.as_str()),
            Err(refused) => return Err(refused.into()),
        }
        Ok((StatusCode::NO_CONTENT, UNKEPT).into_response())
    }

    async fn end(&mut self, revoke: api::Revoke) -> Result<(), Refusal> {
        self.directory.revoke(&revoke).await?;
        self.reason = Some("revoked");
        Ok(())
    }

    async fn revoked(&mut self, request: Request) -> Result<Response, Refusal> {
        let form = body::form(request).await?;
        let token = form.need("token")?;
        let now = self.now();
        // The hint only orders the search (section 2.1), and a token tells its kind by itself.
        if let Ok(presented) = self.tokens.verify_refresh(token, now) {
            self.end(presented.into()).await?;
        } else if let Ok(access) = self.tokens.verify_access(token, now) {
            // The end that the sign-in gave: under another `tokens.refresh_ttl` now, one computed here
            // could be earlier, and the first refresh token would outlive its revocation.
            let Access { session, account, session_expires: expires, .. } = access;
            self.end(api::Revoke { session, account, expires }).await?;
        } else if self.tokens.verify_device(token, now).is_ok() {
            return Err(Refusal::token_type());
        } else {
            self.reason = Some("unknown_token");
        }
        Ok((StatusCode::OK, UNKEPT).into_response())
    }

    async fn introspected(&mut self, request: Request) -> Result<Response, Refusal> {
        let caller = bearer(request.headers()).and_then(|token| std::str::from_utf8(token).ok());
        let caller = caller.ok_or_else(|| {
            Refusal::bearer("show an access token: `Authorization: Bearer ...`", "no_bearer")
        })?;
        let verified = self.tokens.verify_access(caller, self.now());
        verified.map_err(|refused| Refusal::bearer(refused.to_string(), refused.as_str()))?;
        let form = body::form(request).await?;
        let token = self.described(form.need("token")?).await?;
        Ok(unkept(StatusCode::OK, Description { active: token.is_some(), token }))
    }

    /// What is told of a token; nothing where it is not active.
    async fn described(&mut self, token: &str) -> Result<Option<Described>, Refusal> {
        let access = match self.tokens.verify_access(token, self.now()) {
            Ok(access) => access,
            Err(refused) => {
                self.reason = Some(refused.as_str());
                return Ok(None);
            }
        };
        let Access { account, session, epoch, issued, expires, .. } = access;
        let alive = self.directory.status(&api::Status { session, account, epoch }).await?;
        self.reason = Some(if alive.active { "active" } else { "inactive" });
        Ok(alive.active.then(|| Described {
            token_type: "Bearer",
            iss: self.config.tokens.issuer.clone(),
            aud: self.config.tokens.audience.clone(),
            sub: account,
            sid: session,
            username: alive.login,
            iat: issued.seconds(),
            exp: expires.seconds(),
        }))
    }
}
