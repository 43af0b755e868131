//! The next component in the same process: requests go straight to its router, without sockets and
//! without limits. For tests and for runs on a virtual clock; its own layers (limit, shedding, log) hold
//! as they do over sockets.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::{Ask, Calling, Failed, HopError, Reply, Transport};

/// Carries requests to a router in the same process.
#[derive(Debug, Clone)]
pub struct Within(pub Router);

impl Transport for Within {
    fn call(&self, ask: Ask) -> Calling<'_> {
        Box::pin(async move {
            let begun = Instant::now();
            let broken =
                |why: String| Failed { error: HopError::Broken(why), retries: 0, took: begun.elapsed() };
            let request = request(ask).map_err(|error| broken(error.to_string()))?;
            let response = match self.0.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|error| broken(error.to_string()))?;
            Ok(Reply { status, body: body.to_bytes(), retries: 0, took: begun.elapsed() })
        })
    }
}

fn request(ask: Ask) -> Result<Request<Body>, axum::http::Error> {
    let mut request = Request::builder().method(ask.method()).uri(ask.path);
    if !ask.body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    for (name, value) in ask.passed {
        request = request.header(name, value);
    }
    request.body(Body::from(ask.body))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::HeaderMap;
    use axum::routing::{get, post};

    use super::*;

    fn ask(path: &'static str, body: &'static str) -> Ask {
        let passed = vec![("x-request-id", "r1".to_owned())];
        Ask { path, body: Bytes::from_static(body.as_bytes()), repeatable: true, passed }
    }

    #[tokio::test]
    async fn a_request_with_a_body_is_a_post_of_json_and_passes_headers_on() {
        let said = |headers: HeaderMap, body: String| async move {
            format!("{:?} {:?} {body}", headers["content-type"], headers["x-request-id"])
        };
        let within = Within(Router::new().route("/a", post(said)));
        let reply = within.call(ask("/a", "{}")).await.unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(reply.body, "\"application/json\" \"r1\" {}");
    }

    #[tokio::test]
    async fn a_request_without_a_body_is_a_get() {
        let within = Within(Router::new().route("/readyz", get(|| async { "ready" })));
        let reply = within.call(ask("/readyz", "")).await.unwrap();
        assert_eq!((reply.status, reply.body), (200, Bytes::from_static(b"ready")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_an_answer_is_told() {
        let slow = || async {
            tokio::time::sleep(std::time::Duration::from_millis(70)).await;
        };
        let within = Within(Router::new().route("/slow", get(slow)));
        let took = within.call(ask("/slow", "")).await.unwrap().took;
        assert_eq!(took.as_millis(), 70);
    }
}
