//! Answers that refuse: their status and words, the word for the access log, and how they count where
//! they end a sign-in. The one place that words them, so that answers that must be the same are.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::StatusCode;

use super::directory::Fault;
use crate::hash::{Busy, Unread};
use crate::http::problem::Problem;
use crate::metrics::LoginResult;
use crate::token::Refused;

/// After how long asking again makes sense, where the directory or the hash queue could not keep up:
/// long enough to let a queue drain, short enough for a person to wait.
const LATER: Duration = Duration::from_secs(1);

/// Why a request is not answered as it wished.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) problem: Problem,
    /// The word for the access log.
    pub(super) reason: &'static str,
    /// How a sign-in ends by it; `None` where there was none.
    pub(super) result: Option<LoginResult>,
}

/// What goes for a request that is not understood, whatever it is for.
fn misworded(
    status: StatusCode,
    error: &'static str,
    reason: &'static str,
    why: impl Into<Cow<'static, str>>,
) -> Refusal {
    Refusal { problem: Problem::new(status, error, why), reason, result: None }
}

impl Refusal {
    /// A request that is not in its documented form.
    pub(super) fn request(why: impl Into<Cow<'static, str>>) -> Self {
        misworded(StatusCode::BAD_REQUEST, "invalid_request", "invalid_request", why)
    }

    /// A body of another type than the path takes.
    pub(super) fn media_type(wanted: &'static str) -> Self {
        let why = format!("the body's Content-Type must be {wanted}");
        misworded(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", "media_type", why)
    }

    /// A body larger than `server.max_body_bytes`, which did not say so in its head.
    pub(super) fn too_large() -> Self {
        let why = "the body is too large";
        misworded(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "too_large", why)
    }

    /// A grant that this service has not (RFC 6749, section 5.2).
    pub(super) fn grant_type() -> Self {
        let why = "grant_type is `password` or `refresh_token`";
        misworded(StatusCode::BAD_REQUEST, "unsupported_grant_type", "unsupported_grant_type", why)
    }

    /// A kind of token that cannot be revoked (RFC 7009, section 2.2.1).
    pub(super) fn token_type() -> Self {
        let why = "a device token lets nobody in and is not revoked";
        misworded(StatusCode::BAD_REQUEST, "unsupported_token_type", "unsupported_token_type", why)
    }

    /// A new password that is not good enough.
    pub(super) fn password(why: impl Into<Cow<'static, str>>) -> Self {
        misworded(StatusCode::BAD_REQUEST, "weak_password", "weak_password", why)
    }

    /// A login that has an account.
    pub(super) fn taken() -> Self {
        let why = "an account with this login exists";
        misworded(StatusCode::CONFLICT, "login_taken", "login_taken", why)
    }

    /// An account whose password was changed by another request at the same time.
    pub(super) fn changed() -> Self {
        let why = "the account was changed at the same time; ask again";
        misworded(StatusCode::CONFLICT, "account_changed", "account_changed", why)
    }

    /// Credentials that prove nothing. Unknown login, wrong password, locked account and a stored hash
    /// that could not be judged differ in what is counted and logged, and in nothing that is answered.
    pub(super) fn credentials(locked: bool, unread: Option<Unread>) -> Self {
        let result = if locked { LoginResult::Locked } else { LoginResult::BadCredentials };
        let why = "no account with this login and password can sign in now";
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "invalid_grant", why);
        let reason = unread.map_or(result.as_str(), Unread::as_str);
        Self { problem, reason, result: Some(result) }
    }

    /// A refresh token that gives nothing, and why; its holder can read it anyway.
    pub(super) fn grant(why: impl Into<Cow<'static, str>>, reason: &'static str) -> Self {
        misworded(StatusCode::UNAUTHORIZED, "invalid_grant", reason, why)
    }

    /// A caller without an access token that holds (RFC 6750, section 3.1).
    pub(super) fn bearer(why: impl Into<Cow<'static, str>>, reason: &'static str) -> Self {
        misworded(StatusCode::UNAUTHORIZED, "invalid_token", reason, why)
    }

    /// An address that asks too often.
    pub(super) fn throttled(wait: Duration) -> Self {
        let result = LoginResult::Throttled;
        let why = "too many requests from this address; ask again later";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", why).retry_after(wait);
        Self { problem, reason: result.as_str(), result: Some(result) }
    }

    /// A list of breached passwords that cannot be read: no password passes unseen.
    pub(super) fn unread_list() -> Self {
        let why = "new passwords cannot be checked now; ask again later";
        let problem = unavailable(why);
        Self { problem, reason: "breached_list_unreadable", result: None }
    }

    /// A front that could not sign anybody in now; always 503, as probes know it.
    pub(super) fn unready(fault: &Fault) -> Self {
        let result = fault.result();
        Self { problem: unavailable("the directory is not ready"), reason: result.as_str(), result: None }
    }

    /// A mistake of our own.
    pub(super) fn internal(reason: &'static str) -> Self {
        let why = "this service made a mistake";
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", why);
        Self { problem, reason, result: Some(LoginResult::Internal) }
    }

    /// The same as RFC 6749, section 5.2, wants it of the token endpoint: credentials and tokens that
    /// prove nothing are a 400 there.
    pub(super) fn at_token_endpoint(mut self) -> Self {
        if self.problem.status == StatusCode::UNAUTHORIZED {
            self.problem.status = StatusCode::BAD_REQUEST;
        }
        self
    }
}

fn unavailable(why: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", why).retry_after(LATER)
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let result = fault.result();
        let problem = match result {
            LoginResult::Timeout => {
                let why = "the directory did not answer in time";
                Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", why)
            }
            LoginResult::Unreachable => unavailable("the directory cannot be reached; ask again later"),
            LoginResult::DependencyError => unavailable("the directory cannot answer now; ask again later"),
            _ => return Self::internal("misunderstood"),
        };
        Self { problem, reason: result.as_str(), result: Some(result) }
    }
}

impl From<Busy> for Refusal {
    fn from(_: Busy) -> Self {
        let problem = unavailable("too many passwords are being verified; ask again later");
        Self { problem, reason: "hash_queue_full", result: Some(LoginResult::Throttled) }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::grant(refused.to_string(), refused.as_str())
    }
}
