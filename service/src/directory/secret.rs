//! The secret that fronts send: compared in a time that does not depend on how much of it is right.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ring::hmac;

use super::answer::Refusal;

/// A secret as its own key and tag: `ring` compares tags in constant time.
pub(super) struct Secret {
    key: hmac::Key,
    tag: hmac::Tag,
}

impl Secret {
    pub(super) fn new(secret: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, secret.as_bytes());
        Self { key, tag }
    }

    fn is(&self, presented: &[u8]) -> bool {
        hmac::verify(&self.key, presented, self.tag.as_ref()).is_ok()
    }
}

/// Lets a request through that carries the secret, if there is one.
pub(super) async fn ask(State(secret): State<Arc<Option<Secret>>>, request: Request, next: Next) -> Response {
    let presented = request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    match secret.as_ref() {
        Some(secret) if !bearer(presented).is_some_and(|token| secret.is(token)) => {
            Refusal::Unauthorized.into_response()
        }
        _ => next.run(request).await,
    }
}

/// The credentials of the scheme `Bearer`, whose name is not case-sensitive (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
