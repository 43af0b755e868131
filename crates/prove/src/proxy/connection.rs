//! One connection through the proxy: two directions that know of each other whose turn it is.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::draws::Draws;
use super::lag::Lag;
use super::timer::Timer;
use super::turns::{Kind, Side, Turns};
use super::{Counts, Delay, Fault, Weather};

/// Bytes of one read; what most kernels give at once on loopback.
const CHUNK: usize = 16 * 1024;

/// What a connection needs of its proxy.
pub(super) struct Way {
    pub(super) dependency: String,
    pub(super) weather: watch::Receiver<Weather>,
    pub(super) counts: Arc<Counts>,
    pub(super) timer: Timer,
    pub(super) lag: Lag,
    pub(super) draws: Draws,
}

/// What both directions of a connection know.
struct Talk {
    turns: Turns,
    draws: Draws,
    /// Whether the caller had a turn.
    asked_before: bool,
    /// When the caller's last bytes were due at the dependency.
    asked: Instant,
}

/// Carries a connection to its end.
pub(super) async fn carry(caller: TcpStream, taken: Instant, way: Way) {
    // Either end may break it off at any time; that is the conversation's business.
    let _ = converse(caller, taken, way).await;
}

async fn converse(caller: TcpStream, taken: Instant, mut way: Way) -> io::Result<()> {
    let weather = way.weather.borrow().clone();
    if weather.fault == Fault::Refuse {
        return reset(&caller);
    }
    if let Some(delay) = &weather.connect {
        let drawn = delay.of.at(way.draws.share());
        way.counts.drew(drawn);
        way.timer.until(taken + drawn).await;
        way.counts.released.note((taken + drawn).elapsed());
    }
    let dependency = match TcpStream::connect(way.dependency.as_str()).await {
        Ok(dependency) => dependency,
        Err(_) => {
            Counts::add(&way.counts.failed);
            return reset(&caller);
        }
    };
    // What is small is a turn of its own and must not wait for more.
    caller.set_nodelay(true)?;
    dependency.set_nodelay(true)?;
    let Way { weather, counts, timer, lag, draws, .. } = way;
    let talk =
        Arc::new(Mutex::new(Talk { turns: Turns::default(), draws, asked_before: false, asked: taken }));
    let (from_caller, to_caller) = caller.into_split();
    let (from_dependency, to_dependency) = dependency.into_split();
    let there = Direction {
        side: Side::Caller,
        weather: weather.clone(),
        counts: Arc::clone(&counts),
        timer: timer.clone(),
        lag: lag.clone(),
        talk: Arc::clone(&talk),
    };
    let back = Direction { side: Side::Dependency, weather, counts, timer, lag, talk };
    tokio::try_join!(there.pump(from_caller, to_dependency), back.pump(from_dependency, to_caller))?;
    Ok(())
}

/// Closes with a reset instead of an orderly end.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// When bytes are to be passed on.
struct Due {
    at: Instant,
    /// They are the first of a turn.
    begins: bool,
}

/// Bytes of one side on their way to the other.
struct Direction {
    side: Side,
    weather: watch::Receiver<Weather>,
    counts: Arc<Counts>,
    timer: Timer,
    lag: Lag,
    talk: Arc<Mutex<Talk>>,
}

impl Direction {
    async fn pump(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).await?;
            let came = Instant::now();
            let (fault, bandwidth) = {
                let weather = self.weather.borrow();
                (weather.fault, weather.bandwidth)
            };
            if read == 0 {
                if let (Fault::SlowClose(length), Side::Dependency) = (fault, self.side) {
                    self.timer.until(came + length).await;
                }
                return to.shutdown().await;
            }
            let due = self.due(&chunk[..read], came);
            self.timer.until(due.at).await;
            if self.side == Side::Dependency {
                match fault {
                    Fault::BlackHole => continue,
                    Fault::Reset => {
                        to.write_all(&chunk[..read / 2]).await?;
                        reset(to.as_ref())?;
                        // A half that is dropped says an orderly end first.
                        to.forget();
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                    Fault::None | Fault::Refuse | Fault::SlowClose(_) => {}
                }
            }
            to.write_all(&chunk[..read]).await?;
            self.passed_on(&due, came);
            if let (Some(rate), Side::Dependency) = (bandwidth, self.side) {
                let length = Duration::from_secs_f64(read as f64 / rate.max(1) as f64);
                self.timer.until(Instant::now() + length).await;
            }
        }
    }

    /// When bytes that came are to be passed on; at once where that is past.
    fn due(&self, bytes: &[u8], came: Instant) -> Due {
        let mut talk = self.talk();
        let before = talk.turns.kind();
        let begins = talk.turns.begins(self.side, bytes);
        match talk.turns.kind() {
            kind if kind == before => {}
            Kind::Multiplexed => Counts::add(&self.counts.multiplexed),
            Kind::Tls => Counts::add(&self.counts.tls),
            Kind::Plain => {}
        }
        let at = match self.side {
            Side::Caller => {
                if begins && std::mem::replace(&mut talk.asked_before, true) {
                    Counts::add(&self.counts.calls);
                }
                talk.asked = if begins { self.request_due(&mut talk.draws, came) } else { came };
                talk.asked
            }
            Side::Dependency if begins => self.answer_due(&mut talk, came),
            Side::Dependency => came,
        };
        Due { at, begins }
    }

    fn request_due(&self, draws: &mut Draws, came: Instant) -> Instant {
        Counts::add(&self.counts.turns);
        match &self.weather.borrow().request {
            Some(delay) => came + self.draw(delay, draws),
            None => came,
        }
    }

    fn answer_due(&self, talk: &mut Talk, came: Instant) -> Instant {
        let weather = self.weather.borrow();
        let Some(delay) = &weather.answer else { return came };
        let drawn = self.draw(delay, &mut talk.draws);
        if delay.on_top {
            return came + drawn;
        }
        let at = talk.asked + self.lag.off(drawn);
        if at < came {
            self.counts.answered_late(came - at);
        }
        at
    }

    fn draw(&self, delay: &Delay, draws: &mut Draws) -> Duration {
        let drawn = delay.of.at(draws.share());
        self.counts.drew(drawn);
        drawn
    }

    /// Notes what the proxy itself added to a turn. Who begins a turn has read all that came before, so
    /// that no full buffer of the other side is counted here.
    fn passed_on(&self, due: &Due, came: Instant) {
        if !due.begins {
            return;
        }
        let delayed = due.at > came;
        let spread = if delayed { &self.counts.released } else { &self.counts.forwarded };
        spread.note(if delayed { due.at } else { came }.elapsed());
    }

    fn talk(&self) -> std::sync::MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
