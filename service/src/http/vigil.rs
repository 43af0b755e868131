//! How far a client's connection is with its request, and until when it may stay there. hyper bounds
//! the time of a head alone, and counts the idle time before it as part of it; so each read, request,
//! answer and flush is noted here, and the connection's task asks for the limit after each step.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::config::front::ServerConfig;

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No byte of a request has come since the last answer.
    Idle,
    /// A head has begun to come.
    Head,
    /// The handler has the request; `passage` limits it.
    Handling,
    /// The answer is on its way.
    Answering,
    /// All of the answer is handed over, and not yet taken by the client's side.
    Flushing,
}

/// Notes what a connection is at; clones note for the same one.
#[derive(Debug, Clone)]
pub(super) struct Vigil(Arc<Mutex<(Phase, Instant)>>);

impl Vigil {
    /// A connection that was just made.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new((Phase::Idle, Instant::now()))))
    }

    fn step(&self, from: &[Phase], to: Phase) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if from.contains(&state.0) {
            // An answer has one limit, whoever is at it.
            let since = if to == Phase::Flushing { state.1 } else { Instant::now() };
            *state = (to, since);
        }
    }

    /// The handler gets a request.
    pub(super) fn asked(&self) {
        self.step(&[Phase::Idle, Phase::Head, Phase::Flushing], Phase::Handling);
    }

    /// The handler has answered.
    pub(super) fn answering(&self) {
        self.step(&[Phase::Handling], Phase::Answering);
    }

    /// The answer's body is over.
    pub(super) fn over(&self) {
        self.step(&[Phase::Answering], Phase::Flushing);
    }

    /// What the connection is at.
    pub(super) fn phase(&self) -> Phase {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Until when it may stay there. What takes an answer too slowly has `request_timeout` for it, as
    /// the handler had to make it.
    pub(super) fn deadline(&self, server: &ServerConfig) -> Option<Instant> {
        let (phase, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = match phase {
            Phase::Idle => server.keep_alive_timeout,
            Phase::Head => server.header_timeout,
            Phase::Handling => return None,
            Phase::Answering | Phase::Flushing => server.request_timeout,
        };
        Some(since + limit.get())
    }
}

/// A connection whose bytes are noted.
#[derive(Debug)]
pub(super) struct Watched<I> {
    pub(super) io: I,
    pub(super) vigil: Vigil,
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.vigil.step(&[Phase::Idle], Phase::Head);
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(context))?;
        self.vigil.step(&[Phase::Flushing], Phase::Idle);
        Poll::Ready(Ok(()))
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
