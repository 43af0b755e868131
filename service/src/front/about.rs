//! What the service tells of itself: its keys, its interface, its health, its metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::directory::Fault;
use super::refusal::Refusal;
use super::visit::{Visit, unkept};
use super::{Front, OPENAPI};
use crate::hop::{HopError, Phase};

/// How long the directory may take to say that it is ready: probes of Kubernetes wait one second unless
/// told otherwise, and shall get this answer rather than none.
const READY: Duration = Duration::from_millis(800);

/// How long a key set may be kept: keys are published before they sign, and whoever meets an unknown
/// `kid` asks anew.
const KEY_SET_KEPT: &str = "public, max-age=300";

#[derive(Serialize)]
struct Word {
    status: &'static str,
}

/// `GET /.well-known/jwks.json`.
pub(super) async fn key_set(visit: Visit) -> Response {
    let set = visit.tokens.key_set(visit.now());
    let kinds = [(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, KEY_SET_KEPT)];
    (kinds, Json(set).into_response().into_body()).into_response()
}

/// `GET /openapi.json`.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

/// `GET /healthz`: that this process answers. It asks nobody: a directory that is down is no reason to
/// restart the front.
pub(super) async fn alive() -> Response {
    unkept(StatusCode::OK, Word { status: "alive" })
}

/// `GET /readyz`: whether sign-ins would find the directory.
pub(super) async fn ready(mut visit: Visit) -> Response {
    let asked = tokio::time::timeout(READY, visit.directory.ready()).await;
    let fault = match asked {
        Ok(Ok(())) => None,
        Ok(Err(fault)) => Some(fault),
        Err(_) => Some(Fault::Hop(HopError::Timeout(Phase::Call))),
    };
    let outcome = match fault {
        None => Ok(unkept(StatusCode::OK, Word { status: "ready" })),
        Some(fault) => Err(Refusal::unready(&fault)),
    };
    visit.answer(outcome)
}

/// `GET /metrics`.
pub(super) async fn metrics(State(front): State<Arc<Front>>) -> impl IntoResponse {
    front.metrics.exposed()
}
