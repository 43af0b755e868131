//! Wakes at a moment, to within some tens of microseconds. The timer of the runtime counts whole
//! milliseconds, which is a fifth of what a database often takes.
//!
//! It is a task of the proxy's own runtime, so that one wakeup of the thread both ends the waiting and
//! passes on the bytes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

/// Those who wait for moments.
#[derive(Debug, Clone, Default)]
pub(super) struct Timer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    alarms: Mutex<BinaryHeap<Reverse<Alarm>>>,
    /// The first of them is another one.
    sooner: Notify,
}

#[derive(Debug)]
struct Alarm {
    at: Instant,
    wake: oneshot::Sender<()>,
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Alarm {}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Timer {
    /// Waits until a moment; at once if it is past.
    pub(super) async fn until(&self, at: Instant) {
        if at <= Instant::now() {
            return;
        }
        let (wake, woken) = oneshot::channel();
        self.add(Alarm { at, wake });
        // A timer that ended wakes everybody.
        let _ = woken.await;
    }

    /// Wakes those who wait, for as long as it is let run.
    ///
    /// # Errors
    /// The system gives no clock.
    pub(super) async fn run(&self) -> io::Result<()> {
        let mut bell = Bell::new()?;
        let mut lead = Lead(Duration::from_micros(50));
        loop {
            match self.wake() {
                Some(first) => tokio::select! {
                    rung = lead.until(first, &mut bell) => rung?,
                    () = self.shared.sooner.notified() => {}
                },
                None => self.shared.sooner.notified().await,
            }
        }
    }

    /// Wakes all whose moment has come, and gives the next one.
    fn wake(&self) -> Option<Instant> {
        let mut alarms = self.lock();
        let now = Instant::now();
        while alarms.peek().is_some_and(|Reverse(first)| first.at <= now) {
            if let Some(Reverse(alarm)) = alarms.pop() {
                // Whoever waited may have gone.
                let _ = alarm.wake.send(());
            }
        }
        alarms.peek().map(|Reverse(first)| first.at)
    }

    fn add(&self, alarm: Alarm) {
        let mut alarms = self.lock();
        let sooner = alarms.peek().is_none_or(|Reverse(first)| alarm.at < first.at);
        alarms.push(Reverse(alarm));
        drop(alarms);
        if sooner {
            self.shared.sooner.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BinaryHeap<Reverse<Alarm>>> {
        self.shared.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long before a moment one must be called so as to be there: a thread that sleeps is not woken at
/// once. It is learnt from how late one was.
struct Lead(Duration);

impl Lead {
    /// A machine that is so busy that waking takes longer is not helped by a thread that waits awake.
    const MOST: Duration = Duration::from_micros(200);
    /// One call in four that comes too late weighs as much as three that do not.
    const LONGER: Duration = Duration::from_micros(3);
    const SHORTER: Duration = Duration::from_micros(1);

    async fn until(&mut self, moment: Instant, bell: &mut Bell) -> io::Result<()> {
        if let Some(call) = moment.checked_sub(self.0)
            && call > Instant::now()
        {
            bell.at(call).await?;
            self.0 = match Instant::now() > moment {
                true => (self.0 + Self::LONGER).min(Self::MOST),
                false => self.0.saturating_sub(Self::SHORTER),
            };
        }
        while Instant::now() < moment {
            // Others have their turn meanwhile.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Rings at a moment, to the microsecond: a clock that Linux gives as a file. One waits for such a file as
/// for a pipe, whose type is the one of the runtime's that takes any file without `unsafe`.
#[cfg(target_os = "linux")]
struct Bell(tokio::net::unix::pipe::Receiver);

#[cfg(target_os = "linux")]
impl Bell {
    fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let clock = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        tokio::net::unix::pipe::Receiver::from_owned_fd_unchecked(clock).map(Self)
    }

    async fn at(&mut self, moment: Instant) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        use tokio::io::AsyncReadExt as _;
        // Nothing at all would disarm it.
        let length = moment.saturating_duration_since(Instant::now()).as_nanos().max(1);
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let length = Timespec {
            tv_sec: i64::try_from(length / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: (length % 1_000_000_000) as _,
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: length };
        // An earlier moment that was given up takes its ring with it: a clock that is set anew counts from 0.
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        self.0.read_exact(&mut [0; 8]).await.map(|_| ())
    }
}

/// Where the system has no such clock: the runtime's own, to the millisecond.
#[cfg(not(target_os = "linux"))]
struct Bell;

#[cfg(not(target_os = "linux"))]
impl Bell {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn at(&mut self, moment: Instant) -> io::Result<()> {
        tokio::time::sleep_until(moment.into()).await;
        Ok(())
    }
}
