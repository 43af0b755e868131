//! Carries requests over a bounded number of HTTP/1.1 connections. Whoever finds all in use waits, and
//! how long is told; there is no limit on that wait, because the people whom this stands for have none.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, in some time.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Makes connections to the service.
pub trait Dial: Send + Sync {
    /// Makes one.
    fn dial(&self) -> Dialing<'_>;
}

/// Where the service is: `http://`, a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host and port.
    authority: String,
}

/// Why a text is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTarget;

impl fmt::Display for NoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target is http://HOST:PORT; TLS is not spoken here")
    }
}

impl std::error::Error for NoTarget {}

impl std::str::FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        let rest = text.strip_prefix("http://").ok_or(NoTarget)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let plain = !rest.is_empty() && !rest.contains(['/', '?', '#', '@']);
        let port = |rest: &str| rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if port(rest) { rest.to_owned() } else { format!("{rest}:80") };
        plain.then_some(Self { authority }).ok_or(NoTarget)
    }
}

impl Dial for Target {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async {
            let stream = TcpStream::connect(self.authority.as_str()).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// No connection could be made.
    Connect,
    /// The connection broke.
    Broken,
}

/// A bounded number of connections.
pub struct Client {
    dial: Arc<dyn Dial>,
    free: Semaphore,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// At most so many connections at a time.
    #[must_use]
    pub fn new(dial: Arc<dyn Dial>, connections: u32) -> Self {
        let free = Semaphore::new(usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS));
        Self { dial, free, idle: Mutex::default() }
    }

    /// Waits for a connection and sends a request over it. `sent` is called when the wait is over.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        sent: impl FnOnce(),
    ) -> Result<Answer, Unanswered> {
        let permit = self.free.acquire().await.map_err(|_| Unanswered::Connect)?;
        sent();
        let mut sender = match self.idle().await {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = match sender.try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => {
                // A kept connection that was closed meanwhile gives the request back unsent.
                let again = error.take_message().ok_or(Unanswered::Broken)?;
                sender = self.connect().await?;
                sender.send_request(again).await.map_err(|_| Unanswered::Broken)?
            }
        };
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|_| Unanswered::Broken)?.to_bytes();
        self.lock().push(sender);
        drop(permit);
        Ok(Answer { status, body })
    }

    /// A kept connection that is still open.
    async fn idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        loop {
            let mut sender = self.lock().pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Unanswered> {
        let stream = self.dial.dial().await.map_err(|_| Unanswered::Connect)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| Unanswered::Connect)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_a_scheme_a_host_and_a_port() {
        let authority = |text: &str| text.parse::<Target>().map(|target| target.authority);
        assert_eq!(authority("http://localhost:8080"), Ok("localhost:8080".to_owned()));
        assert_eq!(authority("http://localhost/"), Ok("localhost:80".to_owned()));
        assert_eq!(authority("http://[::1]:8080"), Ok("[::1]:8080".to_owned()));
        for text in ["localhost:8080", "https://localhost", "http://", "http://a/b", "http://u@a"] {
            assert_eq!(authority(text), Err(NoTarget), "{text}");
        }
    }
}
