//! What a scenario is played on: a store, a clock, and the weather between front and directory.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use authd::clock::{Timestamp, VirtualClock};
use authd::config::directory::DirectoryConfig;
use authd::config::front::FrontConfig;
use authd::hop::within::Within;
use authd::hop::{Ask, Calling, Failed, HopError, Phase, Reply, Transport};
use authd::store::memory::Memory;
use authd::store::{self, Store};
use axum::body::Bytes;
use tokio::time::Instant;

use super::Service;
use crate::postgres;
use crate::store::in_file;
use crate::temporary::Directory;

/// A Monday in October 2026.
const BEGIN: Timestamp = Timestamp(1_792_000_000_000);

/// Operations and the statuses that they were seen to answer with.
pub(super) type Seen = Arc<Mutex<BTreeSet<(String, u16)>>>;

/// A store and a clock.
pub(super) struct Stage {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) seen: Seen,
    fronts: AtomicU64,
    folder: Directory,
}

impl Stage {
    fn over(store: Arc<dyn Store>, folder: Directory) -> Self {
        let clock = Arc::new(VirtualClock::at(BEGIN));
        Self { store, clock, seen: Seen::default(), fronts: AtomicU64::new(0), folder }
    }

    pub(super) fn in_memory() -> Self {
        Self::over(Arc::new(Memory::default()), Directory::new())
    }

    pub(super) fn on_sqlite() -> Self {
        let folder = Directory::new();
        let store = store::open(&in_file(&folder)).unwrap();
        Self::over(store, folder)
    }

    /// On a database of its own, where PostgreSQL is installed.
    pub(super) async fn on_postgres(test: &str) -> Option<Self> {
        let server = postgres::server(test)?;
        let config = standing(server.database()).await;
        Some(Self::over(store::open(&config).unwrap(), Directory::new()))
    }

    /// What a front of this stage draws from: another stream for each.
    pub(super) fn seed(&self) -> u64 {
        1000 + self.fronts.fetch_add(1, Ordering::Relaxed)
    }

    /// The path of a file that ends with the scenario.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Statuses are noted elsewhere too.
    pub(super) fn noting(mut self, seen: &Seen) -> Self {
        self.seen = seen.clone();
        self
    }

    /// The service as it is by default, but for cheap hashes and no limit by address.
    pub(super) fn service(&self) -> Service {
        self.service_with(|_| ())
    }

    /// The service, configured otherwise.
    pub(super) fn service_with(&self, change: impl FnOnce(&mut FrontConfig)) -> Service {
        let mut config: FrontConfig = toml::from_str(
            "server.listen = '127.0.0.1:0'
             directory.url = 'http://directory.example'
             passwords = { memory_kib = 8, iterations = 1, hash_threads = 1, min_length = 8 }
             limits.address_burst = 0",
        )
        .unwrap();
        change(&mut config);
        Service::new(self, config)
    }

    pub(super) fn directory_config() -> DirectoryConfig {
        toml::from_str("server.listen = '127.0.0.1:0'\nlockout.threshold = 3").unwrap()
    }
}

/// Waits for something outside of this process, while time stands still.
pub(super) async fn standing<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    loop {
        let polled = std::future::poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
        if let Poll::Ready(answer) = polled {
            return answer;
        }
        std::thread::sleep(Duration::from_micros(20));
        tokio::task::yield_now().await;
    }
}

/// What happens to a call on its way to the directory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Weather {
    /// Nothing.
    Fair,
    /// The directory takes so long; the caller waits no longer than `directory.request_timeout`.
    Slow(Duration),
    /// No connection of the pool becomes free.
    Crowded,
    /// Nothing listens.
    Down,
    /// The connection breaks.
    Broken,
    /// A mistake of our own.
    Panics,
    /// The directory answers with this status and nothing of use.
    Answers(u16),
    /// The same, on one path alone.
    AnswersAt(&'static str, u16),
}

/// The way to the directory.
pub(super) struct Way {
    pub(super) directory: Within,
    pub(super) limit: Duration,
    pub(super) weather: Mutex<Weather>,
    /// Paths of all calls so far.
    pub(super) calls: Mutex<Vec<&'static str>>,
    /// Calls that the directory works on.
    pub(super) under_way: AtomicU64,
    /// Calls that it has answered.
    pub(super) answered: AtomicU64,
}

impl Transport for Way {
    fn call(&self, ask: Ask) -> Calling<'_> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(ask.path);
            let begun = Instant::now();
            let failed = |error| Err(Failed { error, retries: 0, took: begun.elapsed() });
            let empty = |status| Ok(Reply { status, body: Bytes::new(), retries: 0, took: begun.elapsed() });
            let weather = *self.weather.lock().unwrap();
            match weather {
                Weather::Slow(time) if time > self.limit => {
                    tokio::time::sleep(self.limit).await;
                    return failed(HopError::Timeout(Phase::Call));
                }
                Weather::Slow(time) => tokio::time::sleep(time).await,
                Weather::Crowded => return failed(HopError::Timeout(Phase::Pool)),
                Weather::Down => return failed(HopError::Unreachable("refused".to_owned())),
                Weather::Broken => return failed(HopError::Broken("reset".to_owned())),
                Weather::Panics => panic!("the way to the directory has a bug"),
                Weather::Answers(status) => return empty(status),
                Weather::AnswersAt(path, status) if path == ask.path => return empty(status),
                Weather::AnswersAt(..) | Weather::Fair => {}
            }
            self.under_way.fetch_add(1, Ordering::SeqCst);
            let reply = self.directory.call(ask).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            self.answered.fetch_add(1, Ordering::SeqCst);
            reply.map(|reply| Reply { took: begun.elapsed(), ..reply })
        })
    }
}
