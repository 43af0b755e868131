//! The loop that accepts connections, and what drives each of them: TLS, limits on idle time, on slow
//! heads and on unread answers, and a stop that lets requests in flight end. Knows no route; a
//! request's own limits are in `passage`.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::ServiceExt as _;

use super::body::Ending;
use super::log::{Level, Log};
use super::stop::Stop;
use super::tls::Certificate;
use super::vigil::{Phase, Vigil};
use super::{Peer, Reached};
use crate::config::live::Live;
use crate::metrics::Metrics;
use crate::tapped::Tapped;

/// The largest head of a request; hyper answers 431 to a larger one. As much as NGINX takes by default
/// (`large_client_header_buffers 4 8k`).
const LARGEST_HEAD: usize = 32 * 1024;

/// How long the loop rests when no connection can be accepted for want of descriptors or memory.
const REST: Duration = Duration::from_millis(200);

/// How long a last word to a client may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// To a client whose head did not arrive in time (RFC 9110, section 15.5.9).
const SLOW_HEAD: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Where connections come from.
pub trait Listen: Send {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and who holds its other end. Dropping the future loses none.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Listen for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // Answers are small and written at once; waiting for more would only delay them.
        stream.set_nodelay(true)?;
        Ok((stream, peer))
    }
}

/// What the server needs beside its limits.
#[derive(Clone)]
pub struct Means {
    /// Where it counts.
    pub metrics: Arc<Metrics>,
    /// Where it says what does not hold.
    pub log: Log,
    /// Its certificate, where it speaks TLS.
    pub certificate: Option<Arc<Certificate>>,
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were cut with a request under way.
    pub cut: usize,
}

/// Serves until it is told to stop; then requests in flight have `shutdown_timeout` to end.
pub async fn serve<L: Listen, C: Reached>(
    mut listener: L,
    router: Router,
    mut config: Live<C>,
    mut stop: Stop,
    means: Means,
) -> Stopped {
    let server = Server { router, config: config.clone(), stop: stop.clone(), means };
    let mut connections = JoinSet::new();
    let mut resume = None;
    loop {
        let limit = usize::try_from(config.now().server().max_connections).unwrap_or(usize::MAX);
        let room = connections.len() < limit;
        tokio::select! {
            biased;
            () = stop.draining() => break,
            Some(_) = connections.join_next() => {}
            () = config.changed() => {}
            accepted = accept(&mut listener, resume), if room => {
                resume = server.accepted(accepted, resume.is_some(), &mut connections);
            }
        }
    }
    // Connections that the kernel had made before it was told to stop are not turned away.
    while let Some(Ok((io, peer))) = at_once(listener.accept()).await {
        connections.spawn(server.clone().connection(io, peer));
    }
    drop(listener);
    server.ended(connections, &mut stop).await
}

async fn accept<L: Listen>(listener: &mut L, resume: Option<Instant>) -> io::Result<(L::Io, SocketAddr)> {
    if let Some(resume) = resume {
        sleep_until(resume).await;
    }
    listener.accept().await
}

/// What a future gives at its first asking, if anything.
async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[derive(Clone)]
struct Server<C> {
    router: Router,
    config: Live<C>,
    stop: Stop,
    means: Means,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client closed it, or one side asked for it.
    Closed,
    /// What came is no HTTP, or the connection broke.
    Broken,
    /// It stood idle for too long, or was idle when the server stopped.
    Idle,
    /// A head did not arrive in time.
    SlowHead,
    /// An answer was not taken in time.
    Unread,
    /// The TLS handshake failed.
    Handshake,
}

impl End {
    fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::SlowHead => "slow_head",
            Self::Unread => "unread",
            Self::Handshake => "handshake",
        }
    }
}

/// A connection is counted as open until this is dropped.
struct Open(Arc<Metrics>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}

impl<C: Reached> Server<C> {
    /// Begins a connection; or, where none could be had, says until when to rest.
    fn accepted<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        accepted: io::Result<(I, SocketAddr)>,
        rested: bool,
        connections: &mut JoinSet<()>,
    ) -> Option<Instant> {
        match accepted {
            Ok((io, peer)) => {
                connections.spawn(self.clone().connection(io, peer));
                None
            }
            Err(error) if of_one_connection(&error) => None,
            Err(error) => {
                if !rested {
                    self.means.log.event(Level::Error, "accept failed", &error.to_string());
                }
                Some(Instant::now() + REST)
            }
        }
    }

    /// Waits for connections to end, within `shutdown_timeout`; cuts the rest.
    async fn ended(&self, mut connections: JoinSet<()>, stop: &mut Stop) -> Stopped {
        let mut limit = pin!(sleep(self.config.now().server().shutdown_timeout.get()));
        loop {
            tokio::select! {
                biased;
                ended = connections.join_next() => if ended.is_none() { return Stopped { cut: 0 } },
                () = stop.cutting() => break,
                () = &mut limit => break,
            }
        }
        let cut = connections.len();
        connections.shutdown().await;
        Stopped { cut }
    }

    async fn connection<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        mut self,
        io: I,
        peer: SocketAddr,
    ) {
        let metrics = self.means.metrics.clone();
        metrics.connections.inc();
        let _open = Open(metrics.clone());
        let end = match self.means.certificate.as_ref().map(|certificate| certificate.acceptor()) {
            None => self.drive(io, peer).await,
            Some(acceptor) => {
                let limit = self.config.now().server().header_timeout.get();
                let shaken = tokio::select! {
                    biased;
                    shaken = timeout(limit, acceptor.accept(io)) => shaken,
                    () = self.stop.draining() => return metrics.ended(End::Idle.word()),
                };
                match shaken {
                    Ok(Ok(io)) => self.drive(io, peer).await,
                    Ok(Err(_)) | Err(_) => End::Handshake,
                }
            }
        };
        metrics.ended(end.word());
    }

    /// Answers the requests of a connection, one after another, until one of its limits runs out, the
    /// client has enough, or the server stops.
    async fn drive<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &mut self,
        io: I,
        peer: SocketAddr,
    ) -> End {
        let vigil = Vigil::new();
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            vigil.asked();
            request.extensions_mut().insert(Peer(peer));
            let answer = self.router.clone().oneshot(request.map(Body::new));
            let vigil = vigil.clone();
            async move {
                let response = answer.await?;
                vigil.answering();
                let over = move || vigil.over();
                Ok::<_, Infallible>(response.map(|body| Body::new(Ending::new(body, over))))
            }
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(LARGEST_HEAD)
            .max_buf_size(2 * LARGEST_HEAD)
            .serve_connection(TokioIo::new(Tapped { io, tap: vigil.clone() }), service);

        let mut limit = pin!(sleep(Duration::ZERO));
        let mut stop = self.stop.clone();
        let mut draining = pin!(stop.draining());
        let mut drained = false;
        let config = &self.config;
        let end = poll_fn(|context| {
            loop {
                if let Poll::Ready(result) = Pin::new(&mut connection).poll(context) {
                    return Poll::Ready(if result.is_ok() { End::Closed } else { End::Broken });
                }
                // Only after what has come already was read: a request in it is still answered.
                if drained || draining.as_mut().poll(context).is_pending() {
                    break;
                }
                drained = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            if drained && vigil.phase() == Phase::Idle {
                return Poll::Ready(End::Idle);
            }
            let Some(deadline) = vigil.deadline(config.now().server()) else { return Poll::Pending };
            if limit.deadline() != deadline {
                limit.as_mut().reset(deadline);
            }
            std::task::ready!(limit.as_mut().poll(context));
            Poll::Ready(match vigil.phase() {
                Phase::Head => End::SlowHead,
                Phase::Answering | Phase::Flushing => End::Unread,
                Phase::Idle | Phase::Handling => End::Idle,
            })
        })
        .await;
        if matches!(end, End::Idle | End::SlowHead) {
            let mut io = connection.into_parts().io.into_inner().io;
            let last = if end == End::SlowHead { SLOW_HEAD } else { &[] };
            let farewell = async {
                io.write_all(last).await?;
                io.shutdown().await
            };
            // Whether the client hears it makes no difference to us.
            let _ = timeout(FAREWELL, farewell).await;
        }
        end
    }
}

/// Whether an error of `accept` concerns the connection that was to be accepted, and not the next one.
fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests;
