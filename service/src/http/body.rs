//! Bodies that tell what became of them: a request's, which is limited in size and known to have
//! arrived or not, and one that says when it is over.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body_util::Limited;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// A request's body, cut off beyond a limit.
pub(super) struct Arriving {
    body: Limited<Body>,
    arrived: Arc<AtomicBool>,
}

impl Arriving {
    /// The body with its limit in bytes, and what becomes true when all of it has arrived.
    pub(super) fn new(body: Body, limit: usize) -> (Self, Arc<AtomicBool>) {
        let arrived = Arc::new(AtomicBool::new(body.is_end_stream()));
        (Self { body: Limited::new(body, limit), arrived: arrived.clone() }, arrived)
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = <Limited<Body> as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.arrived.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that does something when it is over, sent or not.
pub(super) struct Ending<F: FnOnce()> {
    body: Body,
    end: Option<F>,
}

impl<F: FnOnce()> Ending<F> {
    pub(super) fn new(body: Body, end: F) -> Self {
        Self { body, end: Some(end) }
    }
}

impl<F: FnOnce()> Drop for Ending<F> {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

impl<F: FnOnce() + Unpin> HttpBody for Ending<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
