//! What a running watch shows over HTTP: `/metrics`, `/healthz`, alerts and silences. Only to the
//! machine itself: it asks nobody who they are.

mod api;
mod metrics;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use watch::plan::Access;

use crate::http::{Ask, Client, Network, Url};
use crate::run::{Asked, World};
use crate::store::Stopped;

/// A loop that did not go round for so long stands still: it does every second.
pub(crate) const STUCK: Duration = Duration::from_secs(10);

/// How long a client may take to say what it wants.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may last.
const LIFE: Duration = Duration::from_secs(300);

/// So many connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 64;

/// A server that is bound.
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    api: Arc<api::Api>,
}

/// Binds where `[watch] listen` says.
pub(crate) async fn bind(
    listen: &str,
    world: Arc<World>,
    asked: UnboundedSender<Asked>,
) -> Result<Server, Stopped> {
    let stopped = |what: String, help: &str| Stopped::new(format_args!("listen = \"{listen}\""), what, help);
    let help = "write an address and a port: \"127.0.0.1:9464\"";
    let address = listen
        .to_socket_addrs()
        .map_err(|error| stopped(format!("is no address: {error}"), help))?
        .next()
        .ok_or_else(|| stopped("is no address".to_owned(), help))?;
    if !is_of_this_machine(address.ip()) {
        return Err(stopped(
            "can be reached from other machines, and whoever reaches it can silence alerts".to_owned(),
            "bind to 127.0.0.1 or [::1], and put a proxy that asks who is there before it",
        ));
    }
    let bound = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|error| {
        stopped(format!("cannot be bound: {error}"), "end what listens there, or name another port")
    })?;
    Ok(Server { listener, address, api: Arc::new(api::Api { world, asked, host: api::host_of(listen) }) })
}

/// Asks a watch on this machine something: the status and the body of its answer.
///
/// # Errors
///
/// Says why there is no answer.
pub async fn ask(
    listen: &str,
    method: &str,
    path: &str,
    body: String,
    wait: Duration,
) -> Result<(u16, Vec<u8>), String> {
    /// As many bytes of an answer as are read: some thousand silences.
    const MOST: u64 = 1 << 20;
    let url = Url::parse(&format!("http://{listen}{path}"))?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let client = Client::new(&Access::default(), Path::new("."), &Network::default());
    let headers = [(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"))];
    let ask = Ask {
        method,
        url: &url,
        headers: &headers,
        body: body.into(),
        timeout: wait,
        most: MOST,
        repeatable: false,
    };
    let answer = client.whole(&ask).await.map_err(|failed| failed.why)?;
    Ok((answer.status, answer.body))
}

fn is_of_this_machine(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

impl Server {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves for ever.
    pub(crate) async fn serve(self) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of descriptors: some come back.
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            let api = self.api.clone();
            connections.spawn(async move {
                let service = service_fn(|request| {
                    let api = api.clone();
                    async move { Ok::<_, Infallible>(api.answer(request).await) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .serve_connection(TokioIo::new(stream), service);
                let _ = tokio::time::timeout(LIFE, connection).await;
                drop(slot);
            });
        }
    }
}
