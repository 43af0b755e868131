//! A TCP proxy before a dependency that answers as late as production does: a delay drawn from a measured
//! distribution for every connect and every turn of the conversation, and faults besides. A seed
//! reproduces what is drawn.
//!
//! Knows bytes and directions, no protocol; only what tells it how a turn is to be understood (TLS, HTTP/2)
//! is looked at, at the beginning of what a caller sends.

mod connection;
pub mod draws;
mod lag;
mod spread;
#[cfg(test)]
mod tests;
mod timer;
mod turns;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::Replay;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};

use draws::Draws;
use lag::Lag;
use spread::Notes;
pub use spread::Spread;
use timer::Timer;

/// Connections that wait to be taken; what Linux allows by default (`net.core.somaxconn` is 4096 since 5.4).
const BACKLOG: u32 = 4096;

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
    /// Whether what is drawn comes on top of the time that the dependency itself takes here, the ways over
    /// loopback included. Else it is the whole time as a caller observed it: an answer that comes sooner is
    /// held back until then, less what the ways between caller and proxy take.
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
///
/// It has a thread of its own: what people's clients compute in the same process delays no turn.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    counts: Arc<Counts>,
    /// Its end is heard by the thread.
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What went through a proxy.
#[derive(Debug, Default)]
pub struct Counts {
    connections: AtomicU64,
    calls: AtomicU64,
    turns: AtomicU64,
    failed: AtomicU64,
    multiplexed: AtomicU64,
    tls: AtomicU64,
    late: AtomicU64,
    late_micros: AtomicU64,
    drawn: AtomicU64,
    drawn_micros: AtomicU64,
    released: Notes,
    forwarded: Notes,
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// Connections that were taken.
    pub connections: u64,
    /// Calls that were begun: every turn of a caller, and every connection over which none came, as one that
    /// was given up before it stood.
    pub calls: u64,
    /// Turns of callers: requests, statements, handshakes.
    pub turns: u64,
    /// Connections for which the dependency took none.
    pub failed: u64,
    /// Connections of HTTP/2: their streams share turns, so each is delayed as a whole.
    pub multiplexed: u64,
    /// Connections of TLS, from the beginning or after an upgrade: what is spoken inside is not seen, and
    /// flights of the handshake are no turns.
    pub tls: u64,
    /// Delays that were drawn.
    pub drawn: u64,
    /// How long all of them are together: the same seed and the same turns give the same.
    pub drawn_for: Duration,
    /// Answers that came later than what was drawn, since the dependency itself took longer.
    pub late: u64,
    /// How much later, all of them together.
    pub late_by: Duration,
    /// What the proxy added to turns that were delayed: from when they were due until they were passed on.
    pub released: Spread,
    /// What it added to turns that were not: from when they came until they were passed on.
    pub forwarded: Spread,
}

impl Counted {
    /// What came on top of earlier counts.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            connections: self.connections - earlier.connections,
            calls: self.calls - earlier.calls,
            turns: self.turns - earlier.turns,
            failed: self.failed - earlier.failed,
            multiplexed: self.multiplexed - earlier.multiplexed,
            tls: self.tls - earlier.tls,
            drawn: self.drawn - earlier.drawn,
            drawn_for: self.drawn_for.saturating_sub(earlier.drawn_for),
            late: self.late - earlier.late,
            late_by: self.late_by.saturating_sub(earlier.late_by),
            released: self.released.since(&earlier.released),
            forwarded: self.forwarded.since(&earlier.forwarded),
        }
    }
}

impl Counts {
    fn now(&self) -> Counted {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            connections: of(&self.connections),
            calls: of(&self.calls),
            turns: of(&self.turns),
            failed: of(&self.failed),
            multiplexed: of(&self.multiplexed),
            tls: of(&self.tls),
            drawn: of(&self.drawn),
            drawn_for: Duration::from_micros(of(&self.drawn_micros)),
            late: of(&self.late),
            late_by: Duration::from_micros(of(&self.late_micros)),
            released: self.released.now(),
            forwarded: self.forwarded.now(),
        }
    }

    fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn add_micros(count: &AtomicU64, length: Duration) {
        count.fetch_add(u64::try_from(length.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn drew(&self, length: Duration) {
        Self::add(&self.drawn);
        Self::add_micros(&self.drawn_micros, length);
    }

    fn answered_late(&self, by: Duration) {
        Self::add(&self.late);
        Self::add_micros(&self.late_micros, by);
    }
}

impl Proxy {
    /// Begins to listen on a free port of loopback and to pass on to a dependency.
    ///
    /// # Errors
    /// No port can be had, or no thread.
    pub fn start(dependency: String, weather: Weather, seed: u64) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            socket.listen(BACKLOG)?
        };
        let address = listener.local_addr()?;
        let timer = Timer::default();
        let lag = Lag::default();
        let (weather, current) = watch::channel(weather);
        let replayed = current.clone();
        let counts = Arc::new(Counts::default());
        let taking = Taking {
            dependency,
            weather: current,
            counts: Arc::clone(&counts),
            timer: timer.clone(),
            lag: lag.clone(),
            seed,
        };
        let (over, ends) = oneshot::channel::<()>();
        let (near, far) = lag::conversation()?;
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let measuring = named("lag").spawn(move || lag.measure(near))?;
        let thread = named("proxy").spawn(move || {
            runtime.block_on(async {
                tokio::spawn(lag::answer(far, timer.clone(), replayed));
                tokio::select! {
                    () = taking.all(listener) => {}
                    _ = timer.run() => {}
                    _ = ends => {}
                }
            });
            // All connections end with the runtime; a name that is still being looked up is not awaited.
            runtime.shutdown_background();
            // Its conversation ended with them.
            let _ = measuring.join();
        })?;
        Ok(Self { address, weather, counts, over: Some(over), thread: Some(thread) })
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
        self.over.take();
        if let Some(thread) = self.thread.take() {
            // It panicked or it ended: either way nobody listens any more.
            let _ = thread.join();
        }
    }
}

/// What the thread needs to take connections.
struct Taking {
    dependency: String,
    weather: watch::Receiver<Weather>,
    counts: Arc<Counts>,
    timer: Timer,
    lag: Lag,
    seed: u64,
}

impl Taking {
    async fn all(self, listener: TcpListener) {
        for number in 0_u64.. {
            let Ok((caller, _)) = listener.accept().await else {
                // Out of descriptors, as a rule: the next one may come after some have ended.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            Counts::add(&self.counts.connections);
            // The call that it is made for; the first turn is not counted again.
            Counts::add(&self.counts.calls);
            let way = connection::Way {
                dependency: self.dependency.clone(),
                weather: self.weather.clone(),
                counts: Arc::clone(&self.counts),
                timer: self.timer.clone(),
                lag: self.lag.clone(),
                draws: Draws::of(self.seed, number),
            };
            tokio::spawn(connection::carry(caller, Instant::now(), way));
        }
    }
}
