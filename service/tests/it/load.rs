//! The load generator against a scripted server in memory, on virtual time.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::load::client::{Client, Dial, Dialing};
use authd::load::people::People;
use authd::load::plan::{Kind, Mix, Origin, Plan};
use authd::load::report::Report;
use authd::load::run::{self, Bounds};
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, sleep, sleep_until};

/// A server that answers at once, but not between two moments.
#[derive(Clone)]
struct Scripted {
    start: Instant,
    stalls: Option<(Duration, Duration)>,
    status: u16,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Scripted {
    fn new(stalls: Option<(Duration, Duration)>) -> Self {
        Self { start: Instant::now(), stalls, status: 200, heard: Arc::default() }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        if let Some((from, to)) = self.stalls
            && (from..to).contains(&self.start.elapsed())
        {
            sleep_until(self.start + to).await;
        }
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let tokens = r#"{"access_token":"a.b.c","refresh_token":"d.e.f"}"#;
        self.heard.lock().unwrap().push((path, String::from_utf8(body.to_vec()).unwrap()));
        Ok(Response::builder().status(self.status).body(Full::new(Bytes::from(tokens))).unwrap())
    }
}

impl Dial for Scripted {
    fn dial(&self) -> Dialing<'_> {
        let scripted = self.clone();
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let service = service_fn(move |request| scripted.clone().answer(request));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service);
            tokio::spawn(connection);
            Ok(Box::new(ours) as _)
        })
    }
}

fn plan() -> Plan {
    Plan { rate: 100.0, users: 50, skew: 1.0, mix: Mix::only(Kind::Login), origin: Origin::Own, seed: 3 }
}

const BOUNDS: Bounds = Bounds { during: Duration::from_secs(3), patience: Duration::from_secs(30) };

async fn load(plan: &Plan, bounds: Bounds, connections: u32, server: &Scripted) -> Report {
    let client = Arc::new(Client::new(Arc::new(server.clone()), connections));
    run::run(plan, bounds, client, Arc::new(People::new(plan.seed)), pending::<()>()).await
}

/// While the server stands still for a second, a hundred requests become due. A generator that waits
/// for its answers would send one of them and count one long time; what people would have waited is
/// up to a second each, evenly.
#[tokio::test(start_paused = true)]
async fn requests_that_are_due_during_a_stall_count_from_when_they_were_due() {
    let seconds = Duration::from_secs;
    for connections in [1, 256] {
        let report = load(&plan(), BOUNDS, connections, &Scripted::new(Some((seconds(1), seconds(2))))).await;
        let [row] = &report.rows[..] else { panic!("one line: {report:?}") };
        assert!((250..350).contains(&row.count), "{row:?}");
        // A third of all waits, a third of them evenly from 0 to 1 s: the 90th percentile is at 0.7 s.
        assert!((600.0..800.0).contains(&row.times.p90_ms), "{row:?}");
        assert!((900.0..1100.0).contains(&row.times.max_ms), "{row:?}");
        assert!(row.times.p50_ms < 10.0, "{row:?}");
        // With one connection nearly all of it is the wait for that connection, and is said as such.
        assert_eq!(report.waits.p90_ms > 500.0, connections == 1, "{report:?}");
        assert!(report.kept_up);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_answered_in_time_gives_up() {
    let server = Scripted::new(Some((Duration::ZERO, Duration::from_secs(60))));
    let report = load(&plan(), Bounds { patience: Duration::from_secs(5), ..BOUNDS }, 256, &server).await;
    let [row] = &report.rows[..] else { panic!("one line: {report:?}") };
    assert_eq!((row.outcome, row.times.max_ms.round()), ("gave_up", 5001.0));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_refreshed_and_verified_once_somebody_has_some() {
    let server = Scripted::new(None);
    let mix = "login=1,refresh=1,verify=1".parse().unwrap();
    let report = load(&Plan { mix, ..plan() }, BOUNDS, 8, &server).await;
    let kinds: Vec<_> = report.rows.iter().map(|row| (row.kind, row.outcome)).collect();
    assert_eq!(kinds, [("login", "ok"), ("refresh", "ok"), ("verify", "ok")]);
    let heard = server.heard.lock().unwrap();
    let said = |path: &str| heard.iter().find(|(heard, _)| heard == path).map(|(_, body)| body.clone());
    assert_eq!(said("/refresh").unwrap(), r#"{"refresh_token":"d.e.f"}"#);
    assert_eq!(said("/introspect").unwrap(), "token=a.b.c");
    assert!(said("/login").unwrap().contains("@people.example"));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_stopped_tells_what_it_has() {
    let server = Scripted::new(Some((Duration::from_millis(500), Duration::from_secs(60))));
    let client = Arc::new(Client::new(Arc::new(server), 256));
    let stop = sleep(Duration::from_secs(1));
    let report = run::run(&plan(), BOUNDS, client, Arc::new(People::new(1)), stop).await;
    assert!(report.unfinished > 20 && report.rows[0].count > 20, "{report:?}");
    assert!((report.seconds - 1.0).abs() < 0.1);
    assert!((80.0..120.0).contains(&report.offered_rate), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn answers_are_told_apart_by_what_they_mean() {
    for (status, outcome) in [
        (401, "refused"),
        (429, "throttled"),
        (503, "unavailable"),
        (504, "timeout"),
        (400, "request_error"),
        (500, "server_error"),
    ] {
        let server = Scripted { status, ..Scripted::new(None) };
        let report = load(&plan(), BOUNDS, 8, &server).await;
        assert_eq!(report.rows.iter().map(|row| row.outcome).collect::<Vec<_>>(), [outcome]);
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_are_made_once_each() {
    let server = Scripted { status: 201, ..Scripted::new(None) };
    let client = Arc::new(Client::new(Arc::new(server.clone()), 4));
    run::register(50, 4, &client).await.unwrap();
    let mut logins: Vec<_> = server.heard.lock().unwrap().iter().map(|(_, body)| body.clone()).collect();
    logins.sort();
    logins.dedup();
    assert_eq!(logins.len(), 50);
    let server = Scripted { status: 400, ..Scripted::new(None) };
    let client = Arc::new(Client::new(Arc::new(server), 4));
    assert!(run::register(50, 4, &client).await.is_err());
}
