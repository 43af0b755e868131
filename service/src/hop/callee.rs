//! Where calls go and how a connection there is made: names to addresses, TCP, TLS. Knows no limit but
//! the moment until which a connection has to stand.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::http::uri::Scheme;
use axum::http::{HeaderValue, Uri};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;

use crate::config::front::UpstreamConfig;
use crate::http::tls;
use crate::secret;

/// The next component, as the configuration describes it.
#[derive(Clone)]
pub struct Callee {
    host: String,
    port: u16,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// The `Host` of requests.
    pub(super) authority: HeaderValue,
    /// The `Authorization` of requests.
    pub(super) authorization: Option<HeaderValue>,
}

impl Callee {
    /// Reads the address, and the files that it needs.
    ///
    /// # Errors
    ///
    /// Says which key or file is not what it should be, and shows no secret.
    pub fn of(upstream: &UpstreamConfig) -> Result<Self, String> {
        // The URL is not shown: someone may have written a password into it.
        let form = || "directory.url: write `http://HOST:PORT` or `https://HOST:PORT`".to_owned();
        let url: Uri = upstream.url.parse().map_err(|_| form())?;
        let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or_else(form)?;
        let secure = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(form()),
        };
        if url.path() != "/" || url.query().is_some() {
            return Err(form());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match (secure, &upstream.ca) {
            (false, _) => None,
            (true, None) => {
                return Err("directory.ca: name the certificates that `https://` needs".to_owned());
            }
            (true, Some(ca)) => {
                let name = ServerName::try_from(host.clone()).map_err(|_| form())?;
                Some((tls::client(ca).map_err(|why| format!("directory.ca: {why}"))?, name))
            }
        };
        Ok(Self {
            host,
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            tls,
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| form())?,
            authorization: upstream.secret_file.as_deref().map(authorization).transpose()?,
        })
    }
}

/// The header that shows the secret of a file.
fn authorization(file: &Path) -> Result<HeaderValue, String> {
    let secret = secret::of_file(file).map_err(|why| format!("directory.secret_file: {why}"))?;
    let mut header = HeaderValue::from_str(&format!("Bearer {secret}")).map_err(|_| {
        format!("directory.secret_file: {}: holds characters that a header cannot carry", file.display())
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Makes connections.
pub trait Dial: Send + Sync + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Makes one. The caller gives up at `until`; what is tried first shall leave time for the rest.
    fn dial(&self, callee: &Callee, until: Instant) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

/// Both directions of a connection, whatever carries it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Makes connections over the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct Network;

impl Dial for Network {
    type Io = Box<dyn Stream>;

    async fn dial(&self, callee: &Callee, until: Instant) -> io::Result<Box<dyn Stream>> {
        // Asked anew for each connection, so that a callee that moved is found.
        let addresses: Vec<_> = lookup_host((callee.host.as_str(), callee.port)).await?.collect();
        let stream = first(&addresses, until).await?;
        // A request is written at once; waiting for more would only delay it.
        stream.set_nodelay(true)?;
        match &callee.tls {
            None => Ok(Box::new(stream)),
            Some((config, name)) => {
                let connector = TlsConnector::from(config.clone());
                Ok(Box::new(connector.connect(name.clone(), stream).await?))
            }
        }
    }
}

/// A connection to the first address that takes one, in the order given. Those before the last share
/// the time that is left evenly, so that one that does not answer does not use up all of it.
async fn first(addresses: &[SocketAddr], until: Instant) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (at, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let connecting = TcpStream::connect(address);
        let connected = if left == 1 {
            connecting.await
        } else {
            let share = until.saturating_duration_since(Instant::now()) / left;
            timeout(share, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
