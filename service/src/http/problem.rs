//! Bodies of errors, in the shape of RFC 6749, section 5.2: `{"error":"...","error_description":"..."}`.
//! Says nothing of why inside: that goes to the access log, by [`super::Note`].

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer that refuses or fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// A code for programs: one of RFC 6749, section 5.2, or of ours in the same style.
    pub error: &'static str,
    /// What happened and what to do, for the developer of the client; never a secret.
    pub description: Cow<'static, str>,
    /// After how long asking again makes sense; told in whole seconds, rounded up.
    pub retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl Problem {
    /// A problem that asking again does not solve.
    #[must_use]
    pub fn new(status: StatusCode, error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status, error, description: description.into(), retry_after: None }
    }

    /// The same, for callers that shall ask again after a while.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }
}

/// Whole seconds, rounded up, and at least one: `Retry-After: 0` invites to ask at once.
fn seconds(wait: Duration) -> u64 {
    let more = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(more).max(1)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body { error: self.error, error_description: &self.description };
        let body = serde_json::to_string(&body).expect("bug: two strings are JSON");
        let json = HeaderValue::from_static("application/json");
        // RFC 6749, section 5.1, asks both of answers with tokens; a refusal is kept by nobody either.
        let fixed: [(HeaderName, HeaderValue); 3] = [
            (header::CONTENT_TYPE, json),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::PRAGMA, HeaderValue::from_static("no-cache")),
        ];
        let mut response = (self.status, fixed, body).into_response();
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 15.5.2: a 401 names a scheme.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_problem_is_json_that_nobody_keeps() {
        let problem =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "say \"later\"")
                .retry_after(Duration::from_millis(1100));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some("application/json"));
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(header("retry-after").as_deref(), Some("2"));
        assert_eq!(header("www-authenticate"), None);
        let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
        assert_eq!(&body[..], br#"{"error":"temporarily_unavailable","error_description":"say \"later\""}"#);
    }

    #[test]
    fn a_401_names_a_scheme() {
        let response = Problem::new(StatusCode::UNAUTHORIZED, "invalid_grant", "").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }

    #[test]
    fn a_wait_of_nothing_is_told_as_a_second() {
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_secs(3)), 3);
    }
}
