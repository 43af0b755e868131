//! One connection: carries one request at a time. Dropped, it is closed, so that an answer that nobody
//! waits for any more ends at the other side too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::dial::Stream;
use super::failed::Broke;
use super::micros;

/// How much is read at once at most, in bytes. It is kept by each connection; larger ones gain nothing.
const BUFFER: usize = 32 * 1024;

/// The largest head of an answer, in bytes: far above what exporters and webhooks send.
const LARGEST_HEAD: usize = 16 * 1024;

/// A connection that is open, as far as is known.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    heard: Arc<Heard>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A request that got no head of an answer.
pub(super) struct Unanswered {
    pub(super) broke: Broke,
    /// How far it had come.
    pub(super) stage: Stage,
}

/// How far a request had come when its connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of it was sent.
    Unsent,
    /// It may have arrived; nothing came back.
    Silent,
    /// Some of the answer came.
    Begun,
}

impl Connection {
    /// Speaks HTTP over a stream.
    pub(super) async fn over(stream: Stream) -> Result<Self, Broke> {
        match stream {
            Stream::Plain(io) => Self::speak(io).await,
            Stream::Secure(io) => Self::speak(io).await,
        }
    }

    async fn speak(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self, Broke> {
        let heard = Arc::new(Heard { epoch: Instant::now(), first: AtomicU64::new(NOTHING) });
        let io = TokioIo::new(Listening { io, heard: Arc::clone(&heard) });
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER).max_header_size(LARGEST_HEAD);
        let (sender, connection) = builder.handshake(io).await.map_err(|error| Broke::hyper(&error))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told of a failure; else it only means that it is over.
            let _ = connection.await;
        });
        Ok(Self { sender, driver, heard })
    }

    /// Whether the other side has closed it already, as far as is known.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unanswered> {
        if let Err(error) = self.sender.ready().await {
            return Err(Unanswered { broke: Broke::hyper(&error), stage: Stage::Unsent });
        }
        self.heard.first.store(NOTHING, Ordering::Relaxed);
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let stage = if error.take_message().is_some() {
                Stage::Unsent
            } else if self.heard.first_byte().is_none() {
                Stage::Silent
            } else {
                Stage::Begun
            };
            Unanswered { broke: Broke::hyper(error.error()), stage }
        })
    }

    /// When the first byte of the last answer came, in microseconds after a moment.
    pub(super) fn first_byte_after(&self, moment: Instant) -> Option<u32> {
        let before = moment.saturating_duration_since(self.heard.epoch).as_micros();
        let first = u128::from(self.heard.first_byte()?);
        Some(u32::try_from(first.saturating_sub(before)).unwrap_or(u32::MAX))
    }
}

/// No byte has come.
const NOTHING: u64 = u64::MAX;

/// When the first byte of an answer came.
#[derive(Debug)]
struct Heard {
    epoch: Instant,
    /// Microseconds after `epoch`, or [`NOTHING`].
    first: AtomicU64,
}

impl Heard {
    fn first_byte(&self) -> Option<u64> {
        Some(self.first.load(Ordering::Relaxed)).filter(|first| *first != NOTHING)
    }

    fn received(&self) {
        if self.first.load(Ordering::Relaxed) == NOTHING {
            self.first.store(micros(self.epoch).into(), Ordering::Relaxed);
        }
    }
}

/// A stream that notes when the first byte comes.
struct Listening<I> {
    io: I,
    heard: Arc<Heard>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Listening<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.heard.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Listening<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
