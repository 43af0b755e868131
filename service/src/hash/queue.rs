//! Threads that do nothing but hash, and the bounded queue before them. When the queue is full, work is
//! refused at once: a sign-in that would wait longer than its caller does helps nobody. Work whose
//! caller has gone is not done.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::scheme::{Bench, Cost};
use crate::metrics::Metrics;

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many passwords are waiting to be hashed")
    }
}

impl std::error::Error for Busy {}

/// Work with somebody who waits for it.
trait Job: Send {
    /// Whether nobody waits any more.
    fn gone(&self) -> bool;
    fn run(self: Box<Self>, bench: &mut Bench);
}

struct Order<W, T> {
    work: W,
    answer: oneshot::Sender<T>,
}

impl<T: Send, W: FnOnce(&mut Bench) -> T + Send> Job for Order<W, T> {
    fn gone(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, bench: &mut Bench) {
        let _ = self.answer.send((self.work)(bench));
    }
}

/// The threads and what waits for them.
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
    capacity: usize,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Instant, Box<dyn Job>)>,
    /// Threads that wait for work.
    idle: usize,
    closed: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("capacity", &self.0.capacity).finish_non_exhaustive()
    }
}

impl Queue {
    /// Starts so many threads, each with the memory of one hash.
    pub(super) fn start(threads: usize, capacity: usize, cost: Cost, metrics: Arc<Metrics>) -> Self {
        let state = Mutex::new(State::default());
        let shared = Arc::new(Shared { state, arrived: Condvar::new(), capacity, metrics });
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("hash-{number}"));
            thread.spawn(move || shared.work(cost)).expect("bug: the system starts no threads");
        }
        Self(shared)
    }

    /// Has work done, or refuses where too much is waiting.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T, Busy>
    where
        T: Send + 'static,
        W: FnOnce(&mut Bench) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.0.submit(Box::new(Order { work, answer }))?;
        // An answer that never comes: the work panicked, and its thread lives on.
        answered.await.map_err(|_| Busy)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.arrived.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, job: Box<dyn Job>) -> Result<(), Busy> {
        let mut state = self.state();
        let room = self.capacity + state.idle;
        if state.waiting.len() >= room {
            let before = state.waiting.len();
            state.waiting.retain(|(_, job)| !job.gone());
            self.left(before - state.waiting.len());
        }
        if state.waiting.len() >= room {
            return Err(Busy);
        }
        state.waiting.push_back((Instant::now(), job));
        drop(state);
        self.metrics.hash_queued.inc();
        self.metrics.hash_submitted.inc();
        self.arrived.notify_one();
        Ok(())
    }

    /// So many passwords wait no more.
    fn left(&self, count: usize) {
        self.metrics.hash_queued.dec_by(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// What a thread does all its life.
    fn work(&self, cost: Cost) {
        let mut bench = Bench::new(cost);
        while let Some((submitted, job)) = self.next() {
            if job.gone() {
                continue;
            }
            let begun = Instant::now();
            // A panic would end the thread, and the service with the last of them.
            if catch_unwind(AssertUnwindSafe(|| job.run(&mut bench))).is_err() {
                bench = Bench::new(cost);
            }
            self.metrics.hash(begun - submitted, begun.elapsed());
            self.metrics.hash_completed.inc();
        }
    }

    /// The next work; `None` when there will be no more.
    fn next(&self) -> Option<(Instant, Box<dyn Job>)> {
        let mut state = self.state();
        state.idle += 1;
        loop {
            if state.closed {
                return None;
            }
            if let Some(next) = state.waiting.pop_front() {
                state.idle -= 1;
                self.left(1);
                return Some(next);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
