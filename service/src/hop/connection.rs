//! One connection to the next component: carries one request at a time. Dropped, it is closed, so that
//! a call that nobody waits for any more ends at the callee too.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::tapped::{Tap, Tapped};

/// The largest answer, in bytes. The largest that the directory gives holds one account: about 1 KiB.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The largest head of an answer, in bytes: the least that hyper takes.
const LARGEST_HEAD: usize = 8 * 1024;

/// A connection that is open, as far as is known.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    received: Received,
    /// When it was made.
    pub(super) made: Instant,
    /// When it was last given back.
    pub(super) idle_since: Instant,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// How long the callee asks to wait before the next attempt.
    pub(super) retry_after: Option<Duration>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) why: String,
    /// How far it had come.
    pub(super) stage: Stage,
}

/// How far a request had come when its connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of it was sent.
    Unsent,
    /// It may have arrived; nothing came back.
    Unanswered,
    /// Some of the answer came.
    Answered,
}

/// Counts a connection as open until it is dropped.
struct Open(Arc<Metrics>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.pool_connections.dec();
    }
}

impl Connection {
    /// Speaks HTTP over a stream.
    pub(super) async fn over(
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        metrics: Arc<Metrics>,
    ) -> Result<Self, hyper::Error> {
        let received = Received::default();
        let counted = Tapped { io, tap: received.clone() };
        let mut builder = Builder::new();
        builder.max_buf_size(2 * LARGEST_HEAD).max_header_size(LARGEST_HEAD);
        let (sender, connection) = builder.handshake(TokioIo::new(counted)).await?;
        metrics.pool_connections.inc();
        let open = Open(metrics);
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told of a failure; else it only means that it is over.
            let _ = connection.await;
            drop(open);
        });
        let now = Instant::now();
        Ok(Self { sender, driver, received, made: now, idle_since: now })
    }

    /// Whether the callee has closed it already.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for all of its answer.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Lost> {
        if let Err(error) = self.sender.ready().await {
            return Err(Lost { why: chain(&error), stage: Stage::Unsent });
        }
        let before = self.received.so_far();
        let response = match self.sender.try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => {
                let stage = if error.take_message().is_some() {
                    Stage::Unsent
                } else if self.received.so_far() == before {
                    Stage::Unanswered
                } else {
                    Stage::Answered
                };
                return Err(Lost { why: chain(error.error()), stage });
            }
        };
        let (head, body) = response.into_parts();
        let retry_after = head.headers.get(header::RETRY_AFTER);
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(body, LARGEST_ANSWER).collect().await;
        let body = body.map_err(|error| Lost { why: chain(&*error), stage: Stage::Answered })?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), body, retry_after: seconds.map(Duration::from_secs) })
    }
}

/// An error with its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Counts the bytes that came.
#[derive(Debug, Clone, Default)]
struct Received(Arc<AtomicU64>);

impl Received {
    fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tap for Received {
    fn received(&self, bytes: usize) {
        self.0.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
