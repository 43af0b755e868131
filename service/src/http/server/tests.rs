//! The server over streams in memory and on paused time, so that limits are exact.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::config::front::ServerConfig;
use crate::config::length::Length;
use crate::http::stop::{self, Stopper};

const GET: &[u8] = b"GET /quick HTTP/1.1\r\nhost: a\r\n\r\n";
const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n";

/// Connections that a test makes.
struct Dock(mpsc::Receiver<io::Result<DuplexStream>>, Arc<AtomicUsize>);

impl Listen for Dock {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        self.1.fetch_add(1, Ordering::Relaxed);
        match self.0.recv().await {
            Some(stream) => Ok((stream?, ([192, 0, 2, 1], 4711).into())),
            None => std::future::pending().await,
        }
    }
}

/// A server that is running.
struct Running {
    clients: mpsc::Sender<io::Result<DuplexStream>>,
    asked: Arc<AtomicUsize>,
    config: watch::Sender<Arc<ServerConfig>>,
    stopper: Stopper,
    serving: JoinHandle<Stopped>,
    metrics: Arc<Metrics>,
}

fn config(more: &str) -> ServerConfig {
    let text = format!(
        "listen = '127.0.0.1:0'\nrequest_timeout = '3s'\nkeep_alive_timeout = '65s'\nheader_timeout = '5s'\nshutdown_timeout = '10s'\n{more}"
    );
    toml::from_str(&text).unwrap()
}

fn running(config: ServerConfig) -> Running {
    let router = Router::new()
        .route("/quick", get(|| async { "quick" }))
        .route("/slow", get(|| async { sleep(Duration::from_secs(100)).await }))
        .route("/large", get(|| async { "x".repeat(100_000) }))
        .route("/read", post(|body: axum::body::Bytes| async move { body.len().to_string() }))
        .route(
            "/peer",
            get(|request: axum::extract::Request| async move {
                request.extensions().get::<Peer>().unwrap().0.to_string()
            }),
        );
    let (clients, dock) = mpsc::channel(8);
    let asked = Arc::new(AtomicUsize::new(0));
    let (config, live) = Live::new(config);
    let (stopper, stop) = stop::channel();
    let metrics = Arc::new(Metrics::new());
    let means = Means { metrics: metrics.clone(), log: Log::nowhere(), certificate: None };
    let serving = tokio::spawn(serve(Dock(dock, asked.clone()), router, live, stop, means));
    Running { clients, asked, config, stopper, serving, metrics }
}

impl Running {
    async fn client(&self) -> DuplexStream {
        self.client_with(1 << 20).await
    }

    /// A client that takes so many bytes before it reads.
    async fn client_with(&self, buffer: usize) -> DuplexStream {
        let (ours, theirs) = duplex(buffer);
        self.clients.send(Ok(theirs)).await.unwrap();
        ours
    }

    fn counted(&self, line: &str) -> bool {
        self.metrics.text().lines().any(|counted| counted == line)
    }
}

/// What the server sends until it closes, and how long that took.
async fn rest(client: &mut DuplexStream) -> (String, Duration) {
    let began = Instant::now();
    let mut text = Vec::new();
    client.read_to_end(&mut text).await.unwrap();
    (String::from_utf8(text).unwrap(), began.elapsed())
}

/// One answer with a body.
async fn answer(client: &mut DuplexStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"quick") {
        text.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// Within the resolution of timers, which is a millisecond.
#[track_caller]
fn took(taken: Duration, millis: u64) {
    let millis = Duration::from_millis(millis);
    assert!(taken >= millis && taken < millis + Duration::from_millis(5), "{taken:?} is not {millis:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_ends_after_the_idle_limit() {
    let server = running(config(""));
    let mut client = server.client().await;
    let (text, taken) = rest(&mut client).await;
    assert_eq!(text, "");
    took(taken, 65_000);
    assert!(server.counted("auth_connections_ended_total{why=\"idle\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn the_idle_limit_begins_anew_with_each_answer() {
    let server = running(config(""));
    let mut client = server.client().await;
    for _ in 0..3 {
        sleep(Duration::from_secs(60)).await;
        client.write_all(GET).await.unwrap();
        assert!(answer(&mut client).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    took(rest(&mut client).await.1, 65_000);
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_limit_from_its_first_byte_however_it_drips() {
    let server = running(config(""));
    let mut client = server.client().await;
    sleep(Duration::from_secs(60)).await;
    let began = Instant::now();
    let (mut reader, mut writer) = tokio::io::split(client);
    let dripping = tokio::spawn(async move {
        for byte in GET {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut text = String::new();
    reader.read_to_string(&mut text).await.unwrap();
    took(began.elapsed(), 5000);
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    assert!(server.counted("auth_connections_ended_total{why=\"slow_head\"} 1"));
    dripping.await.unwrap();
    client = server.client().await;
    client.write_all(GET).await.unwrap();
    answer(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn limits_on_idle_time_and_heads_are_none_on_handlers() {
    let server = running(config(""));
    let mut client = server.client().await;
    client.write_all(SLOW).await.unwrap();
    let mut first = [0; 12];
    let began = Instant::now();
    client.read_exact(&mut first).await.unwrap();
    took(began.elapsed(), 100_000);
    assert_eq!(&first, b"HTTP/1.1 200");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_ends_its_connection() {
    let server = running(config(""));
    let mut client = server.client_with(64).await;
    client.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let began = Instant::now();
    while server.metrics.connections.get() == 1 || began.elapsed().is_zero() {
        sleep(Duration::from_millis(1)).await;
    }
    took(began.elapsed(), 3000);
    assert!(server.counted("auth_connections_ended_total{why=\"unread\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn requests_sent_ahead_are_answered_in_turn() {
    let server = running(config(""));
    let mut client = server.client().await;
    client.write_all(&GET.repeat(3)).await.unwrap();
    for _ in 0..3 {
        answer(&mut client).await;
    }
    took(rest(&mut client).await.1, 65_000);
}

#[tokio::test(start_paused = true)]
async fn handlers_see_who_holds_the_other_end() {
    let server = running(config(""));
    let mut client = server.client().await;
    client.write_all(b"GET /peer HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut client).await.0.ends_with("192.0.2.1:4711"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_refused_at_once() {
    let server = running(config(""));
    for (sent, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..], "400"),
        (b"GET / HTTP/9.9\r\n\r\n", "400"),
        (b"GET /quick HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", "400"),
        (&[&b"GET /quick HTTP/1.1\r\nx: "[..], &[b'x'; 40_000]].concat(), "431"),
    ] {
        let mut client = server.client().await;
        client.write_all(sent).await.unwrap();
        let (text, taken) = rest(&mut client).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
        took(taken, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_connections_are_taken_than_there_may_be() {
    let server = running(config("max_connections = 2"));
    let one = server.client().await;
    let _two = server.client().await;
    let mut three = server.client().await;
    three.write_all(GET).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.metrics.connections.get(), 2);
    drop(one);
    answer(&mut three).await;

    let mut four = server.client().await;
    four.write_all(GET).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.metrics.connections.get(), 2);
    server.config.send(Arc::new(config("max_connections = 3"))).unwrap();
    answer(&mut four).await;
}

#[tokio::test(start_paused = true)]
async fn a_lack_of_descriptors_neither_ends_the_loop_nor_makes_it_spin() {
    let server = running(config(""));
    // EMFILE on Linux.
    for _ in 0..5 {
        server.clients.send(Err(io::Error::from_raw_os_error(24))).await.unwrap();
    }
    let began = Instant::now();
    let mut client = server.client().await;
    client.write_all(GET).await.unwrap();
    answer(&mut client).await;
    took(began.elapsed(), 5 * 200);
    assert!(server.asked.load(Ordering::Relaxed) <= 7);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_gone_before_it_was_taken_delays_nobody() {
    let server = running(config(""));
    server.clients.send(Err(io::ErrorKind::ConnectionAborted.into())).await.unwrap();
    let mut client = server.client().await;
    client.write_all(GET).await.unwrap();
    let began = Instant::now();
    answer(&mut client).await;
    took(began.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_what_is_idle_and_lets_requests_end() {
    let server = running(ServerConfig { shutdown_timeout: Length::seconds(200), ..config("") });
    let mut idle = server.client().await;
    idle.write_all(GET).await.unwrap();
    answer(&mut idle).await;
    let mut fresh = server.client().await;
    let mut busy = server.client().await;
    busy.write_all(SLOW).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let mut waiting = server.client().await;
    waiting.write_all(GET).await.unwrap();
    server.stopper.drain();
    took(rest(&mut idle).await.1, 0);
    took(rest(&mut fresh).await.1, 0);
    let (text, taken) = rest(&mut waiting).await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    took(taken, 0);
    let (text, taken) = rest(&mut busy).await;
    took(taken, 40_000);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("connection: close"), "{text}");
    assert_eq!(server.serving.await.unwrap(), Stopped { cut: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_what_has_not_ended_in_time_and_says_how_many() {
    let server = running(config(""));
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = server.client().await;
        client.write_all(SLOW).await.unwrap();
        clients.push(client);
    }
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    server.stopper.drain();
    assert_eq!(server.serving.await.unwrap(), Stopped { cut: 3 });
    took(began.elapsed(), 10_000);
    assert_eq!(rest(&mut clients[0]).await.0, "");
}

#[tokio::test(start_paused = true)]
async fn a_second_wish_to_stop_cuts_at_once() {
    let server = running(config(""));
    let mut client = server.client().await;
    client.write_all(SLOW).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    server.stopper.drain();
    sleep(Duration::from_secs(2)).await;
    server.stopper.cut();
    assert_eq!(server.serving.await.unwrap(), Stopped { cut: 1 });
    took(began.elapsed(), 2000);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_takes_its_handler_along() {
    struct Tell(Option<oneshot::Sender<()>>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (told, dropped) = oneshot::channel();
    let tell = Arc::new(std::sync::Mutex::new(Some(Tell(Some(told)))));
    let handler = move || {
        let tell = tell.lock().unwrap().take();
        async move {
            sleep(Duration::from_secs(100)).await;
            drop(tell);
        }
    };
    let (clients, dock) = mpsc::channel(1);
    let (_stopper, stop) = stop::channel();
    let means = Means { metrics: Arc::new(Metrics::new()), log: Log::nowhere(), certificate: None };
    let router = Router::new().route("/slow", get(handler));
    let dock = Dock(dock, Arc::default());
    tokio::spawn(serve(dock, router, Live::fixed(config("")), stop, means));
    let (mut ours, theirs) = duplex(1024);
    clients.send(Ok(theirs)).await.unwrap();
    ours.write_all(SLOW).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    drop(ours);
    let began = Instant::now();
    dropped.await.unwrap();
    took(began.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_changed_limit_holds_from_the_next_step_on() {
    let server = running(config(""));
    let shorter = ServerConfig { keep_alive_timeout: Length::seconds(2), ..config("") };
    server.config.send(Arc::new(shorter)).unwrap();
    let mut client = server.client().await;
    took(rest(&mut client).await.1, 2000);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_as_it_comes() {
    let server = running(config(""));
    let mut client = server.client().await;
    client
        .write_all(b"POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nconnection: close\r\n\r\nab")
        .await
        .unwrap();
    sleep(Duration::from_secs(20)).await;
    client.write_all(b"cd").await.unwrap();
    assert!(rest(&mut client).await.0.ends_with("\r\n\r\n4"));
}
