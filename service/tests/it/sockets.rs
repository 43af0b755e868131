//! The server and the pool over real sockets of this machine: what streams in memory cannot show.
//! Limits are real here and generous; that they are exact is shown on paused time, in the unit tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use authd::config::front::{FrontConfig, ServerConfig, TlsConfig};
use authd::config::live::Live;
use authd::entropy::SeededEntropy;
use authd::hop::pool::Pool;
use authd::hop::{Ask, Failed, HopError, Phase, Reply, Transport as _};
use authd::http::log::Log;
use authd::http::passage::{self, untold};
use authd::http::server::{self, Stopped};
use authd::http::stop::{self, Stopper};
use authd::http::tls::Certificate;
use authd::metrics::Metrics;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A directory of its own, gone with the test.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("authd-sockets-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A certificate for a name and its key.
    fn certificate(&self, name: &str) -> TlsConfig {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let certificate = self.write(&format!("{name}.crt"), &cert.pem());
        TlsConfig { certificate, key: self.write(&format!("{name}.key"), &signing_key.serialize_pem()) }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Running {
    address: SocketAddr,
    stopper: Stopper,
    serving: JoinHandle<Stopped>,
    metrics: Arc<Metrics>,
}

/// A server on a port of its own.
async fn running(tls: Option<TlsConfig>) -> Running {
    let said = |headers: HeaderMap, body: String| async move {
        let secret = headers.get("authorization").map_or("nobody", |value| value.to_str().unwrap());
        format!("{secret} {body}")
    };
    let slow = || async { tokio::time::sleep(Duration::from_millis(300)).await };
    let router = Router::new().route("/said", post(said)).route("/slow", post(slow));
    let text =
        "listen = '127.0.0.1:0'\nrequest_timeout = '2s'\nkeep_alive_timeout = '5s'\nheader_timeout = '1s'";
    let mut config: ServerConfig = toml::from_str(text).unwrap();
    config.tls = tls;
    let config = Live::fixed(config);
    let metrics = Arc::new(Metrics::new());
    let log = Log::nowhere();
    let means = passage::Means {
        config: config.clone(),
        metrics: metrics.clone(),
        log: log.clone(),
        entropy: Arc::new(SeededEntropy::new(1)),
        always: &[],
        turned: untold,
    };
    let router = passage::layer(router, means);
    let certificate = Certificate::of(&config, tokio::sync::mpsc::channel(1).1, &log).unwrap().map(Arc::new);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stopper, stop) = stop::channel();
    let means = server::Means { metrics: metrics.clone(), log, certificate };
    let serving = tokio::spawn(server::serve(listener, router, config, stop, means));
    Running { address, stopper, serving, metrics }
}

fn pool(url: &str, more: &str) -> Pool {
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[directory]\nurl = '{url}'\nconnect_timeout = '2s'\nrequest_timeout = '5s'\n{more}"
    );
    let config: FrontConfig = toml::from_str(&text).unwrap();
    Pool::new(Live::fixed(config), Arc::new(Metrics::new()), Arc::new(SeededEntropy::new(1))).unwrap()
}

async fn call(pool: &Pool, path: &'static str) -> Result<Reply, Failed> {
    pool.call(Ask { path, body: Bytes::from_static(b"{}"), repeatable: true, passed: Vec::new() }).await
}

fn unreachable(result: Result<Reply, Failed>) -> String {
    match result.unwrap_err().error {
        HopError::Unreachable(why) => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn calls_go_over_sockets_with_the_secret_and_share_a_connection() {
    let server = running(None).await;
    let files = Files::new("secret");
    let secret = files.write("secret", "s3cret\n");
    let port = server.address.port();
    let pool = pool(&format!("http://localhost:{port}"), &format!("secret_file = '{}'", secret.display()));
    for _ in 0..3 {
        let reply = call(&pool, "/said").await.unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &b"Bearer s3cret {}"[..]));
    }
    assert_eq!(server.metrics.connections.get(), 1);
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let why = unreachable(call(&pool(&format!("http://{address}"), ""), "/said").await);
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test]
async fn a_callee_that_takes_connections_and_never_answers_costs_the_limit_of_the_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[directory]\nurl = '{url}'\nrequest_timeout = '200ms'\n[directory.pool]\nsize = 1"
    );
    let config: FrontConfig = toml::from_str(&text).unwrap();
    let pool =
        Pool::new(Live::fixed(config), Arc::new(Metrics::new()), Arc::new(SeededEntropy::new(1))).unwrap();
    let failed = call(&pool, "/said").await.unwrap_err();
    assert_eq!(failed.error, HopError::Timeout(Phase::Call));
    assert!(failed.took >= Duration::from_millis(200) && failed.took < Duration::from_secs(2), "{failed:?}");
    // The connection was closed with the call, so that the callee learns of it.
    let (mut taken, _) = listener.accept().await.unwrap();
    let mut text = Vec::new();
    taken.read_to_end(&mut text).await.unwrap();
    assert!(text.starts_with(b"POST /said HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_certificate_from_the_configured_roots_is_believed() {
    let files = Files::new("trusted");
    let tls = files.certificate("localhost");
    let ca = format!("ca = '{}'", tls.certificate.display());
    let server = running(Some(tls)).await;
    let pool = pool(&format!("https://localhost:{}", server.address.port()), &ca);
    for _ in 0..2 {
        assert_eq!(call(&pool, "/said").await.unwrap().status, 200);
    }
    assert_eq!(server.metrics.connections.get(), 1);
}

#[tokio::test]
async fn a_certificate_from_elsewhere_or_for_another_name_is_not() {
    let files = Files::new("untrusted");
    let (ours, other) = (files.certificate("localhost"), files.certificate("other.example"));
    let ca = format!("ca = '{}'", other.certificate.display());
    let stranger = running(Some(ours)).await;
    let url = format!("https://localhost:{}", stranger.address.port());
    let why = unreachable(call(&pool(&url, &ca), "/said").await);
    assert!(why.contains("invalid peer certificate"), "{why}");

    let elsewhere = running(Some(other)).await;
    let url = format!("https://localhost:{}", elsewhere.address.port());
    let why = unreachable(call(&pool(&url, &ca), "/said").await);
    assert!(why.contains("not valid for name"), "{why}");
}

#[tokio::test]
async fn plain_http_to_a_tls_port_and_the_other_way_round_fail_at_once() {
    let files = Files::new("plain");
    let tls = files.certificate("localhost");
    let ca = format!("ca = '{}'", tls.certificate.display());
    let secure = running(Some(tls)).await;
    let failed = call(&pool(&format!("http://{}", secure.address), ""), "/said").await.unwrap_err();
    assert!(matches!(failed.error, HopError::Broken(_)), "{failed:?}");
    let plain = running(None).await;
    unreachable(call(&pool(&format!("https://localhost:{}", plain.address.port()), &ca), "/said").await);
}

#[tokio::test]
async fn a_stop_closes_the_port_and_lets_the_request_under_way_end() {
    let server = running(None).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client.write_all(b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    while server.metrics.in_flight.get() == 0 {
        tokio::task::yield_now().await;
    }
    server.stopper.drain();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("connection: close"), "{text}");
    assert_eq!(server.serving.await.unwrap(), Stopped { cut: 0 });
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[test]
fn what_cannot_be_called_is_refused_at_the_start_without_showing_it() {
    let refused = |url: &str| {
        let text = format!("[server]\nlisten = '127.0.0.1:0'\n[directory]\nurl = '{url}'");
        let config: FrontConfig = toml::from_str(&text).unwrap();
        authd::hop::callee::Callee::of(&config.directory).map(drop).unwrap_err()
    };
    for url in ["", "directory:8081", "ftp://a", "http://u:s3cret@a", "http://a/path", "http://a?q=1", "//a"]
    {
        let why = refused(url);
        assert!(why.starts_with("directory.url: ") && !why.contains("s3cret"), "{url}: {why}");
    }
    assert!(refused("https://a").starts_with("directory.ca: "));
}
