//! The pool against scripted callees in memory, on paused time, so that limits are exact.

use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};

use super::*;
use crate::entropy::SeededEntropy;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// What a callee does with a connection.
#[derive(Clone)]
enum Act {
    /// Does not take it.
    Refuse,
    /// Never says whether it takes it.
    Hang,
    /// Takes it and goes on so.
    Take(Vec<Step>),
}

#[derive(Clone, Copy)]
enum Step {
    /// Reads a request, whole.
    Read,
    /// Writes.
    Write(&'static str),
    /// Waits.
    Wait(u64),
    /// Writes for ever, a chunk each so many milliseconds.
    Drip(&'static str, u64),
    /// Keeps the connection open until the caller closes it, and tells.
    Stay,
}

use Act::{Hang, Refuse, Take};
use Step::{Drip, Read, Stay, Wait, Write};

/// What the callee saw.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Request(String),
    /// The caller closed a connection that was to stay.
    Closed(Instant),
}

/// Makes connections to callees, one act each; the last act goes on.
struct Stage {
    acts: Mutex<VecDeque<Act>>,
    seen: mpsc::UnboundedSender<Seen>,
    dials: Arc<AtomicU32>,
}

impl Dial for Stage {
    type Io = DuplexStream;

    async fn dial(&self, _: &Callee, _: Instant) -> io::Result<DuplexStream> {
        self.dials.fetch_add(1, Ordering::Relaxed);
        let act = {
            let mut acts = self.acts.lock().unwrap();
            if acts.len() > 1 { acts.pop_front().unwrap() } else { acts[0].clone() }
        };
        match act {
            Refuse => Err(io::ErrorKind::ConnectionRefused.into()),
            Hang => std::future::pending().await,
            Take(steps) => {
                let (ours, theirs) = duplex(1 << 20);
                tokio::spawn(play(theirs, steps, self.seen.clone()));
                Ok(ours)
            }
        }
    }
}

async fn play(mut stream: DuplexStream, steps: Vec<Step>, seen: mpsc::UnboundedSender<Seen>) {
    for step in steps {
        match step {
            Read => match read(&mut stream).await {
                Some(request) => drop(seen.send(Seen::Request(request))),
                None => return,
            },
            Write(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Wait(millis) => sleep(Duration::from_millis(millis)).await,
            Drip(text, millis) => {
                while stream.write_all(text.as_bytes()).await.is_ok() {
                    sleep(Duration::from_millis(millis)).await;
                }
            }
            Stay => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                let _ = seen.send(Seen::Closed(Instant::now()));
            }
        }
    }
}

/// A request with its body.
async fn read(stream: &mut DuplexStream) -> Option<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        text.push(char::from(stream.read_u8().await.ok()?));
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(text + std::str::from_utf8(&body).unwrap())
}

/// A pool and what its callee sees.
struct Set {
    pool: Arc<Pool<Stage>>,
    seen: mpsc::UnboundedReceiver<Seen>,
    dials: Arc<AtomicU32>,
    config: watch::Sender<Arc<FrontConfig>>,
    metrics: Arc<Metrics>,
}

fn config(directory: &str, pool: &str) -> FrontConfig {
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[directory]\nurl = 'http://directory:8081'\nconnect_timeout = '100ms'\nrequest_timeout = '1s'\nbackoff = '50ms'\n{directory}\n[directory.pool]\nacquire_timeout = '50ms'\nidle_timeout = '30s'\n{pool}"
    );
    toml::from_str(&text).unwrap()
}

fn set(acts: impl IntoIterator<Item = Act>, directory: &str, pool: &str) -> Set {
    let (config, live) = Live::new(config(directory, pool));
    let (sender, seen) = mpsc::unbounded_channel();
    let dials = Arc::new(AtomicU32::new(0));
    let stage = Stage { acts: Mutex::new(acts.into_iter().collect()), seen: sender, dials: dials.clone() };
    let metrics = Arc::new(Metrics::new());
    let entropy = Arc::new(SeededEntropy::new(7));
    let pool = Arc::new(Pool::over(stage, live, metrics.clone(), entropy).unwrap());
    Set { pool, seen, dials, config, metrics }
}

impl Set {
    async fn call(&self, repeatable: bool) -> Result<Reply, Failed> {
        let body = Bytes::from_static(b"{}");
        self.pool.call(Ask { path: "/v1/a", body, repeatable, passed: Vec::new() }).await
    }

    /// A call of its own, begun.
    async fn begun(&self) -> JoinHandle<Result<Reply, Failed>> {
        let pool = self.pool.clone();
        let ask =
            Ask { path: "/v1/a", body: Bytes::from_static(b"{}"), repeatable: true, passed: Vec::new() };
        let call = tokio::spawn(async move { pool.call(ask).await });
        sleep(Duration::from_millis(1)).await;
        call
    }

    fn dials(&self) -> u32 {
        self.dials.load(Ordering::Relaxed)
    }

    fn stale(&self) -> u64 {
        self.metrics.pool_stale.get()
    }

    fn outcome(&self, outcome: &str) -> bool {
        let line = format!("auth_hop_duration_seconds_count{{hop=\"directory\",outcome=\"{outcome}\"}} 1");
        self.metrics.text().lines().any(|counted| counted == line)
    }

    /// When the callee saw a connection being closed.
    async fn closed(&mut self) -> Instant {
        loop {
            if let Seen::Closed(at) = self.seen.recv().await.unwrap() {
                return at;
            }
        }
    }
}

/// Within the resolution of timers, which is a millisecond.
#[track_caller]
fn took(taken: Duration, millis: u64) {
    let millis = Duration::from_millis(millis);
    assert!(taken >= millis && taken < millis + Duration::from_millis(5), "{taken:?} is not {millis:?}");
}

fn answering(times: usize) -> Act {
    Take([Read, Write(OK)].repeat(times))
}

#[tokio::test(start_paused = true)]
async fn a_connection_carries_one_call_after_another() {
    let mut set = set([answering(4)], "", "");
    for _ in 0..3 {
        let reply = set.call(false).await.unwrap();
        assert_eq!((reply.status, &reply.body[..], reply.retries), (200, &b"ok"[..], 0));
    }
    assert_eq!((set.dials(), set.metrics.pool_connections.get()), (1, 1));
    let Seen::Request(request) = set.seen.recv().await.unwrap() else { panic!("no request") };
    insta::assert_snapshot!(request.replace('\r', ""), @r"
    POST /v1/a HTTP/1.1
    host: directory:8081
    content-type: application/json
    content-length: 2

    {}
    ");
}

#[tokio::test(start_paused = true)]
async fn without_a_body_it_is_a_get_and_headers_of_tracing_are_passed_on() {
    let mut set = set([answering(1)], "", "");
    let passed = vec![("x-request-id", "r-1".to_owned()), ("tracestate", "a\nb".to_owned())];
    set.pool.call(Ask { path: "/readyz", body: Bytes::new(), repeatable: true, passed }).await.unwrap();
    let Seen::Request(request) = set.seen.recv().await.unwrap() else { panic!("no request") };
    insta::assert_snapshot!(request.replace('\r', ""), @r"
    GET /readyz HTTP/1.1
    host: directory:8081
    x-request-id: r-1
    ");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_connection_no_longer_than_it_may() {
    let set = set([Take(vec![Read, Wait(900), Write(OK), Read, Write(OK)])], "", "size = 1");
    let first = set.begun().await;
    let waiting = set.begun().await;
    assert_eq!(set.metrics.pool_waiting.get(), 1);
    let failed = waiting.await.unwrap().unwrap_err();
    assert_eq!(failed.error, HopError::Timeout(Phase::Pool));
    took(failed.took, 50);
    assert!(set.outcome("pool_timeout"));
    assert_eq!((first.await.unwrap().unwrap().status, set.metrics.pool_waiting.get()), (200, 0));
    assert_eq!((set.call(true).await.unwrap().status, set.dials()), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_made_in_time_is_given_up() {
    let set = set([Hang], "", "");
    let failed = set.call(true).await.unwrap_err();
    assert_eq!(failed.error, HopError::Timeout(Phase::Connect));
    took(failed.took, 100);
    assert!(set.outcome("connect_timeout"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_told_at_once() {
    let set = set([Refuse], "", "");
    let failed = set.call(true).await.unwrap_err();
    assert_eq!(failed.error, HopError::Unreachable("connection refused".to_owned()));
    took(failed.took, 0);
    assert!(set.outcome("unreachable"));
}

#[tokio::test(start_paused = true)]
async fn whatever_a_callee_does_the_call_ends_in_time_and_its_connection_is_closed() {
    let acts = [
        vec![Read, Stay],
        vec![Read, Write("HTTP/1.1 200 OK\r\ncontent-le"), Stay],
        vec![Read, Write("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf"), Stay],
    ];
    for act in acts {
        let mut set = set([Take(act)], "", "");
        let began = Instant::now();
        let failed = set.call(true).await.unwrap_err();
        assert_eq!(failed.error, HopError::Timeout(Phase::Call));
        took(failed.took, 1000);
        took(set.closed().await - began, 1000);
        assert_eq!(set.metrics.pool_connections.get(), 0);
        assert!(set.outcome("call_timeout"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_drips_ends_with_the_call() {
    let drip = vec![Read, Write("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n"), Drip("x", 10)];
    let failed = set([Take(drip)], "", "").call(true).await.unwrap_err();
    assert_eq!(failed.error, HopError::Timeout(Phase::Call));
    took(failed.took, 1000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_cut_off() {
    let flood = vec![Read, Write("HTTP/1.1 200 OK\r\n\r\n"), Drip("0123456789abcdef", 0)];
    let failed = set([Take(flood)], "", "").call(true).await.unwrap_err();
    assert_eq!(failed.error, HopError::Broken("length limit exceeded".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_told() {
    let set = set([Take(vec![Read, Write("SSH-2.0-OpenSSH_9.2\r\n"), Stay])], "", "");
    let failed = set.call(true).await.unwrap_err();
    assert!(matches!(failed.error, HopError::Broken(_)), "{failed:?}");
    took(failed.took, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waits_for_closes_its_connection_and_frees_its_slot() {
    let mut set = set([Take(vec![Read, Stay]), answering(1)], "", "size = 1");
    let began = Instant::now();
    assert!(timeout(Duration::from_millis(300), set.call(true)).await.is_err());
    took(set.closed().await - began, 300);
    assert!(set.outcome("abandoned"));
    assert_eq!(set.call(true).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced_unseen() {
    let set = set([answering(1)], "", "");
    for _ in 0..2 {
        assert_eq!(set.call(false).await.unwrap().retries, 0);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!((set.dials(), set.stale()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_closes_on_the_request_is_no_attempt() {
    let set = set([Take(vec![Read, Write(OK), Read]), answering(1)], "", "");
    set.call(true).await.unwrap();
    let reply = set.call(true).await.unwrap();
    assert_eq!((reply.status, reply.retries, set.dials(), set.stale()), (200, 0, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_repeated_is_not_sent_twice() {
    let set = set([Take(vec![Read, Write(OK), Read]), answering(1)], "max_attempts = 3", "");
    set.call(false).await.unwrap();
    let failed = set.call(false).await.unwrap_err();
    assert!(matches!(failed.error, HopError::Broken(_)), "{failed:?}");
    assert_eq!((failed.retries, set.dials(), set.stale()), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_had_begun_is_not_taken_for_a_closed_connection() {
    let half = vec![Read, Write(OK), Read, Write("HTTP/1.1 200 OK\r\n")];
    let set = set([Take(half), answering(1)], "", "");
    set.call(true).await.unwrap();
    let failed = set.call(true).await.unwrap_err();
    assert!(matches!(failed.error, HopError::Broken(_)), "{failed:?}");
    assert_eq!((set.dials(), set.stale()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_that_breaks_is_an_attempt() {
    let broken = Take(vec![Read]);
    let alone = set([broken.clone(), answering(1)], "", "");
    assert!(matches!(alone.call(true).await.unwrap_err().error, HopError::Broken(_)));
    let twice = set([broken, answering(1)], "max_attempts = 2", "");
    let reply = twice.call(true).await.unwrap();
    assert_eq!((reply.status, reply.retries), (200, 1));
    assert!(twice.metrics.text().contains("auth_hop_retries_total 1"));
}

#[tokio::test(start_paused = true)]
async fn attempts_wait_longer_each_time_and_not_all_the_same() {
    let set = set(
        [Take(vec![Read, Write(BUSY), Read, Write(BUSY), Read, Write(BUSY), Stay])],
        "max_attempts = 3",
        "",
    );
    let reply = set.call(true).await.unwrap();
    assert_eq!((reply.status, reply.retries), (503, 2));
    // 50 ms and 100 ms, each drawn between half and all of it.
    let taken = reply.took.as_millis();
    assert!((75..=155).contains(&taken), "{taken}");
    assert!(set.outcome("server_error"));
    for made in 1..=4 {
        let most = Duration::from_millis(50) * 2_u32.pow(made - 1);
        let drawn: Vec<_> =
            (0..50).map(|_| set.pool.inner.backoff(Duration::from_millis(50), made)).collect();
        assert!(drawn.iter().all(|wait| *wait >= most / 2 && *wait <= most));
        assert!(
            drawn.iter().any(|wait| *wait < most * 6 / 10) && drawn.iter().any(|wait| *wait > most * 9 / 10)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_says_when_is_asked_then_and_not_beyond_the_limit() {
    let later = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n";
    let act = || Take(vec![Read, Write(later), Read, Write(OK)]);
    let hurried = set([act()], "max_attempts = 2", "");
    let reply = hurried.call(true).await.unwrap();
    assert_eq!((reply.status, reply.retries), (503, 0));
    took(reply.took, 0);
    let mut longer = config("max_attempts = 2", "");
    longer.directory.request_timeout = crate::config::length::Length::seconds(5);
    let patient = set([act()], "max_attempts = 2", "");
    patient.config.send(Arc::new(longer)).unwrap();
    let reply = patient.call(true).await.unwrap();
    assert_eq!((reply.status, reply.retries), (200, 1));
    took(reply.took, 2000);
}

#[tokio::test(start_paused = true)]
async fn a_busy_callee_is_not_asked_again_for_what_may_not_be_repeated() {
    let set = set([Take(vec![Read, Write(BUSY), Stay])], "max_attempts = 3", "");
    let reply = set.call(false).await.unwrap();
    assert_eq!((reply.status, reply.retries), (503, 0));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_sent_anything_is_tried_again() {
    let set = set([Refuse, Hang, answering(1)], "max_attempts = 3", "");
    let reply = set.call(false).await.unwrap();
    assert_eq!((reply.status, reply.retries, set.dials()), (200, 2, 3));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_when_its_time_has_come() {
    let mut set = set([Take(vec![Read, Write(OK), Stay])], "", "");
    set.call(true).await.unwrap();
    let began = Instant::now();
    took(set.closed().await - began, 30_000);
    assert_eq!(set.metrics.pool_connections.get(), 0);
    set.call(true).await.unwrap();
    assert_eq!((set.dials(), set.stale()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_closed_however_busy_it_was() {
    let act = Take(vec![Read, Write(OK), Read, Write(OK), Read, Write(OK), Stay]);
    let mut set = set([act], "", "max_lifetime = '25s'");
    let began = Instant::now();
    for _ in 0..3 {
        set.call(true).await.unwrap();
        sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(set.dials(), 1);
    took(set.closed().await - began, 25_000);
}

#[tokio::test(start_paused = true)]
async fn the_connection_used_last_is_used_first_so_that_the_others_age() {
    let slow = Take([Read, Wait(100), Write(OK)].repeat(20));
    let set = set([slow], "", "");
    let calls = [set.begun().await, set.begun().await, set.begun().await];
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(set.metrics.pool_connections.get(), 3);
    for _ in 0..8 {
        set.call(true).await.unwrap();
        sleep(Duration::from_secs(4)).await;
    }
    assert_eq!((set.dials(), set.metrics.pool_connections.get()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn changed_limits_hold_from_the_next_call_on() {
    let set = set([Take(vec![Read, Wait(900), Write(OK)])], "", "size = 1");
    let first = set.begun().await;
    set.config.send(Arc::new(config("", "size = 2"))).unwrap();
    let second = set.begun().await;
    assert_eq!(set.dials(), 2);
    set.config.send(Arc::new(config("", "size = 2\nmax_lifetime = '1s'"))).unwrap();
    assert_eq!(set.call(true).await.unwrap_err().error, HopError::Timeout(Phase::Pool));
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_dropped_closes_its_connections() {
    let mut set = set([Take(vec![Read, Write(OK), Stay])], "", "");
    set.call(true).await.unwrap();
    let began = Instant::now();
    set.pool = self::set([Hang], "", "").pool;
    took(set.closed().await - began, 0);
}
