//! A TCP proxy before a dependency that answers as late as production does: a delay drawn from a measured
//! distribution for every connect and every turn of the conversation, and faults besides. A seed
//! reproduces what is drawn.
//!
//! Knows bytes and directions, no protocol; only what tells it how a turn is to be understood (TLS, HTTP/2)
//! is looked at, in the first bytes.

mod connection;
pub(crate) mod draws;
#[cfg(test)]
mod tests;
mod timer;
mod turns;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::Replay;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use draws::Draws;
use timer::Timer;

/// How a dependency behaves as seen from its caller.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weather {
    /// How long a connection takes to be made.
    pub connect: Option<Delay>,
    /// How long each turn of the dependency takes, from the last byte it was sent to the first it answers.
    pub answer: Option<Delay>,
    /// How long each turn of the caller takes to arrive.
    pub request: Option<Delay>,
    /// Bytes a second towards the caller; no limit where absent.
    pub bandwidth: Option<u64>,
    /// What befalls connections.
    pub fault: Fault,
}

/// How long something takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Delay {
    /// The distribution.
    pub of: Replay,
    /// Whether what is drawn comes on top of the time that the dependency itself takes here. Else it is
    /// the whole time as a caller observed it: an answer that comes sooner is held back until then.
    pub on_top: bool,
}

/// What befalls connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// They are closed at once, before a byte.
    Refuse,
    /// They are reset in the middle of the first answer.
    Reset,
    /// They are taken and nothing ever comes back.
    BlackHole,
    /// They stay open so long after the dependency closed them.
    SlowClose(Duration),
}

/// A proxy that runs; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

/// What went through a proxy.
#[derive(Debug, Default)]
pub struct Counts {
    connections: AtomicU64,
    turns: AtomicU64,
    failed: AtomicU64,
    multiplexed: AtomicU64,
    late: AtomicU64,
    late_micros: AtomicU64,
    drawn: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Connections that were taken.
    pub connections: u64,
    /// Turns of callers: requests, statements, handshakes.
    pub turns: u64,
    /// Connections for which the dependency took none.
    pub failed: u64,
    /// Connections of HTTP/2: their streams share turns, so each is delayed as a whole.
    pub multiplexed: u64,
    /// Delays that were drawn.
    pub drawn: u64,
    /// Answers that came later than what was drawn, since the dependency itself took longer.
    pub late: u64,
    /// How much later, all of them together.
    pub late_by: Duration,
}

impl Counted {
    /// What came on top of earlier counts.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            connections: self.connections - earlier.connections,
            turns: self.turns - earlier.turns,
            failed: self.failed - earlier.failed,
            multiplexed: self.multiplexed - earlier.multiplexed,
            drawn: self.drawn - earlier.drawn,
            late: self.late - earlier.late,
            late_by: self.late_by.saturating_sub(earlier.late_by),
        }
    }
}

impl Counts {
    fn now(&self) -> Counted {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            connections: of(&self.connections),
            turns: of(&self.turns),
            failed: of(&self.failed),
            multiplexed: of(&self.multiplexed),
            drawn: of(&self.drawn),
            late: of(&self.late),
            late_by: Duration::from_micros(of(&self.late_micros)),
        }
    }

    fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn answered_late(&self, by: Duration) {
        Self::add(&self.late);
        self.late_micros.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Proxy {
    /// Begins to listen on a free port of loopback and to pass on to a dependency.
    ///
    /// # Errors
    /// No port can be had, or no thread for the timer.
    pub async fn start(dependency: String, weather: Weather, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let timer = Timer::start()?;
        let (weather, current) = watch::channel(weather);
        let counts = Arc::new(Counts::default());
        let all = Arc::clone(&counts);
        let accepting = tokio::spawn(async move {
            for number in 0_u64.. {
                let Ok((caller, _)) = listener.accept().await else {
                    // Out of descriptors, as a rule: the next one may come after some have ended.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                Counts::add(&all.connections);
                let way = connection::Way {
                    dependency: dependency.clone(),
                    weather: current.clone(),
                    counts: Arc::clone(&all),
                    timer: timer.clone(),
                    draws: Draws::of(seed, number),
                };
                tokio::spawn(connection::carry(caller, Instant::now(), way));
            }
        });
        Ok(Self { address, weather, counts, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes how the dependency behaves, for open connections too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// What went through so far.
    pub fn counted(&self) -> Counted {
        self.counts.now()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Connections end by themselves: they see that the weather has no sender any more.
        self.accepting.abort();
    }
}
