//! What every request of either role passes through, outermost: its names and limits, and its line in
//! the access log. Knows no route and no meaning of one.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::{Passage, Peer, Reached};
use crate::clock::Clock;
use crate::config::live::Live;
use crate::entropy::Entropy;
use crate::metrics::Metrics;

/// What a passage needs of its role.
pub struct Means<C> {
    /// The limits in force.
    pub config: Live<C>,
    /// Where it counts.
    pub metrics: Arc<Metrics>,
    /// Dates the access log.
    pub clock: Arc<dyn Clock>,
    /// Draws identifiers of requests and spans.
    pub entropy: Arc<dyn Entropy>,
}

/// Puts the passage around a router. Handlers find a [`Passage`] in the request's extensions and may
/// leave a [`super::Note`] in the response's.
pub fn layer<C: Reached>(router: Router, means: Means<C>) -> Router {
    let means = Arc::new(means);
    router.layer(axum::middleware::from_fn(move |request, next| pass(means.clone(), request, next)))
}

async fn pass<C: Reached>(means: Arc<Means<C>>, mut request: Request, next: Next) -> Response {
    let config = means.config.now();
    let server = config.server();
    let arrived = Instant::now();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let passage = Passage {
        request_id: String::new(),
        traceparent: String::new(),
        tracestate: None,
        client: peer.unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)),
        arrived,
        deadline: arrived + server.request_timeout.get(),
    };
    request.extensions_mut().insert(passage);
    next.run(request).await
}
