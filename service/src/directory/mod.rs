//! The directory, `authd directory`: accounts, sessions and lockouts over HTTP, for fronts alone.
//!
//! It decides nothing: what a request means is arithmetic in `lockout` and `session`, and what is kept
//! is kept by a `store`. Here requests are read, callers are checked, and failures get their names.
//! Limits on bodies, on time and on requests at once are set around the router, by `http`.

mod answer;
mod handlers;
mod secret;
pub mod sweep;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use crate::api::path;
use crate::clock::Clock;
use crate::config::directory::DirectoryConfig;
use crate::config::live::Live;
use crate::metrics::Metrics;
use crate::store::Store;

/// What the handlers share.
pub struct Directory {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// The configuration; lockout and grace are asked anew for each request.
    pub config: Live<DirectoryConfig>,
    /// Dates failures and rotations.
    pub clock: Arc<dyn Clock>,
    /// Counts and measures.
    pub metrics: Arc<Metrics>,
    /// What fronts must send as a bearer token; `None`: whoever reaches it may ask.
    pub secret: Option<String>,
}

/// The routes of the directory. Those below `/v1` ask for the secret.
pub fn router(directory: Arc<Directory>) -> Router {
    let guard = Arc::new(directory.secret.as_deref().map(secret::Secret::new));
    Router::new()
        .route(path::REGISTER, post(handlers::register))
        .route(path::LOOKUP, post(handlers::lookup))
        .route(path::SET_HASH, post(handlers::set_hash))
        .route(path::FAILED, post(handlers::failed))
        .route(path::CLEARED, post(handlers::cleared))
        .route(path::ROTATE, post(handlers::rotate))
        .route(path::REVOKE, post(handlers::revoke))
        .route(path::STATUS, post(handlers::status))
        .route_layer(middleware::from_fn_with_state(guard, secret::ask))
        .route("/healthz", get(handlers::alive))
        .route("/readyz", get(handlers::ready))
        .route("/metrics", get(handlers::metrics))
        .fallback(handlers::no_such_path)
        .method_not_allowed_fallback(handlers::other_method)
        .with_state(directory)
}
