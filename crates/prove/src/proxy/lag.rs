//! How much later than it was asked for a caller sees an answer: what the ways between caller and proxy take
//! over loopback, and the proxy's own timer.
//!
//! A latency that is replayed is what a caller observed, from its first byte sent to the first one received,
//! while the proxy only times what lies between its read and its write. So the lag is taken off. It is no
//! constant: a thread is woken later on a busy machine. So it is measured while such a latency is replayed, by
//! a caller of the proxy's own that asks over loopback as any other does, on the same runtime and by the same
//! timer.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

use super::Weather;
use super::timer::Timer;

/// What each answer to the proxy's own caller is delayed by: long enough that both threads go to sleep.
const ASKED: Duration = Duration::from_millis(1);
/// How long after one measurement the next one begins: all of them together take some 0.5 % of a core.
const PAUSE: Duration = Duration::from_millis(30);
/// So many measurements count, the last ones: a machine that becomes busy is followed within two seconds.
const RECENT: usize = 64;

/// What is taken off a delay, as it is known at the moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Lag {
    nanos: Arc<AtomicU64>,
}

impl Lag {
    /// No measurement counts for more, so that no more is ever taken off: a process that stood still says
    /// nothing of others. For about as long Linux lets another thread run on before it is one's turn.
    pub(super) const MOST: Duration = Duration::from_millis(3);

    /// How long to wait so that a caller observes `drawn`; a delay is never negative.
    pub(super) fn off(&self, drawn: Duration) -> Duration {
        drawn.saturating_sub(Duration::from_nanos(self.nanos.load(Ordering::Relaxed)))
    }

    fn set(&self, length: Duration) {
        self.nanos.store(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Measures until the proxy's end of the conversation is gone.
    pub(super) fn measure(&self, mut proxy: TcpStream) -> io::Result<()> {
        let mut recent = Recent::default();
        loop {
            // The proxy says when. Who sends is awake, as callers are.
            proxy.read_exact(&mut [0])?;
            let begun = Instant::now();
            proxy.write_all(&[0])?;
            proxy.read_exact(&mut [0])?;
            self.set(recent.mean_with(begun.elapsed().saturating_sub(ASKED)));
        }
    }
}

/// The proxy's end of that conversation.
pub(super) async fn answer(
    caller: TcpStream,
    timer: Timer,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    caller.set_nonblocking(true)?;
    let mut caller = tokio::net::TcpStream::from_std(caller)?;
    let is_taken_off = |weather: &Weather| weather.answer.as_ref().is_some_and(|delay| !delay.on_top);
    while weather.wait_for(is_taken_off).await.is_ok() {
        caller.write_all(&[0]).await?;
        caller.read_exact(&mut [0]).await?;
        let came = Instant::now();
        timer.until(came + ASKED).await;
        caller.write_all(&[0]).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Both ends of a conversation over loopback.
pub(super) fn conversation() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    loop {
        let (far, from) = listener.accept()?;
        // Anybody may connect to a port.
        if from == near.local_addr()? {
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            return Ok((near, far));
        }
    }
}

/// The last measurements.
#[derive(Debug, Default)]
struct Recent(VecDeque<Duration>);

impl Recent {
    /// The mean of the last ones, with one more. A delay that a lag with some spread comes on top of has, as
    /// long as that spread is small beside its own, the distribution that was asked for if the lag's mean is
    /// taken off; a median would leave out that one in ten is interrupted.
    fn mean_with(&mut self, length: Duration) -> Duration {
        if self.0.len() == RECENT {
            self.0.pop_front();
        }
        self.0.push_back(length.min(Lag::MOST));
        self.0.iter().sum::<Duration>().div_f64(self.0.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use model::Latency;
    use proptest::prelude::*;

    use super::super::Delay;
    use super::*;

    const MICRO: Duration = Duration::from_micros(1);

    fn of(length: Duration) -> Lag {
        let lag = Lag::default();
        lag.set(length);
        lag
    }

    #[test]
    fn what_is_replayed_is_observed_with_its_whole_distribution() {
        let quantiles = vec![(0.5, MICRO * 5_000), (0.99, MICRO * 25_000)];
        let latency = Latency { window: String::new(), calls: 1_000_000, in_force: None, quantiles };
        let asked = latency.replay().unwrap();
        let ways = MICRO * 210;
        let observed = |share| of(ways).off(asked.at(share)) + ways;
        // One draw in a million of this lognormal is shorter than the ways.
        for share in (1..10_000).map(|share| f64::from(share) / 1e4) {
            assert_eq!(observed(share), asked.at(share), "{share}");
        }
        assert_eq!(observed(1e-9), ways);
    }

    #[test]
    fn a_lag_that_varies_is_taken_off_by_its_mean_so_that_the_distribution_is_the_one_asked_for() {
        let quantiles = vec![(0.5, MICRO * 5_000), (0.99, MICRO * 25_000)];
        let latency = Latency { window: String::new(), calls: 1_000_000, in_force: None, quantiles };
        let asked = latency.replay().unwrap();
        // One turn in ten waits for another thread.
        let lag = |turn: u32| if turn.is_multiple_of(10) { MICRO * 1_000 } else { MICRO * 60 };
        let turns = 10_000;
        let share = |turn: u32| (f64::from(turn) + 0.5) / f64::from(turns);
        let distance = |taken_off| {
            let observed = |turn| of(taken_off).off(asked.at(share(turn))) + lag(turn);
            let mut observed: Vec<Duration> = (0..turns).map(observed).collect();
            observed.sort_unstable();
            let apart = (0..).zip(&observed).map(|(turn, &length)| share(turn) - asked.share_within(length));
            apart.map(f64::abs).fold(0.0, f64::max)
        };
        let mut recent = Recent::default();
        let mean = (0..RECENT as u32).map(|turn| recent.mean_with(lag(turn))).last().unwrap();
        let (by_mean, by_median) = (distance(mean), distance(MICRO * 60));
        assert!(by_mean < 0.006 && by_median > 0.012, "{by_mean} {by_median}");
    }

    #[test]
    fn the_mean_of_the_last_measurements_counts_and_none_of_them_for_much() {
        let mut recent = Recent::default();
        let mut after = |count: usize, length: Duration| {
            (0..count).map(|_| recent.mean_with(length)).last().unwrap_or_default()
        };
        assert_eq!(after(1, MICRO * 80), MICRO * 80);
        assert_eq!(after(1, Duration::from_secs(600)), (MICRO * 80 + Lag::MOST) / 2);
        assert_eq!(after(RECENT, MICRO * 200), MICRO * 200);
    }

    #[test]
    fn the_proxys_own_caller_measures_until_the_proxy_is_gone() {
        let (near, far) = conversation().unwrap();
        let lag = Lag::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let timer = Timer::default();
        let latency =
            Latency { window: String::new(), calls: 0, in_force: None, quantiles: vec![(0.5, MICRO)] };
        let of = latency.replay().unwrap();
        let (_weather, current) =
            watch::channel(Weather { answer: Some(Delay { of, on_top: false }), ..Weather::default() });
        let measuring = lag.clone();
        let thread = std::thread::spawn(move || measuring.measure(near));
        runtime.block_on(async {
            tokio::select! {
                end = answer(far, timer.clone(), current) => panic!("{end:?}"),
                _ = timer.run() => panic!("no clock"),
                () = async { while lag.off(Lag::MOST) == Lag::MOST { tokio::task::yield_now().await } } => {}
            }
        });
        drop(runtime);
        assert!(thread.join().unwrap().is_err());
    }

    proptest! {
        #[test]
        fn the_lag_is_taken_off_whole_or_as_far_as_there_is_a_delay(lag in 0_u32..3_000, drawn in 0_u32..10_000) {
            let (lag, drawn) = (MICRO * lag, MICRO * drawn);
            prop_assert_eq!(of(lag).off(drawn) + lag, drawn.max(lag));
        }
    }
}
