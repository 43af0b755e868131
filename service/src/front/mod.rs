//! The front, `authd serve`: verifies passwords, issues, refreshes and revokes tokens. Keeps nothing
//! that another replica would miss; what lasts is in the directory.
//!
//! - `visit` is one request under way: its configuration, its calls to the directory, its line in the log.
//! - `sign_in` proves who somebody is and issues tokens; `accounts` makes accounts and changes passwords;
//!   `sessions` rotates, ends and describes what was issued; `about` tells of the service itself.
//! - `body` reads requests, `refusal` words answers that refuse, `attempt` counts sign-ins, `throttle`
//!   limits addresses, `pseudonym` hides logins from logs, `directory` speaks to the directory.

mod about;
mod accounts;
mod attempt;
mod body;
pub mod directory;
mod pseudonym;
mod refusal;
mod sessions;
mod sign_in;
pub mod throttle;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, get, post};

use crate::clock::Clock;
use crate::config::front::FrontConfig;
use crate::config::live::Live;
use crate::entropy::Entropy;
use crate::hash::Hasher;
use crate::hash::breached::Breached;
use crate::hop::Transport;
use crate::metrics::Metrics;
use crate::token::keys::KeyRing;
pub use attempt::turned;
pub use pseudonym::Pseudonyms;
use throttle::Throttle;

/// What the handlers share.
pub struct Front {
    /// The configuration; each handler asks once and keeps it to its end. The passage around it and the
    /// pool below ask for themselves.
    pub config: Live<FrontConfig>,
    /// Carries calls to the directory.
    pub transport: Arc<dyn Transport>,
    /// The keys that sign and verify tokens; as the configuration, one for the whole of a handler.
    pub keys: Live<KeyRing>,
    /// Hashes and verifies passwords.
    pub hasher: Hasher,
    /// Passwords known from breaches, where a list is configured.
    pub breached: Option<Breached>,
    /// Dates tokens and fills the buckets of addresses.
    pub clock: Arc<dyn Clock>,
    /// Draws identifiers.
    pub entropy: Arc<dyn Entropy>,
    /// Counts and measures.
    pub metrics: Arc<Metrics>,
    /// How much each address has asked lately.
    pub throttle: Throttle,
    /// Names people in logs.
    pub pseudonyms: Pseudonyms,
}

/// What `GET /openapi.json` gives; written by hand, held to the router and to its answers by tests.
pub const OPENAPI: &str = include_str!("../../openapi.json");

type Routed = (Method, &'static str, MethodRouter<Arc<Front>>);

/// Every route, one a line; the router and the test of the OpenAPI document read the same list.
fn routes() -> [Routed; 13] {
    [
        (Method::POST, "/register", post(accounts::register)),
        (Method::POST, "/login", post(sign_in::login)),
        (Method::POST, "/token", post(sign_in::token)),
        (Method::POST, "/refresh", post(sessions::refresh)),
        (Method::POST, "/revoke", post(sessions::revoke)),
        (Method::POST, "/introspect", post(sessions::introspect)),
        (Method::POST, "/logout", post(sessions::logout)),
        (Method::POST, "/password", post(accounts::password)),
        (Method::GET, "/.well-known/jwks.json", get(about::key_set)),
        (Method::GET, "/openapi.json", get(about::openapi)),
        (Method::GET, "/healthz", get(about::alive)),
        (Method::GET, "/readyz", get(about::ready)),
        (Method::GET, "/metrics", get(about::metrics)),
    ]
}

/// The operations that the router answers.
pub fn operations() -> impl Iterator<Item = (Method, &'static str)> {
    routes().into_iter().map(|(method, path, _)| (method, path))
}

/// Routes that are answered however much is going on; for `http::passage::Means::always`.
pub const ALWAYS: &[&str] = &["/healthz", "/metrics"];

/// The routes of the front. They expect the passage of `http::passage` around them.
pub fn router(front: Arc<Front>) -> Router {
    let routed = routes().into_iter().fold(Router::new(), |router, (_, path, to)| router.route(path, to));
    routed.with_state(front)
}
