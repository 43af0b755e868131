//! What the directory answers: a message of `api` as JSON, or a problem; and with either what the
//! access log is told.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::Note;
use crate::http::problem::Problem;
use crate::store::Failure;

/// A message, and how long the store took.
pub(super) struct Answer<T> {
    pub(super) message: T,
    pub(super) upstream: Duration,
    /// A word for the access log, where the message is not simply what was asked for.
    pub(super) reason: Option<&'static str>,
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.message).into_response();
        response.extensions_mut().insert(Note {
            reason: self.reason,
            upstream: self.upstream,
            ..Note::default()
        });
        response
    }
}

/// Why a request is not answered.
pub(super) enum Refusal {
    /// The caller did not send the secret.
    Unauthorized,
    /// The body is not the message of this path.
    Malformed(String),
    /// The body did not arrive: too large, or broken off.
    Body(StatusCode),
    /// The login has another account.
    Taken(Duration),
    /// The account is another one than the caller has seen.
    Changed(Duration),
    /// The store has no answer.
    Store(Failure, Duration),
    /// There is no such path.
    Path,
    /// The path takes another method.
    Method,
}

impl Refusal {
    fn problem(&self) -> Problem {
        let body = "the body is not the message of this path";
        match self {
            Self::Unauthorized => {
                Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "send the secret as a bearer token")
            }
            Self::Malformed(why) => {
                Problem::new(StatusCode::BAD_REQUEST, "malformed", format!("{body}: {why}"))
            }
            Self::Body(status) => Problem::new(*status, "body", "the body did not arrive whole"),
            Self::Taken(_) => {
                Problem::new(StatusCode::CONFLICT, "login_taken", "the login has another account")
            }
            Self::Changed(_) => {
                let gone = "the account has another hash by now, or is gone";
                Problem::new(StatusCode::CONFLICT, "account_changed", gone)
            }
            Self::Store(failure, _) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                // In its own words a database names hosts, tables and versions, and `/readyz` is answered
                // to whoever asks.
                let why = "the database has no answer now; the log of the directory says why";
                Problem::new(status, failure.reason(), why).retry_after(Duration::from_secs(1))
            }
            Self::Path => Problem::new(StatusCode::NOT_FOUND, "no_such_path", "there is no such path"),
            Self::Method => {
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "other_method", "the path takes another method")
            }
        }
    }

    /// How long the store took to say so.
    fn upstream(&self) -> Duration {
        match self {
            Self::Taken(took) | Self::Changed(took) | Self::Store(_, took) => *took,
            _ => Duration::ZERO,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (problem, upstream) = (self.problem(), self.upstream());
        let detail = match &self {
            Self::Store(failure, _) => Some(failure.to_string()),
            _ => None,
        };
        let note = Note { reason: Some(problem.error), detail, upstream, ..Note::default() };
        let mut response = problem.into_response();
        response.extensions_mut().insert(note);
        response
    }
}
