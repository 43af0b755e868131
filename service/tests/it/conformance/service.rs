//! The service as its clients see it: requests go in, answers come out, and what was counted and logged
//! can be looked at.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use authd::clock::{Timestamp, VirtualClock};
use authd::config::front::FrontConfig;
use authd::config::live::Live;
use authd::directory::{self, Directory};
use authd::entropy::SeededEntropy;
use authd::front::throttle::Throttle;
use authd::front::{self, Front, Pseudonyms};
use authd::hash::Hasher;
use authd::hash::breached::Breached;
use authd::hop::within::Within;
use authd::http::Peer;
use authd::http::log::Log;
use authd::http::passage::{self, Means};
use authd::metrics::Metrics;
use authd::token::keys::KeyRing;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::interface;
use super::stage::{Seen, Stage, Way, Weather};

/// Whom most requests come from.
const CLIENT: &str = "192.0.2.1:40000";

/// The seed of the signing keys, the same for every front as if they lay in one directory.
pub(super) const KEYS: u64 = 7;

/// A front and its directory.
pub(super) struct Service {
    pub(super) router: Router,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) hasher: Hasher,
    pub(super) metrics: Arc<Metrics>,
    settings: watch::Sender<Arc<FrontConfig>>,
    way: Arc<Way>,
    log: Log,
    page: Page,
    seen: Seen,
}

/// An answer and how long it took on the clock that stands still.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) took: Duration,
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A member of the body that is a text.
    pub(super) fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}")).to_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and error code.
    pub(super) fn said(&self) -> String {
        format!("{} {}", self.status, self.json()["error"].as_str().unwrap_or("-"))
    }
}

impl Service {
    pub(super) fn new(stage: &Stage, config: FrontConfig) -> Self {
        let entropy = Arc::new(SeededEntropy::new(stage.seed()));
        let clock = stage.clock.clone();
        let metrics = Arc::new(Metrics::new());
        let directory = directory::router(Arc::new(Directory {
            store: stage.store.clone(),
            config: Live::fixed(Stage::directory_config()),
            clock: clock.clone(),
            metrics: Arc::new(Metrics::new()),
            secret: None,
        }));
        let way = Arc::new(Way {
            directory: Within(directory),
            limit: config.directory.request_timeout.get(),
            weather: Mutex::new(Weather::Fair),
            calls: Mutex::default(),
            under_way: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        });
        let hasher = Hasher::new(&config.passwords, metrics.clone(), entropy.clone());
        let keys = KeyRing::ephemeral(&SeededEntropy::new(KEYS), Timestamp(0));
        let breached = config.passwords.breached.as_deref().map(|path| Breached::open(path).unwrap());
        let (settings, config) = Live::new(config);
        let router = front::router(Arc::new(Front {
            config: config.clone(),
            transport: way.clone(),
            keys: Live::fixed(keys),
            hasher: hasher.clone(),
            breached,
            clock: clock.clone(),
            entropy: entropy.clone(),
            metrics: metrics.clone(),
            throttle: Throttle::default(),
            pseudonyms: Pseudonyms::drawn(&*entropy),
        }));
        let page = Page::default();
        let log = Log::to(page.clone(), clock.clone(), metrics.clone());
        let means = Means {
            config,
            metrics: metrics.clone(),
            log: log.clone(),
            entropy,
            always: front::ALWAYS,
            turned: front::turned,
        };
        let router = passage::layer(router, means);
        Self { router, clock, hasher, metrics, settings, way, log, page, seen: stage.seen.clone() }
    }

    /// Puts another configuration into force, as a reload does.
    pub(super) fn reconfigure(&self, change: impl FnOnce(&mut FrontConfig)) {
        let mut config = FrontConfig::clone(&self.settings.borrow());
        change(&mut config);
        self.settings.send_replace(Arc::new(config));
    }

    pub(super) fn weather(&self, weather: Weather) {
        *self.way.weather.lock().unwrap() = weather;
    }

    /// The paths of calls to the directory since this was last asked.
    pub(super) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.way.calls.lock().unwrap())
    }

    /// Sign-ins so far by how they ended, without those that are none.
    pub(super) fn logins(&self) -> BTreeMap<String, u64> {
        let text = self.metrics.text();
        let counted = text.lines().filter_map(|line| line.strip_prefix("auth_login_total{result=\""));
        let counted = counted.map(|rest| rest.split_once("\"} ").unwrap());
        let counted = counted.map(|(result, count)| (result.to_owned(), count.parse().unwrap()));
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// The last line of the access log.
    pub(super) fn logged(&self) -> Value {
        self.log.flush(Duration::from_secs(5));
        let page = self.page.0.lock().unwrap();
        let text = std::str::from_utf8(&page).unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    /// All that was logged.
    pub(super) fn log(&self) -> String {
        self.log.flush(Duration::from_secs(5));
        String::from_utf8(self.page.0.lock().unwrap().clone()).unwrap()
    }

    /// What threads have done and have still to do. While it changes, or something is under way, time
    /// stands still.
    fn work(&self) -> [u64; 4] {
        let Way { under_way, answered, .. } = &*self.way;
        [
            self.metrics.hash_submitted.get(),
            self.metrics.hash_completed.get(),
            under_way.load(Ordering::SeqCst),
            answered.load(Ordering::SeqCst),
        ]
    }

    /// Waits for an answer. Time goes on by a millisecond whenever timers alone are waited for.
    pub(super) async fn drive<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        loop {
            let before = self.work();
            let polled = std::future::poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
            if let Poll::Ready(answer) = polled {
                return answer;
            }
            let [submitted, completed, under_way, _] = self.work();
            if self.work() != before || submitted != completed || under_way > 0 {
                std::thread::sleep(Duration::from_micros(20));
                tokio::task::yield_now().await;
            } else {
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        }
    }

    /// Lets what nobody waits for come to its end.
    pub(super) async fn settle(&self) {
        for _ in 0..5 {
            self.drive(tokio::task::yield_now()).await;
            let [mut submitted, mut completed, mut under_way, _] = self.work();
            while submitted != completed || under_way > 0 {
                std::thread::sleep(Duration::from_micros(100));
                tokio::task::yield_now().await;
                [submitted, completed, under_way, _] = self.work();
            }
        }
    }

    /// Sends a request as it is, and holds the answer against the documentation.
    pub(super) async fn send(&self, mut request: Request<Body>) -> Answer {
        if request.extensions().get::<Peer>().is_none() {
            let peer: SocketAddr = CLIENT.parse().unwrap();
            request.extensions_mut().insert(Peer(peer));
        }
        let operation = interface::operation(request.method(), request.uri().path());
        let begun = Instant::now();
        let response = self.drive(self.router.clone().oneshot(request)).await.unwrap();
        let took = begun.elapsed();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body, took };
        if let Some(operation) = operation {
            interface::documented(&operation, &answer);
            self.seen.lock().unwrap().insert((operation, answer.status));
        }
        answer
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(posted(path, &body)).await
    }

    pub(super) async fn form(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(filled(path).body(written(parameters)).unwrap()).await
    }

    /// The same with an access token.
    pub(super) async fn form_as(&self, bearer: &str, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let request = filled(path).header(AUTHORIZATION, format!("Bearer {bearer}"));
        self.send(request.body(written(parameters)).unwrap()).await
    }

    pub(super) async fn register(&self, login: &str, password: &str) -> Answer {
        self.post("/register", json!({"login": login, "password": password})).await
    }

    pub(super) async fn login(&self, login: &str, password: &str) -> Answer {
        self.post("/login", json!({"login": login, "password": password})).await
    }

    pub(super) async fn login_from(&self, device: &str, login: &str, password: &str) -> Answer {
        let body = json!({"login": login, "password": password, "device_token": device});
        self.post("/login", body).await
    }

    pub(super) async fn refresh(&self, token: &str) -> Answer {
        self.post("/refresh", json!({"refresh_token": token})).await
    }

    /// Ana, who has an account and has just signed in.
    pub(super) async fn ana(&self) -> Answer {
        assert_eq!(self.register(ANA, PASSWORD).await.status, 201);
        let answer = self.login(ANA, PASSWORD).await;
        assert_eq!(answer.status, 200);
        self.calls();
        answer
    }
}

pub(super) const ANA: &str = "ana@x.example";
pub(super) const PASSWORD: &str = "correct horse battery";

pub(super) fn posted(path: &str, body: &Value) -> Request<Body> {
    Request::post(path).header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
}

fn filled(path: &str) -> axum::http::request::Builder {
    Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded")
}

fn written(parameters: &[(&str, &str)]) -> Body {
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    Body::from(pairs.collect::<Vec<_>>().join("&"))
}
