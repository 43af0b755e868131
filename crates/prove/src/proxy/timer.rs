//! Wakes at a moment, to within some tens of microseconds. The timer of the runtime counts whole
//! milliseconds, which is a fifth of what a database often takes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

/// A thread that waits; it ends with the last handle.
#[derive(Debug, Clone)]
pub(super) struct Timer {
    shared: Arc<Handle>,
}

#[derive(Debug)]
struct Handle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    alarms: BinaryHeap<Reverse<Alarm>>,
    over: bool,
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
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("proxy-timer".to_owned()).spawn(move || of_thread.run())?;
        Ok(Self { shared: Arc::new(Handle(shared)) })
    }

    /// Waits until a moment; at once if it is past.
    pub(super) async fn until(&self, at: Instant) {
        if at <= Instant::now() {
            return;
        }
        let (wake, woken) = oneshot::channel();
        self.shared.0.add(Alarm { at, wake });
        // A timer that ended wakes everybody.
        let _ = woken.await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, alarm: Alarm) {
        let mut waiting = self.lock();
        let sooner = waiting.alarms.peek().is_none_or(|Reverse(first)| alarm.at < first.at);
        waiting.alarms.push(Reverse(alarm));
        drop(waiting);
        if sooner {
            self.changed.notify_one();
        }
    }

    fn run(&self) {
        let mut waiting = self.lock();
        while !waiting.over {
            let now = Instant::now();
            while waiting.alarms.peek().is_some_and(|Reverse(first)| first.at <= now) {
                if let Some(Reverse(alarm)) = waiting.alarms.pop() {
                    // Whoever waited may have gone.
                    let _ = alarm.wake.send(());
                }
            }
            waiting = match waiting.alarms.peek() {
                Some(Reverse(first)) => {
                    let length = first.at.saturating_duration_since(now);
                    let woken = self.changed.wait_timeout(waiting, length);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
