//! The pool over sockets: a call takes a slot, then a kept connection or a new one, and tries again
//! where that can help, all within the limits of the configuration in force.
//!
//! What is tried again:
//! - Where no connection could be made, nothing was sent: any request, up to `max_attempts`.
//! - Where the connection broke, or the answer was 502 or 503: repeatable requests, up to
//!   `max_attempts`, after a back-off, or after the callee's `Retry-After` where that is longer; not
//!   where the wait would outlast the call.
//! - Where a *kept* connection turns out to be closed before a byte of the answer: the callee's
//!   idle limit ran out at the wrong moment, which says nothing about its health. So it is no attempt:
//!   the request goes out once more on a new connection at once, and is counted as `auth_pool_stale`.
//!   Requests that are not repeatable go again only where nothing of them was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, header};
use http_body_util::Full;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::callee::{Callee, Dial, Network};
use super::connection::{Answer, Connection, Stage};
use super::kept::Kept;
use super::slots::{Slot, Slots};
use super::{Ask, Calling, Failed, HopError, Phase, Reply, Transport};
use crate::config::front::{FrontConfig, UpstreamConfig};
use crate::config::live::Live;
use crate::entropy::Entropy;
use crate::metrics::Metrics;

/// What metrics call the hop.
const HOP: &str = "directory";

/// Connections to the directory, and calls over them.
pub struct Pool<D: Dial = Network> {
    inner: Arc<Inner<D>>,
    sweeping: JoinHandle<()>,
}

struct Inner<D> {
    config: Live<FrontConfig>,
    callee: Callee,
    dial: D,
    slots: Arc<Slots>,
    kept: Kept,
    first_kept: Notify,
    metrics: Arc<Metrics>,
    entropy: Arc<dyn Entropy>,
}

impl<D: Dial> Drop for Pool<D> {
    fn drop(&mut self) {
        self.sweeping.abort();
    }
}

impl Pool {
    /// A pool over the network. Makes no connection yet. Where it leads is decided now; its limits are
    /// those of the configuration in force at each call.
    ///
    /// # Errors
    ///
    /// Says which key or file of `[directory]` is not what it should be.
    pub fn new(
        config: Live<FrontConfig>,
        metrics: Arc<Metrics>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, String> {
        Self::over(Network, config, metrics, entropy)
    }
}

impl<D: Dial> Pool<D> {
    /// A pool whose connections are made in some way.
    ///
    /// # Errors
    ///
    /// As [`Pool::new`].
    pub fn over(
        dial: D,
        config: Live<FrontConfig>,
        metrics: Arc<Metrics>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, String> {
        let now = config.now();
        let inner = Arc::new(Inner {
            slots: Arc::new(Slots::new(size(&now.directory))),
            kept: Kept::default(),
            first_kept: Notify::new(),
            callee: Callee::of(&now.directory)?,
            config,
            dial,
            metrics,
            entropy,
        });
        let sweeping = tokio::spawn(sweep(inner.clone()));
        Ok(Self { inner, sweeping })
    }
}

/// Closes what stands idle for too long, when its time has come.
async fn sweep<D: Dial>(inner: Arc<Inner<D>>) {
    let mut config = inner.config.clone();
    loop {
        let next = inner.kept.sweep(&config.now().directory.pool);
        let due = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => inner.first_kept.notified().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = config.changed() => {}
        }
    }
}

fn size(upstream: &UpstreamConfig) -> usize {
    usize::try_from(upstream.pool.size).unwrap_or(usize::MAX)
}

impl<D: Dial> Transport for Pool<D> {
    fn call(&self, ask: Ask) -> Calling<'_> {
        Box::pin(self.inner.call(ask))
    }
}

/// A call under way. What it came to is counted when this is dropped, so also where nobody waits for it
/// any more.
struct Under<'a> {
    metrics: &'a Metrics,
    began: Instant,
    retries: AtomicU32,
    outcome: &'static str,
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        let retries = self.retries.load(Ordering::Relaxed);
        self.metrics.hop(HOP, self.outcome, retries, self.began.elapsed());
    }
}

/// A call that waits for a slot is counted until this is dropped.
struct Waiting<'a>(&'a Metrics);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.pool_waiting.dec();
    }
}

/// What metrics call an outcome.
fn word(result: &Result<Answer, HopError>) -> &'static str {
    match result {
        Ok(answer) if answer.status >= 500 => "server_error",
        Ok(_) => "ok",
        Err(HopError::Timeout(Phase::Pool)) => "pool_timeout",
        Err(HopError::Timeout(Phase::Connect)) => "connect_timeout",
        Err(HopError::Timeout(Phase::Call)) => "call_timeout",
        Err(HopError::Unreachable(_)) => "unreachable",
        Err(HopError::Broken(_)) => "broken",
    }
}

/// Whether another attempt can help, and is safe.
fn again(result: &Result<Answer, HopError>, repeatable: bool) -> bool {
    match result {
        Ok(answer) => repeatable && matches!(answer.status, 502 | 503),
        Err(HopError::Timeout(Phase::Connect) | HopError::Unreachable(_)) => true,
        Err(HopError::Broken(_)) => repeatable,
        Err(HopError::Timeout(Phase::Pool | Phase::Call)) => false,
    }
}

impl<D: Dial> Inner<D> {
    async fn call(&self, ask: Ask) -> Result<Reply, Failed> {
        let config = self.config.now();
        let upstream = &config.directory;
        let began = Instant::now();
        let metrics = &*self.metrics;
        let mut under = Under { metrics, began, retries: AtomicU32::new(0), outcome: "abandoned" };
        let limit = began + upstream.request_timeout.get();
        let attempts = self.attempts(&ask, upstream, limit, &under.retries);
        let timed_out = |_| Err(HopError::Timeout(Phase::Call));
        let result = timeout_at(limit, attempts).await.unwrap_or_else(timed_out);
        under.outcome = word(&result);
        let (retries, took) = (under.retries.load(Ordering::Relaxed), began.elapsed());
        match result {
            Ok(Answer { status, body, .. }) => Ok(Reply { status, body, retries, took }),
            Err(error) => Err(Failed { error, retries, took }),
        }
    }

    async fn attempts(
        &self,
        ask: &Ask,
        upstream: &UpstreamConfig,
        limit: Instant,
        retries: &AtomicU32,
    ) -> Result<Answer, HopError> {
        let mut made = 1;
        loop {
            let result = self.attempt(ask, upstream).await;
            if made >= upstream.max_attempts || !again(&result, ask.repeatable) {
                return result;
            }
            let asked = result.as_ref().ok().and_then(|answer| answer.retry_after).unwrap_or_default();
            let wait = self.backoff(upstream.backoff.get(), made).max(asked);
            // A wait that outlasts the call would only turn a precise failure into a timeout.
            if limit.saturating_duration_since(Instant::now()) <= wait {
                return result;
            }
            sleep(wait).await;
            retries.store(made, Ordering::Relaxed);
            made += 1;
        }
    }

    /// The wait after so many attempts: doubled each time, and drawn between half of it and all of it.
    fn backoff(&self, first: Duration, made: u32) -> Duration {
        let most = first.saturating_mul(2_u32.saturating_pow(made - 1));
        let mut drawn = [0; 4];
        self.entropy.fill(&mut drawn);
        let share = f64::from(u32::from_be_bytes(drawn)) / f64::from(u32::MAX);
        most.mul_f64(0.5 + share / 2.0)
    }

    async fn attempt(&self, ask: &Ask, upstream: &UpstreamConfig) -> Result<Answer, HopError> {
        let slot = self.slot(upstream).await?;
        if let Some(mut kept) = self.kept.take(&upstream.pool) {
            match kept.send(request(ask, &self.callee)).await {
                Ok(answer) => {
                    self.keep(kept, slot);
                    return Ok(answer);
                }
                Err(lost) => {
                    let stale =
                        lost.stage == Stage::Unsent || lost.stage == Stage::Unanswered && ask.repeatable;
                    if !stale {
                        return Err(HopError::Broken(lost.why));
                    }
                    self.metrics.pool_stale.inc();
                }
            }
        }
        let mut made = self.connect(upstream).await?;
        match made.send(request(ask, &self.callee)).await {
            Ok(answer) => {
                self.keep(made, slot);
                Ok(answer)
            }
            Err(lost) => Err(HopError::Broken(lost.why)),
        }
    }

    async fn slot(&self, upstream: &UpstreamConfig) -> Result<Slot, HopError> {
        self.metrics.pool_waiting.inc();
        let _waiting = Waiting(&self.metrics);
        let taking = self.slots.take(size(upstream));
        let taken = timeout(upstream.pool.acquire_timeout.get(), taking).await;
        taken.map_err(|_| HopError::Timeout(Phase::Pool))
    }

    async fn connect(&self, upstream: &UpstreamConfig) -> Result<Connection, HopError> {
        let until = Instant::now() + upstream.connect_timeout.get();
        let connecting = async {
            let io = self.dial.dial(&self.callee, until).await.map_err(|error| error.to_string())?;
            let made = Connection::over(io, self.metrics.clone()).await;
            made.map_err(|error| error.to_string())
        };
        match timeout_at(until, connecting).await {
            Ok(made) => made.map_err(HopError::Unreachable),
            Err(_) => Err(HopError::Timeout(Phase::Connect)),
        }
    }

    /// Keeps a connection for the next call. It is there before the slot is free, so that who takes the
    /// slot finds it.
    fn keep(&self, connection: Connection, slot: Slot) {
        if self.kept.put(connection) {
            self.first_kept.notify_one();
        }
        drop(slot);
    }
}

/// The request that asks.
fn request(ask: &Ask, callee: &Callee) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::<Bytes>::new(ask.body.clone()));
    *request.method_mut() = ask.method();
    *request.uri_mut() = axum::http::Uri::from_static(ask.path);
    let headers = request.headers_mut();
    headers.insert(header::HOST, callee.authority.clone());
    if !ask.body.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(authorization) = &callee.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    for (name, value) in &ask.passed {
        // What a header cannot carry came from a client, and is of no use to the callee.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(*name, value);
        }
    }
    request
}

#[cfg(test)]
mod tests;
