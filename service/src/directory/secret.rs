//! The secret that fronts send: compared in a time that does not depend on how much of it is right.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ring::hmac;

use super::answer::Refusal;
use crate::http::bearer;

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
    match secret.as_ref() {
        Some(secret) if !bearer(request.headers()).is_some_and(|token| secret.is(token)) => {
            Refusal::Unauthorized.into_response()
        }
        _ => next.run(request).await,
    }
}
