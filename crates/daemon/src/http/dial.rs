//! Makes a connection: looks the name up, tries each address in turn, does the handshake of TLS; and
//! notes how long each took.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use watch::journal::Phases;

use super::failed::{Broke, Trouble, chain};
use super::micros;
use super::names::Names;
use super::tls::{Machine, Tls};
use super::url::Url;

/// An open stream to the other side.
pub(super) enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

/// Makes a stream. Times go to `phases` as soon as they are known, since a deadline may end it anywhere.
pub(super) async fn dial(
    url: &Url,
    names: &Names,
    tls: &Tls,
    machine: &Machine,
    deadline: Instant,
    phases: &mut Phases,
) -> Result<Stream, Broke> {
    // What is wrong on our side is said before anything is sent.
    let secure = url.secure.then(|| tls.connector(machine, &url.host)).transpose();
    let secure = secure.map_err(|why| Broke::new(Trouble::Ours, why))?;
    let addresses: Vec<IpAddr> = match url.host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            let begun = Instant::now();
            let found = names.addresses(&url.host).await.map_err(|(why, code)| {
                let trouble = if code.is_some_and(is_ours) { Trouble::Ours } else { Trouble::Dns };
                Broke::new(trouble, why)
            })?;
            phases.dns = Some(micros(begun));
            found.to_vec()
        }
    };
    let begun = Instant::now();
    let stream = connect(&addresses, url.port, deadline).await?;
    phases.connect = Some(micros(begun));
    // Requests are small and go out whole; waiting for more to send with them only costs time.
    let _ = stream.set_nodelay(true);
    let Some((connector, name)) = secure else { return Ok(Stream::Plain(stream)) };
    let begun = Instant::now();
    let stream = connector.connect(name, stream).await;
    let stream = stream.map_err(|error| Broke::new(Trouble::Tls, chain(&error)))?;
    phases.tls = Some(micros(begun));
    Ok(Stream::Secure(Box::new(stream)))
}

/// The first address that takes a connection. None may use up the time of those after it.
async fn connect(addresses: &[IpAddr], port: u16, deadline: Instant) -> Result<TcpStream, Broke> {
    let mut first: Option<Broke> = None;
    for (at, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let now = Instant::now();
        let until = now + deadline.saturating_duration_since(now) / left;
        let address = SocketAddr::new(*address, port);
        let broke = match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Broke::new(trouble(&error), format!("{address}: {error}")),
            Err(_) => Broke::new(Trouble::Timeout, format!("{address}: took no connection in time")),
        };
        // Nothing gets better by the next address.
        if broke.trouble == Trouble::Ours {
            return Err(broke);
        }
        first.get_or_insert(broke);
    }
    Err(first.unwrap_or_else(|| Broke::new(Trouble::Dns, "the name has no address".to_owned())))
}

fn trouble(error: &io::Error) -> Trouble {
    let ours = matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory);
    if ours || error.raw_os_error().is_some_and(is_ours) { Trouble::Ours } else { Trouble::Connect }
}

/// Whether a number of the system's says that this process or machine has run out of something: 23
/// `ENFILE` and 24 `EMFILE`, the same on Linux, the BSDs and macOS; 105 `ENOBUFS` on Linux.
fn is_ours(code: i32) -> bool {
    matches!(code, 23 | 24) || (cfg!(target_os = "linux") && code == 105)
}
